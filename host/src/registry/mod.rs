//! Which plugins there are: the `.wasm` files of a folder, what each says about itself, and whether it is the one that was pinned.
//!
//! Nothing is read but the files themselves and the lock beside the manifest. A file that is refused does not hide the others: it is listed with its reason, and
//! matters only to whoever names it.

pub mod description;
pub mod lock;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::sandbox::{Plugin, Sandbox, SandboxError};

/// Something about the folder itself.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("the plugins folder {} cannot be read: {error}; set `plugins` in the manifest to a folder of .wasm files", path.display())]
    Folder { path: PathBuf, error: std::io::Error },
    #[error("{} and {} are both the plugin {id:?}; remove one of them", first.display(), second.display())]
    Twice { id: String, first: PathBuf, second: PathBuf },
}

impl RegistryError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "registry.folder",
            Self::Twice { .. } => "registry.twice",
        }
    }
}

/// Why one file is not a plugin.
#[derive(Debug)]
pub struct Refused {
    pub file: PathBuf,
    pub code: &'static str,
    pub message: String,
}

/// A plugin and the file it came from.
#[derive(Clone)]
pub struct Found {
    pub file: PathBuf,
    pub plugin: Plugin,
}

/// The plugins of one folder, by id.
pub struct Registry {
    found: BTreeMap<String, Found>,
    refused: Vec<Refused>,
}

impl Registry {
    /// Look at every `.wasm` file of the folder. Compiles what is not in the cache, so the first scan takes its time.
    pub async fn scan(sandbox: &Sandbox, folder: &Path) -> Result<Self, RegistryError> {
        let failed = |error| RegistryError::Folder { path: folder.to_owned(), error };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "wasm") {
                files.push(path);
            }
        }
        files.sort();
        let mut registry = Self { found: BTreeMap::new(), refused: Vec::new() };
        for file in files {
            match admit(sandbox, &file).await {
                Ok(plugin) => registry.add(file, plugin)?,
                Err((code, message)) => {
                    tracing::warn!(file = %file.display(), code, "plugin refused: {message}");
                    registry.refused.push(Refused { file, code, message });
                }
            }
        }
        Ok(registry)
    }

    fn add(&mut self, file: PathBuf, plugin: Plugin) -> Result<(), RegistryError> {
        let id = plugin.description().id.clone();
        if let Some(first) = self.found.get(&id) {
            return Err(RegistryError::Twice { id, first: first.file.clone(), second: file });
        }
        self.found.insert(id, Found { file, plugin });
        Ok(())
    }

    /// The plugin of this id.
    pub fn get(&self, id: &str) -> Option<&Found> {
        self.found.get(id)
    }

    /// All plugins, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Found)> {
        self.found.iter().map(|(id, found)| (id.as_str(), found))
    }

    /// Files that are not plugins, and why.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }
}

async fn admit(sandbox: &Sandbox, file: &Path) -> Result<Plugin, (&'static str, String)> {
    let metadata = std::fs::metadata(file).map_err(|error| ("plugin.unreadable", format!("it cannot be read: {error}")))?;
    if !metadata.is_file() {
        return Err(("plugin.unreadable", "it is not a file".into()));
    }
    let bytes = std::fs::read(file).map_err(|error| ("plugin.unreadable", format!("it cannot be read: {error}")))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    sandbox.admit(&name, &bytes).await.map_err(|error: SandboxError| (error.code(), error.to_string()))
}
