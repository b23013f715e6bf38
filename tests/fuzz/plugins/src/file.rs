//! Files of people: whatever stands in them, reading in pages gives what reading at once gives.

use std::io::{Seek as _, Write as _};
use std::sync::{LazyLock, Mutex, PoisonError};

use file::description::{GROUP_PATH, USER_PATH};
use file::failure::Failure;
use file::properties::{Properties, SourceSettings};
use file::source::{Entity, Source, Unreadable};
use tempfile::NamedTempFile;

use crate::document::is_json;

static FILE: LazyLock<Mutex<NamedTempFile>> = LazyLock::new(|| Mutex::new(NamedTempFile::new().expect("a temporary file")));

pub fn csv(data: &[u8]) {
    check(data, &[("file.format", "csv")]);
    let fixed = [("file.csv.user.header", "id,name.a,b,c"), ("file.csv.list.columns", "b"), ("file.csv.nested", "false")];
    check(data, &[&fixed[..], &[("file.format", "csv"), ("file.csv.delimiter", ";"), ("file.record.limit", "64")]].concat());
}

pub fn ldif(data: &[u8]) {
    check(
        data,
        &[("file.format", "ldif"), ("file.user.id", "uid"), ("file.ldif.user.object.class", "person"), ("file.record.limit", "256")],
    );
    check(data, &[("file.format", "ldif"), ("file.user.id", "dn")]);
}

/// A file with one JSON array.
pub fn array(data: &[u8]) {
    check(data, &[("file.format", "json")]);
    check(data, &[("file.format", "json"), ("file.user.id", "a[0].b"), ("file.record.limit", "32")]);
}

pub fn ndjson(data: &[u8]) {
    check(data, &[("file.format", "ndjson"), ("file.record.limit", "128")]);
}

fn check(data: &[u8], properties: &[(&str, &str)]) {
    let mut file = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    file.as_file_mut().set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(data)).expect("the file was written");
    let path = file.path().to_str().expect("a temporary folder in UTF-8");
    let values = [(USER_PATH, path), (GROUP_PATH, path)].into_iter().chain(properties.iter().copied());
    let settings = SourceSettings::read(&Properties::new(values)).expect("good settings");
    let whole = read(&settings, data.len(), 100_000);
    let pages = read(&settings, data.len(), 2);
    match (&whole, &pages) {
        (Ok(whole), Ok(pages)) => assert_eq!(whole, pages, "read in pages it is something else"),
        (Err(_), Err(_)) => {}
        other => panic!("read in pages it ends otherwise: {other:?}"),
    }
    for entity in whole.iter().flat_map(|(entities, _)| entities) {
        assert!(!entity.id.is_empty() && is_json(&entity.document), "{entity:?}");
    }
}

/// Everything, page by page, each page by a reader of its own.
fn read(settings: &SourceSettings, bytes: usize, limit: u32) -> Result<(Vec<Entity>, Vec<Unreadable>), Failure> {
    let (mut entities, mut unreadable, mut cursor) = (Vec::new(), Vec::new(), None);
    for _ in 0..bytes + 2 {
        let page = Source::new(settings.clone()).read_page("user", cursor.as_deref(), limit)?;
        assert!(page.entities.len() + page.unreadable.len() <= limit as usize);
        entities.extend(page.entities);
        unreadable.extend(page.unreadable);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok((entities, unreadable)),
        }
    }
    panic!("the read does not end");
}
