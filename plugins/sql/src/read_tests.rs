use super::*;
use crate::{
    connection::Connection,
    scripted::{Reply, Server, settings, text},
};
use std::{cell::Cell, rc::Rc};

const COLUMNS: [(&str, u32); 2] = [("id", 20), ("userName", 25)];

/// A table with the ids 1 to `count`; `serve` may answer before it does.
fn table(count: u64, serve: impl Fn(&str, &[Option<String>]) -> Option<Reply> + 'static) -> Server {
    Server::new(move |statement, parameters| {
        if let Some(reply) = serve(statement, parameters) {
            return reply;
        }
        if statement.contains("pg_backend_pid") {
            return text("1 2");
        }
        if statement.contains("count(") {
            let row = vec![Some(count.to_string()), Some(count.to_string()), Some(count.to_string()), Some(count.to_string()), None];
            return Reply::Rows(vec![("a", 20), ("b", 20), ("c", 20), ("d", 20), ("e", 25)], vec![row]);
        }
        let Some((_, limit)) = statement.split_once("LIMIT ") else { return Reply::Rows(COLUMNS.to_vec(), vec![]) };
        let last: u64 = parameters.first().and_then(|last| last.as_ref()?.parse().ok()).unwrap_or(0);
        let rows = (last + 1..=count).take(limit.parse().unwrap()).map(|id| vec![Some(id.to_string()), Some(format!("user{id}"))]);
        Reply::Rows(COLUMNS.to_vec(), rows.collect())
    })
}

fn source(server: &Server) -> Source<Server> {
    let settings = settings(&[("sql.user.query", "SELECT * FROM person;")]);
    Source::new(server.clone(), Connection::open(&settings).unwrap(), Queries::open(&settings).unwrap())
}

/// All pages: ids, and what was unreadable.
fn all(source: &mut Source<Server>) -> Result<(Vec<String>, usize), Failure> {
    let (mut ids, mut doubts, mut cursor) = (vec![], 0, None);
    loop {
        let page = source.page(EntityType::User, &Scope::All, cursor.as_deref(), 3)?;
        assert!(page.entities.len() <= 3);
        doubts += page.unreadable.len();
        ids.extend(page.entities.into_iter().map(|entity| entity.id));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok((ids, doubts)),
        }
    }
}

#[test]
fn pages_follow_the_key_in_one_transaction() {
    let server = table(7, |_, _| None);
    let (ids, doubts) = all(&mut source(&server)).unwrap();
    assert_eq!((ids.join(" "), doubts), ("1 2 3 4 5 6 7".to_owned(), 0));
    let log = server.log();
    let pages: Vec<&String> = log.iter().filter(|line| line.contains("LIMIT 4")).collect();
    assert_eq!(
        pages,
        [
            "SELECT q.* FROM (SELECT * FROM person\n) AS q ORDER BY q.\"id\" LIMIT 4 []",
            "SELECT q.* FROM (SELECT * FROM person\n) AS q WHERE q.\"id\" > $1 ORDER BY q.\"id\" LIMIT 4 [3]",
            "SELECT q.* FROM (SELECT * FROM person\n) AS q WHERE q.\"id\" > $1 ORDER BY q.\"id\" LIMIT 4 [6]",
        ]
    );
    assert_eq!(log.iter().filter(|line| line.starts_with("BEGIN")).count(), 1);
    assert_eq!(log.iter().filter(|line| *line == "#").count(), 1);
}

#[test]
fn a_page_that_is_lost_is_read_again_and_the_read_is_in_doubt() {
    let times = Rc::new(Cell::new(0));
    let (counted, snapshot) = (times.clone(), Cell::new(0));
    let server = table(7, move |statement, parameters| {
        if statement.contains("pg_backend_pid") {
            snapshot.set(snapshot.get() + 1);
            return Some(text(&snapshot.get().to_string()));
        }
        let page = parameters.first().is_some_and(|last| last.as_deref() == Some("3"));
        (page && counted.replace(counted.get() + 1) == 0).then_some(Reply::Gone)
    });
    let mut source = source(&server);
    let first = source.page(EntityType::User, &Scope::All, None, 3).unwrap();
    let lost = source.page(EntityType::User, &Scope::All, first.next.as_deref(), 3).unwrap_err();
    assert!(matches!(lost.kind, Kind::Unavailable), "{}", lost.message);
    let second = source.page(EntityType::User, &Scope::All, first.next.as_deref(), 3).unwrap();
    assert_eq!(second.unreadable.len(), 1);
    let ids: Vec<&str> = second.entities.iter().map(|entity| entity.id.as_str()).collect();
    assert_eq!(ids, ["4", "5", "6"]);
    let third = source.page(EntityType::User, &Scope::All, second.next.as_deref(), 3).unwrap();
    assert_eq!((third.unreadable.len(), third.entities.len(), third.delta_token), (0, 1, None));
}

#[test]
fn rows_that_cannot_be_trusted_end_the_read() {
    let rows = |ids: &[Option<&str>]| {
        Reply::Rows(COLUMNS.to_vec(), ids.iter().map(|id| vec![id.map(str::to_owned), Some("x".to_owned())]).collect())
    };
    for (reply, words) in [
        (rows(&[Some("1"), Some("1")]), "must be unique"),
        (rows(&[Some("1"), None]), "has no id"),
        (rows(&[Some("1"), Some("2"), Some("3"), Some("4"), Some("5")]), "more rows than were asked for"),
        (Reply::Refused("22012"), "22012"),
    ] {
        let server = table(7, move |statement, _| statement.contains("LIMIT").then(|| reply.clone()));
        let failure = all(&mut source(&server)).unwrap_err();
        assert!(failure.message.contains(words), "{}", failure.message);
    }
    // The same page again and again.
    let server = table(7, move |statement, _| {
        statement
            .contains("LIMIT")
            .then(|| Reply::Rows(COLUMNS.to_vec(), ["1", "2", "3", "4"].map(|id| vec![Some(id.to_owned()), None]).to_vec()))
    });
    let mut source = source(&server);
    let first = source.page(EntityType::User, &Scope::All, None, 3).unwrap();
    let second = source.page(EntityType::User, &Scope::All, first.next.as_deref(), 3).unwrap();
    assert_eq!(first.next, second.next, "the host ends a read whose cursor repeats");
}

#[test]
fn what_is_not_configured_is_empty() {
    let page = source(&table(7, |_, _| None)).page(EntityType::Group, &Scope::All, None, 3).unwrap();
    assert!(page.entities.is_empty() && page.next.is_none());
}

#[test]
fn a_token_of_another_kind_is_refused() {
    let server = table(7, |_, _| None);
    let settings = settings(&[("sql.user.query", "SELECT * FROM person"), ("sql.user.change.column", "id")]);
    let mut source = Source::new(server, Connection::open(&settings).unwrap(), Queries::open(&settings).unwrap());
    let failure = source.page(EntityType::User, &Scope::ChangedSince("yesterday".into()), None, 3).unwrap_err();
    assert!(matches!(failure.kind, Kind::Conflict), "{}", failure.message);
}
