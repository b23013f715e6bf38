//! The folder: what is in it after each change, what is answered, and what survives an interruption.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::{Action, AttributeValue, Target};
use crate::description::TARGET_PATH;
use crate::failure::{Failure, Kind};
use crate::properties::{Properties, TargetSettings};

fn target(folder: &Path) -> Target {
    let path = folder.join("out/directory/");
    Target::new(TargetSettings::read(&Properties::new([(TARGET_PATH, path.to_str().expect("UTF-8"))])).expect("good settings"))
}

fn create(target: &mut Target, document: &str) -> Result<String, Failure> {
    target.write("user", &Action::Create { document })
}

fn update(target: &mut Target, id: &str, document: &str) -> Result<String, Failure> {
    target.write("user", &Action::Update { id, document })
}

fn files(folder: &TempDir, name: &str) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(folder.path().join("out/directory").join(name))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

fn kind<T>(result: Result<T, Failure>) -> Kind {
    result.err().expect("a failure").kind
}

#[test]
fn a_life() {
    let folder = tempfile::tempdir().unwrap();
    let mut target = target(folder.path());
    assert!(target.probe().unwrap().contains("will be created"));
    assert_eq!(create(&mut target, r#"{"userName":"é/1"}"#).unwrap(), "é/1");
    assert_eq!(files(&folder, "user"), [("%C3%A9%2F1.json".to_owned(), "{\"userName\":\"é/1\"}\n".to_owned())]);
    assert_eq!(kind(create(&mut target, r#"{"userName":"é/1","a":2}"#)), Kind::AlreadyExists);
    assert_eq!(update(&mut target, "é/1", "{\"userName\":\n\"é/1\",\"a\":2}").unwrap(), "é/1");
    assert_eq!(files(&folder, "user")[0].1, "{\"userName\": \"é/1\",\"a\":2}\n");
    assert_eq!(update(&mut target, "é/1", r#"{"userName":"b"}"#).unwrap(), "b");
    assert_eq!(files(&folder, "user"), [("b.json".to_owned(), "{\"userName\":\"b\"}\n".to_owned())]);
    assert_eq!(kind(update(&mut target, "é/1", r#"{"userName":"é/1"}"#)), Kind::NotFound);
    assert_eq!(target.write("user", &Action::Delete { id: "b" }).unwrap(), "b");
    assert_eq!(kind(target.write("user", &Action::Delete { id: "b" })), Kind::NotFound);
    assert_eq!((files(&folder, "user").len(), files(&folder, ".writing").len()), (0, 0));
    assert_eq!(target.write("group", &Action::Create { document: r#"{"displayName":7}"# }).unwrap(), "7");
    assert_eq!(files(&folder, "group")[0].0, "7.json");
}

#[test]
fn one_attribute_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let mut target = target(folder.path());
    create(&mut target, r#"{"userName":"a","active":true}"#).unwrap();
    let operations = r#"[{"op":"replace","path":"active","value":false}]"#;
    assert_eq!(target.write("user", &Action::Patch { id: "a", operations }).unwrap(), "a");
    assert_eq!(files(&folder, "user"), [("a.json".to_owned(), "{\"active\":false,\"userName\":\"a\"}\n".to_owned())]);
    assert_eq!(kind(target.write("user", &Action::Patch { id: "b", operations })), Kind::NotFound);
    assert_eq!(kind(target.write("user", &Action::Patch { id: "a", operations: "{}" })), Kind::Rejected);
}

#[test]
fn a_document_without_an_id_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let mut target = target(folder.path());
    for document in ["{}", "[]", "{", r#"{"userName":""}"#, r#"{"userName":["x"]}"#, r#"{"userName":null}"#] {
        assert_eq!(kind(create(&mut target, document)), Kind::Rejected, "{document}");
    }
    assert_eq!(kind(target.write("device", &Action::Delete { id: "x" })), Kind::Unsupported);
}

#[test]
fn a_new_id_that_is_taken_is_a_conflict_unless_it_is_the_rest_of_this_change() {
    let folder = tempfile::tempdir().unwrap();
    let mut target = target(folder.path());
    create(&mut target, r#"{"userName":"a"}"#).unwrap();
    create(&mut target, r#"{"userName":"b","x":1}"#).unwrap();
    assert_eq!(kind(update(&mut target, "a", r#"{"userName":"b"}"#)), Kind::Conflict);
    assert_eq!(files(&folder, "user").len(), 2);
    // Killed after the new file was there and before the old one was removed: the host tries the same again.
    assert_eq!(update(&mut target, "a", r#"{"userName":"b","x":1}"#).unwrap(), "b");
    assert_eq!(files(&folder, "user"), [("b.json".to_owned(), "{\"userName\":\"b\",\"x\":1}\n".to_owned())]);
}

#[test]
fn what_a_killed_process_left_is_removed_and_what_another_is_writing_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let writing = folder.path().join("out/directory/.writing");
    fs::create_dir_all(&writing).unwrap();
    fs::write(writing.join("old"), "{\"us").unwrap();
    fs::File::open(writing.join("old")).unwrap().set_modified(SystemTime::now() - Duration::from_mins(1)).unwrap();
    fs::write(writing.join("new"), "{\"us").unwrap();
    create(&mut target(folder.path()), r#"{"userName":"a"}"#).unwrap();
    assert_eq!(files(&folder, ".writing").iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["new"]);
    assert_eq!(files(&folder, "user").len(), 1);
}

#[test]
fn entities_are_found_by_what_they_have() {
    let folder = tempfile::tempdir().unwrap();
    let mut target = target(folder.path());
    let find = |target: &Target, attributes: &[(&str, &str)]| {
        let attributes: Vec<_> = attributes.iter().map(|(attribute, value)| AttributeValue { attribute, value }).collect();
        target.find("user", &attributes).map(|found| found.into_iter().map(|(id, _)| id).collect::<Vec<_>>())
    };
    assert!(find(&target, &[("userName", "\"a\"")]).unwrap().is_empty());
    for number in 0..12 {
        create(&mut target, &format!(r#"{{"userName":"u{number:02}","n":{},"emails":[{{"value":"e{number}"}}]}}"#, number % 2)).unwrap();
    }
    fs::write(folder.path().join("out/directory/user/foreign.json"), "not ours").unwrap();
    assert_eq!(find(&target, &[("userName", "\"u03\"")]).unwrap(), ["u03"]);
    assert!(find(&target, &[("userName", "\"u03\""), ("n", "0")]).unwrap().is_empty());
    assert_eq!(find(&target, &[("emails[0].value", "\"e7\"")]).unwrap(), ["u07"]);
    assert_eq!(find(&target, &[("n", "1")]).unwrap().len(), 6);
    assert_eq!(find(&target, &[]).unwrap().len(), 10);
    assert_eq!(kind(find(&target, &[("a[", "1")])), Kind::Rejected);
}
