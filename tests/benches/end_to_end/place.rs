//! What a run needs: the export, the plugins, the manifest and the transformations of `examples/hr-to-directory`.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use tempfile::TempDir;

use crate::arguments::Route;
use crate::child::{self, Ran};
use crate::generate::Company;
use crate::sink::Sink;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/hr-to-directory");
const NULL: &str = concat!(env!("OUT_DIR"), "/guests/null.wasm");

/// The export as CSV.
pub(crate) struct Inputs(TempDir);

impl Inputs {
    pub(crate) fn write(company: &Company) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let file = |name| BufWriter::new(File::create(folder.path().join(name)).expect("a file"));
        company.write_people(file("people.csv")).expect("the people were written");
        company.write_groups(file("groups.csv")).expect("the groups were written");
        Self(folder)
    }
}

/// A folder with a manifest, and its state.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new(inputs: &Inputs, route: Route, sink: Option<&Sink>) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file was written");
        let copy = |from: &Path, to: &str| {
            _ = fs::copy(from, folder.path().join(to)).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        };
        fs::create_dir(folder.path().join("plugins")).expect("a folder for plugins");
        for plugin in fs::read_dir(env!("PLUGINS")).expect("the plugins were built") {
            let plugin = plugin.expect("a plugin").path();
            copy(&plugin, &format!("plugins/{}", plugin.file_name().expect("a name").display()));
        }
        copy(Path::new(NULL), "plugins/null.wasm");
        for transformation in ["hr-read.json", "directory-write.json"] {
            copy(&Path::new(EXAMPLE).join(transformation), transformation);
        }
        let target = match route {
            Route::Null => "connector = \"null\"\ntransformation = \"directory-write.json\"".to_owned(),
            Route::Documents => {
                "connector = \"file\"\ntransformation = \"directory-write.json\"\nproperties = { \"file.target.path\" = \"directory/\" }"
                    .to_owned()
            }
            Route::Scim => {
                let url = sink.expect("a SCIM server").url();
                format!("connector = \"scim\"\nproperties = {{ URL = \"{url}\" }}\ngrants = {{ networks = [\"127.0.0.1/32\"] }}")
            }
        };
        let inputs = inputs.0.path().display();
        write(
            "provisor.toml",
            &format!(
                r#"plugins = "plugins"
state = "provisor.db"

[systems.hr]
role = "source"
connector = "file"
transformation = "hr-read.json"

[systems.hr.properties]
"file.user.path" = "{inputs}/people.csv"
"file.user.id" = "employeeNumber"
"file.group.path" = "{inputs}/groups.csv"
"file.csv.list.columns" = "members,memberGroups"

[systems.target]
role = "target"
sources = ["hr"]
{target}
"#
            ),
        );
        Self(folder)
    }

    /// Run it to the end.
    pub(crate) fn run(&self) -> Ran {
        child::run(self.0.path())
    }
}
