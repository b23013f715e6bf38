//! References to secrets as the manifest writes them: `{ env = "NAME" }`, `{ file = "path" }`, `{ command = ["program", "argument"] }`.
//!
//! A secret itself never stands in a manifest, and what somebody wrote in its place is never repeated in a message.

use std::path::{Path, PathBuf};

use crate::secret::SecretSource;

/// What would be right; part of every message about a secret.
pub(super) const FORMS: &str = "write { env = \"NAME\" }, { file = \"path\" } or { command = [\"program\", \"argument\"] }";

/// The same source with its paths made absolute: files, and programs with a `/` in their name, are relative to the manifest.
pub(super) fn anchored(source: &SecretSource, directory: &Path) -> SecretSource {
    match source {
        SecretSource::Environment(name) => SecretSource::Environment(name.clone()),
        SecretSource::File(path) => SecretSource::File(directory.join(path)),
        SecretSource::Command(words) => {
            let mut words = words.clone();
            if let Some(program) = words.first_mut().filter(|program| program.contains('/')) {
                *program = PathBuf::from(directory).join(&*program).to_string_lossy().into_owned();
            }
            SecretSource::Command(words)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_manifest() {
        let at = |source| anchored(&source, Path::new("/etc/provisor"));
        assert!(matches!(at(SecretSource::File("token".into())), SecretSource::File(path) if path == Path::new("/etc/provisor/token")));
        assert!(matches!(at(SecretSource::File("/run/token".into())), SecretSource::File(path) if path == Path::new("/run/token")));
        let program = |source| match at(source) {
            SecretSource::Command(words) => words[0].clone(),
            _ => String::new(),
        };
        assert_eq!(program(SecretSource::Command(vec!["pass".into(), "./x".into()])), "pass");
        assert_eq!(program(SecretSource::Command(vec!["bin/token".into()])), "/etc/provisor/bin/token");
    }
}
