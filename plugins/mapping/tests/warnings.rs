//! The warnings the published transformations (shared data) get. They work as they are, so each warning has to be one their authors would agree with.

use std::collections::BTreeMap;
use std::path::Path;

use mapping::{Severity, Transformation, substitute};

/// Every property a text names, each with a value of its own: attributes that are told apart by a property must not look the same.
fn properties_of(text: &str) -> Vec<(String, String)> {
    let mut names: Vec<String> = Vec::new();
    substitute(text, &[], |name| {
        if !names.contains(&name.to_owned()) {
            names.push(name.to_owned());
        }
    });
    // A switch stands in conditions without quotes.
    let value = |name: &str| if name.ends_with(".active") { "true".to_owned() } else { name.replace('.', "-") };
    names.into_iter().map(|name| (name.clone(), value(&name))).collect()
}

/// By code: a change of this table is a change of what administrators see. `cargo test warnings -- --nocapture` lists them.
#[test]
fn warnings_of_the_published_transformations() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/transformations");
    if !folder.exists() {
        assert!(std::env::var_os("CI").is_none(), "{} is not there", folder.display());
        println!("left out: {} is not there", folder.display());
        return;
    }
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for path in &files {
        let text = std::fs::read_to_string(path).expect("readable");
        let (Ok((_, findings)) | Err(findings)) = Transformation::compile(&text, &properties_of(&text));
        for finding in findings.into_iter().filter(|finding| finding.severity == Severity::Warning) {
            *counts.entry(finding.code).or_default() += 1;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            println!("{name}:{}:{} {} {}: {}", finding.line, finding.column, finding.code, finding.pointer, finding.message);
        }
    }
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("mapping.no-id", 10), ("mapping.removed", 1), ("mapping.unguarded", 1)]);
}
