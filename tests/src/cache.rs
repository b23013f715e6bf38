//! Compiled code: kept by digest in a folder of the user's own, never trusted when it is damaged or when others could have written it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::place::Place;
use crate::trials;

trials![
    the_second_start_uses_what_the_first_compiled,
    damaged_code_is_made_anew,
    a_folder_others_can_write_to_is_refused,
    a_folder_that_cannot_be_made,
];

/// A place with one plugin only, and a cache of its own.
fn place() -> (Place, PathBuf) {
    let place = Place::new();
    for plugin in fs::read_dir(place.path("plugins")).expect("a folder") {
        let plugin = plugin.expect("an entry").path();
        if plugin.file_name().is_some_and(|name| name != "file.wasm") {
            fs::remove_file(plugin).expect("a plugin was there");
        }
    }
    let cache = place.path("cache");
    (place.with_cache(cache.clone()), cache)
}

/// The compiled component in the cache.
fn compiled(cache: &Path) -> PathBuf {
    let entries = |folder: &Path| fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect::<Vec<_>>();
    let folders = entries(cache);
    assert_eq!(folders.len(), 1, "one engine, one folder: {folders:?}");
    let files = entries(&folders[0]);
    assert_eq!(files.len(), 1, "one plugin, one file: {files:?}");
    assert_eq!(fs::metadata(&folders[0]).expect("the folder").mode() & 0o777, 0o700, "nobody else may look into it");
    files.into_iter().next().expect("one file")
}

fn the_second_start_uses_what_the_first_compiled() {
    let (place, cache) = place();
    place.command(&["plugins", "list"]).assert_code(0);
    let made = compiled(&cache);
    let identity = |path: &Path| fs::metadata(path).map(|file| (file.ino(), file.mtime(), file.mtime_nsec())).expect("a file");
    let first = identity(&made);
    place.command(&["plugins", "list"]).assert_code(0).assert_output(&["file "]);
    assert_eq!((compiled(&cache), identity(&made)), (made.clone(), first), "nothing was compiled again");
}

fn damaged_code_is_made_anew() {
    let (place, cache) = place();
    place.command(&["plugins", "list"]).assert_code(0);
    let path = compiled(&cache);
    let good = fs::read(&path).expect("compiled code");
    let damages =
        [good[..good.len() / 2].to_vec(), Vec::new(), b"not compiled code".to_vec(), vec![0; good.len()], [&good[..64], b"more"].concat()];
    for damaged in damages {
        fs::write(&path, &damaged).expect("the damage was done");
        place.command(&["plugins", "list"]).assert_code(0).assert_output(&["file "]);
        assert_eq!(fs::read(&path).expect("compiled code").len(), good.len(), "made anew after {} bytes of something else", damaged.len());
    }
}

fn a_folder_others_can_write_to_is_refused() {
    let (place, cache) = place();
    place.command(&["plugins", "list"]).assert_code(0);
    let path = compiled(&cache);
    let folder = path.parent().expect("a folder");
    for mode in [0o777, 0o770, 0o702] {
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("the folder is ours");
        let ended = place.command(&["plugins", "list"]);
        ended.assert_code(3).assert_error(&["error[plugin.cache]", "writable by nobody else"]);
    }
}

fn a_folder_that_cannot_be_made() {
    let (place, cache) = place();
    fs::write(&cache, "a file").expect("a file in the way");
    place.command(&["plugins", "list"]).assert_code(3).assert_error(&["error[plugin.cache]", "--cache"]);
}
