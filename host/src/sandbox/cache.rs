//! Compiled code by digest, in a folder only the host's user may write.
//!
//! Loading compiled code means running it without a look, so what lies in the folder must come from this host: the folder is made with mode 0700, and one that
//! belongs to somebody else or that others may write is refused. A file's name holds the digest of the component, its folder the engine's version and settings.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use wasmtime::{Engine, component::Component};

use super::SandboxError;

#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Open (and make) the folder. `root` is e.g. `~/.cache/provisor`.
    pub(super) fn open(root: &Path, engine: &Engine) -> Result<Self, SandboxError> {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let folder = root.join(format!("compiled-{:016x}", hasher.finish()));
        let failed = |message: String| SandboxError::Cache { path: folder.clone(), message };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|error| {
            failed(format!("the folder for compiled code cannot be made ({error}); set --cache to a folder of your own"))
        })?;
        let metadata = fs::metadata(&folder).map_err(|error| failed(error.to_string()))?;
        if metadata.uid() != rustix::process::geteuid().as_raw() || metadata.mode() & 0o022 != 0 {
            return Err(failed(
                "somebody else could put code here; the folder must belong to this user and be writable by nobody else".into(),
            ));
        }
        Ok(Self { folder })
    }

    /// The compiled component, from the folder or freshly compiled.
    pub(super) fn component(&self, engine: &Engine, digest: &str, bytes: &[u8]) -> Result<Component, SandboxError> {
        let path = self.folder.join(format!("{digest}.cwasm"));
        if path.exists() {
            // SAFETY: the folder is this user's alone (checked in `open`), and only `store` writes to it.
            match unsafe { Component::deserialize_file(engine, &path) } {
                Ok(component) => return Ok(component),
                Err(error) => tracing::debug!(path = %path.display(), %error, "compiled code is not usable and is made anew"),
            }
        }
        let code = engine.precompile_component(bytes).map_err(|error| SandboxError::Compile(format!("{error:#}")))?;
        if let Err(error) = self.store(&path, &code) {
            tracing::warn!(path = %path.display(), %error, "compiled code could not be kept; the next start compiles again");
        }
        // SAFETY: these bytes were made by `precompile_component` just now.
        unsafe { Component::deserialize(engine, &code) }.map_err(|error| SandboxError::Compile(format!("{error:#}")))
    }

    /// Written aside and renamed, so that a kill leaves no half file under the name.
    fn store(&self, path: &Path, code: &[u8]) -> std::io::Result<()> {
        let mut aside = tempfile::NamedTempFile::new_in(&self.folder)?;
        aside.write_all(code)?;
        aside.as_file().sync_all()?;
        aside.persist(path)?;
        Ok(())
    }
}
