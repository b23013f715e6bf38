//! The connector `ldap` against `slapd`: written through it, looked at with `ldapsearch`, and read back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};

use serde_json::{Value, json};

use crate::counterparts::ScimServer;
use crate::place::{Ended, Place};
use crate::slapd::{ADMIN, Entries, LIMITED, PASSWORD, SUFFIX, Slapd};
use crate::trials;

trials![
    a_file_arrives_in_a_directory_and_is_kept_in_step,
    a_directory_is_read_into_a_folder,
    a_directory_arrives_in_a_scim_server,
    a_scim_server_arrives_in_a_directory,
    changes_and_deletions_are_read_alone,
    who_was_there_before_is_found_and_never_deleted,
    a_size_limit_deletes_nobody,
    a_wrong_password_is_told_and_nothing_is_done,
    a_server_that_is_no_directory_is_told,
    connections_are_secured_and_certificates_checked,
    without_the_grant_nothing_is_sent,
    passwords_are_set,
];

const GRANTS: &str = "grants = { networks = [\"127.0.0.1/32\"] }";
const PLACEHOLDER: &str = "cn=nobody,dc=example,dc=org";

/// The properties of a system on this server, as lines of a manifest.
fn properties(url: &str, more: &[(&str, &str)]) -> String {
    let own = [
        ("ldap.url", url),
        ("ldap.user", ADMIN),
        ("ldap.user.path", "ou=people,dc=example,dc=org"),
        ("ldap.group.path", "ou=groups,dc=example,dc=org"),
        ("ldap.api.version", "2"),
        ("ldap.group.placeholder.member", PLACEHOLDER),
    ];
    let mut all: BTreeMap<&str, &str> = own.into();
    all.extend(more.iter().copied());
    let lines = all.iter().map(|(name, value)| format!("\"{name}\" = \"{value}\"\n")).collect::<Vec<_>>().concat();
    lines + "\"ldap.password\" = { env = \"LDAP_PASSWORD\" }\n"
}

/// A folder of CSV files into a directory.
fn from_files(url: &str, more: &[(&str, &str)]) -> Place {
    let manifest = format!(
        r#"state = "provisor.db"
[systems.hr]
role = "source"
connector = "file"
properties = {{ "file.user.path" = "people.csv", "file.group.path" = "groups.csv" }}

[systems.directory]
role = "target"
connector = "ldap"
sources = ["hr"]
{GRANTS}

[systems.directory.properties]
{}"#,
        properties(url, more)
    );
    Place::with_manifest(&manifest).with_environment("LDAP_PASSWORD", PASSWORD)
}

/// A directory into a folder of documents.
fn to_files(url: &str, source: &str, more: &[(&str, &str)]) -> Place {
    let manifest = format!(
        r#"state = "provisor.db"
[systems.directory]
role = "source"
connector = "ldap"
{GRANTS}

[systems.directory.properties]
{source}{}
[systems.copy]
role = "target"
connector = "file"
sources = ["directory"]
properties = {{ "file.target.path" = "copy/" }}
"#,
        properties(url, more)
    );
    Place::with_manifest(&manifest).with_environment("LDAP_PASSWORD", PASSWORD)
}

const PEOPLE: &str = "id,userName,displayName,name.givenName,name.familyName,emails[0].value,phoneNumbers[0].value,phoneNumbers[0].type
1,ada,Ada Lovelace,Ada,Lovelace,ada@example.org,+44 1,work
2,\"o'brien, pat+1\",\"O'Brien, Pat \"\"P\"\" <x>\",Pat,O'Brien,,,
3,grace,Grace Hopper,Grace,Hopper,grace@example.org,+1 2,mobile
4,jürgen,Jürgen Müller,Jürgen,Müller,j@example.org,,
";
const GROUPS: &str = "id,displayName,members
g1,staff,1|2|3
g2,\"empty, for now\",
";

fn people(place: &Place, people: &str, groups: &str) {
    place.write("people.csv", people);
    place.write("groups.csv", groups);
}

/// [created, updated, deleted] of users and groups, and nothing failed.
#[track_caller]
fn assert_counts(ended: &Ended, system: &str, users: [u64; 3], groups: [u64; 3]) {
    ended.assert_code(0);
    let report = ended.value();
    for (entity_type, expected) in [("user", users), ("group", groups)] {
        let counts = &report["systems"][system][entity_type];
        let found = ["created", "updated", "deleted"].map(|name| counts[name].as_u64().unwrap_or_default());
        assert_eq!(found, expected, "{entity_type}s created, updated, deleted\n{ended}");
    }
}

/// Attributes of the people as `ldapsearch` shows them, by `uid`.
fn directory_people(server: &Slapd) -> Entries {
    let found = server.search("ou=people,dc=example,dc=org", "(objectClass=inetOrgPerson)", &["*"]);
    let by_uid = |(_, mut attributes): (String, BTreeMap<String, BTreeSet<String>>)| {
        let uid = attributes.remove("uid").and_then(|uid| uid.into_iter().next()).expect("a uid");
        attributes.remove("objectClass");
        (uid, attributes)
    };
    found.into_iter().map(by_uid).collect()
}

fn members(server: &Slapd, group: &str) -> BTreeSet<String> {
    let mut found = server.search("ou=groups,dc=example,dc=org", &format!("(cn={group})"), &["member"]);
    assert_eq!(found.len(), 1, "{group}: {found:?}");
    found.pop_first().and_then(|(_, mut attributes)| attributes.remove("member")).unwrap_or_default()
}

/// When entries were last changed, by the server's own account.
fn versions(server: &Slapd) -> Entries {
    server.search(SUFFIX, "(objectClass=*)", &["entryCSN"])
}

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn a_file_arrives_in_a_directory_and_is_kept_in_step() {
    let server = Slapd::start();
    let place = from_files(&server.url(), &[]);
    people(&place, PEOPLE, GROUPS);
    place.command(&["check", "provisor.toml"]).assert_code(0).assert_output(&["OpenLDAP: paging yes, changes yes, not encrypted"]);
    assert_counts(&place.run(), "directory", [4, 0, 0], [2, 0, 0]);
    let there = directory_people(&server);
    let expected: BTreeMap<&str, &[(&str, &str)]> = BTreeMap::from([
        (
            "ada",
            &[("cn", "Ada Lovelace"), ("givenName", "Ada"), ("mail", "ada@example.org"), ("sn", "Lovelace"), ("telephoneNumber", "+44 1")]
                [..],
        ),
        ("o'brien, pat+1", &[("cn", "O'Brien, Pat \"P\" <x>"), ("givenName", "Pat"), ("sn", "O'Brien")]),
        ("grace", &[("cn", "Grace Hopper"), ("givenName", "Grace"), ("mail", "grace@example.org"), ("mobile", "+1 2"), ("sn", "Hopper")]),
        // The base64 of jürgen, and of his names.
        (
            ": asO8cmdlbg==",
            &[("cn", ": SsO8cmdlbiBNw7xsbGVy"), ("givenName", ": SsO8cmdlbg=="), ("mail", "j@example.org"), ("sn", ": TcO8bGxlcg==")],
        ),
    ]);
    let expected: Entries = expected
        .into_iter()
        .map(|(uid, attributes)| (uid.to_owned(), attributes.iter().map(|(name, value)| ((*name).to_owned(), set(&[value]))).collect()))
        .collect();
    assert_eq!(there, expected);
    let staff = [
        "uid=ada,ou=people,dc=example,dc=org",
        "uid=grace,ou=people,dc=example,dc=org",
        "uid=o'brien\\2C pat\\2B1,ou=people,dc=example,dc=org",
    ];
    assert_eq!(members(&server, "staff"), set(&staff));
    assert_eq!(members(&server, "empty, for now"), set(&[PLACEHOLDER]));

    let before = versions(&server);
    assert_counts(&place.run(), "directory", [0, 0, 0], [0, 0, 0]);
    assert_eq!(versions(&server), before, "a run with nothing to do touches nothing");

    // Ada is named anew, Pat goes, Grace loses her mail address, Linus comes, and the groups follow.
    server.modify("dn: uid=ada,ou=people,dc=example,dc=org\nchangetype: modify\nadd: description\ndescription: not ours\n");
    let people_now = PEOPLE.replace("1,ada,", "1,countess,").replace("grace@example.org", "");
    let people_now = people_now.lines().filter(|line| !line.starts_with("2,")).map(|line| format!("{line}\n")).collect::<Vec<_>>().concat();
    people(
        &place,
        &(people_now + "5,linus,Linus,Linus,T,l@example.org,,\n"),
        "id,displayName,members\ng1,staff,1|5\ng2,\"empty, for now\",3\n",
    );
    assert_counts(&place.run(), "directory", [1, 2, 1], [0, 2, 0]);
    let there = directory_people(&server);
    assert_eq!(there.keys().map(String::as_str).collect::<Vec<_>>(), [": asO8cmdlbg==", "countess", "grace", "linus"]);
    assert_eq!(there["countess"]["description"], set(&["not ours"]), "what the document does not mention stays");
    assert!(!there["grace"].contains_key("mail"));
    assert_eq!(members(&server, "staff"), set(&["uid=countess,ou=people,dc=example,dc=org", "uid=linus,ou=people,dc=example,dc=org"]));
    assert_eq!(members(&server, "empty, for now"), set(&["uid=grace,ou=people,dc=example,dc=org"]));
    assert_counts(&place.run(), "directory", [0, 0, 0], [0, 0, 0]);
    let leaks: Vec<String> = place
        .listing()
        .into_iter()
        .filter(|name| {
            place.path(name).is_file()
                && std::fs::read(place.path(name)).expect("a file").windows(PASSWORD.len()).any(|w| w == PASSWORD.as_bytes())
        })
        .collect();
    assert!(leaks.is_empty(), "the password is in {leaks:?}");
}

/// Some people and groups, put there by `ldapmodify`.
fn furnish(server: &Slapd, count: u32) {
    let mut ldif = String::new();
    for n in 1..=count {
        let _ = write!(
            ldif,
            "dn: uid=u{n},ou=people,{SUFFIX}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: u{n}\ncn: User {n}\nsn: Sn{n}\ngivenName: Gn{n}\nmail: u{n}@example.org\nmail: {n}@example.org\n\n"
        );
    }
    let _ = write!(ldif, "dn: ou=deep,ou=people,{SUFFIX}\nchangetype: add\nobjectClass: organizationalUnit\nou: deep\n\n");
    let _ = write!(
        ldif,
        "dn: cn=odd\\, one,ou=deep,ou=people,{SUFFIX}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: odd\ncn: odd, one\nsn: Odd\njpegPhoto:: /9j/AA==\n\n"
    );
    let _ = write!(
        ldif,
        "dn: cn=inner,ou=groups,{SUFFIX}\nchangetype: add\nobjectClass: groupOfNames\ncn: inner\nmember: uid=u2,ou=people,{SUFFIX}\n\n"
    );
    let _ = write!(
        ldif,
        "dn: cn=outer,ou=groups,{SUFFIX}\nchangetype: add\nobjectClass: groupOfNames\ncn: outer\nmember: uid=u1,ou=people,{SUFFIX}\nmember: cn=inner,ou=groups,{SUFFIX}\n\
        member: cn=odd\\, one,ou=deep,ou=people,{SUFFIX}\nmember: {ADMIN}\n"
    );
    server.modify(&ldif);
}

/// The documents in a folder, by an attribute.
fn documents(place: &Place, folder: &str, by: &str) -> BTreeMap<String, Value> {
    let files = place.listing().into_iter().filter(|path| path.starts_with(folder));
    let document = |path: String| serde_json::from_str::<Value>(&place.read(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    files.map(document).map(|document| (document[by].as_str().unwrap_or_else(|| panic!("{document}")).to_owned(), document)).collect()
}

fn a_directory_is_read_into_a_folder() {
    let server = Slapd::start();
    furnish(&server, 25);
    let place = to_files(&server.url(), "", &[("ldap.page.size", "7")]);
    assert_counts(&place.run(), "copy", [26, 0, 0], [2, 0, 0]);
    let (users, groups) = (documents(&place, "copy/user/", "userName"), documents(&place, "copy/group/", "displayName"));
    let u1 = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "u1", "displayName": "User 1",
        "name": { "givenName": "Gn1", "familyName": "Sn1" }, "groups": [{ "value": "outer" }],
        "emails": [{ "value": "u1@example.org", "primary": true }, { "value": "1@example.org" }],
    });
    assert_eq!(users["u1"], u1);
    assert_eq!(users["u2"]["groups"], json!([{ "value": "inner" }]));
    assert_eq!(users["odd"]["displayName"], "odd, one");
    let values = |group: &str| groups[group]["members"].as_array().expect("members").len();
    // Groups in groups are not looked up by the default transformation of the folder.
    assert_eq!((values("inner"), values("outer")), (1, 2), "{groups:?}");
    assert_counts(&place.run(), "copy", [0, 0, 0], [0, 0, 0]);

    // Gone, and out of the filter.
    server.modify(&format!("dn: uid=u3,ou=people,{SUFFIX}\nchangetype: delete\n"));
    assert_counts(&place.run(), "copy", [0, 0, 1], [0, 0, 0]);
    let filtered =
        to_files(&server.url(), "", &[("ldap.user.filter", "(|(uid=u1)(mail=odd*)(&(sn=Odd)(!(uid=u*))))"), ("ldap.page.size", "0")]);
    filtered.run().assert_code(0);
    assert_eq!(documents(&filtered, "copy/user/", "userName").into_keys().collect::<Vec<_>>(), ["odd", "u1"]);
}

const TOKEN: &str = "token-of-the-directory-tests";

fn a_directory_arrives_in_a_scim_server() {
    let server = Slapd::start();
    furnish(&server, 12);
    let scim = ScimServer::start(TOKEN);
    let manifest = format!(
        r#"[systems.directory]
role = "source"
connector = "ldap"
{GRANTS}

[systems.directory.properties]
{}
[systems.cloud]
role = "target"
connector = "scim"
sources = ["directory"]
auth = {{ type = "bearer", token = {{ env = "SCIM_TOKEN" }} }}
{GRANTS}
properties = {{ URL = "{}" }}
"#,
        properties(&server.url(), &[("ldap.page.size", "5")]),
        scim.url()
    );
    let place = Place::with_manifest(&manifest).with_environment("LDAP_PASSWORD", PASSWORD).with_environment("SCIM_TOKEN", TOKEN);
    assert_counts(&place.run(), "cloud", [13, 0, 0], [2, 0, 0]);
    let compare = || {
        let users = scim.resources("Users");
        let by_name: BTreeMap<String, &Value> =
            users.iter().map(|user| (user["userName"].as_str().expect("a name").to_owned(), user)).collect();
        let there = directory_people(&server);
        assert_eq!(by_name.keys().collect::<Vec<_>>(), there.keys().collect::<Vec<_>>());
        for (uid, attributes) in &there {
            let mails: BTreeSet<String> = by_name[uid]["emails"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|mail| mail["value"].as_str().expect("a mail").to_owned())
                .collect();
            assert_eq!(mails, attributes.get("mail").cloned().unwrap_or_default(), "{uid}");
            assert_eq!(by_name[uid]["name"]["familyName"].as_str(), attributes["sn"].first().map(String::as_str));
        }
        let names: BTreeMap<&str, &str> =
            users.iter().map(|user| (user["id"].as_str().expect("an id"), user["userName"].as_str().expect("a name"))).collect();
        let groups = scim.resources("Groups");
        let outer = groups.iter().find(|group| group["displayName"] == "outer").expect("the group");
        outer["members"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|member| names.get(member["value"].as_str()?))
            .map(|name| (*name).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(compare(), set(&["odd", "u1"]));
    assert_counts(&place.run(), "cloud", [0, 0, 0], [0, 0, 0]);
    server.modify(&format!(
        "dn: uid=u1,ou=people,{SUFFIX}\nchangetype: modify\nreplace: sn\nsn: Changed\n\n\
        dn: uid=u5,ou=people,{SUFFIX}\nchangetype: delete\n\n\
        dn: cn=outer,ou=groups,{SUFFIX}\nchangetype: modify\nadd: member\nmember: uid=u7,ou=people,{SUFFIX}\n"
    ));
    // Who came into a group has another list of groups, which the SCIM server derives itself.
    assert_counts(&place.run(), "cloud", [0, 1, 1], [0, 1, 0]);
    assert_eq!(compare(), set(&["odd", "u1", "u7"]));
}

fn a_scim_server_arrives_in_a_directory() {
    let server = Slapd::start();
    let scim = ScimServer::start(TOKEN);
    let create = |path: &str, document: Value| {
        let (status, answer) = scim.request("POST", path, Some(&document)).expect("the server answers");
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_str().expect("an id").to_owned()
    };
    let schema = |name: &str| format!("urn:ietf:params:scim:schemas:core:2.0:{name}");
    let user = |name: &str| json!({ "schemas": [schema("User")], "userName": name, "name": { "familyName": "F", "givenName": name }, "emails": [{ "value": format!("{name}@example.org") }] });
    let ids: Vec<String> = ["ada", "grace", "linus"].iter().map(|name| create("/Users", user(name))).collect();
    let member = |id: &String, sort: &str| json!({ "value": id, "type": sort });
    let inner = create("/Groups", json!({ "schemas": [schema("Group")], "displayName": "inner", "members": [member(&ids[0], "User")] }));
    let outer_document = |members: Vec<Value>| json!({ "schemas": [schema("Group")], "displayName": "outer", "members": members });
    let outer = create("/Groups", outer_document(vec![member(&ids[1], "User"), member(&inner, "Group")]));
    let manifest = format!(
        r#"[systems.cloud]
role = "source"
connector = "scim"
auth = {{ type = "bearer", token = {{ env = "SCIM_TOKEN" }} }}
{GRANTS}
properties = {{ URL = "{}" }}

[systems.directory]
role = "target"
connector = "ldap"
sources = ["cloud"]
{GRANTS}

[systems.directory.properties]
{}"#,
        scim.url(),
        properties(&server.url(), &[("ldap.attribute.user.id", "entryUUID"), ("ldap.attribute.group.id", "entryUUID")])
    );
    let place = Place::with_manifest(&manifest).with_environment("LDAP_PASSWORD", PASSWORD).with_environment("SCIM_TOKEN", TOKEN);
    assert_counts(&place.run(), "directory", [3, 0, 0], [2, 0, 0]);
    let there = directory_people(&server);
    assert_eq!(there["ada"]["mail"], set(&["ada@example.org"]));
    assert_eq!(members(&server, "inner"), set(&["uid=ada,ou=people,dc=example,dc=org"]));
    assert_eq!(members(&server, "outer"), set(&["uid=grace,ou=people,dc=example,dc=org", "cn=inner,ou=groups,dc=example,dc=org"]));
    let before = versions(&server);
    assert_counts(&place.run(), "directory", [0, 0, 0], [0, 0, 0]);
    assert_eq!(versions(&server), before);

    let put = |path: &str, document: &Value| assert_eq!(scim.request("PUT", path, Some(document)).expect("an answer").0, 200);
    put(&format!("/Users/{}", ids[0]), &user("countess"));
    put(&format!("/Groups/{outer}"), &outer_document(vec![member(&inner, "Group"), member(&ids[0], "User")]));
    assert_eq!(scim.request("DELETE", &format!("/Users/{}", ids[2]), None).expect("an answer").0, 204);
    assert_counts(&place.run(), "directory", [0, 1, 1], [0, 1, 0]);
    assert_eq!(directory_people(&server).into_keys().collect::<Vec<_>>(), ["countess", "grace"]);
    assert_eq!(members(&server, "outer"), set(&["uid=countess,ou=people,dc=example,dc=org", "cn=inner,ou=groups,dc=example,dc=org"]));
}

fn changes_and_deletions_are_read_alone() {
    let server = Slapd::start();
    furnish(&server, 10);
    let ids = [("ldap.attribute.user.id", "entryUUID"), ("ldap.attribute.group.id", "entryUUID")];
    for (more, named) in [(&ids[..], true), (&[], false)] {
        let place = to_files(&server.url(), "\"ips.delta.read\" = \"enabled\"\n", more);
        place.run().assert_code(0);
        let read = |ended: &Ended| ended.value()["systems"]["directory"]["user"]["read"].as_u64().expect("a number");
        let mode = |ended: &Ended| ended.value()["read-mode"].as_str().unwrap_or_default().to_owned();
        let ended = place.run();
        assert_eq!((mode(&ended).as_str(), read(&ended)), ("delta", 0), "{ended}");
        server.modify(&format!(
            "dn: uid=u1,ou=people,{SUFFIX}\nchangetype: modify\nreplace: givenName\ngivenName: {named}\n\n\
            dn: uid=new,ou=people,{SUFFIX}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: new\ncn: new\nsn: new\n"
        ));
        let ended = place.run();
        assert_counts(&ended, "copy", [1, 1, 0], [0, 0, 0]);
        assert_eq!(read(&ended), 2, "{ended}");
        server.modify(&format!("dn: uid=new,ou=people,{SUFFIX}\nchangetype: delete\n"));
        let ended = place.run();
        assert_counts(&ended, "copy", [0, 0, 1], [0, 0, 0]);
        assert_eq!(read(&ended), if named { 0 } else { 11 }, "without its name a deletion needs a full read\n{ended}");
        assert!(!documents(&place, "copy/user/", "userName").contains_key("new"));
    }
}

fn who_was_there_before_is_found_and_never_deleted() {
    let server = Slapd::start();
    furnish(&server, 1);
    let place = from_files(&server.url(), &[]);
    people(&place, "id,userName,name.familyName\n1,u1,New\n2,two,Two\n", "id,displayName,members\n");
    assert_counts(&place.run(), "directory", [1, 1, 0], [0, 0, 0]);
    assert_eq!(directory_people(&server)["u1"]["sn"], set(&["New"]));
    people(&place, "id,userName,name.familyName\n3,three,Three\n", "id,displayName,members\n");
    place.run();
    let there = directory_people(&server);
    assert!(there.contains_key("u1") && !there.contains_key("two"), "{there:?}");
}

fn a_size_limit_deletes_nobody() {
    let server = Slapd::start();
    furnish(&server, 12);
    for page_size in ["0", "4"] {
        let place = to_files(&server.url(), "", &[("ldap.page.size", page_size)]);
        place.run().assert_code(0);
        let manifest = place.read("provisor.toml").replace(ADMIN, LIMITED);
        place.write("provisor.toml", manifest);
        let ended = place.run();
        ended.assert_code(1);
        let report = ended.value();
        let code = report["error"]["message"].as_str().unwrap_or_default();
        assert!(code.contains("Limit"), "{ended}");
        assert_eq!(documents(&place, "copy/user/", "userName").len(), 13, "{ended}");
    }
}

fn a_wrong_password_is_told_and_nothing_is_done() {
    let server = Slapd::start();
    let place = from_files(&server.url(), &[]).with_environment("LDAP_PASSWORD", "wrong");
    people(&place, PEOPLE, GROUPS);
    place.command(&["check", "provisor.toml"]).assert_code(1).assert_output(&[
        "backend.unauthenticated",
        "49 (invalidCredentials)",
        "ldap.password",
    ]);
    let ended = place.run();
    assert_ne!(ended.code, Some(0), "{ended}");
    assert!(ended.stdout.contains("invalidCredentials"), "{ended}");
    assert!(directory_people(&server).is_empty());
}

fn a_server_that_is_no_directory_is_told() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    // Ends with the tests.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = (&stream).write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            // The greeting is read before the end of the connection is seen.
            let _ = (&stream).read(&mut [0; 100]);
        }
    });
    let place = to_files(&format!("ldap://{address}"), "", &[]);
    place.run().assert_code(1).assert_output(&["the server's answer is no LDAP"]);
}

fn connections_are_secured_and_certificates_checked() {
    let server = Slapd::start();
    furnish(&server, 3);
    let secure = format!("ldaps://127.0.0.1:{}", server.tls_port);
    for (url, more) in [(secure.as_str(), &[][..]), (server.url().as_str(), &[("ldap.startTls", "true")])] {
        // Not waited for: a certificate does not become right.
        let place = to_files(url, "\"ips.failed.request.retry.attempts\" = 0\n", more);
        place.run().assert_code(1).assert_output(&["certificate"]);
        let place = place.with_environment("SSL_CERT_FILE", &server.authority());
        assert_counts(&place.run(), "copy", [4, 0, 0], [2, 0, 0]);
        let ended = place.command(&["check", "provisor.toml"]);
        ended.assert_code(0).assert_output(&["OpenLDAP: paging yes"]);
        assert!(!ended.stdout.contains("not encrypted"), "{ended}");
    }
}

fn without_the_grant_nothing_is_sent() {
    let server = Slapd::start();
    let place = to_files(&server.url(), "", &[]);
    place.write("provisor.toml", place.read("provisor.toml").replace(GRANTS, ""));
    place.command(&["check", "provisor.toml"]).assert_code(1).assert_output(&["networks"]);
    place.run().assert_code(1);
}

fn passwords_are_set() {
    let server = Slapd::start();
    for (method, name) in [("attribute", "one"), ("extended", "two")] {
        let place = from_files(&server.url(), &[("ldap.password.method", method)]);
        people(&place, &format!("id,userName,password\n1,{name},s3cret-{name}\n"), "id,displayName,members\n");
        assert_counts(&place.run(), "directory", [1, 0, 0], [0, 0, 0]);
        // Whoever can bind with it has it.
        let dn = format!("uid={name},ou=people,{SUFFIX}");
        let found = crate::slapd::search(&server.url(), &dn, &format!("s3cret-{name}"), &dn, "(objectClass=*)", &["uid"]);
        assert_eq!(found.len(), 1);
    }
}
