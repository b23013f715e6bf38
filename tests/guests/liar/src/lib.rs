//! A connector whose description is whatever the label in its data says: a test writes the label into the component's bytes (see `Guest::labelled`), because
//! `describe` knows no properties. It imports `dial` and `secret`, and asks for both unless the label says otherwise.
//!
//! | label | what it does |
//! | --- | --- |
//! | `honest` | nothing wrong |
//! | `no-dial`, `no-secret` | does not ask for the capability it imports |
//! | `roles` | says it is a transformation |
//! | `twice` | describes a property twice |
//! | `pointless` | asks for the folder of a property it does not describe |
//! | `name` | its id is no id |
//! | `panic`, `loop`, `allocate`, `exit` | `describe` does not come back in peace |
//! | `version=x.y.z` | nothing wrong, and another version |

use sdk::capabilities::provisor::connector::{dial, secret};
use sdk::{Failure, Settings, log};

sdk::world!("source-connector", "../../../wit");
use exports::provisor::connector::{descriptor, source};

struct Liar;

/// What a test replaces: the text behind `=`, up to the first space.
static LABEL: [u8; 40] = *b"label of the liar=honest                ";

fn label() -> &'static str {
    // Without it the compiler would take the label above for the only one there is.
    let label = std::hint::black_box(&LABEL);
    let text = str::from_utf8(label).unwrap_or_default();
    text.split_once('=').map_or("", |(_, label)| label.trim_end())
}

impl descriptor::Guest for Liar {
    fn describe() -> descriptor::Description {
        let label = label();
        match label {
            "panic" => panic!("describe panics"),
            "loop" => loop {
                std::hint::spin_loop();
            },
            "allocate" => allocate(),
            "exit" => std::process::exit(1),
            _ => {}
        }
        log::write(log::Level::Info, "describing", None);
        let version = label.strip_prefix("version=").unwrap_or(env!("CARGO_PKG_VERSION"));
        let property = |name: &str, credential| descriptor::Property {
            name: name.to_owned(),
            kind: descriptor::PropertyKind::Text,
            default: None,
            required: false,
            credential,
            help: "For a test.".to_owned(),
            roles: Vec::new(),
        };
        let mut properties = vec![property("liar.endpoint", false), property("liar.password", true)];
        let mut capabilities = Vec::new();
        if label != "no-dial" {
            capabilities.push(descriptor::Capability::Dial(descriptor::Endpoint::Property("liar.endpoint".to_owned())));
        }
        if label != "no-secret" {
            capabilities.push(descriptor::Capability::Secret("liar.password".to_owned()));
        }
        if label == "twice" {
            properties.push(property("liar.endpoint", false));
        }
        if label == "pointless" {
            let folder = descriptor::Folder { property: "liar.folder".to_owned(), write: true, roles: Vec::new() };
            capabilities.push(descriptor::Capability::Files(folder));
        }
        descriptor::Description {
            id: if label == "name" { "../Liar" } else { "liar" }.to_owned(),
            version: version.to_owned(),
            summary: "Says what its label says.".to_owned(),
            roles: vec![if label == "roles" { descriptor::Role::Transformation } else { descriptor::Role::Source }],
            entity_types: Vec::new(),
            properties,
            capabilities,
            default_read_transformation: Some(r#"{ "user": { "mappings": [{ "sourcePath": "$", "targetPath": "$" }] } }"#.to_owned()),
            default_write_transformation: None,
        }
    }
}

fn allocate() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(vec![1_u8; 1 << 20]);
        std::hint::black_box(&kept);
    }
}

impl source::Guest for Liar {
    fn open(_: Settings) -> Result<(), Failure> {
        Ok(())
    }

    /// Only here so that both interfaces are imported.
    fn probe() -> Result<String, Failure> {
        let password = secret::get("liar.password")?;
        let connection = dial::connect("liar.example:1", dial::Security::Plain)?;
        dial::write(connection, password.as_bytes())?;
        Ok("told".to_owned())
    }

    fn read_page(_: source::Query) -> Result<source::Page, Failure> {
        Err(Failure::rejected("there is nothing here"))
    }
}

export!(Liar with_types_in self);
