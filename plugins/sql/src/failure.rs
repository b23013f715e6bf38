//! What an error of the server means, by its SQLSTATE (PostgreSQL documentation, appendix A), in the kinds of the contract.

use fallible_iterator::FallibleIterator as _;
use postgres_protocol::message::backend::ErrorResponseBody;
use sdk::{Failure, Kind};

/// The most characters of the server's own words that go into a message.
const MAX_WORDS: usize = 300;

/// An error response. `DETAIL` is left out on purpose: it quotes values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerError {
    /// SQLSTATE, five characters.
    pub code: String,
    message: String,
    constraint: Option<String>,
    column: Option<String>,
    /// The number of the parameter that could not be read, from 1.
    parameter: Option<usize>,
}

impl ServerError {
    pub fn of(body: &ErrorResponseBody) -> Self {
        let mut error = Self::default();
        let mut fields = body.fields();
        while let Ok(Some(field)) = fields.next() {
            let text = String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                b'C' => error.code = shortened(&text, 5),
                b'M' => error.message = text,
                b'n' => error.constraint = Some(shortened(&text, 63)),
                b'c' => error.column = Some(shortened(&text, 63)),
                b'W' => error.parameter = parameter(&text),
                _ => {}
            }
        }
        error
    }

    /// An error that the server would have answered, had it been asked.
    pub fn own(code: &str, message: &str) -> Self {
        Self { code: code.to_owned(), message: message.to_owned(), ..Self::default() }
    }

    /// Whether the same can simply be tried again: the server undid everything.
    pub fn passes(&self) -> bool {
        matches!(self.code.as_str(), "40001" | "40P01" | "55P03")
    }

    /// The parameter, from 0, whose value the server could not read.
    pub fn parameter(&self) -> Option<usize> {
        self.parameter.and_then(|number| number.checked_sub(1))
    }

    /// The server's words, without the value they may quote: messages about values (class 22) end in it.
    fn words(&self) -> String {
        let words = if self.code.starts_with("22") {
            self.message.split_once('"').map_or(self.message.as_str(), |(before, _)| before.trim_end_matches([' ', ':']))
        } else {
            &self.message
        };
        shortened(words, MAX_WORDS)
    }

    /// The failure this stands for; `what` says what was being done.
    pub fn failure(&self, what: &str) -> Failure {
        let (kind, hint) = kind(&self.code);
        let mut message = format!("{what}: {} (SQLSTATE {})", self.words(), self.code);
        for (name, value) in [("constraint", &self.constraint), ("column", &self.column)] {
            if let Some(value) = value
                && !message.contains(value.as_str())
            {
                message = format!("{message}, {name} {value}");
            }
        }
        if !hint.is_empty() {
            message = format!("{message}; {hint}");
        }
        Failure { kind, message }
    }
}

/// | SQLSTATE | kind |
/// | --- | --- |
/// | 28 | unauthenticated |
/// | 42501, 25006 | forbidden |
/// | 23505, 42710 | already-exists |
/// | 40001, 40P01, 55P03 | rate-limited: the server undid everything, so the host may send it again |
/// | 57014 | timed-out |
/// | 08, 53, 57P, 58, XX | unavailable |
/// | 3D, 3F, 26, 34 and all other 42 | invalid-settings |
/// | 0A | unsupported |
/// | everything else | rejected |
fn kind(code: &str) -> (Kind, &'static str) {
    match code {
        "42501" => (Kind::Forbidden, "grant it to the database user"),
        "25006" => (Kind::Forbidden, "the server, or the database user, only reads"),
        "23505" | "42710" => (Kind::AlreadyExists, ""),
        "2BP01" => {
            (Kind::Rejected, "revoke what was granted to it and hand over what it owns, or deactivate it with a deleteEntity mapping")
        }
        // Of an entity, not of the configuration: a role that is not there.
        "42704" | "42939" => (Kind::Rejected, ""),
        "40001" | "40P01" | "55P03" => (Kind::RateLimited(None), ""),
        "57014" => (Kind::TimedOut, ""),
        _ => match code.get(..2).unwrap_or_default() {
            "28" => (Kind::Unauthenticated, "check sql.username and sql.password, and pg_hba.conf of the server"),
            "08" | "53" | "57" | "58" | "XX" => (Kind::Unavailable, ""),
            "3D" | "3F" | "26" | "34" | "42" => (Kind::InvalidSettings, ""),
            "0A" => (Kind::Unsupported, ""),
            _ => (Kind::Rejected, ""),
        },
    }
}

/// `unnamed portal parameter $2 = '...'`, as the server says where it read a parameter; the value is not taken.
fn parameter(context: &str) -> Option<usize> {
    let (_, rest) = context.split_once("portal parameter $").or_else(|| context.split_once("parameter $"))?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().ok()
}

/// One line of at most `limit` characters.
fn shortened(text: &str, limit: usize) -> String {
    let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(limit) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use postgres_protocol::message::backend::Message;
    use proptest::prelude::*;

    fn error(fields: &[(u8, &str)]) -> ServerError {
        let mut body = vec![];
        for (name, value) in fields {
            body.push(*name);
            body.extend_from_slice(value.as_bytes());
            body.push(0);
        }
        body.push(0);
        let mut message = vec![b'E'];
        message.extend_from_slice(&u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        message.extend_from_slice(&body);
        match Message::parse(&mut BytesMut::from(&message[..])) {
            Ok(Some(Message::ErrorResponse(body))) => ServerError::of(&body),
            _ => panic!("an error response"),
        }
    }

    #[test]
    fn every_state_has_its_kind() {
        for (code, kind) in [
            ("28P01", "Unauthenticated"),
            ("42501", "Forbidden"),
            ("25006", "Forbidden"),
            ("23505", "AlreadyExists"),
            ("42710", "AlreadyExists"),
            ("42704", "Rejected"),
            ("2BP01", "Rejected"),
            ("23502", "Rejected"),
            ("23503", "Rejected"),
            ("22P02", "Rejected"),
            ("P0001", "Rejected"),
            ("40001", "RateLimited(None)"),
            ("40P01", "RateLimited(None)"),
            ("57014", "TimedOut"),
            ("57P01", "Unavailable"),
            ("53300", "Unavailable"),
            ("08006", "Unavailable"),
            ("3D000", "InvalidSettings"),
            ("42P01", "InvalidSettings"),
            ("42601", "InvalidSettings"),
            ("0A000", "Unsupported"),
            ("", "Rejected"),
        ] {
            assert_eq!(format!("{:?}", error(&[(b'C', code)]).failure("x").kind), format!("Kind::{kind}"), "{code}");
        }
    }

    #[test]
    fn values_are_not_quoted() {
        let number = error(&[
            (b'C', "22P02"),
            (b'M', "invalid input syntax for type integer: \"secret\""),
            (b'W', "unnamed portal parameter $2 = 'secret'"),
        ]);
        assert_eq!(number.failure("create user").message, "create user: invalid input syntax for type integer (SQLSTATE 22P02)");
        assert_eq!(number.parameter(), Some(1));
        let taken = error(&[
            (b'C', "23505"),
            (b'M', "duplicate key value violates unique constraint \"users_login_key\""),
            (b'D', "Key (login)=(secret) already exists."),
            (b'n', "users_login_key"),
        ]);
        assert_eq!(
            taken.failure("create user").message,
            "create user: duplicate key value violates unique constraint \"users_login_key\" (SQLSTATE 23505)"
        );
    }

    proptest! {
        #[test]
        fn any_error_gives_a_short_message(code in any::<String>(), message in any::<String>(), context in any::<String>()) {
            let clean = |text: String| text.replace('\0', "");
            let error = error(&[(b'C', &clean(code)), (b'M', &clean(message)), (b'W', &clean(context))]);
            prop_assert!(error.failure("x").message.chars().count() < 500);
        }
    }
}
