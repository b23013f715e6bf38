//! A system's transformation: one element, or a chain of them.
//!
//! | written | what runs |
//! | --- | --- |
//! | nothing, or `{ default = true }` | the connector's default for the role, in the mapping language |
//! | `"hr-read.json"`, or `{ file = "hr-read.json" }` | a file in the mapping language |
//! | `{ plugin = "unique-user-name" }` | a component |
//! | `{ plugin = "template", file = "names.txt" }` | a component and the text it is given |
//!
//! Each may have `properties` of its own. An array runs from left to right.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use super::fields::Fields;
use super::keys;
use super::model::{Element, MAPPING};
use super::problem::Problems;
use super::properties::{self, Judge};
use super::raw::Raw;
use super::resolve::{self, Plugins};
use crate::registry::description::{Capability, Description, Role};

/// The largest transformation there can be, in bytes. The published ones have at most some hundred kilobytes.
const LARGEST_TRANSFORMATION: u64 = 16 << 20;

/// An element whose text is there and whose properties are not judged yet.
pub(super) struct Loaded<'s, 'd> {
    fields: Cow<'s, Fields>,
    plugin: String,
    /// Absent where the plugin is not there: for [`MAPPING`] that is told apart from the manifest, for any other it has been reported.
    description: Option<&'d Description>,
    text: String,
    origin: String,
}

/// The elements of a system's transformation, which stands under this key; nothing where one of them cannot be had. `connector` is what the system's plugin says.
pub(super) fn chain<'s, 'd>(
    raw: &Raw,
    (role, key): (Role, &str),
    system: &'s Fields,
    connector: Option<&Description>,
    plugins: Plugins<'_, 'd>,
    problems: &mut Problems,
) -> Option<Vec<Loaded<'s, 'd>>> {
    let load = Load { raw, role, system, connector, plugins };
    let elements = system.chain(key);
    if elements.is_empty() {
        let wanted = !system.is_wrong(key);
        let (text, origin) = load.default(wanted.then_some(&mut *problems))?;
        let fields = Cow::Owned(Fields::absent(&keys::TRANSFORMATION, system.at));
        return Some(vec![Loaded { fields, plugin: MAPPING.to_owned(), description: (plugins.describe)(MAPPING), text, origin }]);
    }
    // All of them, so that everything is reported at once.
    let loaded: Vec<Option<Loaded<'s, 'd>>> = elements.iter().map(|element| load.element(element, problems)).collect();
    if loaded.iter().any(Option::is_none) {
        self::elements(loaded.into_iter().flatten().collect(), &BTreeMap::new(), problems);
        return None;
    }
    loaded.into_iter().collect()
}

/// The texts in which a property of the system may stand as `%name%`.
pub(super) fn texts_of_the_system<'l>(chain: &'l [Loaded<'_, '_>]) -> Vec<&'l str> {
    chain.iter().filter(|loaded| loaded.plugin == MAPPING).map(|loaded| loaded.text.as_str()).collect()
}

/// The same elements with their properties; `parameters` are those of the system.
pub(super) fn elements(chain: Vec<Loaded<'_, '_>>, parameters: &BTreeMap<String, String>, problems: &mut Problems) -> Vec<Element> {
    let element = |Loaded { fields, plugin, description, text, origin }: Loaded<'_, '_>| {
        let judge = Judge { role: Role::Transformation, fields: &fields, description, texts: Some(&[text.as_str()]) };
        let own = properties::sort(&judge, problems).parameters;
        let mut properties = if plugin == MAPPING { parameters.clone() } else { BTreeMap::new() };
        properties.extend(own);
        Element { plugin, text, origin, properties }
    };
    chain.into_iter().map(element).collect()
}

struct Load<'c, 'd> {
    raw: &'c Raw,
    role: Role,
    system: &'c Fields,
    connector: Option<&'c Description>,
    plugins: Plugins<'c, 'd>,
}

impl<'d> Load<'_, 'd> {
    fn element<'s>(&self, fields: &'s Fields, problems: &mut Problems) -> Option<Loaded<'s, 'd>> {
        let plugin = fields.text("plugin");
        let file = fields.text("file");
        let default = fields.boolean("default");
        if ["plugin", "file", "default"].iter().any(|key| fields.is_wrong(key)) {
            return None;
        }
        if default && (plugin.is_some() || file.is_some()) {
            let message = format!("default in {} stands beside a plugin or a file", fields.title);
            let help = "the connector's default is an element of its own: { default = true }";
            problems.error("manifest.wrong-value", fields.place("default"), message, help);
            return None;
        }
        let id = plugin.unwrap_or(MAPPING);
        if id == MAPPING && file.is_none() && !default {
            let message = format!("an element of {} names neither a file nor another plugin than the mapping", fields.title);
            let help = "write file = \"file.json\", plugin = \"id\" or default = true";
            problems.error("manifest.missing-key", fields.at, message, help);
            return None;
        }
        let description = self.transforms(id, fields, problems);
        let text = match file {
            Some(file) => self.file(file, fields, problems),
            None if default => self.default(Some(problems)),
            None => Some((String::new(), String::new())),
        };
        let (text, from) = text?;
        let origin = match (id, file) {
            (MAPPING, _) => from,
            (_, Some(_)) => format!("plugin {id} ({from})"),
            (_, None) => format!("plugin {id}"),
        };
        if id != MAPPING {
            description?;
        }
        Some(Loaded { fields: Cow::Borrowed(fields), plugin: id.to_owned(), description, text, origin })
    }

    /// What the component says about itself if it can transform.
    fn transforms(&self, id: &str, fields: &Fields, problems: &mut Problems) -> Option<&'d Description> {
        if id == MAPPING && (self.plugins.describe)(id).is_none() {
            return None;
        }
        let at = fields.place("plugin");
        let description = resolve::plugin(self.raw, id, Some(Role::Transformation), at, self.plugins, problems)?;
        // A component of several roles asks for the others.
        let asks = description.roles == [Role::Transformation]
            && description.capabilities.iter().any(|wish| match wish {
                Capability::Files { roles, .. } => roles.is_empty() || roles.contains(&Role::Transformation),
                Capability::Http(_) | Capability::Dial(_) | Capability::Secret(_) => true,
            });
        if asks {
            let message = format!("the plugin \"{id}\" asks for more than a transformation is granted: it computes, and reaches nothing");
            problems.warning("manifest.without-effect", at, message, "provisor plugins inspect shows what it asks for");
        }
        Some(description)
    }

    /// Text and origin of the connector's default. That there is none is reported where `problems` are given.
    fn default(&self, problems: Option<&mut Problems>) -> Option<(String, String)> {
        let (role, connector) = (self.role, self.connector?);
        let text = match role {
            Role::Source => &connector.default_read_transformation,
            Role::Target | Role::Transformation => &connector.default_write_transformation,
        };
        if let (None, Some(problems)) = (text, problems) {
            let title = &self.system.title;
            let message = format!("{title} names no transformation and the plugin \"{}\" has no default for a {role}", connector.id);
            problems.error("manifest.missing-transformation", self.system.at, message, "add transformation = \"file.json\"");
        }
        text.as_ref().map(|text| (text.clone(), format!("default of plugin {}", connector.id)))
    }

    /// Text and origin of a file.
    fn file(&self, file: &str, fields: &Fields, problems: &mut Problems) -> Option<(String, String)> {
        match read(&self.raw.directory.join(file)) {
            // In the terms in which the operator named the manifest.
            Ok(text) => Some((text, self.raw.named.parent().unwrap_or(Path::new("")).join(file).display().to_string())),
            Err(why) => {
                let message = format!("the transformation {file:?} cannot be read: {why}");
                let help = "name a file, relative to the manifest, or leave the key out to use the connector's default";
                problems.error("manifest.unreadable-transformation", fields.place("file"), message, help);
                None
            }
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = fs::metadata(path).and_then(|metadata| {
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !metadata.is_file() {
            // Opening a pipe waits for whoever writes to it, perhaps for ever.
            return Err(io::Error::other("it is not a regular file"));
        }
        File::open(path)?.take(LARGEST_TRANSFORMATION + 1).read_to_end(&mut bytes)
    });
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err("there is no such file".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => return Err("it is a directory".to_owned()),
        Err(error) => return Err(error.to_string()),
        Ok(_) if bytes.len() as u64 > LARGEST_TRANSFORMATION => {
            return Err(format!("it is larger than {} MiB", LARGEST_TRANSFORMATION >> 20));
        }
        Ok(_) => {}
    }
    String::from_utf8(bytes).map_err(|error| format!("it is not UTF-8 text from byte {} on", error.utf8_error().valid_up_to()))
}
