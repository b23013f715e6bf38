//! The published and derived examples of the mapping language (`mapping-examples.json`) and the published transformations, all from the shared data.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use mapping::{Input, NoRelations, Operation, Outcome, Scratch, Severity, Transformation, substitute};
use serde_json::{Value as Json, json};

/// The shared data beside the repository; nothing (and one line) where it is absent, which only CI does not accept.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is not there", path.display());
    println!("left out: {} is not there", path.display());
    None
}

fn pairs(value: Option<&Json>, as_json: bool) -> Vec<(String, String)> {
    let text = |value: &Json| if as_json { value.to_string() } else { value.as_str().map_or_else(|| value.to_string(), str::to_owned) };
    value
        .and_then(Json::as_object)
        .map(|members| members.iter().map(|(name, value)| (name.clone(), text(value))).collect())
        .unwrap_or_default()
}

/// What comes out of a mapping: the document, or why not.
fn run(entity: &Json, case: &Json) -> Result<Outcome, Vec<String>> {
    let text = json!({ "user": entity }).to_string();
    let compiled = Transformation::compile(&text, &pairs(case.get("properties"), false));
    let (transformation, _) = compiled.map_err(|findings| {
        findings
            .into_iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| format!("{}: {}", finding.code, finding.message))
            .collect::<Vec<_>>()
    })?;
    let document = case["input"].to_string();
    let variables = pairs(case.get("variables"), true);
    let page = [Input { document: &document, variables: &variables }];
    Ok(transformation.apply(&mut Scratch::default(), "user", Operation::Read, &page, &mut NoRelations).remove(0))
}

/// Nothing: as expected. Otherwise what is wrong, or the code of the error that kept the transformation from loading.
fn check(case: &Json) -> Result<(), String> {
    let expected = &case["expected"];
    match case["kind"].as_str() {
        Some("mapping") => {
            let outcome = run(&case["transformation"], case).map_err(|errors| errors.join("; "))?;
            match (&outcome, case["match"].as_str()) {
                (Outcome::Failed(_), Some("error")) => Ok(()),
                (Outcome::Mapped(mapped), Some("exact"))
                    if serde_json::from_str::<Json>(&mapped.document).ok().as_ref() == Some(expected) =>
                {
                    Ok(())
                }
                _ => Err(format!("expected {expected}, got {outcome:?}")),
            }
        }
        Some("condition") => {
            let entity = json!({ "condition": case["transformation"], "mappings": [] });
            let holds = match run(&entity, case).map_err(|errors| errors.join("; "))? {
                Outcome::Mapped(_) => true,
                Outcome::Skipped(_) => false,
                other => return Err(format!("{other:?}")),
            };
            if Some(holds) == expected.as_bool() { Ok(()) } else { Err(format!("expected {expected}, got {holds}")) }
        }
        Some("text") => {
            let got = substitute(case["input"].as_str().unwrap_or(""), &pairs(case.get("properties"), false), |_| {});
            if Some(&*got) == expected.as_str() { Ok(()) } else { Err(format!("expected {expected}, got {got}")) }
        }
        // Answers of a proxy, batches of members: not the business of a mapping.
        _ => Ok(()),
    }
}

/// Examples whose expected text is not the whole answer: id, why.
const SHORTENED: &[(&str, &str)] = &[("param-4", "the expected text is the first half of the condition only")];

#[test]
fn every_example() {
    let Some(path) = shared("mapping-examples.json") else { return };
    let cases: Vec<Json> = serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("the examples are JSON");
    let mut wrong = String::new();
    let mut unsupported: BTreeMap<String, usize> = BTreeMap::new();
    for case in &cases {
        let id = case["id"].as_str().expect("an id");
        match check(case) {
            Err(what) if what.starts_with("mapping.unsupported-function") => {
                *unsupported.entry(case["function"].as_str().expect("a function").to_owned()).or_default() += 1;
            }
            Err(what) if !SHORTENED.iter().any(|(listed, _)| *listed == id) => {
                let _ = writeln!(wrong, "{id}: {what}");
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    println!("{} examples; left out for functions that are not supported: {unsupported:?}", cases.len());
}

/// Every name between two percent signs of a text.
fn properties_of(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    substitute(text, &[], |name| {
        if !found.contains(&name.to_owned()) {
            found.push(name.to_owned());
        }
    });
    // A switch stands in conditions without quotes.
    found.into_iter().map(|name| (name.clone(), if name.ends_with(".active") { "true" } else { "sample" }.to_owned())).collect()
}

#[test]
fn every_published_transformation_loads() {
    let Some(folder) = shared("transformations") else { return };
    let mut wrong = String::new();
    let (mut loaded, mut unsupported) = (0, BTreeMap::<String, usize>::new());
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    for path in &files {
        let text = std::fs::read_to_string(path).expect("readable");
        for properties in [properties_of(&text), Vec::new()] {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match Transformation::compile(&text, &properties) {
                Ok(_) => loaded += 1,
                Err(findings) => {
                    for finding in findings {
                        match (finding.severity, finding.code) {
                            (Severity::Warning, _) => {}
                            (_, "mapping.unsupported-function") => *unsupported.entry(finding.message).or_default() += 1,
                            _ => {
                                let _ = writeln!(
                                    wrong,
                                    "{name}:{}:{} {} {}: {}",
                                    finding.line, finding.column, finding.code, finding.pointer, finding.message
                                );
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    println!("{} files, each with and without properties: {loaded} load; left: {unsupported:?}", files.len());
}
