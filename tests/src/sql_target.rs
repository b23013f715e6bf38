//! A database as a target: written through the connector, looked at with psql.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::export::{self, Export};
use crate::generate::Company;
use crate::matching::Matches;
use crate::place::{Ended, MANIFEST, Place, rows};
use crate::postgresql::{PASSWORD, Postgres};
use crate::trials;

trials![
    a_company_arrives_row_by_row_and_is_kept_in_step,
    statements_of_ones_own_are_used,
    who_was_there_before_is_found_updated_and_never_deleted,
    an_upsert_takes_over_what_is_there,
    users_and_groups_become_roles,
    what_is_granted_to_a_role,
    a_bad_row_spoils_no_other,
    nothing_of_a_value_or_a_name_becomes_sql,
    what_is_wrong_is_told_and_nothing_is_done,
    a_server_that_dies_in_the_middle_has_everybody_once_in_the_end,
];

const COMPANY: Company = Company { seed: 4, users: 300, groups: 20 };

const SCHEMA: &str = "
    CREATE SCHEMA hr;
    CREATE TABLE hr.account (id bigserial PRIMARY KEY, login text NOT NULL UNIQUE, given text, family text NOT NULL, mail varchar(100) UNIQUE, phone text, \"job title\" text,
        department text, active boolean NOT NULL, schemas jsonb, languages text[], made timestamptz NOT NULL DEFAULT now());
    CREATE TABLE hr.team (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL UNIQUE, external text);
    CREATE TABLE hr.membership (team uuid NOT NULL REFERENCES hr.team, account bigint NOT NULL REFERENCES hr.account, PRIMARY KEY (team, account));
    CREATE TABLE touched (login text, columns text);
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO touched VALUES (NEW.login, TG_ARGV[0]); RETURN NEW; END $$;
    CREATE TRIGGER touch_title BEFORE UPDATE OF \"job title\" ON hr.account FOR EACH ROW EXECUTE FUNCTION touch('title');
    CREATE TRIGGER touch_login BEFORE UPDATE OF login, given, family, department, active, schemas, languages ON hr.account FOR EACH ROW EXECUTE FUNCTION touch('others');
    CREATE TRIGGER touch_mail BEFORE UPDATE OF mail ON hr.account FOR EACH ROW EXECUTE FUNCTION touch('mail');
";

const TABLES: &str = r#""sql.user.table" = "hr.account"
"sql.user.columns" = '''login = userName, given = name.givenName, family = name.familyName, mail = emails[0].value, phone = phoneNumbers[0].value, job title = title,
    department = ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'].department, active = active, schemas = schemas, languages = preferredLanguage'''
"sql.group.table" = "hr.team"
"sql.group.columns" = "name = displayName, external = externalId"
"sql.group.members.table" = "hr.membership"
"sql.group.members.group.column" = "team"
"sql.group.members.member.column" = "account"
"#;

fn target(server: &Postgres, properties: &str) -> String {
    format!(
        r#"
[systems.db]
role = "target"
connector = "sql"
sources = ["hr"]
grants = {{ networks = ["127.0.0.1/32"] }}

[systems.db.properties]
"sql.url" = "{}"
"sql.username" = "postgres"
"sql.password" = {{ env = "DATABASE_PASSWORD" }}
"sql.sslmode" = "disable"
"ips.failed.request.retry.attempts.interval" = 1
{properties}
"#,
        server.url()
    )
}

fn place(server: &Postgres, export: &Export, properties: &str) -> Place {
    let manifest = format!("state = \"provisor.db\"\n{}{}", export::SOURCE, target(server, properties));
    let place = Place::with_manifest(&manifest).with_environment("DATABASE_PASSWORD", PASSWORD);
    export.write(&place);
    place
}

/// A place with people of one's own: `people.csv` is `id,userName,family,...`.
fn small(server: &Postgres, properties: &str) -> Place {
    let source = "state = \"provisor.db\"\n[systems.hr]\nrole = \"source\"\nconnector = \"file\"\nproperties = { \"file.user.path\" = \"people.csv\" }\n";
    Place::with_manifest(&format!("{source}{}", target(server, properties))).with_environment("DATABASE_PASSWORD", PASSWORD)
}

/// A company whose groups have only people in them.
fn company(company: Company) -> Export {
    let mut export = Export::of(company);
    export.groups.iter_mut().for_each(|group| group.member_groups.clear());
    export
}

#[track_caller]
fn assert_report(ended: &Ended, expected: &Value) {
    Matches::stream(expected, &ended.values()).unwrap_or_else(|why| panic!("{why}\n{ended}"));
}

/// [created, updated, deleted] of users and groups, and nothing failed.
#[track_caller]
fn assert_counts(ended: &Ended, users: [u64; 3], groups: [u64; 3]) {
    ended.assert_code(0);
    let counts = |[created, updated, deleted]: [u64; 3]| json!({ "created": created, "updated": updated, "deleted": deleted, "failed": 0 });
    assert_report(ended, &json!({ "systems": { "db": { "user": counts(users), "group": counts(groups) } } }));
}

/// Everybody of the export is a row with their attributes, every group has its members, and nothing else is there.
#[track_caller]
fn assert_same(server: &Postgres, export: &Export) {
    let accounts: BTreeMap<String, Value> =
        server.rows("SELECT * FROM hr.account").into_iter().map(|row| (row["login"].as_str().expect("a login").to_owned(), row)).collect();
    assert_eq!(accounts.len(), export.in_scope().count());
    for person in export.in_scope() {
        let row = &accounts[&person.employee_number];
        let expected = json!({ "given": person.given_name, "family": person.family_name, "mail": person.mail, "phone": person.phone, "job title": person.title,
            "department": person.department, "active": true, "languages": [person.language] });
        Matches::value(&person.employee_number, &expected, row).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(row["schemas"].as_array().map(Vec::len), Some(2), "{row}");
    }
    let teams = server.rows(
        "SELECT external, name, coalesce((SELECT json_agg(a.login ORDER BY a.login) FROM hr.membership m JOIN hr.account a ON a.id = m.account WHERE m.team = t.id), '[]') AS members FROM hr.team t",
    );
    assert_eq!(teams.len(), export.groups.len());
    for team in teams {
        let group = export.groups.iter().find(|group| group.id == team["external"]).expect("a group of the export");
        let mut members = group.members.clone();
        members.sort();
        assert_eq!((&team["name"], &team["members"]), (&json!(group.display_name), &json!(members)));
    }
}

fn a_company_arrives_row_by_row_and_is_kept_in_step() {
    let server = Postgres::start();
    server.psql(SCHEMA);
    let mut export = company(COMPANY);
    let place = place(&server, &export, TABLES);
    place.command(&["check", MANIFEST]).assert_code(0).assert_output(&["PostgreSQL", "users can be written", "groups can be written"]);
    let (users, groups) = (export.in_scope().count() as u64, export.groups.len() as u64);
    assert_counts(&place.run(), [users, 0, 0], [groups, 0, 0]);
    assert_same(&server, &export);
    let stamp = "SELECT string_agg(xmin::text, ' ' ORDER BY login) FROM hr.account";
    let before = server.psql(stamp);
    assert_counts(&place.run(), [0, 0, 0], [0, 0, 0]);
    assert_eq!(server.psql(stamp), before, "a run with nothing to do touches nothing");

    let [leaver, mover, silent, ..] = &export.dismissable()[..] else { panic!("there are enough people") };
    let (leaver, mover, silent) = (leaver.clone(), mover.clone(), silent.clone());
    export.dismiss(&leaver);
    export.person(&mover).title = "Ombudsman, \"interim\"; DROP TABLE hr.account; --".into();
    // No phone number is ever missing in the export; a mail address is.
    export.person(&silent).mail = None;
    let new = export.hire();
    export.groups[7].members = vec![new.clone(), mover.clone()];
    export.groups[8].members.clear();
    let gone = export.groups.pop().expect("a group");
    export.write(&place);
    // A simulation reads what is there and writes nothing.
    let simulated = place.command(&["simulate", "--json", MANIFEST]);
    assert_eq!(server.psql(stamp), before);
    let changes = simulated.value()["changes"].as_array().cloned().expect("changes");
    let updates: Vec<&Value> = changes.iter().filter(|change| change["operation"] == "update").collect();
    assert!(updates.len() >= 4 && updates.iter().all(|change| change["before"] == "read"), "{simulated}");
    let ended = place.run();
    ended.assert_code(0);
    assert_report(
        &ended,
        &json!({ "systems": { "db": { "user": { "created": 1, "updated": 2, "deleted": 1 }, "group": { "created": 0, "deleted": 1 } } } }),
    );
    assert_same(&server, &export);
    assert_eq!(server.psql("SELECT count(*) FROM hr.team WHERE name = '".to_owned() + &gone.display_name + "'"), "0");
    assert_eq!(
        server.psql("SELECT login || ' ' || columns FROM touched ORDER BY 1"),
        {
            let mut lines = [format!("{mover} title"), format!("{silent} mail")];
            lines.sort();
            lines.join("\n")
        },
        "columns that do not differ are not set"
    );
    assert_counts(&place.run(), [0, 0, 0], [0, 0, 0]);

    // What was changed in the database only is undone by a resync, and so are memberships.
    server.psql(
        "UPDATE hr.account SET \"job title\" = 'x' WHERE login = '".to_owned()
            + &mover
            + "'; DELETE FROM hr.membership WHERE team IN (SELECT id FROM hr.team LIMIT 5)",
    );
    place.command(&["resync", "--json", MANIFEST]).assert_code(0);
    assert_same(&server, &export);
    // A group above `members-whole` is sent differences.
    let everybody: Vec<String> = export.in_scope().map(|person| person.employee_number.clone()).collect();
    export.groups[0].members.clone_from(&everybody);
    export.write(&place);
    place.run().assert_code(0);
    assert_same(&server, &export);
    export.groups[0].members = everybody[3..].to_vec();
    export.write(&place);
    place.run().assert_code(0);
    assert_same(&server, &export);
}

fn statements_of_ones_own_are_used() {
    let server = Postgres::start();
    server.psql(SCHEMA);
    server.psql(
        "CREATE FUNCTION hire(a_login text, a_mail text, extra jsonb) RETURNS bigint LANGUAGE sql AS
             $$ INSERT INTO hr.account (login, family, mail, schemas, active) VALUES (a_login, ':no', a_mail, extra, true) ON CONFLICT DO NOTHING RETURNING id $$",
    );
    let statements = r#"
"sql.user.create" = "SELECT hire(:userName, :emails[0].value, :schemas) AS id -- :nothing"
"sql.user.update" = "UPDATE hr.account SET mail = :emails[0].value, given = :name.givenName WHERE id = :id"
"sql.user.delete" = "UPDATE hr.account SET active = false WHERE id = :id;"
"sql.user.find" = "SELECT id, login FROM hr.account WHERE login = :userName"
"sql.group.create" = "INSERT INTO hr.team (name, external) VALUES (:displayName, :externalId) RETURNING id"
"sql.group.update" = "UPDATE hr.team SET name = :displayName WHERE id = :id"
"sql.group.delete" = "WITH gone AS (DELETE FROM hr.membership WHERE team = :id) DELETE FROM hr.team WHERE id = :id"
"sql.group.find" = "SELECT id, name FROM hr.team WHERE name = :displayName"
"sql.group.list.members" = "SELECT account FROM hr.membership WHERE team = :id"
"sql.group.add.member" = "INSERT INTO hr.membership VALUES (:id, :member) ON CONFLICT DO NOTHING"
"sql.group.remove.member" = "DELETE FROM hr.membership WHERE team = :id AND account = :member"
"#;
    let mut export = company(Company { users: 60, groups: 8, ..COMPANY });
    let there = export.dismissable()[3].clone();
    server.psql(format!("INSERT INTO hr.account (login, family, active) VALUES ('{there}', 'before', true)"));
    let place = place(&server, &export, statements);
    place.command(&["check", MANIFEST]).assert_code(0).assert_output(&["users can be written"]);
    let (users, groups) = (export.in_scope().count() as u64, export.groups.len() as u64);
    assert_counts(&place.run(), [users - 1, 1, 0], [groups, 0, 0]);
    let memberships = || {
        server.psql("SELECT t.external, a.login FROM hr.membership m JOIN hr.team t ON t.id = m.team JOIN hr.account a ON a.id = m.account ORDER BY 1, 2")
    };
    let expected = |export: &Export| {
        let mut lines: Vec<String> =
            export.groups.iter().flat_map(|group| group.members.iter().map(move |member| format!("{}|{member}", group.id))).collect();
        lines.sort();
        lines.join("\n")
    };
    assert_eq!(memberships(), expected(&export));
    let leaver = export.dismissable()[0].clone();
    export.dismiss(&leaver);
    let new = export.hire();
    export.groups[2].members.push(new);
    export.groups[3].members.clear();
    export.write(&place);
    assert_report(&place.run(), &json!({ "status": "success", "systems": { "db": { "user": { "created": 1, "deleted": 1 } } } }));
    assert_eq!(server.psql(format!("SELECT active FROM hr.account WHERE login = '{leaver}'")), "f", "the statement says what deleting is");
    server.psql("DELETE FROM hr.membership WHERE account = (SELECT id FROM hr.account WHERE NOT active)");
    assert_eq!(memberships(), expected(&export));
    assert_counts(&place.run(), [0, 0, 0], [0, 0, 0]);
}

/// The attributes of the small export are the columns.
const SAME_NAMES: &str = "\"sql.user.table\" = \"person\"\n\"sql.user.key\" = \"number\"\n";
const PERSON: &str = "CREATE TABLE person (number serial PRIMARY KEY, \"userName\" text UNIQUE NOT NULL, family text, age int CHECK (age < 200), mail varchar(20) UNIQUE)";

fn who_was_there_before_is_found_updated_and_never_deleted() {
    let server = Postgres::start();
    server.psql(PERSON);
    server.psql("INSERT INTO person (\"userName\", family) VALUES ('bob', 'before')");
    let place = small(&server, SAME_NAMES);
    place.write("people.csv", "id,userName,family\n1,ada,Lovelace\n2,bob,Now\n");
    assert_report(&place.run(), &json!({ "status": "success", "systems": { "db": { "user": { "created": 1, "updated": 1 } } } }));
    assert_eq!(server.psql("SELECT \"userName\", family FROM person ORDER BY 1"), "ada|Lovelace\nbob|Now");
    place.write("people.csv", "id,userName,family\n3,cy,Twombly\n");
    place.run().assert_code(0);
    assert_eq!(server.psql("SELECT \"userName\" FROM person ORDER BY 1"), "bob\ncy");
    // Gone from the table past everything of ours: it is created again.
    server.psql("DELETE FROM person WHERE \"userName\" = 'cy'");
    place.write("people.csv", "id,userName,family\n3,cy,Young\n");
    place.run().assert_code(0);
    assert_eq!(server.psql("SELECT family FROM person WHERE \"userName\" = 'cy'"), "Young");
}

fn an_upsert_takes_over_what_is_there() {
    let server = Postgres::start();
    server.psql(PERSON);
    server.psql("INSERT INTO person (\"userName\", family, age) VALUES ('bob', 'before', 7)");
    let place = small(&server, &format!("{SAME_NAMES}\"sql.upsert\" = true\n"));
    place.write("people.csv", "id,userName,family\n1,ada,Lovelace\n2,bob,Now\n");
    assert_report(&place.run(), &json!({ "status": "success", "systems": { "db": { "user": { "created": 2 } } } }));
    assert_eq!(server.psql("SELECT \"userName\", family, age FROM person ORDER BY 1"), "ada|Lovelace|\nbob|Now|7");
}

/// Who is a member of which role, roles of the server's own left out.
const GRANTED: &str =
    "SELECT r.rolname, m.rolname FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
    WHERE r.rolname NOT LIKE 'pg\\_%' ORDER BY 1, 2";

fn users_and_groups_become_roles() {
    let server = Postgres::start();
    let mut export = company(Company { users: 80, groups: 10, ..COMPANY });
    let place = place(&server, &export, "\"sql.user.roles\" = true\n\"sql.group.roles\" = true\n");
    place.command(&["check", MANIFEST]).assert_code(0).assert_output(&["users can be written"]);
    let assert_same = |export: &Export| {
        let people = server.psql("SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper ORDER BY 1");
        let mut expected: Vec<&str> = export.in_scope().map(|person| person.employee_number.as_str()).collect();
        expected.sort_unstable();
        assert_eq!(people.lines().collect::<Vec<_>>(), expected);
        let mut expected: Vec<String> = export
            .groups
            .iter()
            .flat_map(|group| group.members.iter().map(move |member| format!("{}|{member}", group.display_name)))
            .collect();
        expected.sort();
        let mut granted: Vec<String> = server.psql(GRANTED).lines().map(str::to_owned).collect();
        granted.sort();
        assert_eq!(granted, expected);
    };
    let (users, groups) = (export.in_scope().count() as u64, export.groups.len() as u64);
    assert_counts(&place.run(), [users, 0, 0], [groups, 0, 0]);
    assert_same(&export);
    assert_counts(&place.run(), [0, 0, 0], [0, 0, 0]);
    let leaver = export.dismissable()[0].clone();
    export.dismiss(&leaver);
    let new = export.hire();
    export.groups[1].members = vec![new];
    export.groups[2].members.clear();
    export.groups[3].display_name = "Renamed \"group\"".into();
    export.write(&place);
    place.run().assert_code(0);
    assert_same(&export);
    assert_eq!(server.psql("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'Renamed \"group\"'"), "f");
}

fn what_is_granted_to_a_role() {
    let server = Postgres::start();
    server.psql("CREATE SCHEMA hr; CREATE TABLE hr.person (id int); CREATE ROLE accounting; CREATE ROLE bob LOGIN");
    let place = small(&server, "\"sql.user.roles\" = true\n\"sql.user.unique.attribute\" = \"username\"\n");
    let manifest = place.read(MANIFEST).replace("connector = \"sql\"\n", "connector = \"sql\"\ntransformation = \"roles.json\"\n");
    place.write(MANIFEST, manifest);
    place.write(
        "roles.json",
        r#"{ "user": { "mappings": [
            { "sourcePath": "$.userName", "targetPath": "$.username" },
            { "sourcePath": "$.password", "targetPath": "$.password_option.password", "optional": true, "scope": "createEntity" },
            { "sourcePath": "$.until", "targetPath": "$.valid_to", "optional": true },
            { "constant": [{ "type": "role", "name": "accounting" }, { "type": "object_privilege", "name": "SELECT", "on": "hr.person" },
                { "type": "schema_privilege", "name": "USAGE", "on": "hr", "option": true }], "targetPath": "$.catalog_permissions" },
            { "constant": true, "targetPath": "$.deactivate", "scope": "deleteEntity" }
        ] } }"#,
    );
    place.write("people.csv", "id,userName,password,until\n1,ada,pencil-Ada,2030-01-02 00:00:00+00\n2,bob,taken,\n3,postgres,taken,\n4,\"x\"\"; DROP ROLE accounting; --\",x,FOREVER\n");
    let ended = place.run();
    ended.assert_code(4);
    // The role it logs in as is nobody's account, and another's is taken over as it is: with its password.
    assert_report(
        &ended,
        &json!({ "systems": { "db": { "user": { "created": 2, "updated": 1, "failed": 1 } } }, "failures": [{ "entity": "3", "code": "conflict.not-found" }] }),
    );
    assert_eq!(server.psql(GRANTED), "accounting|ada\naccounting|bob\naccounting|x\"; DROP ROLE accounting; --");
    let may = "has_table_privilege('ada', 'hr.person', 'SELECT'), has_table_privilege('ada', 'hr.person', 'INSERT'), has_schema_privilege('ada', 'hr', 'USAGE WITH GRANT OPTION')";
    assert_eq!(
        server.psql(format!("SELECT {may}, rolcanlogin, rolvaliduntil = '2030-01-02 00:00:00+00' FROM pg_roles WHERE rolname = 'ada'")),
        "t|f|t|t|t"
    );
    assert_eq!(server.psql("SELECT left(rolpassword, 14) FROM pg_authid WHERE rolname = 'ada'"), "SCRAM-SHA-256$");
    assert!(server.logs_in("ada", "pencil-Ada") && !server.logs_in("ada", "another") && !server.logs_in("bob", "taken"));
    assert!(server.logs_in("postgres", PASSWORD));

    place.write("people.csv", "id,userName,password,until\n2,bob,taken,2031-01-01\n4,\"x\"\"; DROP ROLE accounting; --\",x,FOREVER\n");
    place.run().assert_code(0);
    assert_eq!(server.psql("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'ada'"), "f", "gone means that nobody logs in");
    assert!(!server.logs_in("ada", "pencil-Ada"));
    assert_eq!(server.psql("SELECT rolvaliduntil FROM pg_roles WHERE rolname = 'bob'").get(..10), Some("2031-01-01"));
}

fn a_bad_row_spoils_no_other() {
    let server = Postgres::start();
    server.psql(PERSON);
    let place = small(&server, SAME_NAMES);
    let line = |n: u32| match n {
        7 => "7,user7,x,not a number,".to_owned(),
        8 => "8,user8,x,300,".to_owned(),
        9 => "9,user9,x,1,a-mail-address-that-is-too-long@example.com".to_owned(),
        n => format!("{n},user{n},x,{n},{n}@example.com"),
    };
    place.write("people.csv", rows("id,userName,family,age,mail", 1..=150, line));
    let ended = place.run();
    ended.assert_code(4);
    assert_report(
        &ended,
        &json!({ "systems": { "db": { "user": { "created": 147, "failed": 3 } } }, "failures": [
        { "entity": "7", "code": "backend.rejected", "message": "~(SQLSTATE 22P02) (age)" },
        { "entity": "8", "code": "backend.rejected", "message": "~person_age_check" },
        { "entity": "9", "code": "backend.rejected", "message": "~(SQLSTATE 22001)" },
    ] }),
    );
    assert!(!ended.stdout.contains("not a number") && !ended.stdout.contains("too-long"), "no value is quoted\n{ended}");
    assert_eq!(server.psql("SELECT count(*) FROM person"), "147");
    // An update that would take another one's mail address.
    place.write(
        "people.csv",
        rows("id,userName,family,age,mail", 10..=150, |n| format!("{n},user{n},y,{n},{}@example.com", if n == 11 { 12 } else { n })),
    );
    let ended = place.run();
    ended.assert_code(4);
    assert_report(
        &ended,
        &json!({ "systems": { "db": { "user": { "updated": 140, "failed": 1 } } }, "failures": [
        { "entity": "11", "code": "backend.conflict", "message": "~person_mail_key" },
    ] }),
    );
    assert_eq!(server.psql("SELECT count(*) FROM person WHERE family = 'y'"), "140");
    // A trigger that fails, in the words of whoever wrote it.
    server.psql("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not on Sundays'; END $$; CREATE TRIGGER no BEFORE DELETE ON person EXECUTE FUNCTION no()");
    place.write("people.csv", rows("id,userName,family,age,mail", 12..=150, |n| format!("{n},user{n},y,{n},{n}@example.com")));
    let ended = place.run();
    assert!(ended.stdout.contains("not on Sundays (SQLSTATE P0001)"), "{ended}");
}

fn nothing_of_a_value_or_a_name_becomes_sql() {
    let server = Postgres::start();
    let evil = "x\"; DROP TABLE person; --";
    server.psql(PERSON);
    server.psql(format!("ALTER TABLE person ADD \"{}\" text", evil.replace('"', "\"\"")));
    let place = small(
        &server,
        &format!("{SAME_NAMES}\"sql.user.columns\" = '''userName = userName, family = family, mail = mail, {evil} = evil'''\n"),
    );
    let values = ["'; DROP TABLE person; --", "\\'; DROP TABLE person; --", "$1", "{a,\"b\"}", "''", "\u{1F600} \u{202E}"];
    let mut csv = "id,userName,family,mail,evil\n".to_owned();
    for (number, value) in values.iter().enumerate() {
        let _ = writeln!(csv, "{number},\"user{number}{0}\",\"{0}\",,\"{0}\"", value.replace('"', "\"\""));
    }
    place.write("people.csv", csv);
    let ended = place.run();
    ended.assert_code(0);
    for (number, value) in values.iter().enumerate() {
        let row = &server.rows(&format!("SELECT * FROM person WHERE \"userName\" LIKE 'user{number}%'"))[0];
        assert_eq!((&row["family"], &row[evil]), (&json!(value), &json!(value)), "{row}");
    }
    // As the name of a table, of a column and of a user they are names that do not exist.
    for properties in [
        "\"sql.user.table\" = '''person\"\"; DROP TABLE person; --'''".to_owned(),
        "\"sql.user.table\" = \"person; DROP TABLE person\"".to_owned(),
        format!("{SAME_NAMES}\"sql.user.columns\" = '''id\" = 1; DROP TABLE person; -- = userName'''"),
        "\"sql.user.table\" = \"person\"\n\"sql.user.key\" = '''number\" = 1; DROP TABLE person; --'''".to_owned(),
        "\"sql.user.create\" = '''INSERT INTO person (family) VALUES (:family); DROP TABLE person'''".to_owned(),
    ] {
        let place = small(&server, &properties);
        place.write("people.csv", "id,userName,family\n1,ada,x\n");
        place.command(&["check", MANIFEST]).assert_code(1).assert_output(&["error[backend.invalid-settings]"]);
        assert_ne!(place.run().code, Some(0));
    }
    assert_eq!(server.psql("SELECT count(*) FROM person"), values.len().to_string());
}

fn what_is_wrong_is_told_and_nothing_is_done() {
    let server = Postgres::start();
    server.psql(PERSON);
    server.psql("CREATE ROLE reader LOGIN PASSWORD 'reads-only'; GRANT SELECT ON person TO reader");
    let told = |place: &Place, code: &str, words: &str| {
        place.write("people.csv", "id,userName,family\n1,ada,x\n");
        let ended = place.run();
        assert!(ended.code != Some(0) && ended.stdout.contains(code) && ended.stdout.contains(words), "{ended}");
        assert_eq!(server.psql("SELECT count(*) FROM person"), "0");
        for said in [&ended.stdout, &ended.stderr] {
            assert!(!said.contains(PASSWORD) && !said.contains("reads-only"));
        }
    };
    told(&small(&server, SAME_NAMES).with_environment("DATABASE_PASSWORD", "wrong"), "backend.unauthenticated", "28P01");
    told(&small(&server, "\"sql.user.table\" = \"nobody\""), "backend.invalid-settings", "there is no table \\\"nobody\\\"");
    told(&small(&server, "\"sql.user.table\" = \"person\""), "backend.invalid-settings", "no column \\\"id\\\"");
    told(&small(&server, "\"sql.group.table\" = \"person\"\n\"sql.group.key\" = \"number\""), "backend.unsupported", "sql.user.table");
    let manifest = small(&server, SAME_NAMES).read(MANIFEST).replace("\"sql.username\" = \"postgres\"", "\"sql.username\" = \"reader\"");
    let reader = Place::with_manifest(&manifest).with_environment("DATABASE_PASSWORD", "reads-only");
    told(&reader, "backend.forbidden", "42501");
    // An attribute that no column takes.
    let place = small(&server, SAME_NAMES);
    place.write("people.csv", "id,userName,shoe\n1,ada,42\n");
    let ended = place.run();
    ended.assert_code(4);
    assert!(ended.stdout.contains("no column \\\"shoe\\\""), "{ended}");
}

fn a_server_that_dies_in_the_middle_has_everybody_once_in_the_end() {
    let mut server = Postgres::start();
    server.psql(PERSON);
    server.psql("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.002); RETURN NEW; END $$; CREATE TRIGGER slow BEFORE INSERT ON person FOR EACH ROW EXECUTE FUNCTION slow()");
    let place = small(&server, SAME_NAMES);
    place.write("people.csv", rows("id,userName,family", 1..=2000, |n| format!("{n},user{n},x")));
    let ended = thread::scope(|scope| {
        let run = scope.spawn(|| place.run());
        while server.psql("SELECT count(*) FROM person").parse::<u64>().expect("a number") < 500 && !run.is_finished() {
            thread::sleep(Duration::from_millis(20));
        }
        assert!(!run.is_finished(), "the server is stopped in the middle");
        server.stop();
        thread::sleep(Duration::from_millis(1500));
        assert!(server.resume());
        run.join().expect("the run")
    });
    ended.assert_code(0);
    assert_eq!(server.psql("SELECT count(*), count(DISTINCT \"userName\") FROM person"), "2000|2000");
    assert_report(&place.run(), &json!({ "systems": { "db": { "user": { "created": 0, "updated": 0, "unchanged": 2000 } } } }));
    // What was created in doubt is ours: it is deleted when it is gone from the source.
    place.write("people.csv", rows("id,userName,family", 101..=2000, |n| format!("{n},user{n},x")));
    assert_report(&place.run(), &json!({ "systems": { "db": { "user": { "deleted": 100 } } } }));
}
