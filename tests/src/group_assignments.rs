//! Users that are put into groups of the target, and taken out of them, by their own transformation: `assignGroup` and `unassignGroup`.

use serde_json::{Value, json};

use crate::http;
use crate::matching::Matches;
use crate::place::{Ended, MANIFEST, Place};
use crate::scim_sink::Sink;
use crate::trials;

trials![
    users_come_into_their_groups_and_leave_them,
    a_group_that_is_not_there_fails_its_users,
    who_was_there_before_only_leaves_its_groups,
    leaving_groups_counts_as_a_deletion,
    a_deletion_with_nothing_to_send_is_left_out,
    a_target_that_cannot_change_members_fails_the_entity
];

const READ: &str = r#"{"user":{"mappings":[{"sourcePath":"$.id","targetVariable":"entityIdSourceSystem"},{"sourcePath":"$.id","targetPath":"$.userName"},{"sourcePath":"$.team","targetPath":"$.team"}]}}"#;

/// Developers come into one group, everybody else into the other; of several matching mappings the last one counts.
const WRITE: &str = r#"{"user":{"mappings":[
  {"sourcePath":"$.userName","targetPath":"$.userName"},
  {"constant":[{"id":"000002"}],"targetVariable":"assignGroup"},
  {"condition":"$.team == 'dev'","constant":[{"id":"000001"}],"targetVariable":"assignGroup"},
  {"condition":"$.team != 'dev'","constant":[{"id":"000001"}],"targetVariable":"unassignGroup"},
  {"scope":"deleteEntity","constant":[{"id":"000001"},{"id":"000002"}],"targetVariable":"unassignGroup"}]}}"#;

/// A server with two groups, and a place that writes to it.
fn company() -> (Sink, Place) {
    let sink = Sink::start();
    for name in ["developers", "others"] {
        send(&sink, "POST", "/Groups", &json!({ "displayName": name, "members": [] }));
    }
    let place = Place::with_manifest(&format!(
        "[systems.hr]\nrole = \"source\"\nconnector = \"file\"\ntransformation = \"read.json\"\nproperties = {{ \"file.user.path\" = \"people.csv\" }}\n\
         [systems.directory]\nrole = \"target\"\nconnector = \"scim\"\nsources = [\"hr\"]\ntransformation = \"write.json\"\n\
         grants = {{ networks = [\"127.0.0.1/32\"] }}\nproperties = {{ URL = \"http://{}\" }}\n",
        sink.address
    ));
    place.write("read.json", READ);
    place.write("write.json", WRITE);
    (sink, place)
}

fn send(sink: &Sink, method: &str, path: &str, document: &Value) {
    http::exchange(sink.address, method, path, &[], &document.to_string()).expect("the sink answers");
}

fn people(place: &Place, rows: &[&str]) {
    place.write("people.csv", format!("id,team\n{}\n", rows.join("\n")));
}

/// The names of a group's members, in the order of the alphabet.
fn members(sink: &Sink, group: &str) -> Vec<String> {
    let kept = sink.kept();
    let members = kept.resources[&format!("Groups/{group}")]["members"].as_array().cloned().unwrap_or_default();
    let name = |member: &Value| {
        let id = member["value"].as_str().expect("an id");
        kept.resources
            .get(&format!("Users/{id}"))
            .map_or_else(|| id.to_owned(), |user| user["userName"].as_str().expect("a name").to_owned())
    };
    let mut names: Vec<String> = members.iter().map(name).collect();
    names.sort();
    names
}

#[track_caller]
fn assert_counts(ended: &Ended, code: i32, counts: &Value) {
    let expected = json!({ "systems": { "directory": { "user": counts } } });
    Matches::stream(&expected, &ended.assert_code(code).values()).unwrap_or_else(|why| panic!("{why}\n{ended}"));
}

fn users_come_into_their_groups_and_leave_them() {
    let (sink, place) = company();
    people(&place, &["ada,dev", "bob,dev", "cy,sales"]);
    place.command(&["simulate", MANIFEST]).assert_code(0).assert_output(&[
        "create user cy (directory)",
        "assignGroup [\"000002\"]",
        "unassignGroup [\"000001\"]",
    ]);
    assert_counts(&place.run(), 0, &json!({ "created": 3 }));
    assert_eq!((members(&sink, "000001"), members(&sink, "000002")), (vec!["ada".into(), "bob".into()], vec!["cy".into()]));
    assert_counts(&place.run(), 0, &json!({ "unchanged": 3, "updated": 0 }));
    // What is sent of bob is what was sent before, but for the group.
    people(&place, &["ada,dev", "bob,sales", "cy,sales"]);
    assert_counts(&place.run(), 0, &json!({ "unchanged": 2, "updated": 1 }));
    assert_eq!((members(&sink, "000001"), members(&sink, "000002")), (vec!["ada".into()], vec!["bob".into(), "cy".into()]));
    // So it is if the transformation says something else.
    place.write("write.json", WRITE.replacen("000002", "000001", 1));
    assert_counts(&place.run(), 0, &json!({ "unchanged": 1, "updated": 2 }));
    // Whoever goes leaves both; the deletion is an update, and the relation is dropped.
    people(&place, &["ada,dev", "bob,dev"]);
    assert_counts(&place.run(), 0, &json!({ "deleted": 1 }));
    assert!(!members(&sink, "000001").contains(&"cy".to_owned()) && !members(&sink, "000002").contains(&"cy".to_owned()));
    assert_eq!(sink.kept().of("Users").count(), 3);
}

fn a_group_that_is_not_there_fails_its_users() {
    let (sink, place) = company();
    send(&sink, "DELETE", "/Groups/000001", &json!({}));
    people(&place, &["ada,dev", "cy,ops"]);
    place.write("write.json", WRITE.replace("unassignGroup\"},\n  {\"scope", "other\"},\n  {\"scope"));
    assert_counts(&place.run(), 4, &json!({ "created": 1, "failed": 1 }));
    assert_eq!(sink.kept().of("Users").count(), 2, "she is there, and known");
    let failed = place.run();
    assert_counts(&failed, 4, &json!({ "unchanged": 1, "failed": 1 }));
    failed.assert_output(&["its place in group 000001 could not be changed", "backend.not-found"]);
    assert_eq!(sink.kept().of("Users").count(), 2, "not created twice");
    place.write("write.json", WRITE.replace("000001", "000002"));
    assert_counts(&place.run(), 0, &json!({ "updated": 2 }));
    // To whoever goes a group that is gone is as good as left.
    place.write("write.json", WRITE.replace("unassignGroup\"},\n  {\"scope", "other\"},\n  {\"scope").replace("'dev'", "'x'"));
    people(&place, &["cy,ops"]);
    assert_counts(&place.run(), 0, &json!({ "deleted": 1 }));
    assert_eq!(members(&sink, "000002"), ["cy"]);
}

fn who_was_there_before_only_leaves_its_groups() {
    let (sink, place) = company();
    send(&sink, "POST", "/Users", &json!({ "userName": "ada", "title": "Dr" }));
    people(&place, &["ada,dev", "cy,dev"]);
    assert_counts(&place.run(), 0, &json!({ "created": 1, "updated": 1 }));
    assert_eq!(members(&sink, "000001"), ["ada", "cy"]);
    people(&place, &["cy,dev"]);
    let run = place.run();
    assert_counts(&run, 0, &json!({ "deleted": 0 }));
    run.assert_output(&["it existed before"]);
    assert_eq!((members(&sink, "000001"), sink.kept().of("Users").count()), (vec!["cy".to_owned()], 2));
}

/// Taking everybody's permissions is as bad as deleting everybody.
fn leaving_groups_counts_as_a_deletion() {
    let (sink, place) = company();
    let names: Vec<String> = (10..30).map(|number| format!("u{number}")).collect();
    for name in &names {
        send(&sink, "POST", "/Users", &json!({ "userName": name }));
    }
    let rows: Vec<String> = names.iter().map(|name| format!("{name},dev")).collect();
    people(&place, &rows.iter().map(String::as_str).collect::<Vec<_>>());
    assert_counts(&place.run(), 0, &json!({ "updated": 20 }));
    assert_eq!(members(&sink, "000001"), names);
    people(&place, &["u10,dev"]);
    let run = place.run();
    assert_counts(&run, 4, &json!({ "failed": 19, "deleted": 0 }));
    run.assert_output(&["held back", "it would have left its groups", "deletions.too-many"]);
    assert_eq!(members(&sink, "000001"), names);
    let accepted = place.command(&["run", "--accept-deletions", "2", MANIFEST]);
    accepted.assert_code(0).assert_output(&["19 kept because it existed before"]);
    assert_eq!((members(&sink, "000001"), sink.kept().of("Users").count()), (vec!["u10".to_owned()], 20));
}

fn a_deletion_with_nothing_to_send_is_left_out() {
    let (sink, place) = company();
    people(&place, &["ada,dev", "cy,dev"]);
    place.write(
        "write.json",
        WRITE.replace("{\"scope\":\"deleteEntity\",", "{\"scope\":\"deleteEntity\",\"condition\":\"$.team == 'dev'\","),
    );
    assert_counts(&place.run(), 0, &json!({ "created": 2 }));
    people(&place, &["cy,dev"]);
    let run = place.run();
    assert_counts(&run, 0, &json!({ "deleted": 0, "skipped": 1 }));
    run.assert_output(&["nothing to send for this deletion"]);
    assert_eq!((members(&sink, "000001").len(), sink.kept().of("Users").count()), (2, 2));
    // With the condition lifted it says beforehand what it will do.
    place.write("write.json", WRITE);
    place
        .command(&["simulate", MANIFEST])
        .assert_output(&["delete (groups) user ada (directory)", "unassignGroup [\"000001\",\"000002\"]"]);
}

fn a_target_that_cannot_change_members_fails_the_entity() {
    let place = Place::with_manifest(
        "[systems.hr]\nrole = \"source\"\nconnector = \"file\"\ntransformation = \"read.json\"\nproperties = { \"file.user.path\" = \"people.csv\" }\n\
         [systems.directory]\nrole = \"target\"\nconnector = \"file\"\nsources = [\"hr\"]\ntransformation = \"write.json\"\nproperties = { \"file.target.path\" = \"out/\" }\n",
    );
    place.write("read.json", READ);
    place.write("write.json", WRITE);
    people(&place, &["ada,dev"]);
    let run = place.run();
    assert_counts(&run, 4, &json!({ "failed": 1, "created": 0 }));
    run.assert_output(&["does not say that it can change the members of groups", "target.unsupported"]);
    place.write("write.json", WRITE.replace(r#"[{"id":"000001"}]"#, r#"["000001"]"#));
    place.run().assert_code(4).assert_output(&["mapping.invalid-assignment"]);
}
