//! `golden/<name>.toml` and what is said about it in `golden/<name>.txt`; a new case needs no Rust. `PROVISOR_BLESS=1` writes the answers anew.

use std::fs;
use std::path::{Path, PathBuf};

use super::{folder, read, resolve, short};
use crate::manifest::schema;

fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compare with the file, or write it.
fn compare(file: &Path, text: &str) {
    if std::env::var_os("PROVISOR_BLESS").is_some() {
        fs::write(file, text).unwrap();
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    assert_eq!(text, expected, "{} is out of date; PROVISOR_BLESS=1 writes it anew", file.display());
}

#[test]
fn every_case_is_answered_as_before() {
    let folder = package("src/manifest/tests/golden");
    let mut cases: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    cases.sort();
    assert!(cases.len() >= 5, "{cases:?}");
    for case in cases {
        let problems = match resolve(&case) {
            Ok((_, warnings)) => warnings,
            Err(problems) => problems,
        };
        let here = format!("{}/", folder.display());
        let text: String = problems.iter().map(|problem| format!("{problem}\n").replace(&here, "")).collect();
        compare(&case.with_extension("txt"), &text);
    }
}

#[test]
fn ten_mistakes_are_ten_problems() {
    let problems = resolve(&package("src/manifest/tests/golden/ten-mistakes.toml")).unwrap_err();
    let expected = [
        "3 manifest.unknown-key",
        "6 manifest.unknown-key",
        "7 manifest.unknown-connector",
        "8 manifest.wrong-value",
        "11 manifest.missing-property",
        "15 manifest.wrong-property",
        "18 manifest.missing-key",
        "26 manifest.plain-secret",
        "28 manifest.unreadable-transformation",
        "36 manifest.missing-source",
    ];
    assert_eq!(short(&problems), expected, "{problems:#?}");
}

#[test]
fn files_that_are_no_manifest() {
    let cases: [(&[u8], &str); 7] = [
        (b"", "1:1: error[manifest.empty]"),
        (b"\n# nothing\n\n", "1:1: error[manifest.empty]"),
        (b"plugins = \"p\"\nstate = \"\xff\"\n", "2:10: error[manifest.not-utf8]"),
        (b"\0asm\x01\0\0\0", "1:1: error[manifest.syntax]"),
        (b"dn: uid=x\nmail: y\n", "1:3: error[manifest.syntax]"),
        (b"plugins = \"p\"\n", "1:1: error[manifest.missing-key]"),
        (b"systems = 3\n", "1:11: error[manifest.wrong-type]"),
    ];
    for (bytes, expected) in cases {
        let folder = folder(bytes);
        let path = folder.path().join("provisor.toml");
        let problems = resolve(&path).unwrap_err();
        let text = problems[0].to_string();
        assert!(text.starts_with(&format!("{}:{expected}", path.display())), "{problems:#?}");
    }
    let folder = folder(b"[systems]");
    assert_eq!(short(&resolve(&folder.path().join("no.toml")).unwrap_err()), ["1 manifest.not-found"]);
    let problems = resolve(folder.path()).unwrap_err();
    assert_eq!(short(&problems), ["1 manifest.is-a-directory"]);
    assert!(problems[0].help.as_deref().is_some_and(|help| help.contains("provisor.toml")), "{problems:?}");
    fs::write(folder.path().join("large.toml"), vec![b'#'; 5 << 20]).unwrap();
    assert_eq!(short(&resolve(&folder.path().join("large.toml")).unwrap_err()), ["1 manifest.too-large"]);
}

#[test]
fn the_plugins_folder_is_known_even_when_the_rest_is_wrong() {
    let folder = folder(b"plugins = \"../wasm\"\nsystem = 1\n[systems.x\n");
    let raw = read(&folder.path().join("provisor.toml"));
    assert_eq!(raw.plugins(), folder.path().join("../wasm"));
    assert_eq!(short(&raw.problems())[0], "2 manifest.unknown-key");
    assert_eq!(read(Path::new("gone/provisor.toml")).plugins(), std::path::absolute("gone/plugins").unwrap());
}

#[test]
fn the_checked_in_schema_is_the_one_of_this_version() {
    compare(&package("provisor.schema.json"), &schema::json());
}
