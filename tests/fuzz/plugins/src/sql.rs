//! What a database server sends, from its first byte on, whatever it is asked.

use std::cell::RefCell;
use std::rc::Rc;

use sdk::{AttributeValue, Failure, Setting, Settings};
use sql::connection::{Connection, Door};
use sql::entity::EntityType;
use sql::read::{Scope, Source};
use sql::source::Queries;
use sql::target::Targets;
use sql::wire::Stream;
use sql::write::{Action, Target};

const LIMIT: u32 = 2;

/// All connections to it get one piece after the other of the same bytes.
#[derive(Clone)]
struct Server<'b>(Rc<RefCell<&'b [u8]>>);

impl<'b> Server<'b> {
    fn of(data: &'b [u8]) -> Self {
        Self(Rc::new(RefCell::new(data)))
    }
}

impl Door for Server<'_> {
    type Stream = Self;

    fn connect(&mut self, _: &str) -> Result<Self, Failure> {
        Ok(self.clone())
    }

    fn password(&mut self) -> Result<String, Failure> {
        Ok("pencil".to_owned())
    }
}

impl Stream for Server<'_> {
    fn read(&mut self, most: u32) -> Result<Vec<u8>, Failure> {
        let mut left = self.0.borrow_mut();
        let (bytes, rest) = left.split_at(left.len().min(most as usize));
        *left = rest;
        Ok(bytes.to_vec())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        assert!(!bytes.is_empty());
        Ok(())
    }

    fn start_tls(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

fn settings(properties: &[(&str, &str)]) -> Settings {
    let common = [("sql.url", "postgresql://h/db"), ("sql.username", "user"), ("sql.sslmode", "disable")];
    let setting = |(name, value): &(&str, &str)| Setting { name: (*name).to_owned(), value: (*value).to_owned() };
    Settings { system: "db".to_owned(), properties: common.iter().chain(properties).map(setting).collect() }
}

pub fn check(data: &[u8]) {
    let properties = settings(&[
        ("sql.user.query", "SELECT * FROM person"),
        ("sql.group.query", "SELECT * FROM team"),
        ("sql.group.members.query", "SELECT * FROM m"),
    ]);
    let connection = Connection::open(&properties).expect("a connection");
    let queries = Queries::open(&properties).expect("queries");
    let all = || all(&mut Source::new(Server::of(data), connection.clone(), queries.clone()), data.len());
    assert_eq!(all(), all());

    let properties = settings(&[("sql.user.table", "account"), ("sql.group.table", "team"), ("sql.group.members.table", "m")]);
    let targets = Targets::open(&properties).expect("tables");
    let mut target = Target::new(Server::of(data), connection.clone(), targets);
    let _ = target.probe();
    let searched = AttributeValue { attribute: "userName".to_owned(), value: "\"ada\"".to_owned() };
    for found in target.find(EntityType::User, &[searched]).into_iter().flatten() {
        is_object(&found.document);
    }
    for _ in 0..2 {
        let document = r#"{"userName":"ada","age":1,"members":[{"value":"1"}]}"#.to_owned();
        let changes = vec![
            (Ok(EntityType::User), Action::Create { document: document.clone() }),
            (Ok(EntityType::Group), Action::Update { id: "1".to_owned(), document }),
            (Ok(EntityType::Group), Action::Members { id: "1".to_owned(), added: vec!["1".to_owned()], removed: vec!["2".to_owned()] }),
            (Ok(EntityType::User), Action::Delete { id: "1".to_owned() }),
        ];
        assert_eq!(target.write(changes).len(), 4);
    }
}

/// The ids of the pages of users and of groups, or why there are no more.
fn all(source: &mut Source<Server<'_>>, bytes: usize) -> Vec<String> {
    let mut said = Vec::new();
    for entity_type in EntityType::ALL {
        let mut cursor = None;
        // A page costs the server bytes, so there are not more pages than bytes.
        for number in 0.. {
            assert!(number <= bytes);
            let page = match source.page(entity_type, &Scope::All, cursor.as_deref(), LIMIT) {
                Ok(page) => page,
                Err(failure) => {
                    said.push(failure.message);
                    break;
                }
            };
            assert!(page.entities.len() <= LIMIT as usize);
            for entity in page.entities {
                is_object(&entity.document);
                said.push(entity.id);
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
    }
    said
}

fn is_object(document: &str) {
    let value: serde_json::Value = serde_json::from_str(document).unwrap_or_else(|error| panic!("{error}: {document}"));
    assert!(value.is_object());
}
