//! A server for tests: a function from statement and parameters to a reply, over the protocol as it is on the wire.

use crate::{connection::Door, wire::Stream};
use sdk::{Failure, Setting, Settings};
use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    rc::Rc,
};

/// What the server does about a statement.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Columns with the OIDs of their types, and rows.
    Rows(Vec<(&'static str, u32)>, Vec<Vec<Option<String>>>),
    /// A number of rows was changed.
    Done(u64),
    /// SQLSTATE.
    Refused(&'static str),
    /// The connection is closed.
    Gone,
    /// These bytes, whatever they are.
    Bytes(Vec<u8>),
}

/// One column of text, one row.
pub(crate) fn text(value: &str) -> Reply {
    Reply::Rows(vec![("text", 25)], vec![vec![Some(value.to_owned())]])
}

type Serve = dyn FnMut(&str, &[Option<String>]) -> Reply;

struct State {
    serve: Box<Serve>,
    /// What is said first, up to the first `ReadyForQuery`.
    greeting: Vec<u8>,
    /// The statements that were run, in order; `#` marks a new connection, `;` the end of a group.
    log: Vec<String>,
}

/// The way to the server, and its memory.
#[derive(Clone)]
pub(crate) struct Server(Rc<RefCell<State>>);

impl Server {
    pub(crate) fn new(serve: impl FnMut(&str, &[Option<String>]) -> Reply + 'static) -> Self {
        let greeting = [message(b'R', &[0, 0, 0, 0]), message(b'Z', b"I")].concat();
        Self(Rc::new(RefCell::new(State { serve: Box::new(serve), greeting, log: vec![] })))
    }

    pub(crate) fn greets(self, greeting: Vec<u8>) -> Self {
        self.0.borrow_mut().greeting = greeting;
        self
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.0.borrow().log.clone()
    }
}

impl Door for Server {
    type Stream = Connected;

    fn connect(&mut self, _: &str) -> Result<Connected, Failure> {
        self.0.borrow_mut().log.push("#".into());
        let connected = Connected {
            server: self.clone(),
            inbox: vec![],
            out: VecDeque::new(),
            phase: Phase::New,
            statements: HashMap::new(),
            bound: None,
            failed: false,
            gone: false,
        };
        Ok(connected)
    }

    fn password(&mut self) -> Result<String, Failure> {
        Ok("pencil".into())
    }
}

#[derive(PartialEq)]
enum Phase {
    New,
    /// TLS was asked for.
    Secured,
    Greeted,
}

/// A connection to it.
pub(crate) struct Connected {
    server: Server,
    inbox: Vec<u8>,
    out: VecDeque<u8>,
    phase: Phase,
    statements: HashMap<String, String>,
    bound: Option<(String, Vec<Option<String>>)>,
    /// What follows an error up to `Sync` is skipped.
    failed: bool,
    gone: bool,
}

impl Stream for Connected {
    fn read(&mut self, most: u32) -> Result<Vec<u8>, Failure> {
        // A few bytes at a time, so that messages come in pieces.
        let count = self.out.len().min(most as usize).min(11);
        Ok(self.out.drain(..count).collect())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.inbox.extend_from_slice(bytes);
        if self.phase != Phase::Greeted {
            let mut greeting = self.server.0.borrow().greeting.clone();
            // `SSLRequest` has eight bytes and is answered by one; the start message follows.
            if bytes.len() == 8 {
                greeting.truncate(1);
                self.phase = Phase::Secured;
            } else {
                greeting.drain(..usize::from(self.phase == Phase::Secured));
                self.phase = Phase::Greeted;
            }
            self.inbox.clear();
            self.out.extend(greeting);
            return Ok(());
        }
        while let Some(length) = self.inbox.get(1..5) {
            let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
            if self.inbox.len() <= length {
                break;
            }
            let whole: Vec<u8> = self.inbox.drain(..=length).collect();
            self.take(whole[0], &whole[5..]);
        }
        Ok(())
    }

    fn start_tls(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

impl Connected {
    fn take(&mut self, tag: u8, body: &[u8]) {
        if self.gone || (self.failed && tag != b'S') {
            return;
        }
        let texts = || body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
        match tag {
            b'Q' => {
                let text = texts().next().unwrap();
                let reply = if text.starts_with("SET ") { Reply::Done(0) } else { self.ask(&text, &[]) };
                self.say(&reply, false);
                self.ready();
            }
            b'P' => {
                let mut texts = texts();
                let (name, text) = (texts.next().unwrap(), texts.next().unwrap());
                self.statements.insert(name, text);
                self.out.extend(message(b'1', &[]));
            }
            b'D' => {
                let text = self.statements[&String::from_utf8_lossy(&body[1..body.len() - 1]).into_owned()].clone();
                let parameters = (1..10).take_while(|number| text.contains(&format!("${number}"))).count();
                let mut types = u16::try_from(parameters).unwrap().to_be_bytes().to_vec();
                types.extend([0, 0, 0, 25].repeat(parameters));
                self.out.extend(message(b't', &types));
                let reply = (self.server.0.borrow_mut().serve)(&text, &[]);
                match &reply {
                    Reply::Rows(columns, _) => self.out.extend(description(columns)),
                    Reply::Refused(_) if !text.contains("refused when run") => self.say(&reply, false),
                    _ => self.out.extend(message(b'n', &[])),
                }
            }
            b'B' => {
                let mut rest = &body[1..];
                let end = rest.iter().position(|byte| *byte == 0).unwrap();
                let text = self.statements[&String::from_utf8_lossy(&rest[..end]).into_owned()].clone();
                rest = &rest[end + 3..];
                let count = u16::from_be_bytes([rest[0], rest[1]]);
                rest = &rest[2..];
                let mut parameters = vec![];
                for _ in 0..count {
                    let length = i32::from_be_bytes(rest[..4].try_into().unwrap());
                    rest = &rest[4..];
                    parameters.push(usize::try_from(length).ok().map(|length| {
                        let text = String::from_utf8_lossy(&rest[..length]).into_owned();
                        rest = &rest[length..];
                        text
                    }));
                }
                self.bound = Some((text, parameters));
                self.out.extend(message(b'2', &[]));
            }
            b'E' => {
                let (text, parameters) = self.bound.take().unwrap();
                let reply = self.ask(&text, &parameters);
                self.say(&reply, true);
            }
            b'S' => {
                self.server.0.borrow_mut().log.push(";".into());
                self.failed = false;
                self.ready();
            }
            _ => {}
        }
    }

    fn ask(&mut self, text: &str, parameters: &[Option<String>]) -> Reply {
        let mut state = self.server.0.borrow_mut();
        let shown: Vec<&str> = parameters.iter().map(|text| text.as_deref().unwrap_or("NULL")).collect();
        state.log.push(format!("{text} [{}]", shown.join(", ")));
        (state.serve)(text, parameters)
    }

    fn say(&mut self, reply: &Reply, rows: bool) {
        match reply {
            Reply::Rows(_, all) => {
                for row in all.iter().filter(|_| rows) {
                    let mut body = u16::try_from(row.len()).unwrap().to_be_bytes().to_vec();
                    for value in row {
                        match value {
                            Some(text) => {
                                body.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
                                body.extend(text.as_bytes());
                            }
                            None => body.extend((-1_i32).to_be_bytes()),
                        }
                    }
                    self.out.extend(message(b'D', &body));
                }
                self.out.extend(message(b'C', format!("SELECT {}\0", all.len()).as_bytes()));
            }
            Reply::Done(count) => self.out.extend(message(b'C', format!("UPDATE {count}\0").as_bytes())),
            Reply::Refused(code) => {
                self.failed = true;
                self.out.extend(message(b'E', format!("SERROR\0C{code}\0Mno\0\0").as_bytes()));
            }
            Reply::Gone => self.gone = true,
            Reply::Bytes(bytes) => self.out.extend(bytes),
        }
    }

    fn ready(&mut self) {
        if !self.gone {
            self.out.extend(message(b'Z', b"I"));
        }
    }
}

fn description(columns: &[(&str, u32)]) -> Vec<u8> {
    let mut body = u16::try_from(columns.len()).unwrap().to_be_bytes().to_vec();
    for (name, oid) in columns {
        body.extend(name.as_bytes());
        body.extend([0; 7]);
        body.extend(oid.to_be_bytes());
        body.extend([0; 8]);
    }
    message(b'T', &body)
}

/// A message of the server.
pub(crate) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![tag];
    message.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    message.extend(body);
    message
}

/// Settings of a system with these properties, besides those every system has.
pub(crate) fn settings(properties: &[(&str, &str)]) -> Settings {
    let common = [("sql.url", "postgresql://h/db"), ("sql.username", "user"), ("sql.sslmode", "disable")];
    let setting = |(name, value): &(&str, &str)| Setting { name: (*name).to_owned(), value: (*value).to_owned() };
    // What is set explicitly goes before.
    Settings { system: "hr".into(), properties: properties.iter().chain(&common).map(setting).collect() }
}
