//! Writing: a folder with one JSON document per entity, `<folder>/<entity type>/<id>.json`, one line each.
//!
//! A file is there whole or not at all, whenever the process is killed: a document is written under another name into `<folder>/.writing/` and then moved.
//! What a killed process left there is removed by the next one. Nothing is synced to the disk one by one (that would cost a hundred times the rest), so after
//! a power failure the last documents can be missing; a resync brings them back.

mod file_name;
mod patch;
#[cfg(test)]
mod tests;

use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::attribute::AttributePath;
use crate::failure::{Failure, Kind};
use crate::properties::{EntityType, TargetSettings};
use file_name::file_name;

/// Where documents are before they are moved to their place.
const WRITING: &str = ".writing";
/// Writing one document takes milliseconds; a file there of this age was left behind.
const LEFT_BEHIND: Duration = Duration::from_secs(10);
/// The most entities `find` answers with.
const MOST_FOUND: usize = 10;

/// One change; the contract's `members` is not among the abilities.
pub enum Action<'a> {
    Create {
        document: &'a str,
    },
    Update {
        id: &'a str,
        document: &'a str,
    },
    /// A JSON array of SCIM patch operations.
    Patch {
        id: &'a str,
        operations: &'a str,
    },
    Delete {
        id: &'a str,
    },
}

/// An attribute and the JSON text of its value.
pub struct AttributeValue<'a> {
    pub attribute: &'a str,
    pub value: &'a str,
}

pub struct Target {
    settings: TargetSettings,
    /// Tells this instance's unfinished files from those of others that work at the same time.
    token: u64,
    count: u64,
    prepared: bool,
}

impl Target {
    /// Touches nothing yet: the folders are made with the first change.
    pub fn new(settings: TargetSettings) -> Self {
        let token = RandomState::new().build_hasher().finish();
        Self { settings, token, count: 0, prepared: false }
    }

    /// Says where documents would go, in one line for people.
    pub fn probe(&self) -> Result<String, Failure> {
        let folder = &self.settings.folder;
        match fs::metadata(folder) {
            Ok(metadata) if metadata.is_dir() => Ok(format!("the folder {folder}")),
            Ok(_) => Err(Failure::new(Kind::InvalidSettings, format!("{folder} is a file, not a folder"))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(format!("the folder {folder}, which will be created")),
            Err(error) => Err(Failure::io(&format!("open {folder}"), &error)),
        }
    }

    /// Carries out one change and answers the entity's id from now on.
    pub fn write(&mut self, entity_type: &str, action: &Action<'_>) -> Result<String, Failure> {
        let entity_type = EntityType::named(entity_type)?;
        self.prepare()?;
        match action {
            Action::Create { document } => self.create(entity_type, document),
            Action::Update { id, document } => self.update(entity_type, id, document),
            Action::Patch { id, operations } => {
                let document = read_document(&self.place(entity_type, id))?.ok_or_else(|| absent(entity_type, id))?;
                self.update(entity_type, id, &patch::patched(&document, operations)?)
            }
            Action::Delete { id } => match fs::remove_file(self.place(entity_type, id)) {
                Ok(()) => Ok((*id).to_owned()),
                Err(error) if error.kind() == ErrorKind::NotFound => Err(absent(entity_type, id)),
                Err(error) => Err(Failure::io(&format!("delete the {} {id}", entity_type.name()), &error)),
            },
        }
    }

    /// Entities that have all of these values, at most ten. With the id among the attributes it is one look, otherwise every document is read.
    pub fn find(&self, entity_type: &str, attributes: &[AttributeValue<'_>]) -> Result<Vec<(String, String)>, Failure> {
        let entity_type = EntityType::named(entity_type)?;
        let id_attribute = self.settings.attribute(entity_type);
        let wanted = attributes.iter().map(Wanted::parse).collect::<Result<Vec<_>, _>>()?;
        let folder = self.folder(entity_type);
        if let Some(id) = wanted.iter().find(|wanted| wanted.path == *id_attribute).and_then(|wanted| scalar_text(&wanted.value)) {
            let found = read_document(&folder.join(file_name(&id)))?.and_then(|document| matching(&document, &wanted, id_attribute));
            return Ok(found.into_iter().collect());
        }
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Failure::io(&format!("list {}", folder.display()), &error)),
        };
        let mut paths = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| Failure::io(&format!("list {}", folder.display()), &error))?;
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                paths.push(path);
            }
        }
        // The same answer every time, whatever order the file system has.
        paths.sort_unstable();
        let mut found = Vec::new();
        for path in paths {
            found.extend(read_document(&path)?.and_then(|document| matching(&document, &wanted, id_attribute)));
            if found.len() == MOST_FOUND {
                break;
            }
        }
        Ok(found)
    }

    fn folder(&self, entity_type: EntityType) -> PathBuf {
        Path::new(&self.settings.folder).join(entity_type.name())
    }

    fn place(&self, entity_type: EntityType, id: &str) -> PathBuf {
        self.folder(entity_type).join(file_name(id))
    }

    fn create(&mut self, entity_type: EntityType, document: &str) -> Result<String, Failure> {
        let id = self.id_of(entity_type, document)?;
        let place = self.place(entity_type, &id);
        let failed = |error: &io::Error| Failure::io(&format!("create the {} {id}", entity_type.name()), error);
        let written = self.write_aside(document).map_err(|error| failed(&error))?;
        if move_to_new(&written, &place).map_err(|error| failed(&error))? {
            return Ok(id);
        }
        Err(Failure::new(Kind::AlreadyExists, format!("there is a {} {id} already", entity_type.name())))
    }

    fn update(&mut self, entity_type: EntityType, id: &str, document: &str) -> Result<String, Failure> {
        let new_id = self.id_of(entity_type, document)?;
        let place = self.place(entity_type, id);
        let failed = |error: &io::Error| Failure::io(&format!("update the {} {id}", entity_type.name()), error);
        if !place.exists() {
            return Err(absent(entity_type, id));
        }
        let written = self.write_aside(document).map_err(|error| failed(&error))?;
        if new_id == id {
            fs::rename(&written, &place).map_err(|error| failed(&error))?;
            return Ok(new_id);
        }
        let new_place = self.place(entity_type, &new_id);
        if !move_to_new(&written, &new_place).map_err(|error| failed(&error))? {
            // The same document there already is what this very change left when it was interrupted between its two steps.
            if read_document(&new_place)?.is_none_or(|there| there.trim_end() != one_line(document)) {
                let message = format!("the {} {id} is to become {new_id}, and there is another one of this name", entity_type.name());
                return Err(Failure::new(Kind::Conflict, message));
            }
        }
        fs::remove_file(&place).map_err(|error| failed(&error))?;
        Ok(new_id)
    }

    /// The document's id; this also checks that it is one JSON object.
    fn id_of(&self, entity_type: EntityType, document: &str) -> Result<String, Failure> {
        let attribute = self.settings.attribute(entity_type);
        let rejected = |problem: String| Failure::new(Kind::Rejected, format!("the document of the {} {problem}", entity_type.name()));
        let id = attribute.scalar(document).map_err(|error| rejected(format!("is no JSON object: {error}")))?;
        id.filter(|id| !id.is_empty()).ok_or_else(|| rejected(format!("has no {}, which names its file", attribute.text())))
    }

    /// A complete file that is not in its place yet.
    fn write_aside(&mut self, document: &str) -> io::Result<PathBuf> {
        self.count += 1;
        let path = Path::new(&self.settings.folder).join(WRITING).join(format!("{:016x}-{}", self.token, self.count));
        let mut text = one_line(document);
        text.push('\n');
        let mut file = File::create_new(&path)?;
        file.write_all(text.as_bytes())?;
        // On Windows an open file cannot be moved.
        drop(file);
        Ok(path)
    }

    /// Makes the folders and removes what others left behind; once per instance.
    fn prepare(&mut self) -> Result<(), Failure> {
        if self.prepared {
            return Ok(());
        }
        let writing = Path::new(&self.settings.folder).join(WRITING);
        for folder in EntityType::ALL.map(|entity_type| self.folder(entity_type)).iter().chain([&writing]) {
            fs::create_dir_all(folder).map_err(|error| Failure::io(&format!("create the folder {}", folder.display()), &error))?;
        }
        remove_left_behind(&writing);
        self.prepared = true;
        Ok(())
    }
}

fn absent(entity_type: EntityType, id: &str) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no {} {id}", entity_type.name()))
}

/// JSON has line ends only between its tokens, so a space in their place changes nothing.
fn one_line(document: &str) -> String {
    document.trim().replace(['\n', '\r'], " ")
}

/// Moves a file to a place that is free; false, and the file is gone, where it is not. A link fails where a rename would replace.
fn move_to_new(written: &Path, place: &Path) -> io::Result<bool> {
    match fs::hard_link(written, place) {
        Ok(()) => fs::remove_file(written).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => fs::remove_file(written).map(|()| false),
        // Some file systems have no links (FAT, some network shares). There the look and the rename are two steps.
        Err(_) if place.exists() => fs::remove_file(written).map(|()| false),
        Err(_) => fs::rename(written, place).map(|()| true),
    }
}

/// Whatever cannot be removed stays: it is in nobody's way.
fn remove_left_behind(writing: &Path) {
    let Ok(entries) = fs::read_dir(writing) else { return };
    let now = SystemTime::now();
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|written| now.duration_since(written).ok());
        if age.is_some_and(|age| age > LEFT_BEHIND) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Nothing where there is no such file.
fn read_document(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        // Not one of ours.
        Err(error) if error.kind() == ErrorKind::InvalidData || path.is_dir() => Ok(None),
        Err(error) => Err(Failure::io(&format!("read {}", path.display()), &error)),
    }
}

struct Wanted {
    path: AttributePath,
    value: Value,
}

impl Wanted {
    fn parse(attribute: &AttributeValue<'_>) -> Result<Self, Failure> {
        let refused = |problem: &str| Failure::new(Kind::Rejected, format!("cannot look for {}: {problem}", attribute.attribute));
        Ok(Self {
            path: AttributePath::parse(attribute.attribute).ok_or_else(|| refused("it is no attribute path"))?,
            value: serde_json::from_str(attribute.value).map_err(|_| refused("its value is not JSON"))?,
        })
    }
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Id and document, if all values are there. A file that is no document of ours matches nothing.
fn matching(document: &str, wanted: &[Wanted], id_attribute: &AttributePath) -> Option<(String, String)> {
    let parsed: Value = serde_json::from_str(document).ok()?;
    let all = wanted.iter().all(|wanted| wanted.path.value(&parsed) == Some(&wanted.value));
    let id = id_attribute.value(&parsed).and_then(scalar_text)?;
    all.then(|| (id, document.trim_end().to_owned()))
}
