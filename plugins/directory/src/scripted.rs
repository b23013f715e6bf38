//! A server for tests: a function from request to answers, and a record of what was asked.

use crate::{
    ber::{self, BOOLEAN, ENUMERATED, INTEGER, OCTET_STRING, Reader, SEQUENCE, SET, Writer, context, context_constructed},
    client::Client,
    description::Profile,
    message::Entry,
    session::Host,
    settings::Directory,
};
use sdk::{Failure, Setting, Settings};
use std::collections::VecDeque;

/// What came in, in the words of the tests: `search sub ou=people,dc=x (filter bytes) attributes`, `modify dn +member=a -mail`.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) id: i64,
    pub(crate) line: String,
    /// OIDs of the controls with their values.
    pub(crate) controls: Vec<(String, Vec<u8>)>,
}

/// Answers are bytes: whole messages, or anything else.
pub(crate) struct Scripted<F> {
    serve: F,
    /// Bytes of requests that are not whole yet; bytes of answers that are not fetched yet.
    received: Vec<u8>,
    pending: VecDeque<u8>,
    pub(crate) asked: Vec<Asked>,
    pub(crate) connections: u32,
    pub(crate) warnings: Vec<String>,
    /// At most this many bytes at once.
    pub(crate) chunk: usize,
    pub(crate) password: &'static str,
}

impl<F: FnMut(&Asked) -> Vec<u8>> Scripted<F> {
    pub(crate) fn new(serve: F) -> Self {
        let (received, pending, asked, warnings) = (vec![], VecDeque::new(), vec![], vec![]);
        Self { serve, received, pending, asked, connections: 0, warnings, chunk: 7, password: "geheim" }
    }

    /// What was asked, without binds and the look at the root.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.asked
            .iter()
            .map(|asked| asked.line.as_str())
            .filter(|line| !line.starts_with("bind") && !line.starts_with("search base  "))
            .collect()
    }
}

impl<F: FnMut(&Asked) -> Vec<u8>> Host for Scripted<F> {
    fn connect(&mut self, _: &str, _: bool) -> Result<u32, Failure> {
        self.connections += 1;
        self.received.clear();
        self.pending.clear();
        Ok(self.connections)
    }

    fn read(&mut self, _: u32, most: u32) -> Result<Vec<u8>, Failure> {
        let end = self.pending.len().min(most as usize).min(self.chunk);
        Ok(self.pending.drain(..end).collect())
    }

    fn write(&mut self, _: u32, bytes: &[u8]) -> Result<(), Failure> {
        self.received.extend_from_slice(bytes);
        while let Some(length) = ber::length(&self.received).unwrap().filter(|length| *length <= self.received.len()) {
            let asked = read(&self.received[..length]);
            self.received.drain(..length);
            let answer = if asked.line.starts_with("unbind") { vec![] } else { (self.serve)(&asked) };
            self.pending.extend(answer);
            self.asked.push(asked);
        }
        Ok(())
    }

    fn start_tls(&mut self, _: u32) -> Result<(), Failure> {
        Ok(())
    }

    fn close(&mut self, _: u32) {}

    fn password(&mut self) -> Result<String, Failure> {
        Ok(self.password.to_owned())
    }

    fn warn(&mut self, message: &str) {
        self.warnings.push(message.to_owned());
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read(bytes: &[u8]) -> Asked {
    let mut message = Reader::new(bytes).inside(SEQUENCE).unwrap();
    let id = message.integer(INTEGER).unwrap();
    let (tag, content) = message.any().unwrap();
    let mut inside = Reader::new(content);
    let attribute = |list: &mut Reader<'_>| {
        let mut one = list.inside(SEQUENCE).unwrap();
        let name = one.text(OCTET_STRING).unwrap().to_owned();
        let mut set = one.inside(SET).unwrap();
        let mut values = vec![];
        while !set.is_empty() {
            values.push(text(set.take(OCTET_STRING).unwrap()));
        }
        format!("{name}={}", values.join("|"))
    };
    let line = match tag {
        0x60 => "bind".to_owned(),
        0x42 => "unbind".to_owned(),
        0x63 => {
            let base = inside.text(OCTET_STRING).unwrap();
            let scope = ["base", "one", "sub"][usize::try_from(inside.integer(ENUMERATED).unwrap()).unwrap()];
            inside.integer(ENUMERATED).unwrap();
            inside.integer(INTEGER).unwrap();
            inside.integer(INTEGER).unwrap();
            inside.take(BOOLEAN).unwrap();
            let (tag, filter) = inside.any().unwrap();
            let mut list = inside.inside(SEQUENCE).unwrap();
            let mut names = vec![];
            while !list.is_empty() {
                names.push(list.text(OCTET_STRING).unwrap());
            }
            format!("search {scope} {base} {} {}", filter_text(tag, filter), names.join(","))
        }
        0x68 => {
            let dn = inside.text(OCTET_STRING).unwrap();
            let mut list = inside.inside(SEQUENCE).unwrap();
            let mut all = vec![];
            while !list.is_empty() {
                all.push(attribute(&mut list));
            }
            format!("add {dn} {}", all.join(" "))
        }
        0x66 => {
            let dn = inside.text(OCTET_STRING).unwrap();
            let mut list = inside.inside(SEQUENCE).unwrap();
            let mut all = vec![];
            while !list.is_empty() {
                let mut one = list.inside(SEQUENCE).unwrap();
                let sign = ["+", "-", "~"][usize::try_from(one.integer(ENUMERATED).unwrap()).unwrap()];
                all.push(format!("{sign}{}", attribute(&mut one)));
            }
            format!("modify {dn} {}", all.join(" "))
        }
        0x6c => {
            let (dn, rdn) = (inside.text(OCTET_STRING).unwrap(), inside.text(OCTET_STRING).unwrap());
            inside.take(BOOLEAN).unwrap();
            format!("rename {dn} {rdn} {}", inside.optional(context(0)).unwrap().map_or_else(String::new, text)).trim_end().to_owned()
        }
        0x4a => format!("delete {}", text(content)),
        0x77 => format!("extended {}", inside.text(context(0)).unwrap()),
        other => panic!("{other:x}"),
    };
    let mut controls = vec![];
    if let Some(list) = message.optional(context_constructed(0)).unwrap() {
        let mut list = Reader::new(list);
        while !list.is_empty() {
            let mut one = list.inside(SEQUENCE).unwrap();
            let oid = one.text(OCTET_STRING).unwrap().to_owned();
            one.optional(BOOLEAN).unwrap();
            controls.push((oid, one.optional(OCTET_STRING).unwrap().unwrap_or_default().to_vec()));
        }
    }
    Asked { id, line, controls }
}

fn filter_text(tag: u8, content: &[u8]) -> String {
    let mut inside = Reader::new(content);
    let mut parts = vec![];
    match tag {
        0x87 => return format!("({}=*)", text(content)),
        0xa0..=0xa2 => {
            while !inside.is_empty() {
                let (tag, content) = inside.any().unwrap();
                parts.push(filter_text(tag, content));
            }
            return format!("({}{})", ["&", "|", "!"][usize::from(tag - 0xa0)], parts.concat());
        }
        _ => {}
    }
    let name = inside.any().map(|(_, name)| text(name)).unwrap_or_default();
    let operator = match tag {
        0xa5 => ">=",
        0xa6 => "<=",
        _ => "=",
    };
    format!("({name}{operator}{})", inside.any().map(|(_, value)| text(value)).unwrap_or_default())
}

/// One message in answer to a request.
pub(crate) fn message(asked: &Asked, operation: impl FnOnce(&mut Writer), controls: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.nested(SEQUENCE, |message| {
        message.integer(INTEGER, asked.id);
        operation(message);
        if !controls.is_empty() {
            message.nested(context_constructed(0), |list| {
                for (oid, value) in controls {
                    list.nested(SEQUENCE, |one| {
                        one.bytes(OCTET_STRING, oid);
                        one.bytes(OCTET_STRING, value);
                    });
                }
            });
        }
    });
    writer.finish()
}

/// The end of whatever was asked, with this code.
pub(crate) fn done(asked: &Asked, code: i64) -> Vec<u8> {
    done_with(asked, code, &[])
}

pub(crate) fn done_with(asked: &Asked, code: i64, controls: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let tag = match asked.line.split(' ').next().unwrap() {
        "bind" => 0x61,
        "search" => 0x65,
        "modify" => 0x67,
        "add" => 0x69,
        "delete" => 0x6b,
        "rename" => 0x6d,
        _ => 0x78,
    };
    let put = |message: &mut Writer| {
        message.nested(tag, |done| {
            done.integer(ENUMERATED, code);
            done.bytes(OCTET_STRING, "");
            done.bytes(OCTET_STRING, "");
        });
    };
    message(asked, put, controls)
}

/// The end of a page.
pub(crate) fn page_end(asked: &Asked, cookie: &str) -> Vec<u8> {
    done_with(asked, 0, &[(crate::control::PAGED_RESULTS, crate::control::paged(0, cookie.as_bytes()).value.unwrap())])
}

/// `entry(asked, "uid=a,dc=x", &[("cn", &["A"])])`.
pub(crate) fn entry(asked: &Asked, dn: &str, attributes: &[(&str, &[&str])]) -> Vec<u8> {
    entry_with(asked, dn, attributes, &[])
}

pub(crate) fn entry_with(asked: &Asked, dn: &str, attributes: &[(&str, &[&str])], controls: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let put = |message: &mut Writer| {
        message.nested(0x64, |entry| {
            entry.bytes(OCTET_STRING, dn);
            entry.nested(SEQUENCE, |list| {
                for (name, values) in attributes {
                    list.nested(SEQUENCE, |one| {
                        one.bytes(OCTET_STRING, name);
                        one.nested(SET, |set| values.iter().for_each(|value| set.bytes(OCTET_STRING, value)));
                    });
                }
            });
        });
    };
    message(asked, put, controls)
}

/// A reference to another server.
pub(crate) fn reference(asked: &Asked, url: &str) -> Vec<u8> {
    message(asked, |message| message.nested(0x73, |list| list.bytes(OCTET_STRING, url)), &[])
}

/// Binds and the look at the root are answered; the rest is `serve`'s.
pub(crate) fn server<'s>(
    root: &'s [(&'s str, &'s [&'s str])],
    mut serve: impl FnMut(&Asked) -> Vec<u8> + 's,
) -> impl FnMut(&Asked) -> Vec<u8> + 's {
    move |asked| {
        if asked.line.starts_with("bind") {
            done(asked, 0)
        } else if asked.line.starts_with("search base  ") {
            [entry(asked, "", root), done(asked, 0)].concat()
        } else {
            serve(asked)
        }
    }
}

/// A system with these properties besides where it is.
pub(crate) fn directory(profile: Profile, properties: &[(&str, &str)]) -> Directory {
    open(profile, properties).unwrap()
}

pub(crate) fn open(profile: Profile, properties: &[(&str, &str)]) -> Result<Directory, Failure> {
    use crate::description::{self, Kind};
    let base = [
        ("ldap.url", "ldap://h"),
        ("ldap.user", "cn=admin,dc=x"),
        ("ldap.user.path", "ou=people,dc=x"),
        ("ldap.group.path", "ou=groups,dc=x"),
    ];
    let mut all: Vec<Setting> = Vec::new();
    let mut set = |name: &str, value: &str| {
        all.retain(|setting| setting.name != name);
        all.push(Setting { name: name.to_owned(), value: value.to_owned() });
    };
    for property in description::properties(profile) {
        match property.kind {
            Kind::Text(Some(value)) | Kind::Integer(value) | Kind::Boolean(value) => set(property.name, value),
            Kind::Choice(values) => set(property.name, values[0]),
            Kind::Text(None) => {}
        }
    }
    base.iter().chain(properties).for_each(|(name, value)| set(name, value));
    Directory::open(profile, &Settings { system: "directory".into(), properties: all })
}

pub(crate) fn client<F: FnMut(&Asked) -> Vec<u8>>(profile: Profile, properties: &[(&str, &str)], serve: F) -> Client<Scripted<F>> {
    Client::new(directory(profile, properties), Scripted::new(serve))
}

/// An entry as it would have been read.
pub(crate) fn plain(dn: &str, attributes: &[(&str, &[&str])]) -> Entry {
    let attribute = |(name, values): &(&str, &[&str])| crate::message::Attribute {
        name: (*name).to_owned(),
        values: values.iter().map(|value| value.as_bytes().to_vec()).collect(),
    };
    Entry { dn: dn.to_owned(), attributes: attributes.iter().map(attribute).collect(), controls: vec![] }
}
