//! What a run needs: the export, the plugins, the manifest and the transformations of `examples/hr-to-directory`.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use tempfile::TempDir;

use crate::arguments::Route;
use crate::child::{self, Ran};
use crate::generate::{Company, PEOPLE_HEADER};
use crate::sink::Sink;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/hr-to-directory");
const NULL: &str = concat!(env!("OUT_DIR"), "/guests/null.wasm");

/// The export as CSV.
pub(crate) struct Inputs(TempDir);

/// Every so many people have a new title in a later export.
const CHANGED: u64 = 100;

impl Inputs {
    pub(crate) fn write(company: &Company) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        company.write_people(file(&folder, "people.csv")).expect("the people were written");
        company.write_groups(file(&folder, "groups.csv")).expect("the groups were written");
        Self(folder)
    }

    /// The same company later: one person in a hundred has another title. Answers how many of those that have not left.
    pub(crate) fn write_changed(company: &Company) -> (Self, u64) {
        let folder = TempDir::new().expect("a temporary folder");
        let mut people = file(&folder, "people.csv");
        writeln!(people, "{PEOPLE_HEADER}").expect("the people were written");
        let mut changed = 0;
        for number in 1..=company.users {
            let mut person = company.person(number);
            if number % CHANGED == 0 {
                person.title.push_str(" II");
                changed += u64::from(!company.has_left(number));
            }
            writeln!(people, "{person}").expect("the people were written");
        }
        people.flush().expect("the people were written");
        company.write_groups(file(&folder, "groups.csv")).expect("the groups were written");
        (Self(folder), changed)
    }

    /// The files of another export in the place of these: another path would be another configuration, after which everything is mapped anew.
    pub(crate) fn replace_by(&self, later: &Self) {
        for name in ["people.csv", "groups.csv"] {
            fs::rename(later.0.path().join(name), self.0.path().join(name)).expect("an export was replaced");
        }
    }
}

fn file(folder: &TempDir, name: &str) -> BufWriter<File> {
    BufWriter::new(File::create(folder.path().join(name)).expect("a file"))
}

/// A folder with a manifest, and its state.
pub(crate) struct Place {
    folder: TempDir,
    /// The target's part of the manifest.
    target: String,
}

impl Place {
    pub(crate) fn new(inputs: &Inputs, route: Route, sink: Option<&Sink>) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
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
        let this = Self { folder, target };
        this.reads(inputs);
        this
    }

    /// Read this export from here on.
    fn reads(&self, inputs: &Inputs) {
        let (inputs, target) = (inputs.0.path().display(), &self.target);
        let manifest = format!(
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
        );
        fs::write(self.folder.path().join("provisor.toml"), manifest).expect("a file was written");
    }

    /// Run it to the end.
    pub(crate) fn run(&self) -> Ran {
        child::run(self.folder.path())
    }
}
