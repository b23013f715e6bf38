use super::*;
use crate::{
    connection::Connection,
    scripted::{Reply, Server, settings, text},
};

/// A table of people; `serve` answers everything but the catalogue.
fn target(serve: impl Fn(&str, &[Option<String>]) -> Reply + 'static, properties: &[(&str, &str)]) -> (Target<Server>, Server) {
    let server = Server::new(move |statement, parameters| {
        if statement.contains("pg_attribute") {
            let column = |name: &str, oid: u32, array: u32| vec![Some(name.to_owned()), Some(oid.to_string()), Some(array.to_string())];
            let rows = vec![column("id", 20, 1016), column("name", 25, 1009), column("team", 20, 1016), column("age", 23, 1007)];
            return Reply::Rows(vec![("a", 25), ("b", 25), ("c", 25)], rows);
        }
        serve(statement, parameters)
    });
    let properties: Vec<(&str, &str)> =
        properties.iter().copied().chain([("sql.user.table", "person"), ("sql.group.table", "team")]).collect();
    let settings = settings(&properties);
    (Target::new(server.clone(), Connection::open(&settings).unwrap(), Targets::open(&settings).unwrap()), server)
}

fn create(name: &str) -> (Result<EntityType, Failure>, Action) {
    (Ok(EntityType::User), Action::Create { document: format!(r#"{{"name":"{name}"}}"#) })
}

fn kinds(outcomes: &[Outcome]) -> Vec<String> {
    let kind =
        |outcome: &Outcome| outcome.as_ref().map_or_else(|failure| format!("{:?}", failure.kind).replace("Kind::", ""), Clone::clone);
    outcomes.iter().map(kind).collect()
}

#[test]
fn changes_go_out_together_and_then_one_by_one() {
    let serve = |statement: &str, parameters: &[Option<String>]| match parameters.first().and_then(Option::as_deref) {
        Some("bad") => Reply::Refused("23514"),
        Some("there") => Reply::Rows(vec![("id", 20)], vec![]),
        _ if statement.contains("INSERT") => Reply::Rows(vec![("id", 20)], vec![vec![Some("7".into())]]),
        _ => Reply::Done(0),
    };
    let (mut target, server) = target(serve, &[]);
    assert_eq!(kinds(&target.write(vec![create("a"), create("there"), create("b")])), ["7", "AlreadyExists", "7"]);
    let inserts = |log: &[String]| log.iter().filter(|line| line.starts_with("INSERT") || *line == ";").cloned().collect::<Vec<_>>();
    let statement = r#"INSERT INTO "person" ("name") VALUES ($1) ON CONFLICT DO NOTHING RETURNING "id""#;
    let log = inserts(&server.log());
    assert_eq!(log[log.len() - 4..], [format!("{statement} [a]"), format!("{statement} [there]"), format!("{statement} [b]"), ";".into()]);

    let before = server.log().len();
    let nobody = (Err(Failure::rejected("no such type")), Action::Delete { id: "1".into() });
    assert_eq!(kinds(&target.write(vec![create("a"), create("bad"), nobody, create("b")])), ["7", "Rejected", "Rejected", "7"]);
    let log = inserts(&server.log()[before..]);
    let group = |name: &str| [format!("{statement} [{name}]"), ";".to_owned()];
    // The first attempt ends at the statement that is refused.
    assert_eq!(
        log,
        [
            vec![format!("{statement} [a]"), format!("{statement} [bad]"), ";".into()],
            group("a").into(),
            group("bad").into(),
            group("b").into()
        ]
        .concat()
    );
}

#[test]
fn a_server_that_goes_away_leaves_a_failure_for_each() {
    let serve = |_: &str, parameters: &[Option<String>]| {
        if parameters.is_empty() { Reply::Rows(vec![("id", 20)], vec![]) } else { Reply::Gone }
    };
    let (mut target, _) = target(serve, &[]);
    assert_eq!(kinds(&target.write(vec![create("a"), create("b")])), ["Unavailable", "Unavailable"]);
}

#[test]
fn only_what_differs_is_updated() {
    let serve = |statement: &str, parameters: &[Option<String>]| {
        let row = |values: &[&str]| {
            Reply::Rows(vec![("name", 25), ("age", 23)], vec![values.iter().map(|value| Some((*value).to_owned())).collect()])
        };
        match (statement.split(' ').next(), parameters.last().and_then(Option::as_deref)) {
            (Some("SELECT"), Some("gone")) => Reply::Rows(vec![("age", 23), ("name", 25), ("id", 20)], vec![]),
            (Some("SELECT"), _) => row(&["7", "ada", "1"]),
            (Some("UPDATE"), _) => text("1"),
            _ => Reply::Done(1),
        }
    };
    let (mut target, server) = target(serve, &[]);
    let update = |id: &str, document: &str| (Ok(EntityType::User), Action::Update { id: id.into(), document: document.into() });
    let changes = vec![
        update("1", r#"{"name":"ada","age":7}"#),
        update("1", r#"{"name":"ada","age":8}"#),
        update("gone", r#"{"name":"ada","age":7}"#),
        update("1", r#"{"name":"ada","shoe":8}"#),
        update("1", r#"{"name":["ada"],"age":7}"#),
    ];
    assert_eq!(kinds(&target.write(changes)), ["1", "1", "NotFound", "Rejected", "Rejected"]);
    let updates: Vec<String> = server.log().into_iter().filter(|line| line.starts_with("UPDATE")).collect();
    assert_eq!(updates, [r#"UPDATE "person" SET "age" = $1 WHERE "id" = $2 RETURNING "id" [8, 1]"#]);
}

#[test]
fn deletions_take_memberships_with_them() {
    let properties =
        [("sql.group.members.table", "membership"), ("sql.group.members.group.column", "team"), ("sql.group.members.member.column", "id")];
    let (mut target, server) = target(|statement, _| Reply::Done(u64::from(statement.contains("person"))), &properties);
    let delete = |entity_type, id: &str| (Ok(entity_type), Action::Delete { id: id.into() });
    let outcomes = target.write(vec![delete(EntityType::User, "1"), delete(EntityType::Group, "2")]);
    assert_eq!(kinds(&outcomes), ["1", "NotFound"]);
    let deletes: Vec<String> = server.log().into_iter().filter(|line| line.starts_with("DELETE")).collect();
    assert_eq!(
        deletes,
        [
            r#"DELETE FROM "membership" WHERE "id" = $1 [1]"#,
            r#"DELETE FROM "person" WHERE "id" = $1 [1]"#,
            r#"DELETE FROM "membership" WHERE "team" = $1 [2]"#,
            r#"DELETE FROM "team" WHERE "id" = $1 [2]"#,
        ]
    );
}
