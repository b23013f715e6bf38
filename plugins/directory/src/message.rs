//! The messages of LDAP (RFC 4511 section 4): requests to bytes, bytes to responses.

use crate::{
    ber::{BOOLEAN, ENUMERATED, INTEGER, Malformed, OCTET_STRING, Reader, SEQUENCE, SET, Writer, context, context_constructed},
    filter::Filter,
};

/// How far a search goes below its base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Base = 0,
    One = 1,
    Subtree = 2,
}

/// Attributes are named with their options, `cn;lang-de`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    pub values: Vec<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub struct Search {
    pub base: String,
    pub scope: Scope,
    /// The most entries the server is to send; 0: as many as there are.
    pub size_limit: u32,
    pub filter: Filter,
    /// Empty: all that are not operational.
    pub attributes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Add = 0,
    Delete = 1,
    Replace = 2,
}

#[derive(Clone, Debug)]
pub enum Request {
    /// A simple bind; both texts empty: anonymous.
    SimpleBind {
        dn: String,
        password: String,
    },
    /// SASL EXTERNAL (RFC 4422 appendix A) without an authorization identity: whoever the client certificate names.
    ExternalBind,
    Search(Search),
    Add {
        dn: String,
        attributes: Vec<Attribute>,
    },
    Modify {
        dn: String,
        changes: Vec<(Change, Attribute)>,
    },
    ModifyDn {
        dn: String,
        new_rdn: String,
        new_superior: Option<String>,
    },
    Delete {
        dn: String,
    },
    Extended {
        name: &'static str,
        value: Option<Vec<u8>>,
    },
    Unbind,
}

/// RFC 4511 section 4.1.11.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    pub oid: String,
    pub critical: bool,
    pub value: Option<Vec<u8>>,
}

/// RFC 4511 section 4.1.9.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LdapResult {
    pub code: i64,
    pub message: String,
    pub referrals: Vec<String>,
}

/// An entry of a search; its controls say what a synchronization wants to say about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub dn: String,
    pub attributes: Vec<Attribute>,
    pub controls: Vec<Control>,
}

impl Entry {
    /// The attribute of this name, options included, in any spelling.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// The first value of an attribute, if it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.attribute(name)?.values.first()?).ok()
    }

    /// All values of an attribute that are text.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.attribute(name).into_iter().flat_map(|attribute| &attribute.values).filter_map(|value| std::str::from_utf8(value).ok())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    Entry(Entry),
    /// A part of the subtree is somewhere else (RFC 4511 section 4.5.3).
    Reference(Vec<String>),
    Intermediate {
        name: Option<String>,
        value: Option<Vec<u8>>,
    },
    /// The end of an operation, of whatever kind.
    Done {
        result: LdapResult,
        name: Option<String>,
    },
}

/// What the server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The number of the request; 0: a notification nobody asked for.
    pub id: i64,
    pub response: Response,
    pub controls: Vec<Control>,
}

/// The bytes of a request.
pub fn encode(id: i32, request: &Request, controls: &[Control]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.nested(SEQUENCE, |message| {
        message.integer(INTEGER, id.into());
        operation(message, request);
        if !controls.is_empty() {
            message.nested(context_constructed(0), |list| controls.iter().for_each(|control| write_control(list, control)));
        }
    });
    writer.finish()
}

fn write_control(list: &mut Writer, control: &Control) {
    list.nested(SEQUENCE, |one| {
        one.bytes(OCTET_STRING, &control.oid);
        if control.critical {
            one.boolean(BOOLEAN, true);
        }
        if let Some(value) = &control.value {
            one.bytes(OCTET_STRING, value);
        }
    });
}

fn operation(message: &mut Writer, request: &Request) {
    match request {
        Request::SimpleBind { dn, password } => message.nested(0x60, |bind| {
            bind.integer(INTEGER, 3);
            bind.bytes(OCTET_STRING, dn);
            bind.bytes(context(0), password);
        }),
        Request::ExternalBind => message.nested(0x60, |bind| {
            bind.integer(INTEGER, 3);
            bind.bytes(OCTET_STRING, "");
            bind.nested(context_constructed(3), |sasl| {
                sasl.bytes(OCTET_STRING, "EXTERNAL");
                sasl.bytes(OCTET_STRING, "");
            });
        }),
        Request::Search(search) => message.nested(0x63, |request| {
            request.bytes(OCTET_STRING, &search.base);
            request.integer(ENUMERATED, search.scope as i64);
            // Aliases are not followed: an entry is read where it is.
            request.integer(ENUMERATED, 0);
            request.integer(INTEGER, search.size_limit.into());
            request.integer(INTEGER, 0);
            request.boolean(BOOLEAN, false);
            search.filter.write(request);
            request.nested(SEQUENCE, |list| search.attributes.iter().for_each(|name| list.bytes(OCTET_STRING, name)));
        }),
        Request::Add { dn, attributes } => message.nested(0x68, |request| {
            request.bytes(OCTET_STRING, dn);
            request.nested(SEQUENCE, |list| attributes.iter().for_each(|attribute| write_attribute(list, attribute)));
        }),
        Request::Modify { dn, changes } => message.nested(0x66, |request| {
            request.bytes(OCTET_STRING, dn);
            request.nested(SEQUENCE, |list| {
                for (change, attribute) in changes {
                    list.nested(SEQUENCE, |one| {
                        one.integer(ENUMERATED, *change as i64);
                        write_attribute(one, attribute);
                    });
                }
            });
        }),
        Request::ModifyDn { dn, new_rdn, new_superior } => message.nested(0x6c, |request| {
            request.bytes(OCTET_STRING, dn);
            request.bytes(OCTET_STRING, new_rdn);
            request.boolean(BOOLEAN, true);
            if let Some(superior) = new_superior {
                request.bytes(context(0), superior);
            }
        }),
        Request::Delete { dn } => message.bytes(0x4a, dn),
        Request::Extended { name, value } => message.nested(0x77, |request| {
            request.bytes(context(0), name);
            if let Some(value) = value {
                request.bytes(context(1), value);
            }
        }),
        Request::Unbind => message.bytes(0x42, ""),
    }
}

fn write_attribute(list: &mut Writer, attribute: &Attribute) {
    list.nested(SEQUENCE, |one| {
        one.bytes(OCTET_STRING, &attribute.name);
        one.nested(SET, |values| attribute.values.iter().for_each(|value| values.bytes(OCTET_STRING, value)));
    });
}

/// Read one whole message.
pub fn decode(bytes: &[u8]) -> Result<Message, Malformed> {
    let mut outside = Reader::new(bytes);
    let mut message = outside.inside(SEQUENCE)?;
    if !outside.is_empty() {
        return Err(Malformed("bytes behind a message"));
    }
    let id = message.integer(INTEGER)?;
    let (tag, content) = message.any()?;
    let mut operation = Reader::new(content);
    let mut response = match tag {
        0x64 => Response::Entry(entry(&mut operation)?),
        0x73 => Response::Reference(texts(operation)?),
        0x79 => Response::Intermediate {
            name: optional_text(&mut operation, context(0))?,
            value: operation.optional(context(1))?.map(<[u8]>::to_vec),
        },
        // The responses to bind, search, modify, add, delete, modify DN, compare and extended requests.
        0x61 | 0x65 | 0x67 | 0x69 | 0x6b | 0x6d | 0x6f | 0x78 => {
            let result = result(&mut operation)?;
            // Credentials of a SASL bind and the value of an extended response: nothing here has a use for them.
            if tag == 0x61 {
                operation.optional(context(7))?;
            }
            let name = if tag == 0x78 { optional_text(&mut operation, context(10))? } else { None };
            Response::Done { result, name }
        }
        _ => return Err(Malformed("an operation that no server sends")),
    };
    let controls = match message.optional(context_constructed(0))? {
        Some(list) => controls(Reader::new(list))?,
        None => Vec::new(),
    };
    match &mut response {
        Response::Entry(entry) => {
            entry.controls = controls;
            Ok(Message { id, response, controls: Vec::new() })
        }
        _ => Ok(Message { id, response, controls }),
    }
}

fn entry(operation: &mut Reader<'_>) -> Result<Entry, Malformed> {
    let dn = operation.text(OCTET_STRING)?.to_owned();
    let mut list = operation.inside(SEQUENCE)?;
    let mut attributes = Vec::new();
    while !list.is_empty() {
        let mut one = list.inside(SEQUENCE)?;
        let name = one.text(OCTET_STRING)?.to_owned();
        let mut set = one.inside(SET)?;
        let mut values = Vec::new();
        while !set.is_empty() {
            values.push(set.take(OCTET_STRING)?.to_vec());
        }
        attributes.push(Attribute { name, values });
    }
    Ok(Entry { dn, attributes, controls: Vec::new() })
}

fn result(operation: &mut Reader<'_>) -> Result<LdapResult, Malformed> {
    let code = operation.integer(ENUMERATED)?;
    // The matched DN.
    operation.take(OCTET_STRING)?;
    // Meant for people, and some servers do not care about its encoding.
    let message = String::from_utf8_lossy(operation.take(OCTET_STRING)?).trim_end_matches('\0').to_owned();
    let referrals = operation.optional(context_constructed(3))?.map_or(Ok(Vec::new()), |list| texts(Reader::new(list)))?;
    Ok(LdapResult { code, message, referrals })
}

fn texts(mut list: Reader<'_>) -> Result<Vec<String>, Malformed> {
    let mut texts = Vec::new();
    while !list.is_empty() {
        texts.push(list.text(OCTET_STRING)?.to_owned());
    }
    Ok(texts)
}

fn optional_text(reader: &mut Reader<'_>, tag: u8) -> Result<Option<String>, Malformed> {
    if reader.peek() == Some(tag) { reader.text(tag).map(|text| Some(text.to_owned())) } else { Ok(None) }
}

fn controls(mut list: Reader<'_>) -> Result<Vec<Control>, Malformed> {
    let mut controls = Vec::new();
    while !list.is_empty() {
        let mut one = list.inside(SEQUENCE)?;
        let oid = one.text(OCTET_STRING)?.to_owned();
        let critical = one.optional(BOOLEAN)?.is_some_and(|value| value != [0]);
        let value = one.optional(OCTET_STRING)?.map(<[u8]>::to_vec);
        controls.push(Control { oid, critical, value });
    }
    Ok(controls)
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
