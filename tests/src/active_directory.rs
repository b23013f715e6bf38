//! The connector `active-directory` against Samba: written through it, looked at with `ldapsearch`, and read back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use crate::place::{Ended, Place};
use crate::samba::{self, ADMIN, DOMAIN, PASSWORD, SECURE_URL, Samba, URL};
use crate::trials;

// One, because there is one domain at a time.
trials![a_domain_is_written_and_read];

const MANY: usize = 5000;
const GRANTS: &str = "grants = { networks = [\"127.0.0.1/32\"] }";

fn a_domain_is_written_and_read() {
    let server = Samba::start(&furniture());
    samba::modify(&format!("dn: CN=a,OU=circles,{DOMAIN}\nchangetype: modify\nadd: member\nmember: CN=b,OU=circles,{DOMAIN}\n"));
    files_arrive(&server);
    big_groups_are_read_to_their_end();
    for method in ["uSNChanged", "DirSync"] {
        changes_are_read(method);
    }
    groups_are_flattened_and_primary_ones_counted();
}

/// A group of many in its own corner, and groups in groups, in a circle.
fn furniture() -> String {
    let mut ldif = String::new();
    for unit in ["people", "groups", "many", "crowds", "few", "circles"] {
        let _ = writeln!(ldif, "dn: OU={unit},{DOMAIN}\nobjectClass: organizationalUnit\nou: {unit}\n");
    }
    for n in 1..=MANY {
        let _ = writeln!(ldif, "dn: CN=p{n},OU=many,{DOMAIN}\nobjectClass: user\nsAMAccountName: p{n}\nsn: S{n}\n");
    }
    let _ = writeln!(ldif, "dn: CN=crowd,OU=crowds,{DOMAIN}\nobjectClass: group\nsAMAccountName: crowd");
    for n in 1..=MANY {
        let _ = writeln!(ldif, "member: CN=p{n},OU=many,{DOMAIN}");
    }
    for n in 1..=3 {
        let _ = writeln!(ldif, "\ndn: CN=f{n},OU=few,{DOMAIN}\nobjectClass: user\nsAMAccountName: f{n}");
    }
    let _ = writeln!(ldif, "\ndn: CN=a,OU=circles,{DOMAIN}\nobjectClass: group\nsAMAccountName: circle-a\nmember: CN=f1,OU=few,{DOMAIN}");
    let _ = writeln!(
        ldif,
        "\ndn: CN=b,OU=circles,{DOMAIN}\nobjectClass: group\nsAMAccountName: circle-b\nmember: CN=f2,OU=few,{DOMAIN}\nmember: CN=a,OU=circles,{DOMAIN}"
    );
    ldif
}

fn properties(url: &str, users: &str, groups: &str, more: &[(&str, &str)]) -> String {
    let (users, groups) =
        (format!("OU={users},{DOMAIN}"), if groups.contains('=') { groups.to_owned() } else { format!("OU={groups},{DOMAIN}") });
    let own = [
        ("ldap.url", url),
        ("ldap.user", ADMIN),
        ("ldap.user.path", &users),
        ("ldap.group.path", &groups),
        ("ldap.attribute.user.id", "objectGUID"),
        ("ldap.attribute.group.id", "objectGUID"),
        ("ldap.api.version", "2"),
        ("ldap.page.size", "1000"),
    ];
    let mut all: BTreeMap<&str, &str> = own.into();
    all.extend(more.iter().copied());
    let lines = all.iter().map(|(name, value)| format!("\"{name}\" = \"{value}\"\n")).collect::<Vec<_>>().concat();
    lines + "\"ldap.password\" = { env = \"AD_PASSWORD\" }\n"
}

fn to_files(users: &str, groups: &str, source: &str, more: &[(&str, &str)]) -> Place {
    let manifest = format!(
        r#"[systems.ad]
role = "source"
connector = "active-directory"
{GRANTS}

[systems.ad.properties]
{source}{}
[systems.copy]
role = "target"
connector = "file"
sources = ["ad"]
properties = {{ "file.target.path" = "copy/" }}
"#,
        properties(URL, users, groups, more)
    );
    Place::with_manifest(&manifest).with_environment("AD_PASSWORD", PASSWORD)
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

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// One attribute of a user or group that is there by this name.
fn values(name: &str, attribute: &str) -> BTreeSet<String> {
    let mut found = samba::search(DOMAIN, &format!("(sAMAccountName={name})"), &[attribute]);
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found.pop_first().and_then(|(_, mut attributes)| attributes.remove(attribute)).unwrap_or_default()
}

fn files_arrive(server: &Samba) {
    let manifest = format!(
        r#"[systems.hr]
role = "source"
connector = "file"
properties = {{ "file.user.path" = "people.csv", "file.group.path" = "groups.csv" }}

[systems.ad]
role = "target"
connector = "active-directory"
sources = ["hr"]
{GRANTS}

[systems.ad.properties]
{}"#,
        properties(SECURE_URL, "people", "groups", &[])
    );
    let place =
        Place::with_manifest(&manifest).with_environment("AD_PASSWORD", PASSWORD).with_environment("SSL_CERT_FILE", &server.authority());
    let header = "id,userName,displayName,name.familyName,emails[0].value,password,active";
    let people = |rows: &str| place.write("people.csv", format!("{header}\n{rows}"));
    let groups = |rows: &str| place.write("groups.csv", format!("id,displayName,members\n{rows}"));
    people(
        "1,ada,Ada Lovelace,Lovelace,ada@example.org,S3cret-of-ada,true\n2,doe j,Doe,Doe,,,true\n3,grace,Grace,Hopper,g@example.org,S3cret-of-grace,true\n",
    );
    groups("g1,staff,1|2\ng2,nobody,\n");
    place.command(&["check", "provisor.toml"]).assert_code(0).assert_output(&["Samba", "paging yes, changes yes"]);
    assert_counts(&place.run(), "ad", [3, 0, 0], [2, 0, 0]);
    assert_eq!(values("ada", "displayName"), set(&["Ada Lovelace"]));
    assert_eq!(values("ada", "userAccountControl"), set(&["512"]), "enabled, with a password");
    assert_eq!(values("doe j", "userAccountControl"), set(&["546"]), "disabled without one");
    assert_eq!(values("staff", "member"), set(&[&format!("CN=ada,OU=people,{DOMAIN}"), &format!("CN=doe j,OU=people,{DOMAIN}")]));
    assert!(values("nobody", "member").is_empty());
    // Whoever can bind with it has it.
    let ada = format!("CN=ada,OU=people,{DOMAIN}");
    assert_eq!(crate::slapd::search(URL, &ada, "S3cret-of-ada", &ada, "(objectClass=*)", &["cn"]).len(), 1);
    assert_counts(&place.run(), "ad", [0, 0, 0], [0, 0, 0]);

    // Ada's password never expires; she is disabled, and that stays so.
    samba::modify(&format!("dn: {ada}\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 66048\n"));
    people(
        "1,countess,Countess,Lovelace,,,false\n3,grace,Grace,Hopper,g@example.org,S3cret-of-grace,true\n4,linus,Linus,T,l@example.org,,true\n",
    );
    groups("g1,staff,1|3\ng2,nobody,4\n");
    assert_counts(&place.run(), "ad", [1, 1, 1], [0, 2, 0]);
    assert_eq!(values("countess", "userAccountControl"), set(&["66050"]));
    assert!(values("countess", "mail").is_empty());
    assert_eq!(values("staff", "member"), set(&[&ada, &format!("CN=grace,OU=people,{DOMAIN}")]));
    assert!(samba::search(DOMAIN, "(sAMAccountName=doe j)", &["cn"]).is_empty());
    assert_counts(&place.run(), "ad", [0, 0, 0], [0, 0, 0]);

    // The server refuses over a connection that is not secured, and so does the connector before it.
    let plain = Place::with_manifest(&manifest.replace("ldaps://", "ldap://")).with_environment("AD_PASSWORD", PASSWORD);
    plain.write("people.csv", format!("{header}\n5,eve,Eve,E,,S3cret-of-eve,true\n"));
    plain.write("groups.csv", "id,displayName,members\n");
    plain.run().assert_code(4).assert_output(&["unicodePwd is only set over an encrypted connection"]);
}

/// The documents in a folder, by an attribute.
fn documents(place: &Place, folder: &str, by: &str) -> BTreeMap<String, Value> {
    let files = place.listing().into_iter().filter(|path| path.starts_with(folder));
    let document = |path: String| serde_json::from_str::<Value>(&place.read(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    files.map(document).map(|document| (document[by].as_str().unwrap_or_else(|| panic!("{document}")).to_owned(), document)).collect()
}

fn big_groups_are_read_to_their_end() {
    let place = to_files("many", "crowds", "", &[("ldap.user.attributes", "sn")]);
    assert_counts(&place.run(), "copy", [MANY as u64, 0, 0], [1, 0, 0]);
    let crowd = documents(&place, "copy/group/", "displayName");
    let members: BTreeSet<&str> =
        crowd["crowd"]["members"].as_array().expect("members").iter().map(|member| member["value"].as_str().expect("an id")).collect();
    assert_eq!(members.len(), MANY);
    let people = documents(&place, "copy/user/", "userName");
    assert_eq!(people.len(), MANY);
    assert_eq!(people["p4711"]["name"]["familyName"], "S4711");
    assert_counts(&place.run(), "copy", [0, 0, 0], [0, 0, 0]);
}

fn changes_are_read(method: &str) {
    let place = to_files("few", "circles", "\"ips.delta.read\" = \"enabled\"\n", &[("ad.delta", method)]);
    place.run().assert_code(0);
    let read = |ended: &Ended| ended.value()["systems"]["ad"]["user"]["read"].as_u64().expect("a number");
    let mode = |ended: &Ended| ended.value()["read-mode"].as_str().unwrap_or_default().to_owned();
    let ended = place.run();
    assert_eq!((mode(&ended).as_str(), read(&ended)), ("delta", 0), "{ended}");
    samba::modify(&format!(
        "dn: CN=f1,OU=few,{DOMAIN}\nchangetype: modify\nreplace: sn\nsn: {method}\n\n\
        dn: CN={method},OU=few,{DOMAIN}\nchangetype: add\nobjectClass: user\nsAMAccountName: {method}\n"
    ));
    let ended = place.run();
    assert_counts(&ended, "copy", [1, 1, 0], [0, 0, 0]);
    assert_eq!((mode(&ended).as_str(), read(&ended)), ("delta", 2), "{ended}");
    samba::modify(&format!("dn: CN={method},OU=few,{DOMAIN}\nchangetype: delete\n"));
    let ended = place.run();
    assert_counts(&ended, "copy", [0, 0, 1], [0, 0, 0]);
    assert_eq!((mode(&ended).as_str(), read(&ended)), ("delta", 0), "{ended}");
    let there: Vec<String> = documents(&place, "copy/user/", "userName").into_keys().collect();
    assert_eq!(there, ["f1", "f2", "f3"]);
    if method == "DirSync" {
        samba::modify(&format!(
            "dn: CN=f3,OU=few,{DOMAIN}\nchangetype: modrdn\nnewrdn: CN=f3\ndeleteoldrdn: 1\nnewsuperior: OU=people,{DOMAIN}\n"
        ));
        let ended = place.run();
        assert_counts(&ended, "copy", [0, 0, 1], [0, 0, 0]);
        assert_eq!(mode(&ended), "delta", "who left the path is seen\n{ended}");
    }
}

fn groups_are_flattened_and_primary_ones_counted() {
    let flat = to_files("few", "circles", "", &[("ad.group.flatten", "true")]);
    flat.run().assert_code(0);
    let count = |document: &Value| document["members"].as_array().map_or(0, Vec::len);
    let groups = documents(&flat, "copy/group/", "displayName");
    assert_eq!((count(&groups["circle-a"]), count(&groups["circle-b"])), (2, 2), "{groups:?}");
    let plain = to_files("few", "circles", "", &[]);
    plain.run().assert_code(0);
    assert_eq!(count(&documents(&plain, "copy/group/", "displayName")["circle-a"]), 1, "without the group in it");

    let primary = to_files(
        "few",
        &format!("CN=Users,{DOMAIN}"),
        "",
        &[("ad.primary.groups", "true"), ("ldap.group.filter", "(sAMAccountName=Domain Users)")],
    );
    primary.run().assert_code(0);
    assert_eq!(count(&documents(&primary, "copy/group/", "displayName")["Domain Users"]), 2);
    let users = documents(&primary, "copy/user/", "userName");
    assert_eq!(users["f1"]["groups"].as_array().map(Vec::len), Some(1), "{users:?}");
}
