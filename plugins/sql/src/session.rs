//! One session with the server: who we are, what is prepared, and statements that go out together.

use crate::{
    connection::{Connection, Tls},
    failure::ServerError,
    login,
    wire::{Stream, Wire, broken},
};
use bytes::{BufMut as _, Bytes};
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::{
    IsNull, Oid,
    message::{
        backend::{DataRowBody, Message},
        frontend,
    },
};
use sdk::Failure;
use std::{collections::HashMap, ops::Range, rc::Rc};

/// The most statements that stay prepared; documents of many shapes must not fill the server's memory.
const MAX_STATEMENTS: usize = 200;
/// The most bytes of rows that one round of statements may bring.
const MAX_ANSWER: usize = 128 << 20;

/// What may be on its way to the server before its answers are read. A server that waits until its answers are taken does not read; if we waited until it reads, nothing would ever
/// happen again. So much fits into what systems keep for a connection.
const WINDOW: usize = 64 << 10;

/// How values are written, whatever the server's and the user's settings are; the reading of values relies on it. The time limit is under the host's for a silent connection, so that a
/// statement nobody waits for any more is ended by the server.
const SETTINGS: &str = "SET DateStyle = 'ISO'; SET TimeZone = 'UTC'; SET IntervalStyle = 'iso_8601'; SET bytea_output = 'hex'; SET extra_float_digits = 1; \
    SET client_min_messages = 'error'; SET standard_conforming_strings = on; SET statement_timeout = '50s'; SET idle_in_transaction_session_timeout = 0";

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub oid: Oid,
}

/// A prepared statement.
#[derive(Debug)]
pub struct Statement {
    name: String,
    /// The text of a statement that is not kept prepared.
    once: Option<String>,
    /// The types of the parameters, as the server understood them.
    pub parameters: Vec<Oid>,
    pub columns: Vec<Column>,
}

impl Statement {
    /// A statement without parameters that is sent as it is, because there is no second time.
    pub fn once(text: String) -> Rc<Self> {
        Rc::new(Self { name: String::new(), once: Some(text), parameters: vec![], columns: vec![] })
    }
}

/// A prepared statement with its parameters, as text.
#[derive(Clone, Debug)]
pub struct Call {
    pub statement: Rc<Statement>,
    pub parameters: Vec<Option<String>>,
}

/// A row; every value is the server's text.
#[derive(Debug)]
pub struct Row {
    buffer: Bytes,
    ranges: Vec<Option<Range<usize>>>,
}

impl Row {
    /// The value's text; nothing for NULL and for a column that is not there.
    pub fn bytes(&self, column: usize) -> Option<&[u8]> {
        self.buffer.get(self.ranges.get(column)?.clone()?)
    }

    /// The same as UTF-8, which the session is set to.
    pub fn text(&self, column: usize) -> Result<Option<&str>, Failure> {
        let text = self.bytes(column).map(std::str::from_utf8).transpose();
        text.map_err(|_| Failure::rejected(format!("the value of column {} is not UTF-8", column + 1)))
    }
}

/// What a statement brought.
#[derive(Debug, Default)]
pub struct Answer {
    pub rows: Vec<Row>,
    /// Rows that were changed, or read.
    pub affected: u64,
}

/// Why a statement brought nothing.
#[derive(Clone, Debug)]
pub enum Error {
    /// The server refused it; the session goes on.
    Server(ServerError),
    /// The session is over; what became of the statement is not known.
    Lost(Failure),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Lost(failure)
    }
}

impl Error {
    /// The failure this stands for; `what` says what was being done.
    pub fn failure(&self, what: &str) -> Failure {
        match self {
            Self::Server(error) => error.failure(what),
            Self::Lost(failure) => failure.clone(),
        }
    }
}

/// The answers of a group, as far as they came.
#[derive(Default)]
struct Reading {
    answers: Vec<Answer>,
    open: Answer,
    refused: Option<ServerError>,
}

/// A session. Once [`is_lost`](Self::is_lost), it is of no use.
pub struct Session<S> {
    wire: Wire<S>,
    statements: HashMap<String, Rc<Statement>>,
    /// What custom types are made of; see `types`.
    pub(crate) kinds: HashMap<Oid, crate::types::Type>,
    next_statement: u64,
    lost: bool,
    /// Inside a transaction, by the server's word.
    in_transaction: bool,
}

impl<S: Stream> Session<S> {
    /// Log in. The password is asked for only if the server wants one.
    pub fn open(stream: S, connection: &Connection, password: impl FnOnce() -> Result<String, Failure>) -> Result<Self, Failure> {
        let mut wire = Wire::new(stream);
        if connection.tls == Tls::VerifyFull {
            frontend::ssl_request(&mut wire.outbox);
            wire.flush()?;
            match wire.byte()? {
                b'S' => wire.start_tls()?,
                b'N' => {
                    return Err(Failure::unavailable("the server does not offer TLS; switch it on there, or set sql.sslmode to disable"));
                }
                _ => return Err(broken("the answer to SSLRequest is neither S nor N")),
            }
        }
        let parameters = [
            ("user", connection.username.as_str()),
            ("database", connection.database.as_str()),
            ("client_encoding", "UTF8"),
            ("application_name", "provisor"),
        ];
        frontend::startup_message(parameters, &mut wire.outbox).map_err(|error| Failure::invalid_settings(error.to_string()))?;
        wire.flush()?;
        login::authenticate(&mut wire, connection, password)?;
        let mut session =
            Self { wire, statements: HashMap::new(), kinds: HashMap::new(), next_statement: 0, lost: false, in_transaction: false };
        session.simple(SETTINGS).map_err(|error| error.failure("preparing the session"))?;
        Ok(session)
    }

    pub fn is_lost(&self) -> bool {
        self.lost
    }

    pub fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// Statements of our own, without parameters and without an answer.
    pub fn simple(&mut self, text: &'static str) -> Result<(), Error> {
        let sent = frontend::query(text, &mut self.wire.outbox).map_err(|error| broken(&error.to_string()));
        sent.and_then(|()| self.wire.flush()).map_err(|failure| self.lose(failure))?;
        let mut refused = None;
        loop {
            match self.message()? {
                Message::CommandComplete(_) | Message::EmptyQueryResponse => {}
                Message::ErrorResponse(body) => refused = refused.or_else(|| Some(ServerError::of(&body))),
                Message::ReadyForQuery(body) => {
                    self.ready(body.status());
                    return refused.map_or(Ok(()), |error| Err(Error::Server(error)));
                }
                _ => return Err(self.lose(broken("an unexpected answer to a simple query"))),
            }
        }
    }

    /// Forget prepared statements if there are too many. Those who still hold one must not use it, so this is for the beginning of a call.
    pub fn tidy(&mut self) -> Result<(), Error> {
        if self.statements.len() >= MAX_STATEMENTS {
            self.statements.clear();
            self.simple("DEALLOCATE ALL")?;
        }
        Ok(())
    }

    /// Prepare a statement, once. `types` are those of its first parameters; 0 leaves a type to the server.
    pub fn prepare(&mut self, text: &str, types: &[Oid]) -> Result<Rc<Statement>, Error> {
        if let Some(statement) = self.statements.get(text) {
            return Ok(statement.clone());
        }
        self.next_statement += 1;
        let name = format!("s{}", self.next_statement);
        let out = &mut self.wire.outbox;
        let sent = frontend::parse(&name, text, types.iter().copied(), out).and_then(|()| frontend::describe(b'S', &name, out));
        if let Err(error) = sent {
            // A NUL in the text: nothing of it may stay in the outbox.
            out.clear();
            return Err(Error::Server(ServerError::own("42601", &error.to_string())));
        }
        frontend::sync(out);
        self.wire.flush().map_err(|failure| self.lose(failure))?;
        let mut statement = Statement { name, once: None, parameters: vec![], columns: vec![] };
        let mut refused = None;
        loop {
            match self.message()? {
                Message::ParseComplete | Message::NoData => {}
                Message::ParameterDescription(body) => {
                    statement.parameters = body.parameters().collect().map_err(|error| self.lose(broken(&error.to_string())))?;
                }
                Message::RowDescription(body) => {
                    let columns = body.fields().map(|field| Ok(Column { name: field.name().to_owned(), oid: field.type_oid() })).collect();
                    statement.columns = columns.map_err(|error| self.lose(broken(&error.to_string())))?;
                }
                Message::ErrorResponse(body) => refused = Some(ServerError::of(&body)),
                Message::ReadyForQuery(body) => {
                    self.ready(body.status());
                    break;
                }
                _ => return Err(self.lose(broken("an unexpected answer to a statement that was to be prepared"))),
            }
        }
        if let Some(error) = refused {
            return Err(Error::Server(error));
        }
        let statement = Rc::new(statement);
        self.statements.insert(text.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Run groups of statements, sent without waiting for answers as far as that is safe. Outside of a transaction each group is one: it happens as a whole or not at all. What the server
    /// refuses in one group leaves the others alone; a group whose answer never came is [`Error::Lost`].
    pub fn run(&mut self, groups: &[Vec<Call>]) -> Vec<Result<Vec<Answer>, Error>> {
        let mut answers = Vec::with_capacity(groups.len());
        if let Err(failure) = self.exchange(groups, &mut answers) {
            let lost = self.lose(failure);
            answers.resize_with(groups.len(), || Err(lost.clone()));
        }
        answers
    }

    /// One statement on its own.
    pub fn one(&mut self, call: Call) -> Result<Answer, Error> {
        let answers = self.run(&[vec![call]]).pop().ok_or_else(|| broken("no answer"))??;
        Ok(answers.into_iter().next().unwrap_or_default())
    }

    fn exchange(&mut self, groups: &[Vec<Call>], answers: &mut Vec<Result<Vec<Answer>, Error>>) -> Result<(), Failure> {
        let mut room = MAX_ANSWER;
        // Groups that are sent whole and not answered to their end.
        let mut sent: Vec<(Reading, usize)> = Vec::new();
        for group in groups {
            let mut reading = Reading::default();
            for (number, call) in group.iter().enumerate() {
                self.put(call)?;
                if self.wire.outbox.len() >= WINDOW {
                    frontend::flush(&mut self.wire.outbox);
                    self.wire.flush()?;
                    for (reading, count) in sent.drain(..) {
                        answers.push(self.finish(reading, count, &mut room)?);
                    }
                    while reading.refused.is_none() && reading.answers.len() <= number {
                        self.read(&mut reading, &mut room)?;
                    }
                    if reading.refused.is_some() {
                        break;
                    }
                }
            }
            frontend::sync(&mut self.wire.outbox);
            sent.push((reading, group.len()));
        }
        self.wire.flush()?;
        for (reading, count) in sent {
            answers.push(self.finish(reading, count, &mut room)?);
        }
        Ok(())
    }

    /// A statement into the outbox.
    fn put(&mut self, call: &Call) -> Result<(), Failure> {
        let value = |value: &Option<String>, out: &mut bytes::BytesMut| match value {
            Some(text) => {
                out.put_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        };
        let out = &mut self.wire.outbox;
        if let Some(text) = &call.statement.once {
            frontend::parse("", text, [], out).map_err(|error| Failure::rejected(error.to_string()))?;
        }
        frontend::bind("", &call.statement.name, [], &call.parameters, value, [], out)
            .map_err(|_| Failure::rejected("a statement has more parameters, or longer ones, than the protocol takes"))?;
        frontend::execute("", 0, out).map_err(|error| broken(&error.to_string()))
    }

    /// Read a group to its end.
    fn finish(&mut self, mut reading: Reading, count: usize, room: &mut usize) -> Result<Result<Vec<Answer>, Error>, Failure> {
        while !self.read(&mut reading, room)? {}
        match reading.refused {
            Some(error) => {
                // A table that was altered meanwhile: what was prepared for the old one is of no use.
                if error.code == "0A000" {
                    self.statements.clear();
                }
                Ok(Err(Error::Server(error)))
            }
            None if reading.answers.len() == count => Ok(Ok(reading.answers)),
            None => Err(broken("a statement was not answered")),
        }
    }

    /// Take in one message; whether the group is at its end.
    fn read(&mut self, reading: &mut Reading, room: &mut usize) -> Result<bool, Failure> {
        match self.wire.receive()? {
            Message::ParseComplete | Message::BindComplete => {}
            Message::DataRow(body) => {
                let row = row(&body)?;
                let size = row.buffer.len() + 32 * (row.ranges.len() + 1);
                *room = room.checked_sub(size).ok_or_else(|| {
                    Failure::rejected(format!("the answer has more than {MAX_ANSWER} bytes; lower the system's page-size"))
                })?;
                reading.open.rows.push(row);
            }
            Message::CommandComplete(body) => {
                reading.open.affected = body.tag().ok().and_then(|tag| tag.rsplit(' ').next()?.parse().ok()).unwrap_or(0);
                reading.answers.push(std::mem::take(&mut reading.open));
            }
            Message::EmptyQueryResponse => reading.answers.push(Answer::default()),
            Message::ErrorResponse(body) => _ = reading.refused.get_or_insert_with(|| ServerError::of(&body)),
            Message::ReadyForQuery(body) => {
                self.ready(body.status());
                return Ok(true);
            }
            _ => return Err(broken("an unexpected answer to a statement")),
        }
        Ok(false)
    }

    fn message(&mut self) -> Result<Message, Error> {
        match self.wire.receive() {
            // Sent unasked before the connection ends: a shutdown, an idle session. Whether it is about us is seen when the connection closes.
            Ok(message) => Ok(message),
            Err(failure) => Err(self.lose(failure)),
        }
    }

    fn ready(&mut self, status: u8) {
        self.in_transaction = status != b'I';
    }

    fn lose(&mut self, failure: Failure) -> Error {
        self.lost = true;
        Error::Lost(failure)
    }
}

fn row(body: &DataRowBody) -> Result<Row, Failure> {
    let ranges = body.ranges().collect().map_err(|error| broken(&error.to_string()))?;
    Ok(Row { buffer: body.buffer_bytes().clone(), ranges })
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
