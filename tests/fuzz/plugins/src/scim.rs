//! What a SCIM server answers: an attribute and a value that are searched for, a `Retry-After`, and the bodies of one page after the other.

use std::time::SystemTime;

use scim::connection::Connection;
use scim::filter::Wanted;
use scim::find::find;
use scim::http::{Answer, Http, Request};
use scim::read::{self, Scope};
use scim::resource::Resource;
use scim::write::{Action, write};
use sdk::{AttributeValue, Failure, Setting, Settings};

use crate::target::parts;

const LIMIT: u32 = 3;

/// Answers with one body after the other, and with the last one from then on.
struct Server<'b> {
    status: u16,
    retry_after: &'b str,
    bodies: Vec<&'b str>,
    asked: usize,
    under_way: Vec<usize>,
}

impl Http for Server<'_> {
    fn start(&mut self, number: usize, request: Request) {
        assert!(request.url.is_ascii() && !request.url.contains(' '), "{}", request.url);
        self.under_way.push(number);
    }

    fn finished(&mut self) -> Option<(usize, Result<Answer, Failure>)> {
        let number = self.under_way.pop()?;
        let body = self.bodies[self.asked.min(self.bodies.len() - 1)].as_bytes().to_vec();
        self.asked += 1;
        let headers = vec![("retry-after".to_owned(), self.retry_after.to_owned()), ("location".to_owned(), self.retry_after.to_owned())];
        Some((number, Ok(Answer { status: self.status, headers, body })))
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

pub fn check(data: &[u8]) {
    let Some([attribute, value, retry_after, bodies]) = parts(data) else { return };
    let connection = connection(&[]);
    let bodies: Vec<&str> = bodies.split('\u{1f}').collect();
    let server = |status| Server { status, retry_after, bodies: bodies.clone(), asked: 0, under_way: Vec::new() };
    let searched = vec![AttributeValue { attribute: attribute.to_owned(), value: value.to_owned() }];

    if let Ok(wanted) = Wanted::of(&searched) {
        assert!(!wanted.filter().is_empty());
        for entity in find(&connection, &mut server(200), Resource::User, &searched).into_iter().flatten() {
            assert!(wanted.holds(&entity.document), "found without having the value: {entity:?}");
        }
    }
    // One outcome for each change, whatever a service makes of a bulk request and of what follows it.
    for properties in [&[("scim.support.bulk.operation", "true")][..], &[("scim.profile", "uaa"), ("scim.support.patch.operation", "true")]]
    {
        for status in [200, 207, 412, 413, 501] {
            let document = serde_json::json!({ "members": [{ "value": attribute }], "active": true, "title": value }).to_string();
            let changes = [
                Action::Create { document: document.clone() },
                Action::Update { id: attribute.to_owned(), document },
                Action::Members { id: "g".to_owned(), added: vec![value.to_owned()], removed: vec![attribute.to_owned()] },
                Action::Delete { id: "d".to_owned() },
            ];
            let count = changes.len();
            let changes = changes.into_iter().map(|action| (Ok(Resource::Group), action)).collect();
            assert_eq!(write(&self::connection(properties), &mut server(status), changes).len(), count);
        }
    }
    for scope in [Scope::All, Scope::ByAttributes(searched), Scope::ById(attribute.to_owned())] {
        let all = all(&connection, &mut server(200), &scope);
        assert_eq!(all, self::all(&connection, &mut server(200), &scope));
        for status in [301, 401, 404, 429, 500] {
            let _ = read::page(&connection, &mut server(status), Resource::Group, &scope, None, LIMIT);
        }
    }
}

fn connection(more: &[(&str, &str)]) -> Connection {
    let properties = [&[("URL", "https://h/v2")], more].concat();
    let properties = properties.iter().map(|(name, value)| Setting { name: (*name).to_owned(), value: (*value).to_owned() }).collect();
    Connection::open(&Settings { system: "directory".to_owned(), properties }).expect("a connection")
}

/// The ids of all pages; at most as many pages as the server can have before it is found to repeat itself.
fn all(connection: &Connection, server: &mut Server<'_>, scope: &Scope) -> Result<Vec<String>, String> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    for _ in 0..server.bodies.len() + 3 {
        let page = read::page(connection, server, Resource::User, scope, cursor.as_deref(), LIMIT).map_err(|failure| failure.message)?;
        assert!(page.entities.len() + page.unreadable.len() <= LIMIT as usize + 1);
        ids.extend(page.entities.into_iter().map(|entity| entity.id));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(ids),
        }
    }
    Ok(ids)
}
