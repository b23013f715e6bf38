//! The documentation in `docs/`: every example is run, and every page and every row stands for something the code knows, and the other way round.
//!
//! An example is a fenced block `json transformation`, then once or more: `json input`, then what it needs of `text operation`, `json properties`,
//! `json variables` (what the host gives) and `json relations` (target ids by entity type and source id), then `json output`, and `json set` for the variables that
//! come out; or `text outcome` where no document does. Findings of the transformation other than `mapping.no-id` stand in `text findings`, one code a line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use mapping::{Input, Lookup, Operation, Outcome, Relations, Scratch, Skip, Transformation, language};
use serde_json::{Map, Value as Json};

struct Page {
    /// Below `docs/`, with slashes.
    file: String,
    title: String,
    text: String,
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// All pages, the index apart.
fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    let mut folders = vec![docs()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let file = path.strip_prefix(docs()).expect("below docs").to_string_lossy().replace('\\', "/");
            let text = std::fs::read_to_string(&path).expect("readable");
            let title = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or_else(|| panic!("{file} has no title"));
            let title = title.trim_matches('`').to_owned();
            if file != "README.md" {
                pages.push(Page { file, title, text });
            }
        }
    }
    pages.sort_by(|a, b| a.file.cmp(&b.file));
    pages
}

/// A fenced block: what it is and what stands in it.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, content)), None) => writeln!(content, "{line}").expect("a text"),
            (None, Some(info)) => open = Some((info.split_once(' ').map_or("", |(_, what)| what).to_owned(), String::new())),
            (None, None) => {}
        }
    }
    blocks
}

#[derive(Clone, Default)]
struct Example {
    transformation: String,
    parts: BTreeMap<String, String>,
}

/// The examples of a page. A transformation may be followed by several inputs.
fn examples(page: &Page) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut transformation = None;
    for (what, content) in blocks(&page.text) {
        match what.as_str() {
            "transformation" => transformation = Some(content),
            "input" => {
                let transformation = transformation.clone().unwrap_or_else(|| panic!("{}: an input before its transformation", page.file));
                examples.push(Example { transformation, parts: BTreeMap::from([(what, content)]) });
            }
            "operation" | "properties" | "variables" | "relations" | "output" | "set" | "outcome" | "findings" => {
                let example = examples.last_mut().unwrap_or_else(|| panic!("{}: {what} before the input", page.file));
                assert!(example.parts.insert(what.clone(), content).is_none(), "{}: {what} twice in one example", page.file);
            }
            other => panic!("{}: a block is called {other:?}", page.file),
        }
    }
    examples
}

/// Target ids by entity type and source id, `"user": { "1": "t-1" }`.
struct Known(Map<String, Json>);

impl Relations for Known {
    fn find(&mut self, lookups: &[Lookup]) -> Vec<Option<String>> {
        lookups.iter().map(|lookup| Some(self.0.get(&lookup.entity_type)?.get(&lookup.source_id)?.as_str()?.to_owned())).collect()
    }
}

fn run(example: &Example) -> Result<(), String> {
    let part = |name: &str| example.parts.get(name).map_or("", |text| text.trim());
    let json = |name: &str| match part(name) {
        "" => Ok(Json::Null),
        text => serde_json::from_str::<Json>(text).map_err(|error| format!("{name} is no JSON: {error}")),
    };
    let pairs = |name: &str, as_json: bool| -> Result<Vec<(String, String)>, String> {
        let text = |value: &Json| if as_json { value.to_string() } else { value.as_str().map_or_else(|| value.to_string(), str::to_owned) };
        Ok(json(name)?.as_object().map(|all| all.iter().map(|(name, value)| (name.clone(), text(value))).collect()).unwrap_or_default())
    };
    let compiled = Transformation::compile(&example.transformation, &pairs("properties", false)?);
    let (Ok((_, findings)) | Err(findings)) = &compiled;
    let codes: Vec<&str> = findings.iter().map(|finding| finding.code).filter(|code| *code != "mapping.no-id").collect();
    if codes != part("findings").lines().collect::<Vec<_>>() {
        return Err(format!("findings: {findings:#?}"));
    }
    let Ok((transformation, _)) = compiled else { return Ok(()) };
    let operation = match part("operation") {
        "" | "read" => Operation::Read,
        "create" => Operation::Create,
        "update" => Operation::Update,
        "delete" => Operation::Delete,
        "patch" => Operation::Patch,
        other => return Err(format!("there is no operation {other}")),
    };
    let entity_type = transformation.entity_types().into_iter().next().unwrap_or_else(|| "user".to_owned());
    let page = [Input { document: part("input"), variables: &pairs("variables", true)? }];
    let mut relations = Known(json("relations")?.as_object().cloned().unwrap_or_default());
    let mut scratch = Scratch::default();
    // What comes by chance is the same every time in a test.
    scratch.seed([7; 32]);
    let outcome = transformation.apply(&mut scratch, &entity_type, operation, &page, &mut relations).remove(0);
    let said = match &outcome {
        Outcome::Mapped(mapped) => {
            let document: Json = serde_json::from_str(&mapped.document).map_err(|error| error.to_string())?;
            let set: Map<String, Json> =
                mapped.variables.iter().map(|(name, value)| (name.clone(), serde_json::from_str(value).expect("JSON"))).collect();
            let expected = json("set")?;
            if part("outcome").is_empty() && document == json("output")? && (expected.is_null() || expected == Json::Object(set)) {
                return Ok(());
            }
            return Err(format!("{}\n{:?}", mapped.document, mapped.variables));
        }
        Outcome::Skipped(Skip::OutOfScope { reason, .. } | Skip::Operation(reason)) => format!("skipped: {reason}"),
        Outcome::Failed(fault) => format!("failed: {} at {}", fault.code, fault.at),
        Outcome::Unmapped => "unmapped".to_owned(),
    };
    if said == part("outcome") { Ok(()) } else { Err(format!("{said} ({outcome:?})")) }
}

#[test]
fn every_example_gives_what_is_written() {
    let mut wrong = String::new();
    let mut count = 0;
    for page in pages() {
        let examples = examples(&page);
        if examples.is_empty() && page.file != "findings.md" {
            let _ = writeln!(wrong, "{}: no example", page.file);
        }
        for (place, example) in examples.iter().enumerate() {
            count += 1;
            if let Err(what) = run(example) {
                let _ = writeln!(wrong, "{} example {}: {what}", page.file, place + 1);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    println!("{count} examples");
}

/// The first cells of a table's rows and a second column's, for the table whose head starts with this word.
fn rows(text: &str, head: &str, column: &str) -> Vec<(String, String)> {
    let cells = |line: &str| -> Vec<String> { line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect() };
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&format!("| {head} |")));
    let Some(titles) = lines.next().map(cells) else { return Vec::new() };
    let at = titles.iter().position(|title| title == column);
    lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells = cells(line);
            (cells[0].trim_matches('`').to_owned(), at.and_then(|at| cells.get(at)).cloned().unwrap_or_default())
        })
        .collect()
}

#[test]
fn every_word_of_the_language_has_its_page_and_no_other_does() {
    let words = language();
    let functions: Vec<&str> = words.functions.iter().map(|function| function.name).chain(["Keys of every function"]).collect();
    let groups: [(&str, Vec<&str>); 12] = [
        ("entity", words.entity_keys),
        ("mapping", words.mapping_keys),
        ("type", words.types),
        ("scope", words.scopes),
        ("function", functions),
        ("operator", words.operators),
        ("predicate", words.predicates),
        ("path", words.path_parts),
        ("path-function", words.path_functions),
        ("target", words.target_parts),
        ("variable", words.host_variables),
        // Not words, but ways of writing.
        ("text", vec!["%property%", "${variable}", "Comments"]),
    ];
    let pages = pages();
    for page in &pages {
        let group = page.file.split_once('/').map_or("", |(group, _)| group);
        let known = groups.iter().any(|(name, titles)| *name == group && titles.contains(&&*page.title));
        assert!(known || page.file == "findings.md", "{} documents {:?}, which does not exist", page.file, page.title);
    }
    for (group, titles) in groups {
        for title in titles {
            let found = pages.iter().filter(|page| page.file.starts_with(&format!("{group}/")) && page.title == title).count();
            assert_eq!(found, 1, "pages about {title:?} in docs/{group}");
        }
    }
    let operations: Vec<String> =
        rows(&page(&pages, "entity/skipOperations.md").text, "operation", "meaning").into_iter().map(|row| row.0).collect();
    assert_eq!(operations, words.operations);
}

fn page<'p>(pages: &'p [Page], file: &str) -> &'p Page {
    pages.iter().find(|page| page.file == file).unwrap_or_else(|| panic!("{file} is not there"))
}

#[test]
fn every_parameter_has_its_row_and_no_other_does() {
    let words = language();
    let pages = pages();
    for function in &words.functions {
        let page = page(&pages, &format!("function/{}.md", function.name));
        let found = rows(&page.text, "parameter", "required");
        let expected: BTreeSet<(&str, &str)> =
            function.required.iter().map(|name| (*name, "yes")).chain(function.optional.iter().map(|name| (*name, "no"))).collect();
        assert_eq!(found.iter().map(|(name, required)| (&**name, &**required)).collect::<BTreeSet<_>>(), expected, "{}", page.file);
        assert_eq!(found.len(), expected.len(), "{}: a row stands twice", page.file);
    }
    let common: Vec<String> =
        rows(&page(&pages, "function/every-function.md").text, "parameter", "required").into_iter().map(|row| row.0).collect();
    assert_eq!(common, words.function_keys);
}

#[test]
fn the_index_names_every_page() {
    let index = std::fs::read_to_string(docs().join("README.md")).expect("readable");
    let linked: BTreeSet<&str> = index.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link).collect();
    let pages = pages();
    let there: BTreeSet<&str> = pages.iter().map(|page| &*page.file).collect();
    let linked: BTreeSet<&str> = linked.into_iter().filter(|link| !link.starts_with("..")).collect();
    assert_eq!(linked, there);
}

#[test]
fn the_list_of_findings_is_that_of_the_code() {
    let mut known = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.to_string_lossy().contains("tests") {
                let text = std::fs::read_to_string(path).expect("readable");
                // What stands behind the first test of a file is not the product's.
                let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
                known.extend(
                    product.split("\"mapping.").skip(1).filter_map(|rest| rest.split_once('"')).map(|(code, _)| format!("mapping.{code}")),
                );
            }
        }
    }
    let listed: BTreeSet<String> = rows(&page(&pages(), "findings.md").text, "code", "meaning").into_iter().map(|row| row.0).collect();
    assert_eq!(listed, known);
}
