//! The published and derived examples of the mapping language (`mapping-examples.json`) and the published transformations, all from the shared data.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use mapping::{Input, Lookup, NoRelations, Operation, Outcome, Relations, Scratch, Severity, Transformation, substitute};
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

#[test]
fn every_example() {
    let Some(path) = shared("mapping-examples.json") else { return };
    let cases: Vec<Json> = serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("the examples are JSON");
    let mut wrong = String::new();
    for case in &cases {
        let id = case["id"].as_str().expect("an id");
        if let Err(what) = check(case) {
            let _ = writeln!(wrong, "{id}: {what}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    println!("{} examples", cases.len());
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

/// The steps of a path: names, and nothing for whatever stands in brackets and is no name.
fn steps(path: &str) -> Vec<Option<&str>> {
    let mut steps = Vec::new();
    let mut rest = path.trim_start_matches('$');
    loop {
        rest = rest.trim_start_matches('.');
        if let Some((name, after)) = rest.strip_prefix("['").and_then(|quoted| quoted.split_once("']")) {
            steps.push(Some(name));
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('[') {
            // The bracket that closes this one; filters have brackets of their own.
            let mut depth = 1;
            let end = inner.find(|char| {
                depth += i32::from(char == '[') - i32::from(char == ']');
                depth == 0
            });
            let Some(end) = end else { return steps };
            steps.push(None);
            rest = &inner[end + 1..];
        } else {
            let end = rest.find(['.', '[', '(']).unwrap_or(rest.len());
            if end == 0 || rest[end..].starts_with('(') {
                return steps;
            }
            steps.push(Some(&rest[..end]));
            rest = &rest[end..];
        }
    }
}

/// Change a document so that a path leads somewhere, keeping what is there. Lists get one element.
fn satisfy(at: &mut Json, steps: &[Option<&str>]) {
    match steps.split_first() {
        Some((Some(name), rest)) => {
            if !at.is_object() {
                *at = json!({});
            }
            satisfy(&mut at[*name], rest);
        }
        Some((None, rest)) => {
            if !at.is_array() {
                *at = json!([null]);
            }
            satisfy(&mut at[0], rest);
        }
        None if at.is_null() => *at = json!("sample"),
        None => {}
    }
}

/// Every text under one of these keys, anywhere.
fn texts_under<'j>(json: &'j Json, keys: &[&str], found: &mut Vec<&'j str>) {
    match json {
        Json::Object(members) => {
            for (key, value) in members {
                match value {
                    Json::String(text) if keys.contains(&key.as_str()) => found.push(text),
                    Json::Array(list) if keys.contains(&key.as_str()) => found.extend(list.iter().filter_map(Json::as_str)),
                    _ => texts_under(value, keys, found),
                }
            }
        }
        Json::Array(list) => list.iter().for_each(|element| texts_under(element, keys, found)),
        _ => {}
    }
}

/// A document of any shape, the same for the same seed.
fn any_document(seed: &mut u64, depth: u32) -> Json {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let names = ["id", "userName", "emails", "value", "members", "name", "displayName", "groups", "type", "active", "addresses", "country"];
    match (*seed >> 33) % if depth == 0 { 5 } else { 8 } {
        0 => Json::Null,
        1 => json!(true),
        2 => json!(*seed >> 40),
        3 => json!("a@example.com"),
        4 => json!(format!("text {}", *seed % 97)),
        5 => (0..3).map(|_| any_document(seed, depth - 1)).collect(),
        _ => {
            let first = usize::try_from(*seed >> 60).unwrap_or(0);
            names.iter().cycle().skip(first).take(6).map(|name| ((*name).to_owned(), any_document(seed, depth - 1))).collect()
        }
    }
}

/// Resolves every id into itself with a mark.
struct Everyone;

impl Relations for Everyone {
    fn find(&mut self, lookups: &[Lookup]) -> Vec<Option<String>> {
        lookups.iter().map(|lookup| Some(format!("target-{}", lookup.source_id))).collect()
    }
}

/// What may become of an entity: what went wrong lies in the entity or in what is asked of it, never in the engine.
const FAULTS: [&str; 2] = ["mapping.missing-attribute", "mapping.function-failed"];

fn run_over(name: &str, transformation: &Transformation, text: &str, wrong: &mut String) -> usize {
    // Comments stand on lines of their own in the published texts.
    let plain: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let parsed: Json = serde_json::from_str(&plain.join("\n")).unwrap_or_default();
    let variables: Vec<(String, String)> = ["entityIdSourceSystem", "entityIdTargetSystem", "currentDate", "entityBaseLocation"]
        .map(|name| (name.to_owned(), if name == "currentDate" { json!("2026-01-31 10:00:00.000") } else { json!("MZXQ") }.to_string()))
        .to_vec();
    let mut mapped = 0;
    for kind in transformation.entity_types() {
        let mut paths = Vec::new();
        texts_under(&parsed[&kind], &["sourcePath", "sourcePaths"], &mut paths);
        let mut complete = json!({});
        // The longest first, so that what a path leads into is there before a shorter one ends at it.
        paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
        for path in paths.iter().filter(|path| path.len() > 1) {
            satisfy(&mut complete, &steps(path));
        }
        let mut seed = 7;
        let mut documents = vec![complete.to_string(), "{}".to_owned()];
        documents.extend(
            (0..3).map(|_| json!({ "id": "7", "x": any_document(&mut seed, 3), "emails": any_document(&mut seed, 3) }).to_string()),
        );
        let mut scratch = Scratch::default();
        scratch.seed([5; 32]);
        for operation in [Operation::Read, Operation::Create, Operation::Update, Operation::Delete, Operation::Patch] {
            for variables in [&variables[..], &[]] {
                let page: Vec<Input<'_>> = documents.iter().map(|document| Input { document, variables }).collect();
                let outcomes = transformation.apply(&mut scratch, &kind, operation, &page, &mut Everyone);
                assert_eq!(outcomes, transformation.apply(&mut scratch, &kind, operation, &page, &mut Everyone));
                for (document, outcome) in documents.iter().zip(outcomes) {
                    match outcome {
                        Outcome::Mapped(out) if serde_json::from_str::<Json>(&out.document).is_ok() => mapped += 1,
                        Outcome::Skipped(_) | Outcome::Unmapped => {}
                        Outcome::Failed(fault) if FAULTS.contains(&fault.code) => {}
                        other => {
                            let _ = writeln!(wrong, "{name} {kind} {operation:?} on {document}: {other:?}");
                        }
                    }
                }
            }
        }
    }
    mapped
}

#[test]
fn every_published_transformation_loads_and_runs() {
    let Some(folder) = shared("transformations") else { return };
    let mut wrong = String::new();
    let mut mapped = 0;
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    for path in &files {
        let text = std::fs::read_to_string(path).expect("readable");
        for properties in [properties_of(&text), Vec::new()] {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match Transformation::compile(&text, &properties) {
                Ok((transformation, _)) => mapped += run_over(&name, &transformation, &text, &mut wrong),
                Err(findings) => {
                    for finding in findings.iter().filter(|finding| finding.severity == Severity::Error) {
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
    assert!(wrong.is_empty(), "{wrong}");
    assert!(mapped > 10 * files.len(), "only {mapped} entities of {} transformations were mapped", files.len());
    println!("{} files, each with and without properties: {mapped} sample entities were mapped", files.len());
}
