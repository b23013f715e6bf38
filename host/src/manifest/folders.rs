//! Folders of the host that a plugin sees, from the values of its properties.
//!
//! | value | folder | the plugin sees it as |
//! | --- | --- | --- |
//! | `people.csv` | the manifest's | `.` |
//! | `data/people.csv` | `data` beside the manifest | `data` |
//! | `data`, an existing folder | `data` beside the manifest | `data` |
//! | `out/directory/` | `out/directory` beside the manifest | `out/directory` |
//! | `/srv/hr/people.csv` | `/srv/hr` | `/srv/hr` |

use std::path::{Component, Path, PathBuf};

use super::model::GrantedFolder;

/// The folder of a property's value.
pub(super) fn granted(directory: &Path, value: &str, write: bool) -> GrantedFolder {
    let itself = value.ends_with('/') || directory.join(value).is_dir();
    let folder = if itself { value } else { value.rsplit_once('/').map_or("", |(folder, _)| if folder.is_empty() { "/" } else { folder }) };
    let guest = match folder.trim_end_matches('/') {
        "" if folder.starts_with('/') => "/",
        "" => ".",
        trimmed => trimmed,
    };
    GrantedFolder { guest: guest.to_owned(), host: lexical(&directory.join(guest)), write }
}

/// Add a folder; of two with the same guest name one is kept, writable if either is.
pub(super) fn merge(folders: &mut Vec<GrantedFolder>, folder: GrantedFolder) {
    match folders.iter_mut().find(|known| known.guest == folder.guest) {
        Some(known) => known.write |= folder.write,
        None => folders.push(folder),
    }
}

/// Whether the folder is or contains the path, symbolic links followed as far as things exist.
pub(super) fn holds(folder: &Path, path: &Path) -> bool {
    settled(path).starts_with(settled(folder))
}

/// The path without `.` and `..`, which the operator wrote and means literally.
fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// The path with the symbolic links of its existing part resolved.
fn settled(path: &Path) -> PathBuf {
    let path = lexical(path);
    for ancestor in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), path.strip_prefix(ancestor)) {
            return real.join(rest);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_value() {
        let here = Path::new("/no/such/manifest");
        for (value, guest, host) in [
            ("people.csv", ".", "/no/such/manifest"),
            ("./people.csv", ".", "/no/such/manifest"),
            ("data/people.csv", "data", "/no/such/manifest/data"),
            ("out/directory/", "out/directory", "/no/such/manifest/out/directory"),
            ("out/directory//", "out/directory", "/no/such/manifest/out/directory"),
            ("../x/people.csv", "../x", "/no/such/x"),
            ("../people.csv", "..", "/no/such"),
            ("/abs/x.csv", "/abs", "/abs"),
            ("/x.csv", "/", "/"),
            ("/", "/", "/"),
            (".", ".", "/no/such/manifest"),
        ] {
            let folder = granted(here, value, false);
            assert_eq!((folder.guest.as_str(), folder.host.as_path()), (guest, Path::new(host)), "{value}");
        }
        assert_eq!(granted(Path::new("/"), "usr", false).guest, "usr", "an existing folder is itself");
    }

    #[test]
    fn one_folder_for_a_guest_name() {
        let mut folders = Vec::new();
        for (value, write) in [("a/x", false), ("a/y", true), ("a/z", false), ("b/x", false)] {
            merge(&mut folders, granted(Path::new("/m"), value, write));
        }
        let seen: Vec<_> = folders.iter().map(|folder| (folder.guest.as_str(), folder.write)).collect();
        assert_eq!(seen, [("a", true), ("b", false)]);
    }

    #[test]
    fn a_folder_holds_what_is_in_it() {
        assert!(holds(Path::new("/m"), Path::new("/m/state.db")));
        assert!(holds(Path::new("/m/x/.."), Path::new("/m")));
        assert!(!holds(Path::new("/m/out"), Path::new("/m/outside.db")));
    }
}
