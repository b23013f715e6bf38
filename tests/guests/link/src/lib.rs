//! An element of a chain. Documents pass with one more member, `read` or `written`: the variables it was given, and its own text. Deletions are none of its business.
//!
//! | `link.behaviour` | what it does |
//! | --- | --- |
//! | `pass` | nothing else |
//! | `panic` | panics on a document that holds `panic!` |
//! | `few` | one outcome less than entities |
//! | `many` | one outcome more than entities |
//! | `delete` | makes a document of a deletion |
//! | `garbage` | puts out what is no JSON |
//! | `open` | panics in `open` |

use std::cell::RefCell;

use sdk::Setting;

sdk::world!("transformation", "../../../wit");
use exports::provisor::connector::{descriptor, transform};

struct Link;

#[derive(Clone, Default)]
struct Open {
    text: String,
    behaviour: String,
}

thread_local! {
    static OPEN: RefCell<Open> = RefCell::default();
}

impl descriptor::Guest for Link {
    fn describe() -> descriptor::Description {
        descriptor::Description {
            id: "link".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Passes documents and says what it was given.".to_owned(),
            roles: vec![descriptor::Role::Transformation],
            entity_types: Vec::new(),
            properties: vec![descriptor::Property {
                name: "link.behaviour".to_owned(),
                kind: descriptor::PropertyKind::Choice(
                    ["pass", "panic", "few", "many", "delete", "garbage", "open"].map(str::to_owned).to_vec(),
                ),
                default: Some("pass".to_owned()),
                required: false,
                credential: false,
                help: "How it behaves.".to_owned(),
                roles: Vec::new(),
            }],
            capabilities: Vec::new(),
            default_read_transformation: None,
            default_write_transformation: None,
        }
    }
}

impl transform::Guest for Link {
    fn open(text: String, properties: Vec<Setting>) -> Result<Vec<transform::Diagnostic>, Vec<transform::Diagnostic>> {
        let behaviour = properties.into_iter().find(|property| property.name == "link.behaviour").map(|property| property.value);
        let open = Open { text, behaviour: behaviour.unwrap_or_default() };
        assert_ne!(open.behaviour, "open", "it was asked to panic in open");
        OPEN.set(open);
        Ok(Vec::new())
    }

    fn apply(_: String, operation: transform::Operation, page: Vec<transform::Input>) -> Vec<transform::Outcome> {
        let open = OPEN.with_borrow(Clone::clone);
        let count = page.len();
        let mut outcomes: Vec<_> = page.into_iter().map(|input| pass(&open, operation, &input)).collect();
        match open.behaviour.as_str() {
            "few" => outcomes.truncate(count - 1),
            "many" => outcomes.push(transform::Outcome::Unmapped),
            _ => {}
        }
        outcomes
    }

    fn explain(_: String, operation: transform::Operation, entity: transform::Input) -> transform::Explained {
        let outcome = pass(&OPEN.with_borrow(Clone::clone), operation, &entity);
        transform::Explained { outcome, steps: Vec::new() }
    }

    fn entity_types() -> Option<Vec<String>> {
        None
    }
}

fn pass(open: &Open, operation: transform::Operation, input: &transform::Input) -> transform::Outcome {
    assert!(open.behaviour != "panic" || !input.document.contains("panic!"), "a document with panic! in it");
    if operation == transform::Operation::Delete && open.behaviour != "delete" {
        return transform::Outcome::Unmapped;
    }
    let member = if operation == transform::Operation::Read { "read" } else { "written" };
    let given: Vec<String> = input.variables.iter().map(|variable| format!("\"{}\":{},", variable.name, variable.value)).collect();
    let given = given.concat();
    let inside = input.document.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}')).expect("an object").trim();
    let comma = if inside.is_empty() { "" } else { "," };
    if open.behaviour == "garbage" {
        let document = input.document.replace('"', "");
        return transform::Outcome::Mapped(transform::Mapped { document, variables: Vec::new(), unresolved: Vec::new() });
    }
    let document = format!("{{{inside}{comma}\"{member}\":{{{given}\"text\":{:?}}}}}", open.text.trim());
    transform::Outcome::Mapped(transform::Mapped { document, variables: Vec::new(), unresolved: Vec::new() })
}

export!(Link);
