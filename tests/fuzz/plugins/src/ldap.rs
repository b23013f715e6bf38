//! What an LDAP server sends after a bind that went well: any bytes at all. The same bytes are also read as a filter and as a DN, where they are text.

use directory::ber::Writer;
use directory::client::Client;
use directory::description::Profile;
use directory::dn::{self, Dn};
use directory::filter::Filter;
use directory::message;
use directory::read::{Page, Scope, Source};
use directory::session::Host;
use directory::settings::{Directory, Sort};
use directory::write::{Action, Target};
use sdk::{Failure, Setting, Settings};

const LIMIT: u32 = 3;
/// The answers to the bind and to the question who the server is: success, and nothing to say.
const GREETING: &[u8] = &[0x30, 12, 2, 1, 1, 0x61, 7, 10, 1, 0, 4, 0, 4, 0, 0x30, 12, 2, 1, 2, 0x65, 7, 10, 1, 0, 4, 0, 4, 0];

/// Sends the greeting and the bytes, a few at a time, and closes; on every connection again.
struct Server<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Host for Server<'_> {
    fn connect(&mut self, _: &str, _: bool) -> Result<u32, Failure> {
        self.at = 0;
        Ok(1)
    }

    fn read(&mut self, _: u32, most: u32) -> Result<Vec<u8>, Failure> {
        let all = GREETING.iter().chain(self.bytes).skip(self.at);
        let bytes: Vec<u8> = all.take(usize::min(11, most as usize)).copied().collect();
        self.at += bytes.len();
        Ok(bytes)
    }

    fn write(&mut self, _: u32, bytes: &[u8]) -> Result<(), Failure> {
        assert_eq!(directory::ber::length(bytes), Ok(Some(bytes.len())), "requests are whole messages");
        Ok(())
    }

    fn start_tls(&mut self, _: u32) -> Result<(), Failure> {
        Ok(())
    }

    fn close(&mut self, _: u32) {}

    fn password(&mut self) -> Result<String, Failure> {
        Ok("geheim".to_owned())
    }

    fn warn(&mut self, _: &str) {}
}

fn client<'b>(profile: Profile, bytes: &'b [u8], more: &[(&str, &str)]) -> Client<Server<'b>> {
    let own = [
        ("ldap.url", "ldap://h"),
        ("ldap.user", "cn=a"),
        ("ldap.user.path", "ou=p,dc=x"),
        ("ldap.group.path", "ou=g,dc=x"),
        ("ldap.api.version", "2"),
    ];
    let setting = |(name, value): &(&str, &str)| Setting { name: (*name).to_owned(), value: (*value).to_owned() };
    let settings = Settings { system: "directory".to_owned(), properties: own.iter().chain(more).map(setting).collect() };
    Client::new(Directory::open(profile, &settings).expect("settings"), Server { bytes, at: 0 })
}

pub fn check(data: &[u8]) {
    let _ = message::decode(data);
    for (profile, more) in [
        (Profile::Ldap, &[][..]),
        (Profile::Ldap, &[("ldap.page.size", "0")]),
        (
            Profile::ActiveDirectory,
            &[("ad.group.flatten", "true"), ("ad.primary.groups", "true"), ("ldap.attribute.user.id", "objectGUID")],
        ),
    ] {
        for sort in [Sort::User, Sort::Group] {
            for scope in [
                Scope::All,
                Scope::ById("a".to_owned()),
                Scope::ChangedSince(r#"{"sync":{"cookie":"YQ=="}}"#.to_owned()),
                Scope::ChangedSince(r#"{"dir-sync":{"server":"a","cookie":"YQ=="}}"#.to_owned()),
            ] {
                let all = || all(&mut Source::new(client(profile, data, more)), sort, &scope);
                assert_eq!(all(), all(), "read again it is the same");
            }
            let mut target = Target::new(client(profile, data, more));
            let document = r#"{"uid":["a"],"cn":["a"],"members":["uid=a,ou=p,dc=x","b"]}"#.to_owned();
            let changes = vec![
                (Ok(sort), Action::Update { id: "a".to_owned(), document: document.clone() }),
                (
                    Ok(sort),
                    Action::Members { id: "a".to_owned(), added: vec!["b".to_owned()], removed: vec!["uid=c,ou=p,dc=x".to_owned()] },
                ),
                (Ok(sort), Action::Create { document }),
                (Ok(sort), Action::Delete { id: "a".to_owned() }),
            ];
            assert_eq!(target.write(changes).len(), 4, "an outcome for each");
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(filter) = Filter::parse(text) {
        let mut writer = Writer::default();
        filter.write(&mut writer);
        let bytes = writer.finish();
        assert_eq!(directory::ber::length(&bytes), Ok(Some(bytes.len())));
    }
    if let Some(dn) = Dn::parse(text) {
        assert_eq!(Dn::parse(&dn.to_string()), Some(dn.clone()), "what is printed reads as the same");
        assert_eq!(Dn::parse(&dn.to_string()).map(|dn| dn.normal()), Some(dn.normal()));
    }
    let base = Dn::parse("ou=p,dc=x").expect("a DN");
    if let Some(dn) = dn::composed(&format!("cn={text},ou=p,dc=x"), &base, Some(text)) {
        assert_eq!(dn.rdn().and_then(|rdn| rdn.value("cn")), Some(text.as_bytes()), "a value stays a value");
        assert_eq!(dn.depth(), 3);
    }
}

/// Everything that came of a read, as text.
fn all(source: &mut Source<Server<'_>>, sort: Sort, scope: &Scope) -> Vec<String> {
    let (mut told, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = match source.page(sort, scope, cursor.as_deref(), LIMIT) {
            Ok(page) => page,
            Err(failure) => {
                told.push(failure.message);
                return told;
            }
        };
        let Page { entities, deleted, next, .. } = &page;
        assert!(entities.len() <= LIMIT as usize, "a page keeps its limit");
        for entity in entities {
            assert!(!entity.id.is_empty());
            assert!(serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&entity.document).is_ok(), "{}", entity.document);
            told.push(entity.document.clone());
        }
        told.extend(deleted.iter().cloned());
        match next {
            Some(next) => {
                assert_ne!(Some(next), cursor.as_ref(), "a cursor does not come again");
                cursor = Some(next.clone());
            }
            None => return told,
        }
    }
}
