//! Where the database is, who we are there, and the session that is kept open.

use crate::{session::Session, wire::Stream};
use sdk::{Failure, Settings};

/// The names are libpq's; what lies between the two (TLS without a check of the certificate) is deliberately absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    VerifyFull,
    Disable,
}

/// How to get there.
#[derive(Clone, Debug)]
pub struct Connection {
    /// `host:port`.
    pub endpoint: String,
    pub database: String,
    pub username: String,
    pub tls: Tls,
}

/// PostgreSQL's port, where the URL has none.
const PORT: u16 = 5432;

impl Connection {
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        let url = settings.required("sql.url")?.trim();
        let wrong = |why: &str| Failure::invalid_settings(format!("property sql.url must be postgresql://host:port/database: {why}"));
        let rest =
            url.strip_prefix("postgresql://").or_else(|| url.strip_prefix("postgres://")).ok_or_else(|| wrong("the scheme is another"))?;
        let (authority, database) = rest.split_once('/').ok_or_else(|| wrong("the database is missing"))?;
        if authority.contains('@') {
            return Err(wrong("user and password do not belong there; set sql.username and sql.password"));
        }
        if database.is_empty() || database.contains(['/', '?', '#', '\0']) {
            return Err(wrong("one database's name stands behind the host, and nothing else"));
        }
        // The port of an IPv6 address stands behind its bracket.
        let has_port = authority.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && !port.contains(']'));
        if authority.is_empty() {
            return Err(wrong("the host is missing"));
        }
        let endpoint = if has_port { authority.to_owned() } else { format!("{authority}:{PORT}") };
        let username = settings.required("sql.username")?;
        if username.contains('\0') {
            return Err(Failure::invalid_settings("property sql.username is not a name"));
        }
        let tls = if settings.text("sql.sslmode") == Some("disable") { Tls::Disable } else { Tls::VerifyFull };
        Ok(Self { endpoint, database: database.to_owned(), username: username.to_owned(), tls })
    }
}

/// The way out, and the password.
pub trait Door {
    type Stream: Stream;
    fn connect(&mut self, endpoint: &str) -> Result<Self::Stream, Failure>;
    fn password(&mut self) -> Result<String, Failure>;
}

/// A session that is opened when it is needed, and again after it was lost.
pub struct Link<D: Door> {
    door: D,
    pub connection: Connection,
    session: Option<Session<D::Stream>>,
}

impl<D: Door> Link<D> {
    pub fn new(door: D, connection: Connection) -> Self {
        Self { door, connection, session: None }
    }

    /// Whether there is a session that was not lost.
    pub fn is_open(&self) -> bool {
        self.session.as_ref().is_some_and(|session| !session.is_lost())
    }

    /// Close the session; the next one is a new one.
    pub fn close(&mut self) {
        self.session = None;
    }

    pub fn session(&mut self) -> Result<&mut Session<D::Stream>, Failure> {
        if !self.is_open() {
            self.session = None;
            let stream = self.door.connect(&self.connection.endpoint)?;
            let door = &mut self.door;
            self.session = Some(Session::open(stream, &self.connection, || door.password())?);
        }
        self.session.as_mut().ok_or_else(|| Failure::unavailable("there is no session"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdk::Setting;

    fn open(url: &str) -> Result<Connection, Failure> {
        let setting = |name: &str, value: &str| Setting { name: name.into(), value: value.into() };
        Connection::open(&Settings { system: "hr".into(), properties: vec![setting("sql.url", url), setting("sql.username", "u")] })
    }

    #[test]
    fn urls() {
        for (url, endpoint) in [
            ("postgresql://db.example.com:5433/hr", "db.example.com:5433"),
            ("postgres://db/hr", "db:5432"),
            ("postgresql://[::1]/hr", "[::1]:5432"),
            ("postgresql://[::1]:6432/hr", "[::1]:6432"),
        ] {
            let connection = open(url).unwrap();
            assert_eq!((connection.endpoint.as_str(), connection.database.as_str(), connection.tls), (endpoint, "hr", Tls::VerifyFull));
        }
        for wrong in [
            "",
            "db:5432/hr",
            "mysql://db/hr",
            "postgresql://db",
            "postgresql://db/",
            "postgresql:///hr",
            "postgresql://u:p@db/hr",
            "postgresql://db/hr?x=1",
        ] {
            let failure = open(wrong).unwrap_err();
            assert!(failure.message.contains("sql.url"), "{wrong}: {}", failure.message);
        }
    }
}
