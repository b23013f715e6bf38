//! The first stage: the file as it was written, checked as far as that goes without knowing any plugin.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::fields::Fields;
use super::keys;
use super::model::Manifest;
use super::problem::{Place, Problem, Problems};
use super::{check, document, resolve};
use crate::registry::description::Description;

/// The largest manifest there can be, in bytes. Some hundred systems take a tenth of it.
const LARGEST: u64 = 4 << 20;

/// A manifest that was read, right or wrong.
#[derive(Clone, Debug)]
pub struct Raw {
    /// As the operator named it.
    pub(super) named: PathBuf,
    pub(super) path: PathBuf,
    pub(super) directory: PathBuf,
    pub(super) fields: Fields,
    /// Whether there is anything to resolve.
    pub(super) readable: bool,
    pub(super) problems: Problems,
}

impl Raw {
    /// The manifest's own path, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the manifest, absolute.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The folder of the plugins, absolute; known even where other things are wrong.
    pub fn plugins(&self) -> PathBuf {
        self.directory.join(self.fields.text("plugins").unwrap_or_default())
    }

    /// The file of the state database, absolute.
    pub fn state(&self) -> PathBuf {
        self.directory.join(self.fields.text("state").unwrap_or_default())
    }

    /// Whether there is any system, so any plugin to be looked for.
    pub fn has_systems(&self) -> bool {
        !self.fields.tables("systems").is_empty()
    }

    /// What is wrong as far as it is known without the plugins.
    pub fn problems(&self) -> Vec<Problem> {
        self.problems.sorted()
    }

    /// The second stage. `describe` answers what the plugin of an id says about itself; `known_ids` are all ids found, those of plugins that cannot be
    /// used included. Answers the manifest and the warnings, or everything that is wrong, sorted by line.
    pub fn resolve<'d>(
        &self,
        describe: &dyn Fn(&str) -> Option<&'d Description>,
        known_ids: &[String],
    ) -> Result<(Manifest, Vec<Problem>), Vec<Problem>> {
        resolve::manifest(self, describe, known_ids)
    }
}

/// Read and check the manifest at this path. What is wrong, a missing file included, is in [`Raw::problems`].
pub fn read(path: &Path) -> Raw {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let directory = absolute.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
    let mut problems = Problems::new(path.display().to_string());
    let text = text(path, &mut problems);
    let readable = text.is_some();
    let fields = match text {
        Some(text) => fields(&text, &mut problems),
        None => Fields::absent(&keys::ROOT, Place::START),
    };
    Raw { named: path.to_path_buf(), path: absolute, directory, fields, readable, problems }
}

fn fields(text: &str, problems: &mut Problems) -> Fields {
    let entries = document::parse(text, problems);
    if entries.is_empty() && problems.count() == 0 {
        let help = "it names at least one system: [systems.hr]";
        problems.error("manifest.empty", Place::START, "the manifest is empty", help);
        return Fields::absent(&keys::ROOT, Place::START);
    }
    check::document(entries, problems)
}

fn text(path: &Path, problems: &mut Problems) -> Option<String> {
    let bytes = match bytes(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let (code, message, help) = unreadable(path, &error);
            problems.error(code, Place::START, message, help);
            return None;
        }
    };
    if bytes.len() as u64 > LARGEST {
        let message = format!("the manifest is larger than {} MiB", LARGEST >> 20);
        problems.error("manifest.too-large", Place::START, message, "is it the right file?");
        return None;
    }
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = valid.split(|byte| *byte == b'\n').count();
            let start = valid.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
            let column = String::from_utf8_lossy(&valid[start..]).chars().count() + 1;
            let message = "the manifest is not UTF-8 text from here on";
            problems.error("manifest.not-utf8", Place { line, column }, message, "save it as UTF-8, or is it the right file?");
            None
        }
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(path: &Path, error: &io::Error) -> (&'static str, String, String) {
    match error.kind() {
        io::ErrorKind::NotFound => {
            ("manifest.not-found", "there is no such file".to_owned(), "name the manifest, such as provisor.toml".to_owned())
        }
        io::ErrorKind::IsADirectory => {
            let inside = path.join("provisor.toml");
            let help = if inside.is_file() { format!("did you mean {}?", inside.display()) } else { "name a file in it".to_owned() };
            ("manifest.is-a-directory", "this is a directory, not a manifest".to_owned(), help)
        }
        _ => ("manifest.unreadable", format!("the manifest cannot be read: {error}"), String::new()),
    }
}
