//! `provisor.lock`, beside the manifest: which plugins were accepted, by the digest of their files. A plugin that changed since is refused until the
//! operator accepts it.
//!
//! A lock file that cannot be understood is an error and is never overwritten: it is the only record of what was trusted.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The name of the lock file.
pub const FILE: &str = "provisor.lock";

const HEADER: &str = "\
# The plugins that were accepted for the manifests in this folder, by the SHA-256 of their files.
# Provisor writes this file and refuses a plugin that is not the one pinned here. Keep it with the manifest.
";

/// One accepted plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    pub id: String,
    /// As the plugin described itself; for people. The digest alone decides.
    pub version: String,
    /// The name of the file in the plugins folder; for people.
    pub file: String,
    /// 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// What the lock says about a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the accepted one.
    Unchanged,
    /// Nobody has accepted a plugin of this id.
    New,
    /// Another file was accepted under this id.
    Changed { pinned: Pinned, found: Pinned },
    /// It was accepted and is not among those found.
    Missing,
}

/// Something about the lock file itself.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{} is not a lock file: {message}; restore it, or remove it and accept the plugins anew", path.display())]
    Corrupt { path: PathBuf, message: String },
    #[error("{} cannot be written: {error}", path.display())]
    Unwritable { path: PathBuf, error: io::Error },
}

impl LockError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "lock.unreadable",
            Self::Corrupt { .. } => "lock.corrupt",
            Self::Unwritable { .. } => "lock.unwritable",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    plugin: Vec<Pinned>,
}

/// The accepted plugins of the manifests in one folder.
#[derive(Clone, Debug)]
pub struct Lock {
    path: PathBuf,
    plugins: BTreeMap<String, Pinned>,
}

impl Lock {
    /// Read the lock file beside this manifest. No file: nothing was accepted yet.
    pub fn read(manifest: &Path) -> Result<Self, LockError> {
        let path = manifest.with_file_name(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self { path, plugins: BTreeMap::new() }),
            Err(error) => return Err(LockError::Unreadable { path, error }),
        };
        match parse(&bytes) {
            Ok(plugins) => Ok(Self { path, plugins }),
            Err(message) => Err(LockError::Corrupt { path, message }),
        }
    }

    /// One verdict per plugin found, in the same order, then one [`Verdict::Missing`] per accepted plugin that is not among them.
    pub fn check(&self, found: &[Pinned]) -> Vec<Verdict> {
        let of_found = found.iter().map(|found| match self.plugins.get(&found.id) {
            None => Verdict::New,
            Some(pinned) if pinned.sha256 == found.sha256 => Verdict::Unchanged,
            Some(pinned) => Verdict::Changed { pinned: pinned.clone(), found: found.clone() },
        });
        let missing = self.plugins.keys().filter(|id| found.iter().all(|found| found.id != **id)).map(|_| Verdict::Missing);
        of_found.chain(missing).collect()
    }

    /// Accept these plugins, in place of what was accepted under their ids, and write the file. The others stay accepted.
    ///
    /// The file is replaced as a whole, so that a crash leaves the old one or the new one. Where it says the same already it is not touched.
    pub fn accept(&mut self, plugins: &[Pinned]) -> Result<(), LockError> {
        let mut accepted = self.plugins.clone();
        accepted.extend(plugins.iter().map(|plugin| (plugin.id.clone(), plugin.clone())));
        if accepted == self.plugins {
            return Ok(());
        }
        write(&self.path, &text(&accepted)).map_err(|error| LockError::Unwritable { path: self.path.clone(), error })?;
        self.plugins = accepted;
        Ok(())
    }
}

fn parse(bytes: &[u8]) -> Result<BTreeMap<String, Pinned>, String> {
    let text = str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let document: Document = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    let mut plugins = BTreeMap::new();
    for plugin in document.plugin {
        if plugin.sha256.len() != 64 || !plugin.sha256.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)) {
            return Err(format!("the sha256 of {:?} is not one", plugin.id));
        }
        let id = plugin.id.clone();
        if plugins.insert(id.clone(), plugin).is_some() {
            return Err(format!("{id:?} stands twice in it"));
        }
    }
    Ok(plugins)
}

fn text(plugins: &BTreeMap<String, Pinned>) -> String {
    let mut text = HEADER.to_owned();
    for plugin in plugins.values() {
        text.push_str("\n[[plugin]]\n");
        for (key, value) in [("id", &plugin.id), ("version", &plugin.version), ("file", &plugin.file), ("sha256", &plugin.sha256)] {
            text.push_str(key);
            text.push_str(" = ");
            text.push_str(&toml::Value::from(value.as_str()).to_string());
            text.push('\n');
        }
    }
    text
}

/// Write beside, make durable, rename, make the name durable.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".provisor.lock.");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // Only Unix lets a directory be opened and synchronised.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(id: &str, digit: char) -> Pinned {
        Pinned { id: id.to_owned(), version: "1.0.0".to_owned(), file: format!("{id}.wasm"), sha256: digit.to_string().repeat(64) }
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("provisor.toml");
        (folder, manifest)
    }

    #[test]
    fn remembers_what_was_accepted() {
        let (folder, manifest) = folder();
        let mut lock = Lock::read(&manifest).unwrap();
        let (file, scim) = (plugin("file", 'a'), plugin("scim", 'b'));
        assert_eq!(lock.check(&[scim.clone(), file.clone()]), [Verdict::New, Verdict::New]);
        lock.accept(&[scim.clone(), file.clone()]).unwrap();

        let mut lock = Lock::read(&manifest).unwrap();
        assert_eq!(lock.check(&[scim.clone(), file.clone()]), [Verdict::Unchanged, Verdict::Unchanged]);
        let changed = plugin("file", 'c');
        let verdict = Verdict::Changed { pinned: file.clone(), found: changed.clone() };
        assert_eq!(lock.check(std::slice::from_ref(&changed)), [verdict, Verdict::Missing]);
        lock.accept(std::slice::from_ref(&changed)).unwrap();
        assert_eq!(Lock::read(&manifest).unwrap().check(&[changed, scim]), [Verdict::Unchanged, Verdict::Unchanged]);

        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(text.starts_with("# The plugins that were accepted"), "{text}");
        assert!(text.find("id = \"file\"").unwrap() < text.find("id = \"scim\"").unwrap(), "{text}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn strange_names_survive() {
        let (_folder, manifest) = folder();
        let odd = Pinned { version: "1\"\n\\".to_owned(), file: "ünï \u{1}.wasm".to_owned(), ..plugin("odd", '0') };
        Lock::read(&manifest).unwrap().accept(std::slice::from_ref(&odd)).unwrap();
        assert_eq!(Lock::read(&manifest).unwrap().plugins["odd"], odd);
    }

    #[test]
    fn a_corrupt_file_is_an_error_and_stays() {
        let good = text(&BTreeMap::from([("file".to_owned(), plugin("file", 'a'))]));
        let twice = format!("{good}{}", good.replace(HEADER, ""));
        let cases: [&[u8]; 7] = [
            b"not a lock file",
            b"[[plugin]]\nid = \"file\"\n",
            b"\xff\xfe",
            b"surprise = 1\n",
            twice.as_bytes(),
            &good.as_bytes()[..good.len() - 8],
            &[0; 32],
        ];
        for bytes in cases {
            let (folder, manifest) = folder();
            let path = folder.path().join(FILE);
            fs::write(&path, bytes).unwrap();
            let error = Lock::read(&manifest).unwrap_err();
            assert_eq!(error.code(), "lock.corrupt", "{error}");
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn what_cannot_be_read_or_written_is_said() {
        let (folder, manifest) = folder();
        fs::create_dir(folder.path().join(FILE)).unwrap();
        assert_eq!(Lock::read(&manifest).unwrap_err().code(), "lock.unreadable");
        let gone = folder.path().join("gone/provisor.toml");
        let mut lock = Lock::read(&gone).unwrap();
        assert_eq!(lock.accept(&[plugin("file", 'a')]).unwrap_err().code(), "lock.unwritable");
        assert_eq!(lock.check(&[plugin("file", 'a')]), [Verdict::New], "what was not written is not accepted");
    }
}
