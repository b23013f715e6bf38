//! Every recorded answer of Jayway `JsonPath` (`jsonpath-cases.json` of the shared data), against this engine. The deviations stand in this file and nowhere else.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path as FilePath;

use mapping::json::{Doc, Source, Value, parse};
use mapping::path::{BUDGET, Compiler, Constants, Found, PathError, Scope};
use serde_json::Value as Json;

/// Section 10.4 of the provisioning rules: missing and null are empty, and `EMPTY false` is the exact opposite of `EMPTY true`. For Jayway both are false of
/// whatever is neither a text nor a list.
const EMPTY: &str = "EMPTY of something missing, null, a number or a boolean";

/// Cases that answer differently on purpose: case, reason.
const DEVIATIONS: &[(&str, &str)] = &[
    ("9cfeb7b364", EMPTY),
    ("01409a356d", EMPTY),
    ("ed87d6463c", EMPTY),
    ("a0407271e7", EMPTY),
    ("a530197300", EMPTY),
    ("4a730c44c8", EMPTY),
    ("01cf5fc423", EMPTY),
    ("af5436157d", EMPTY),
    ("29feee636f", EMPTY),
    ("691e6a139a", EMPTY),
    ("4e8becdc51", EMPTY),
    ("0fdbf5612d", EMPTY),
    ("25c1f812ad", EMPTY),
    ("48795fdc87", EMPTY),
    ("3e65e22d2a", EMPTY),
    ("07f2fcbbcf", EMPTY),
    ("a137dd21ed", EMPTY),
    ("304fe1548f", EMPTY),
    ("66e51a2f98", EMPTY),
    ("4f1797ac5a", EMPTY),
    ("927d1e4e84", EMPTY),
    ("42853b9426", EMPTY),
    ("1337a9d2b3", EMPTY),
    ("a42308f841", EMPTY),
    ("9a053ebc73", EMPTY),
    ("491677bb89", EMPTY),
    ("2a81c97278", EMPTY),
    ("a4db1a6669", EMPTY),
    ("3978b4bdf9", EMPTY),
    ("489e77d918", EMPTY),
    ("4e9e7dd464", EMPTY),
    ("2419cce28e", EMPTY),
    ("33e59ff738", EMPTY),
    ("3378dd3640", EMPTY),
    ("c11fc24d38", EMPTY),
    ("81500f2b3d", EMPTY),
    ("254da84309", EMPTY),
    ("d1bf860693", EMPTY),
    ("f0059b0618", EMPTY),
    ("7713837844", EMPTY),
    ("70c6353496", EMPTY),
    ("2645301c49", EMPTY),
    ("d4e99d575b", EMPTY),
    ("41ce0db6a2", EMPTY),
];

/// Cases that should answer as recorded and do not yet: case, what is missing.
const NOT_YET: &[(&str, &str)] = &[];

/// The shared data beside the repository; nothing (and one line) where it is absent, which only CI does not accept.
fn shared(name: &str) -> Option<String> {
    let path = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(_) if std::env::var_os("CI").is_none() => {
            println!("left out: {} is not there", path.display());
            None
        }
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

/// What the engine answers: JSON text, or the name of the error.
fn answer(path: &str, document: &str) -> String {
    let mut constants = Constants::default();
    let Ok(compiled) = Compiler::new(&mut constants, None, &[]).path(path) else { return "invalid_path".to_owned() };
    let mut nodes = Vec::new();
    let (at, _) = parse(document, 0, &mut nodes).expect("the document is JSON");
    let doc = Doc { source: Source::Input, text: document, nodes: &nodes };
    let root = Value { doc: &doc, at };
    let scope = Scope { root, item: root, constants: &constants.doc(), variables: &[], budget: &Cell::new(BUDGET) };
    let mut out = String::new();
    match compiled.read(&scope) {
        Ok(Found::One(hit)) => hit.write(&mut out),
        Ok(Found::Many(hits)) => {
            out.push('[');
            for (position, hit) in hits.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                hit.write(&mut out);
            }
            out.push(']');
        }
        Err(PathError::NotFound) => out.push_str("path_not_found"),
        Err(PathError::Invalid) => out.push_str("invalid_path"),
        Err(PathError::Limit) => out.push_str("limit"),
    }
    out
}

/// Whether a condition holds of a document.
fn holds(condition: &str, document: &str) -> Option<bool> {
    let mut constants = Constants::default();
    let filter = Compiler::new(&mut constants, None, &[]).condition(condition).ok()?;
    let mut nodes = Vec::new();
    let (at, _) = parse(document, 0, &mut nodes).expect("the document is JSON");
    let doc = Doc { source: Source::Input, text: document, nodes: &nodes };
    let root = Value { doc: &doc, at };
    let scope = Scope { root, item: root, constants: &constants.doc(), variables: &[], budget: &Cell::new(BUDGET) };
    filter.accepts(root, &scope).ok()
}

/// `{"$doc": name}` stands for a whole document.
fn expand(value: &Json, documents: &HashMap<&str, &Json>) -> Json {
    match value {
        Json::Object(members) => match members.get("$doc").and_then(Json::as_str) {
            Some(name) if members.len() == 1 => documents[name].clone(),
            _ => members.iter().map(|(key, member)| (key.clone(), expand(member, documents))).collect(),
        },
        Json::Array(elements) => elements.iter().map(|element| expand(element, documents)).collect(),
        other => other.clone(),
    }
}

#[test]
fn every_recorded_answer() {
    let Some(text) = shared("jsonpath-cases.json") else { return };
    let data: Json = serde_json::from_str(&text).expect("the cases are JSON");
    let documents: HashMap<&str, &Json> =
        data["documents"].as_object().expect("documents").iter().map(|(name, json)| (name.as_str(), json)).collect();
    let mut wrong = String::new();
    let mut right_after_all = Vec::new();
    let mut count = 0;
    for case in data["cases"].as_array().expect("cases") {
        let id = case["id"].as_str().expect("an id");
        let path = case["path"].as_str().expect("a path");
        let document = documents[case["doc"].as_str().expect("a document")].to_string();
        let expected = match case.get("error") {
            Some(error) => error.as_str().expect("an error").to_owned(),
            None => expand(&case["result"], &documents).to_string(),
        };
        let got = answer(path, &document);
        let listed = DEVIATIONS.iter().chain(NOT_YET).any(|(listed, _)| *listed == id);
        // What is recorded as a condition is read as a filter on the whole document, and has to hold as a condition, too.
        if let (Some(condition), Some(fulfilled)) =
            (case.get("condition").and_then(Json::as_str), case.get("fulfilled").and_then(Json::as_bool))
            && holds(condition, &document) != Some(fulfilled)
            && !listed
        {
            let _ = writeln!(wrong, "{id} condition {condition} on {}: recorded {fulfilled}", case["doc"]);
        }
        if got != expected && !listed {
            let _ = writeln!(wrong, "{id} {path} on {}\n  recorded {expected:.160}\n  got      {got:.160}", case["doc"]);
        }
        if got == expected && listed {
            right_after_all.push(id);
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(right_after_all.is_empty(), "listed as deviations, yet right: {right_after_all:?}");
    println!("{count} cases, {} deviations, {} not yet", DEVIATIONS.len(), NOT_YET.len());
}
