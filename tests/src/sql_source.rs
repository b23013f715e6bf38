//! A database as a source: its rows become documents, looked at with psql on one side and as files on the other.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::matching::Matches;
use crate::place::{Ended, MANIFEST, Place};
use crate::postgresql::{PASSWORD, Postgres};
use crate::trials;

trials![
    rows_become_documents_and_are_kept_in_step,
    only_changes_are_read,
    transactions_that_commit_late_are_not_missed,
    a_read_in_doubt_deletes_nobody,
    a_lost_connection_deletes_nobody,
    what_is_wrong_is_told,
];

const SCHEMA: &str = "
    CREATE TYPE mood AS ENUM ('fine', 'so-so');
    CREATE TABLE person (id bigserial PRIMARY KEY, login text NOT NULL UNIQUE, active boolean NOT NULL DEFAULT true, score numeric(8, 2), weight float8, tags text[], grid int[][],
        moods mood[], extra jsonb, born timestamptz, hired date, photo bytea, boss bigint REFERENCES person,
        updated_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz);
    CREATE TABLE team (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL UNIQUE);
    CREATE TABLE team_person (team uuid REFERENCES team ON DELETE CASCADE, person bigint REFERENCES person ON DELETE CASCADE, PRIMARY KEY (team, person));
    INSERT INTO person (login, active, score, weight, tags, grid, moods, extra, born, hired, photo, boss)
        SELECT 'user' || n, n % 7 <> 0, n * 1.25, n / 3.0::float8, CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN '{}' ELSE ARRAY['a,b', 'NULL', NULL, E'q\"\\\\\\n', 'é' || n] END,
            ARRAY[ARRAY[n, 2], ARRAY[3, NULL]], ARRAY['so-so', 'fine']::mood[], jsonb_build_object('n', n, 'deep', jsonb_build_array(true, null, 'x')),
            timestamptz '1990-01-02 03:04:05.25+02' + n * interval '1 day', date '2020-02-29' + n, decode(lpad(to_hex(n), 4, '0'), 'hex'), nullif(n, 1) / 2
        FROM generate_series(1, 100) AS n;
    INSERT INTO team (name) SELECT 'team' || n FROM generate_series(1, 5) AS n;
    INSERT INTO team_person SELECT t.id, p.id FROM team t, person p WHERE p.id % 5 = length(t.name) - 5 OR p.login LIKE '%' || right(t.name, 1);
";

const PEOPLE: &str = "SELECT id, login AS \\\"userName\\\", active, score, weight, tags, grid, moods, extra, born, hired, photo, boss, updated_at FROM person -- everybody";
const TEAMS: &str = "SELECT id, name AS \\\"displayName\\\" FROM team;";
const MEMBERS: &str = "SELECT team AS group_id, person AS value, 'User' AS type FROM team_person";

/// A place that copies the database into files.
fn place(server: &Postgres, people: &str, more: &str) -> Place {
    Place::with_manifest(&format!(
        r#"state = "provisor.db"

[systems.hr]
role = "source"
connector = "sql"
page-size = 7
grants = {{ networks = ["127.0.0.1/32"] }}

[systems.hr.properties]
"sql.url" = "{}"
"sql.username" = "postgres"
"sql.password" = {{ env = "DATABASE_PASSWORD" }}
"sql.sslmode" = "disable"
"sql.user.query" = "{people}"
{more}

[systems.copy]
role = "target"
connector = "file"
sources = ["hr"]
properties = {{ "file.target.path" = "copy/", "file.user.unique.attribute" = "userName" }}
"#,
        server.url()
    ))
    .with_environment("DATABASE_PASSWORD", PASSWORD)
}

/// The documents of an entity type, by an attribute.
fn documents(place: &Place, entity_type: &str, name: &str) -> BTreeMap<String, Value> {
    let files = place.listing().into_iter().filter(|path| path.starts_with(&format!("copy/{entity_type}/")));
    files
        .map(|path| {
            let document: Value = serde_json::from_str(&place.read(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            (document[name].as_str().expect("a name").to_owned(), document)
        })
        .collect()
}

#[track_caller]
fn assert_report(ended: &Ended, expected: &Value) {
    Matches::stream(expected, &ended.values()).unwrap_or_else(|why| panic!("{why}\n{ended}"));
}

/// [created, updated, deleted] of an entity type.
#[track_caller]
fn assert_counts(ended: &Ended, entity_type: &str, counts: [u64; 3]) {
    let [created, updated, deleted] = counts;
    assert_report(
        ended,
        &json!({ "systems": { "copy": { entity_type: { "created": created, "updated": updated, "deleted": deleted } } } }),
    );
}

/// Every person and team of the database, as JSON made by the database, is there as a document, and nothing else.
#[track_caller]
fn assert_same(place: &Place, server: &Postgres) {
    let people = server.rows(
        r#"SELECT login AS "userName", active, score, weight, tags, grid, moods, extra, boss, hired,
            to_char(born AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') AS born, encode(photo, 'base64') AS photo FROM person WHERE deleted_at IS NULL"#,
    );
    let copies = documents(place, "user", "userName");
    assert_eq!(copies.len(), people.len());
    for person in people {
        let copy = &copies[person["userName"].as_str().expect("a login")];
        for (name, value) in person.as_object().expect("a row") {
            if name == "born" && !value.is_null() {
                let born = copy["born"].as_str().expect("a time");
                assert!(born.starts_with(value.as_str().expect("a time")) && born.ends_with('Z'), "{born} {value}");
            } else {
                assert_eq!(&copy[name], value, "{name} of {copy}");
            }
        }
    }
    let teams = server.rows("SELECT name, (SELECT count(*) FROM team_person WHERE team = team.id) AS members FROM team");
    let copies = documents(place, "group", "displayName");
    assert_eq!(copies.len(), teams.len());
    for team in teams {
        let members = copies[team["name"].as_str().expect("a name")]["members"].as_array().map_or(0, Vec::len);
        assert_eq!(members as u64, team["members"].as_u64().expect("a number"), "{team}");
    }
}

fn rows_become_documents_and_are_kept_in_step() {
    let server = Postgres::start();
    server.psql(SCHEMA);
    let more = format!("\"sql.group.query\" = \"{TEAMS}\"\n\"sql.group.members.query\" = \"{MEMBERS}\"\n");
    let place = place(&server, PEOPLE, &more);
    let checked = place.command(&["check", MANIFEST]);
    checked.assert_code(0).assert_output(&["PostgreSQL", "users can be queried", "groups can be queried"]);
    let ended = place.run();
    ended.assert_code(0);
    assert_counts(&ended, "user", [100, 0, 0]);
    assert_counts(&ended, "group", [5, 0, 0]);
    assert_same(&place, &server);

    let again = place.run();
    assert_counts(&again, "user", [0, 0, 0]);
    assert_counts(&again, "group", [0, 0, 0]);

    server.psql(
        "UPDATE person SET extra = '{\"changed\": true}', tags = NULL WHERE id = 3; UPDATE person SET boss = NULL WHERE boss = 50; DELETE FROM person WHERE id IN (50, 99);
         INSERT INTO person (id, login) VALUES (1000, 'new\"; DROP TABLE person; --');",
    );
    let ended = place.run();
    ended.assert_code(0);
    assert_report(&ended, &json!({ "systems": { "copy": { "user": { "created": 1, "deleted": 2 } } } }));
    assert_same(&place, &server);
    let leaks: Vec<_> = place.listing().into_iter().filter(|name| place.path(name).is_file()).collect();
    let leaks = leaks.into_iter().filter(|name| {
        let bytes = std::fs::read(place.path(name)).expect("a file");
        bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes())
    });
    assert_eq!(leaks.count(), 0, "the password is in no file");
}

fn only_changes_are_read() {
    let server = Postgres::start();
    server.psql(SCHEMA);
    server.psql("UPDATE person SET updated_at = timestamptz '2026-01-01' + id * interval '1 hour'; CREATE TABLE gone (id bigint, updated_at timestamptz DEFAULT now());");
    let people = PEOPLE.replace("updated_at", "updated_at, deleted_at");
    let more = "\"ips.delta.read\" = \"enabled\"\n\"sql.user.change.column\" = \"updated_at\"\n\"sql.user.deleted.column\" = \"deleted_at\"\n\"sql.change.overlap\" = 60\n\
        \"sql.user.deleted.query\" = \"SELECT id, updated_at FROM gone\"\n";
    let place = place(&server, &people, more);
    assert_report(
        &place.run(),
        &json!({ "read-mode": "full", "status": "success", "systems": { "copy": { "user": { "created": 100 } } } }),
    );
    // The last row is read again: another change may have the same time.
    assert_report(
        &place.run(),
        &json!({ "read-mode": "delta", "systems": { "hr": { "user": { "read": 1 } }, "copy": { "user": { "unchanged": 1 } } } }),
    );
    server.psql(
        "UPDATE person SET score = 0, updated_at = now() WHERE id = 5; UPDATE person SET deleted_at = now(), updated_at = now() WHERE id = 6;
         INSERT INTO person (login) VALUES ('later'); UPDATE person SET boss = NULL WHERE boss = 70; DELETE FROM person WHERE id = 70; INSERT INTO gone VALUES (70), (5);",
    );
    // Somebody who is there is not gone, whatever the list of the gone says.
    let delta = json!({ "read-mode": "delta", "status": "success", "systems": { "hr": { "user": { "read": 3 } }, "copy": { "user": { "created": 1, "updated": 1, "unchanged": 1, "deleted": 2 } } } });
    assert_report(&place.run(), &delta);
    let names = documents(&place, "user", "userName");
    assert!(names.len() == 99 && names.contains_key("later") && !names.contains_key("user6") && !names.contains_key("user70"));
    // A row without a time would be missed by every delta read.
    server.psql("ALTER TABLE person ALTER updated_at DROP NOT NULL; INSERT INTO person (login, updated_at) VALUES ('timeless', NULL)");
    let full = json!({ "read-mode": "full", "systems": { "hr": { "user": { "read": 100 } }, "copy": { "user": { "created": 1 } } } });
    assert_report(&place.run(), &full);
}

fn transactions_that_commit_late_are_not_missed() {
    let server = Postgres::start();
    server.psql(SCHEMA);
    server.psql(
        "ALTER TABLE person ADD changed xid8 NOT NULL DEFAULT pg_current_xact_id();
         CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed := pg_current_xact_id(); RETURN NEW; END $$;
         CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON person FOR EACH ROW EXECUTE FUNCTION stamp();",
    );
    let place = place(
        &server,
        "SELECT id, login AS \\\"userName\\\", score, changed FROM person",
        "\"ips.delta.read\" = \"enabled\"\n\"sql.user.change.column\" = \"changed\"\n",
    );
    place.run().assert_code(0);
    thread::scope(|scope| {
        // Begun before a run and committed after it, while another change is read in between.
        let late = scope.spawn(|| server.psql("BEGIN; UPDATE person SET score = 1 WHERE id = 1; SELECT pg_sleep(6); COMMIT;"));
        thread::sleep(Duration::from_millis(700));
        server.psql("UPDATE person SET score = 2 WHERE id = 2");
        let ended = place.run();
        assert_report(&ended, &json!({ "read-mode": "delta", "systems": { "copy": { "user": { "updated": 1 } } } }));
        assert_eq!(server.psql("SELECT score <> 1 FROM person WHERE id = 1"), "t", "the late one is still open");
        late.join().expect("the late transaction");
    });
    assert_report(&place.run(), &json!({ "read-mode": "delta", "systems": { "copy": { "user": { "updated": 1, "unchanged": 1 } } } }));
    assert_eq!(documents(&place, "user", "userName")["user1"]["score"], json!(1.00));
}

fn a_read_in_doubt_deletes_nobody() {
    let server = Postgres::start();
    server.psql(SCHEMA);
    server.psql("CREATE VIEW people AS SELECT id, login FROM person");
    let place = place(&server, "SELECT id, login AS \\\"userName\\\" FROM people", "");
    place.run().assert_code(0);
    for (view, words) in [
        ("SELECT id / 2 AS id, login FROM person", "it must be unique"),
        ("SELECT nullif(id, 50) AS id, login FROM person", "1 rows have no id"),
        ("SELECT id, CASE WHEN 1 / (id - 60) > 5 THEN '' ELSE login END AS login FROM person", "division by zero"),
    ] {
        server.psql(format!("DROP VIEW people; CREATE VIEW people AS {view} WHERE id < 90"));
        let ended = place.run();
        ended.assert_code(1);
        let report = ended.value();
        assert!(report["error"]["message"].as_str().is_some_and(|message| message.contains(words)), "{ended}");
        assert_eq!(documents(&place, "user", "userName").len(), 100, "{view}");
    }
    server.psql("DROP VIEW people; CREATE VIEW people AS SELECT id, login FROM person WHERE false");
    assert_ne!(place.run().code, Some(1));
    assert_eq!(documents(&place, "user", "userName").len(), 100, "an empty table is no proof");
}

fn a_lost_connection_deletes_nobody() {
    let server = Postgres::start();
    server.psql(SCHEMA);
    server.psql("CREATE VIEW people AS SELECT id, login FROM person");
    let place = place(&server, "SELECT id, login AS \\\"userName\\\" FROM people", "\"ips.failed.request.retry.attempts.interval\" = 1\n");
    place.run().assert_code(0);
    // Slow enough to be interrupted, and two people less.
    server
        .psql("DROP VIEW people; CREATE VIEW people AS SELECT id, login FROM person WHERE id < 99 AND (SELECT pg_sleep(0.2)) IS NOT NULL");
    let ended = thread::scope(|scope| {
        let run = scope.spawn(|| place.run());
        let mut lost = 0;
        while lost == 0 && !run.is_finished() {
            thread::sleep(Duration::from_millis(50));
            // Once some pages were read.
            lost = server
                .psql(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE application_name = 'provisor' AND xact_start < clock_timestamp() - interval '1 second'",
                )
                .parse()
                .expect("a number");
        }
        assert_eq!(lost, 1, "the connection was ended in the middle");
        run.join().expect("the run")
    });
    let report = ended.value();
    assert_report(&ended, &json!({ "systems": { "hr": { "user": { "read": 99, "failed": 1 } }, "copy": { "user": { "deleted": 0 } } } }));
    assert!(report["failures"].to_string().contains("the connection was lost in the middle"), "{ended}");
    assert_eq!(documents(&place, "user", "userName").len(), 100);
    assert_counts(&place.run(), "user", [0, 0, 2]);
}

fn what_is_wrong_is_told() {
    let mut server = Postgres::start();
    server.psql(SCHEMA);
    let told = |place: &Place, code: &str, words: &str| {
        let ended = place.command(&["check", MANIFEST]);
        ended.assert_code(1).assert_output(&[&format!("error[{code}]"), words]);
        for said in [&ended.stdout, &ended.stderr] {
            assert!(!said.contains(PASSWORD));
        }
        assert!(documents(place, "user", "userName").is_empty());
    };
    told(&place(&server, PEOPLE, "").with_environment("DATABASE_PASSWORD", "wrong"), "backend.unauthenticated", "28P01");
    told(&place(&server, "SELECT * FROM nobody", ""), "backend.invalid-settings", "nobody");
    told(&place(&server, PEOPLE, "\"sql.user.key\" = \"number\""), "backend.invalid-settings", "no column \"number\"");
    told(&place(&server, "SELECT 1 AS id) AS q; DROP TABLE person; --", ""), "backend.invalid-settings", "42601");
    told(&place(&server, PEOPLE, "\"sql.user.change.column\" = \"userName\""), "backend.invalid-settings", "must be a time");
    // Whatever a query calls, it changes nothing.
    server.psql("CREATE FUNCTION evil() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN DELETE FROM team_person; RETURN 1; END $$");
    let ended = place(&server, "SELECT evil() AS id, 'x' AS \\\"userName\\\"", "").run();
    ended.assert_code(1);
    assert!(ended.stdout.contains("25006"), "{ended}");
    assert_ne!(server.psql("SELECT count(*) FROM team_person"), "0");
    // TLS is asked for, and this server has none.
    let manifest = place(&server, PEOPLE, "").read(MANIFEST).replace("\"sql.sslmode\" = \"disable\"\n", "");
    let plain = Place::with_manifest(&manifest).with_environment("DATABASE_PASSWORD", PASSWORD);
    told(&plain, "backend.unavailable", "does not offer TLS");
    let certificate = server.switch_on_tls();
    told(&plain, "backend.unavailable", "certificate");
    let secured = Place::with_manifest(&manifest.replace("grants = {", "tls = { authorities = [\"server.pem\"] }\ngrants = {"))
        .with_environment("DATABASE_PASSWORD", PASSWORD);
    secured.write("server.pem", certificate);
    secured.run().assert_code(0);
    assert_eq!(documents(&secured, "user", "userName").len(), 100);
    server.stop();
    told(&place(&server, PEOPLE, ""), "backend.unavailable", "");
    assert!(server.resume());
    place(&server, PEOPLE, "").run().assert_code(0);
}
