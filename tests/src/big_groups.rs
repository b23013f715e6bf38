//! Members of big groups go as differences: what a server is sent, and what it has in the end.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use crate::place::Place;
use crate::scim_sink::{Mishap, Sink};
use crate::trials;

trials![
    one_more_member_is_one_small_call,
    a_server_without_patch_gets_the_whole_group,
    what_failed_is_written_whole_the_next_time,
    a_small_group_is_written_whole,
];

const USERS: usize = 250;

/// Requests that change a group, as `PATCH` or `PUT` with the number of members in it.
type Seen = Arc<Mutex<Vec<String>>>;

/// A server, the changes of groups it is asked for, and a place that writes to it.
fn company(refuse: impl Fn(&str) -> Option<u16> + Send + Sync + 'static, more: &str) -> (Sink, Seen, Place) {
    let seen = Seen::default();
    let seeing = seen.clone();
    let sink = Sink::with_mishaps(move |method, path| {
        if method == "GET" || !path.starts_with("/Groups/") {
            return None;
        }
        seeing.lock().expect("no test panics with the lock").push(method.to_owned());
        refuse(method).map(|status| Mishap::Refused(status, String::new()))
    });
    let place = Place::with_manifest(&format!(
        "state = \"provisor.db\"\n[systems.hr]\nrole = \"source\"\nconnector = \"file\"\ntransformation = \"read.json\"\n\
         [systems.hr.properties]\n\"file.user.path\" = \"people.csv\"\n\"file.group.path\" = \"groups.csv\"\n\
         [systems.directory]\nrole = \"target\"\nconnector = \"scim\"\nsources = [\"hr\"]\ntransformation = \"write.json\"\n\
         grants = {{ networks = [\"127.0.0.1/32\"] }}\n{more}\n[systems.directory.properties]\nURL = \"http://{}\"\n",
        sink.address
    ));
    place.write(
        "read.json",
        r#"{"user":{"mappings":[{"sourcePath":"$.id","targetVariable":"entityIdSourceSystem"},{"sourcePath":"$.id","targetPath":"$.userName"}]},
            "group":{"mappings":[{"sourcePath":"$.id","targetVariable":"entityIdSourceSystem"},{"sourcePath":"$.name","targetPath":"$.displayName"},
            {"sourcePath":"$.members[*]","preserveArrayWithSingleElement":true,"targetPath":"$.members[?(@.value)]"}]}}"#,
    );
    place.write(
        "write.json",
        r#"{"user":{"mappings":[{"sourcePath":"$.userName","targetPath":"$.userName"}]},
            "group":{"mappings":[{"sourcePath":"$.displayName","targetPath":"$.displayName"},
            {"sourcePath":"$.members[*].value","preserveArrayWithSingleElement":true,"targetPath":"$.members[?(@.value)]",
             "functions":[{"function":"resolveEntityIds"}]}]}}"#,
    );
    let mut people = "id\n".to_owned();
    (0..USERS).for_each(|number| _ = writeln!(people, "u{number}"));
    place.write("people.csv", people);
    (sink, seen, place)
}

fn write_group(place: &Place, name: &str, members: impl Iterator<Item = usize>) {
    let members: Vec<String> = members.map(|number| format!("u{number}")).collect();
    place.write("groups.csv", format!("id,name,members\ng1,{name},{}\n", members.join("|")));
}

/// The run succeeds, the group has these members, and these requests were made for it.
#[track_caller]
fn assert_run(place: &Place, sink: &Sink, seen: &Seen, members: impl Iterator<Item = usize>, expected: &[&str]) {
    place.run().assert_code(0);
    let kept = sink.kept();
    let (_, group) = kept.of("Groups").next().expect("the group");
    let names: BTreeSet<String> = group["members"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|member| {
            kept.resources[&format!("Users/{}", member["value"].as_str().expect("an id"))]["userName"].as_str().expect("a name").to_owned()
        })
        .collect();
    assert_eq!(names, members.map(|number| format!("u{number}")).collect());
    assert_eq!(std::mem::take(&mut *seen.lock().expect("no test panics with the lock")), expected);
}

fn one_more_member_is_one_small_call() {
    let (sink, seen, place) = company(|_| None, "");
    write_group(&place, "all", 0..200);
    assert_run(&place, &sink, &seen, 0..200, &[]);
    write_group(&place, "all", 0..201);
    assert_run(&place, &sink, &seen, 0..201, &["PATCH"]);
    write_group(&place, "all", 3..204);
    assert_run(&place, &sink, &seen, 3..204, &["PATCH", "PATCH"]);
    assert_run(&place, &sink, &seen, 3..204, &[]);
    // Another attribute: the whole group.
    write_group(&place, "everybody", 3..205);
    assert_run(&place, &sink, &seen, 3..205, &["PUT"]);
    write_group(&place, "everybody", 3..206);
    assert_run(&place, &sink, &seen, 3..206, &["PATCH"]);
    // What somebody else did to it is overwritten by a resync, whole.
    place.command(&["resync", "--json", "provisor.toml"]).assert_code(0);
    assert_run(&place, &sink, &seen, 3..206, &["PUT"]);
}

fn a_server_without_patch_gets_the_whole_group() {
    let (sink, seen, place) = company(|method| (method == "PATCH").then_some(501), "");
    write_group(&place, "all", 0..200);
    assert_run(&place, &sink, &seen, 0..200, &[]);
    write_group(&place, "all", 0..201);
    assert_run(&place, &sink, &seen, 0..201, &["PATCH", "PUT"]);
}

fn what_failed_is_written_whole_the_next_time() {
    let refused = Mutex::new(1);
    let (sink, seen, place) = company(
        move |_| {
            let mut refused = refused.lock().expect("no test panics with the lock");
            *refused -= i32::from(*refused >= 0);
            (*refused == 0).then_some(403)
        },
        "",
    );
    write_group(&place, "all", 0..200);
    assert_run(&place, &sink, &seen, 0..200, &[]);
    write_group(&place, "all", 0..201);
    place.run().assert_code(4);
    assert_eq!(std::mem::take(&mut *seen.lock().expect("no test panics with the lock")), ["PATCH"]);
    assert_run(&place, &sink, &seen, 0..201, &["PUT"]);
}

fn a_small_group_is_written_whole() {
    let (sink, seen, place) = company(|_| None, "members-whole = 200");
    write_group(&place, "all", 0..199);
    assert_run(&place, &sink, &seen, 0..199, &[]);
    write_group(&place, "all", 0..200);
    assert_run(&place, &sink, &seen, 0..200, &["PUT"]);
    write_group(&place, "all", 0..201);
    assert_run(&place, &sink, &seen, 0..201, &["PUT"]);
    write_group(&place, "all", 0..202);
    assert_run(&place, &sink, &seen, 0..202, &["PATCH"]);
}
