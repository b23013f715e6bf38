use super::*;
use crate::{
    connection::Link,
    scripted::{Reply, Server, message, settings},
};
use sdk::Kind;

fn link(server: &Server, properties: &[(&str, &str)]) -> Link<Server> {
    Link::new(server.clone(), Connection::open(&settings(properties)).unwrap())
}

fn refused(server: &Server, properties: &[(&str, &str)]) -> Failure {
    link(server, properties).session().map(|_| ()).unwrap_err()
}

fn asks(number: u8, rest: &[u8]) -> Vec<u8> {
    message(b'R', &[&[0, 0, 0, number], rest].concat())
}

#[test]
fn whoever_does_not_prove_itself_is_not_believed() {
    let server = || Server::new(|_, _| Reply::Done(0));
    let ready = message(b'Z', b"I");
    for (greeting, kind, words) in [
        (asks(3, &[]), "Unauthenticated", "in clear text"),
        ([asks(10, b"SCRAM-SHA-256\0\0"), asks(0, &[]), ready.clone()].concat(), "Unauthenticated", "did not prove"),
        (asks(10, b"SCRAM-SHA-1\0\0"), "Unauthenticated", "offers no SCRAM-SHA-256"),
        ([asks(10, b"SCRAM-SHA-256\0\0"), asks(11, b"r=another,s=QSXCR+Q6sek8bf92,i=4096")].concat(), "Unauthenticated", "nonce"),
        (asks(12, b"v=x"), "Unavailable", "before it began"),
        (asks(7, &[]), "Unauthenticated", "not supported"),
        (ready.clone(), "Unavailable", "before anybody logged in"),
        ([asks(5, b"salt"), asks(5, b"salt")].concat(), "Unavailable", "twice"),
        (message(b'E', b"C28P01\0Mno\0\0"), "Unauthenticated", "28P01"),
        (message(b'E', b"C3D000\0Mno\0\0"), "InvalidSettings", "3D000"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "Unavailable", "1414811695 bytes; "),
        (vec![b'R', 0, 0, 0, 1], "Unavailable", "protocol"),
        (vec![], "Unavailable", "closed the connection"),
    ] {
        let failure = refused(&server().greets(greeting), &[]);
        assert_eq!(format!("{:?}", failure.kind), format!("Kind::{kind}"), "{}", failure.message);
        assert!(failure.message.contains(words) && !failure.message.contains("pencil"), "{}", failure.message);
    }
    // Over TLS the password may go in clear text.
    let greeting = [vec![b'S'], asks(3, &[]), asks(0, &[]), ready.clone()].concat();
    assert!(link(&server().greets(greeting), &[("sql.sslmode", "verify-full")]).session().is_ok());
    let failure = refused(&server().greets(b"N".to_vec()), &[("sql.sslmode", "verify-full")]);
    assert!(failure.message.contains("does not offer TLS"), "{}", failure.message);
    assert!(refused(&server().greets(b"E".to_vec()), &[("sql.sslmode", "verify-full")]).message.contains("neither S nor N"));
}

#[test]
fn what_is_refused_in_one_group_leaves_the_others_alone() {
    let server = Server::new(|text, parameters| match parameters.first().and_then(Option::as_deref) {
        Some("bad") => Reply::Refused("22P02"),
        _ if text.contains('$') => Reply::Done(1),
        _ => Reply::Done(0),
    });
    let mut link = link(&server, &[]);
    let session = link.session().unwrap();
    let statement = session.prepare("UPDATE t SET a = $1", &[]).unwrap();
    let call = |value: &str| Call { statement: statement.clone(), parameters: vec![Some(value.to_owned())] };
    let answers = session.run(&[vec![call("good")], vec![call("bad"), call("good")], vec![call("good"), call("good")]]);
    let affected: Vec<Option<usize>> = answers.iter().map(|answer| answer.as_ref().ok().map(Vec::len)).collect();
    assert_eq!(affected, [Some(1), None, Some(2)]);
    assert!(!session.is_lost());
}

#[test]
fn a_connection_that_ends_ends_everything_that_is_not_answered() {
    for ending in
        [Reply::Gone, Reply::Bytes(b"E\0\0\0\x03".to_vec()), Reply::Bytes(message(b'G', &[0, 0, 0])), Reply::Bytes(message(b'D', &[0, 9]))]
    {
        let server = Server::new(move |_, parameters| match parameters.first().and_then(Option::as_deref) {
            Some("last") => ending.clone(),
            _ => Reply::Done(1),
        });
        let mut link = link(&server, &[]);
        let session = link.session().unwrap();
        let statement = session.prepare("UPDATE t SET a = $1", &[]).unwrap();
        let call = |value: &str| Call { statement: statement.clone(), parameters: vec![Some(value.to_owned())] };
        let answers = session.run(&[vec![call("one")], vec![call("last")], vec![call("never")]]);
        assert!(answers[0].is_ok());
        for answer in &answers[1..] {
            assert!(matches!(answer, Err(Error::Lost(Failure { kind: Kind::Unavailable, .. }))));
        }
        assert!(session.is_lost());
        assert!(!link.is_open());
    }
}

#[test]
fn a_great_deal_goes_out_in_windows() {
    let server = Server::new(|_, parameters| match parameters.first().and_then(Option::as_deref) {
        Some("bad") => Reply::Refused("23514"),
        _ => Reply::Done(1),
    });
    let mut link = link(&server, &[]);
    let session = link.session().unwrap();
    let statement = session.prepare("UPDATE t SET a = $1", &[]).unwrap();
    let call = |value: &str| Call { statement: statement.clone(), parameters: vec![Some(value.to_owned())] };
    let big = "x".repeat(WINDOW / 5);
    let many = |bad: Option<usize>| (0..40).map(|number| call(if Some(number) == bad { "bad" } else { &big })).collect::<Vec<_>>();
    let groups = [many(None), vec![call("one")], many(Some(17)), many(Some(39)), vec![], vec![call("bad")], many(None)];
    let answers = session.run(&groups);
    let affected: Vec<Option<usize>> = answers.iter().map(|answer| answer.as_ref().ok().map(Vec::len)).collect();
    assert_eq!(affected, [Some(40), Some(1), None, None, Some(0), None, Some(40)]);
    assert!(!session.is_lost());
}
