//! Every format: what is read, what is reported, and that reading in pages from any point gives what reading at once gives.

use std::io::Write as _;

use proptest::prelude::*;
use tempfile::{Builder, NamedTempFile};

use super::{Page, Source};
use crate::description::{GROUP_PATH, USER_PATH};
use crate::failure::{Failure, Kind};
use crate::properties::{Properties, SourceSettings};

fn file(extension: &str, content: &[u8]) -> NamedTempFile {
    let mut file = Builder::new().suffix(extension).tempfile().expect("a temporary file");
    file.write_all(content).expect("written");
    file
}

fn source(path: &str, properties: &[(&str, &str)]) -> Source {
    let values = [(USER_PATH, path), (GROUP_PATH, path)].into_iter().chain(properties.iter().copied());
    Source::new(SourceSettings::read(&Properties::new(values)).expect("good settings"))
}

fn open(file: &NamedTempFile, properties: &[(&str, &str)]) -> Source {
    source(file.path().to_str().expect("UTF-8"), properties)
}

/// All users: documents, and what was unreadable as `line: message`.
fn read(extension: &str, content: &[u8], properties: &[(&str, &str)]) -> Result<(Vec<String>, Vec<String>), Failure> {
    let file = file(extension, content);
    let page = open(&file, properties).read_page("user", None, 100_000)?;
    assert_eq!(page.next, None);
    Ok(flat(&page))
}

fn flat(page: &Page) -> (Vec<String>, Vec<String>) {
    let unreadable = page.unreadable.iter().map(|one| {
        let message = one.message.split_once(": ").map_or("", |(_, message)| message);
        format!("{}: {message}", one.line)
    });
    (page.entities.iter().map(|entity| format!("{} {}", entity.id, entity.document)).collect(), unreadable.collect())
}

fn documents(extension: &str, content: &str, properties: &[(&str, &str)]) -> Vec<String> {
    let (documents, unreadable) = read(extension, content.as_bytes(), properties).expect("a page");
    assert_eq!(unreadable, Vec::<String>::new());
    documents
}

fn refused(extension: &str, content: &[u8], properties: &[(&str, &str)]) -> Failure {
    read(extension, content, properties).expect_err("a failure")
}

#[test]
fn csv_as_it_comes() {
    let content = "\u{feff}id,name.familyName,note,members\r\n1,Müller,\"a, \"\"b\"\"\r\nc\",x|y\r\n\r\n2,,,\r\n,,,\r\n3,ł,\u{feff},z";
    let expected = [
        r#"1 {"id":"1","name":{"familyName":"Müller"},"note":"a, \"b\"\r\nc","members":["x","y"]}"#,
        r#"2 {"id":"2"}"#,
        "3 {\"id\":\"3\",\"name\":{\"familyName\":\"ł\"},\"note\":\"\u{feff}\",\"members\":[\"z\"]}",
    ];
    assert_eq!(documents(".csv", content, &[]), expected);
    let tabs = documents(
        ".txt",
        "7\tx;y\n",
        &[
            ("file.format", "csv"),
            ("file.csv.delimiter", "tab"),
            ("file.csv.user.header", "id, roles"),
            ("file.csv.list.columns", "roles"),
            ("file.csv.list.separator", ";"),
        ],
    );
    assert_eq!(tabs, [r#"7 {"id":"7","roles":["x","y"]}"#]);
}

#[test]
fn a_broken_csv_row_is_reported_with_its_line_and_the_rest_goes_on() {
    let content = b"id,a\n1,x\n2\n3,x,y\n4,\"x\ny\"\n5,\xff\n,z\n6,\xc3,\xa9,,,,,,,,\n7,w\n8,\"open\n9,x\n";
    let (documents, unreadable) = read(".csv", content, &[]).unwrap();
    assert_eq!(documents, [r#"1 {"id":"1","a":"x"}"#, r#"4 {"id":"4","a":"x\ny"}"#, r#"7 {"id":"7","a":"w"}"#]);
    assert_eq!(
        unreadable,
        [
            "3: the row has 1 cells, the header 2",
            "4: the row has 3 cells, the header 2",
            "7: the row is not UTF-8",
            "8: the row has no id",
            "9: the row has 11 cells, the header 2",
            "11: a quoted cell of the row is still open at the end of the file; everything from here on was not read",
        ]
    );
}

#[test]
fn a_cell_boundary_does_not_mend_broken_text() {
    let (documents, unreadable) = read(".csv", b"id,a,b\n1,\xc3,\xa9\n", &[]).unwrap();
    assert_eq!((documents.len(), unreadable), (0, vec!["2: the row is not UTF-8".to_owned()]));
}

#[test]
fn what_is_longer_than_the_limit_is_skipped_in_every_format() {
    let long = "x".repeat(10 << 20);
    let csv = format!("id,a\n1,b\n2,{long}\n3,\"{long}\n4,injected\"\n5,b\n");
    let ndjson = format!("{{\"id\":1}}\n{{\"id\":2,\"a\":\"{long}\"}}\n{{\"id\":5}}\n");
    let json = format!("[{{\"id\":1}},\n{{\"id\":2,\"a\":\"{long}\"}},\n{{\"id\":5}}]");
    let person = "objectClass: inetOrgPerson\nid:";
    let ldif = format!("dn: a\n{person} 1\n\ndn: b\ncn: {long}\ncn: x\n{person} 2\n\ndn: c\n{person} 5\n");
    for (extension, content, count) in [(".csv", csv, 2), (".ndjson", ndjson, 1), (".json", json, 1), (".ldif", ldif, 1)] {
        let (documents, unreadable) = read(extension, content.as_bytes(), &[]).unwrap();
        let ids: Vec<&str> = documents.iter().map(|document| &document[..1]).collect();
        assert_eq!((ids, unreadable.len()), (vec!["1", "5"], count), "{extension}");
        assert!(unreadable[0].contains("file.record.limit (1048576 bytes)"), "{unreadable:?}");
    }
}

#[test]
fn a_header_that_cannot_be_is_a_failure() {
    for (content, kind, problem) in [
        (&b"id,id\n1,2\n"[..], Kind::Rejected, "names the column id twice"),
        (b"id,,x\n1,2,3\n", Kind::Rejected, "no name for column 2"),
        (b"1,Anna\n2,Ben\n", Kind::InvalidSettings, "no column id, which property file.user.id names; the header has 1, Anna"),
        (b"id,\"x\n1,2\n", Kind::Rejected, "not closed"),
        (b"id,\xe9\n1,2\n", Kind::Rejected, "not UTF-8"),
        (b"\xff\xfei\0d\0", Kind::Rejected, "UTF-16"),
    ] {
        let failure = refused(".csv", content, &[]);
        assert!(failure.kind == kind && failure.message.contains(problem), "{failure:?}");
    }
}

#[test]
fn json_elements_pass_untouched() {
    let content = " [ {\"id\" : 1, \"s\":\"]},{\\\"\\\\\"},\r\n{\"name\":{\"id\":2},\n \"id\":\"é\"} ]\n";
    assert_eq!(documents(".json", content, &[]), ["1 {\"id\" : 1, \"s\":\"]},{\\\"\\\\\"}", "é {\"name\":{\"id\":2},\n \"id\":\"é\"}"]);
    assert_eq!(documents(".json", "[{\"name\":{\"id\":2}}]", &[("file.user.id", "name.id")]), [r#"2 {"name":{"id":2}}"#]);
    assert_eq!(documents(".json", "[]", &[]).len(), 0);
}

#[test]
fn a_wrong_element_is_reported_and_a_syntax_error_ends_the_reading() {
    let wrong = "[{\"id\":1},\n7,\"a,]\",null,[{}],\n{\"id\":[]},{\"id\":\"\"},\n{\"id\":2}]";
    let (documents, unreadable) = read(".json", wrong.as_bytes(), &[]).unwrap();
    assert_eq!((documents.len(), unreadable.len()), (2, 6));
    assert_eq!(unreadable[0], "2: the element is not a JSON object");
    assert_eq!(unreadable[4], "3: the element has no id: id is missing, empty or no single value");
    for (content, problem) in [
        ("[{\"id\":1},\n{\"id\":2,}, {\"id\":3}]", "2: the element is not JSON"),
        ("[{\"id\":1},\n{\"id: 2}, {\"id\":3}]", "2: the file ends inside"),
        ("[{\"id\":1}\n{\"id\":2}]", "2: there is no comma"),
        ("[{\"id\":1},\n]", "1: there is a comma without an element"),
        ("[{\"id\":1}\n", "2: the file ends before the array does"),
        ("[{\"id\":1}]\n]", "2: there is something after the end"),
        ("[{\"id\":1},7x,{\"id\":3}]", "1: the element is not JSON"),
    ] {
        let (documents, unreadable) = read(".json", content.as_bytes(), &[]).unwrap();
        assert_eq!((documents.len(), unreadable.len()), (1, 1), "{content}");
        assert!(unreadable[0].starts_with(problem) && unreadable[0].ends_with("was not read"), "{unreadable:?}");
    }
    assert!(refused(".json", b"{\"id\":1}\n{\"id\":2}", &[]).message.contains("ndjson"));
    assert_eq!(refused(".json", b"id,name", &[]).kind, Kind::Rejected);
}

#[test]
fn ndjson_loses_only_the_broken_line() {
    let content = b"{\"id\":1}\r\n\n7\n{\"id\":2\n{\"id\":\"\xff\"}\n  {\"id\":3}  ";
    let (documents, unreadable) = read(".ndjson", content, &[]).unwrap();
    assert_eq!(documents, ["1 {\"id\":1}", "3 {\"id\":3}"]);
    assert_eq!(unreadable[0], "3: the line is not a JSON object");
    assert!(unreadable[1].starts_with("4: the line is not JSON") && unreadable[2] == "5: the line is not UTF-8", "{unreadable:?}");
}

const LDIF: &str = "version: 1\n# a comment\n  that goes on\ndn: uid=a,dc=x\nobjectClass: top\nobjectclass: inetOrgPerson\nuid: a\ncn: Anna\n  Maria\n\
    sn:: w5g=\nmail: a@x\nMail: b@x\njpegPhoto:: /9j/\ndescription;lang-de: B\nnote:: /w==\n\n\ndn: ou=people,dc=x\nobjectClass: organizationalUnit\n\n\
    dn:: Y249ZyxkYz14\r\nobjectClass: groupOfNames\r\ncn: g\r\nmember: uid=a,dc=x\r\n\r\n";

#[test]
fn ldif_attributes_are_arrays_and_object_classes_decide() {
    let user = r#"a {"distinguishedName":["uid=a,dc=x"],"objectClass":["top","inetOrgPerson"],"uid":["a"],"cn":["Anna Maria"],"sn":["Ø"],"mail":["a@x","b@x"],"jpegPhoto":["/9j/"],"description;lang-de":["B"],"note":["/w=="]}"#;
    assert_eq!(documents(".ldif", LDIF, &[("file.user.id", "UID")]), [user]);
    let file = file(".ldif", LDIF.as_bytes());
    let groups = open(&file, &[("file.group.id", "distinguishedName")]).read_page("group", None, 10).unwrap();
    assert_eq!(
        flat(&groups).0,
        [r#"cn=g,dc=x {"distinguishedName":["cn=g,dc=x"],"objectClass":["groupOfNames"],"cn":["g"],"member":["uid=a,dc=x"]}"#]
    );
}

#[test]
fn a_broken_ldif_record_costs_itself_only() {
    let person = "objectClass: inetOrgPerson\nuid: x\n";
    let broken = [
        "uid: x\ndn: y\n",
        "dn: a\nchangetype: add\n",
        "dn: a\nphoto:< file:///etc/passwd\n",
        "dn: a\nno colon\n",
        "dn: a\nsn:: ?\n",
        " x\n",
    ];
    let content = broken.map(|record| format!("{record}{person}\n")).concat() + "dn: a\nobjectClass: inetOrgPerson\n\ndn: a\n" + person;
    let (documents, unreadable) = read(".ldif", content.as_bytes(), &[("file.user.id", "uid")]).unwrap();
    assert_eq!((documents.len(), unreadable.len()), (1, 7), "{unreadable:?}");
    for (message, problem) in unreadable.iter().zip([
        "1: a record begins with dn",
        "7: this is a change",
        "12: the value of photo",
        "17: the line has no colon",
        "22: ",
        "26: the line has no colon",
        "30: the record has no id",
    ]) {
        assert!(message.starts_with(problem), "{message}");
    }
}

#[test]
fn an_empty_file_has_no_entities() {
    for extension in [".csv", ".json", ".ndjson", ".ldif"] {
        for content in ["", "\u{feff}", "\n\n"] {
            assert_eq!(documents(extension, content, &[]).len(), 0, "{extension}");
        }
    }
    assert_eq!(documents(".csv", "id,name\n", &[]).len(), 0);
}

#[test]
fn what_cannot_be_opened_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let failure = source(path, &[("file.format", "csv")]).read_page("user", None, 1).unwrap_err();
    assert!(failure.kind == Kind::InvalidSettings && failure.message.contains("is a folder"), "{failure:?}");
    let failure = source(&format!("{path}/people.csv"), &[]).probe().unwrap_err();
    assert!(failure.kind == Kind::NotFound && failure.message.contains("people.csv"), "{failure:?}");
    let file = file(".csv", b"id\n1\n");
    assert_eq!(open(&file, &[]).read_page("device", None, 1).unwrap_err().kind, Kind::Unsupported);
    assert_eq!(open(&file, &[]).read_page("user", Some("7"), 1).unwrap_err().kind, Kind::Rejected);
    let only_users = SourceSettings::read(&Properties::new([(USER_PATH, file.path().to_str().unwrap())])).unwrap();
    assert!(Source::new(only_users).read_page("group", None, 1).unwrap().entities.is_empty());
}

#[test]
fn a_file_that_changes_fails_the_next_page() {
    let mut file = file(".csv", b"id\n1\n2\n3\n");
    let mut first = open(&file, &[]);
    let page = first.read_page("user", None, 1).unwrap();
    file.write_all(b"4\n").unwrap();
    for source in [&mut first, &mut open(&file, &[])] {
        assert_eq!(source.read_page("user", page.next.as_deref(), 1).unwrap_err().kind, Kind::Conflict);
    }
}

/// Pages of `limit`, each from the same source or from a new one, end to end.
fn in_pages(file: &NamedTempFile, limit: u32, elsewhere: bool, properties: &[(&str, &str)]) -> Result<(Vec<String>, Vec<String>), Failure> {
    let mut source = open(file, properties);
    let (mut documents, mut unreadable, mut cursor) = (Vec::new(), Vec::new(), None);
    for _ in 0..10_000 {
        if elsewhere {
            source = open(file, properties);
        }
        let page = source.read_page("user", cursor.as_deref(), limit)?;
        assert!(page.entities.len() + page.unreadable.len() <= limit as usize);
        let (more_documents, more_unreadable) = flat(&page);
        documents.extend(more_documents);
        unreadable.extend(more_unreadable);
        cursor = page.next;
        if cursor.is_none() {
            return Ok((documents, unreadable));
        }
    }
    panic!("the pages do not end");
}

#[test]
fn a_page_without_room_only_answers_where_to_go_on() {
    for (extension, content) in
        [(".csv", "\u{feff}id\n1\n"), (".json", "\u{feff}[{\"id\":\"1\"}]"), (".ndjson", "{\"id\":\"1\"}"), (".ldif", LDIF)]
    {
        let file = file(extension, content.as_bytes());
        let properties = [("file.user.id", if extension == ".ldif" { "uid" } else { "id" })];
        let page = open(&file, &properties).read_page("user", None, 0).unwrap();
        assert!(page.entities.is_empty());
        assert_eq!(open(&file, &properties).read_page("user", page.next.as_deref(), 9).unwrap().entities.len(), 1, "{extension}");
    }
}

/// Pieces of each format, put together at random: mostly well-formed, often not.
fn content() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let pieces = |extension: &'static str, begin: &'static [u8], pieces: &'static [&'static [u8]]| {
        prop::collection::vec(prop::sample::select(pieces), 0..24).prop_map(move |parts| (extension, [begin, &parts.concat()].concat()))
    };
    prop_oneof![
        pieces(
            ".csv",
            b"id,a,b\n",
            &[
                b"1,x,y\n",
                b"2,\"q\",\n",
                b",",
                b"\"",
                b"\n",
                b"\r",
                b"\r\n",
                b"3,\"a\nb\",c\n",
                b"\xff",
                b"\xef\xbb\xbf",
                b"x",
                b"4,long long long long long,z\n"
            ]
        ),
        pieces(
            ".ndjson",
            b"",
            &[
                b"{\"id\":1}\n",
                b"{\"id\":\"a\"}",
                b"\n",
                b"\r\n",
                b"{",
                b"}",
                b"\"",
                b"\xff",
                b"7\n",
                b" ",
                b"{\"id\":\"long long long long\"}\n"
            ]
        ),
        pieces(
            ".json",
            b"[",
            &[
                b"{\"id\":1}",
                b",{\"id\":2}",
                b",{\"id\":\"]}\\\"\"}",
                b",7",
                b",\"s\"",
                b"]",
                b",",
                b"{",
                b"\"",
                b"\\",
                b"\n",
                b" ",
                b"\xff",
                b",{\"id\":\"long long long long\"}"
            ]
        ),
        pieces(
            ".ldif",
            b"",
            &[
                b"dn: a\nobjectClass: inetOrgPerson\nid: 1\n",
                b"\n",
                b"\r\n",
                b"\n\ndn: b\nobjectClass: inetOrgPerson\nid:: Mg==\n\n",
                b" x\n",
                b"cn: y\n",
                b"#c\n",
                b":",
                b" ",
                b"\xff",
                b"version: 1\n",
                b"dn: o\nobjectClass: top\n\n"
            ]
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn pages_from_any_point_equal_reading_at_once((extension, content) in content(), limit in 1_u32..5, record_limit in prop::sample::select(vec!["20", "60", "1000"])) {
        let file = file(extension, &content);
        let properties = [("file.record.limit", record_limit)];
        let whole = open(&file, &properties).read_page("user", None, 100_000).map(|page| flat(&page));
        prop_assert_eq!(&in_pages(&file, limit, false, &properties), &whole);
        prop_assert_eq!(&in_pages(&file, limit, true, &properties), &whole);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(content in prop::collection::vec(any::<u8>(), 0..200), extension in prop::sample::select(vec![".csv", ".json", ".ndjson", ".ldif"])) {
        let file = file(extension, &content);
        let _ = in_pages(&file, 3, true, &[]);
    }
}
