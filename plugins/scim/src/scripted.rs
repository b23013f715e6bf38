//! A server for tests: a function from request to answer, and a record of what was asked. Answers arrive in the reverse of the order asked.

use crate::{
    connection::Connection,
    http::{Answer, Http, Request},
};
use sdk::{Failure, Setting, Settings};
use std::time::SystemTime;

pub(crate) struct Scripted<F> {
    serve: F,
    under_way: Vec<(usize, Request)>,
    /// Every request in the order of its start.
    pub(crate) seen: Vec<Request>,
    /// The most requests that were under way at once.
    pub(crate) most: usize,
}

impl<F: FnMut(&Request) -> Result<Answer, Failure>> Scripted<F> {
    pub(crate) fn new(serve: F) -> Self {
        Self { serve, under_way: vec![], seen: vec![], most: 0 }
    }

    /// `METHOD path?query` of everything that was asked.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen.iter().map(line).collect()
    }

    /// The bodies of everything that was asked.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.seen.iter().map(|request| String::from_utf8(request.body.clone().unwrap_or_default()).unwrap()).collect()
    }
}

pub(crate) fn line(request: &Request) -> String {
    format!("{} {}", request.method.name(), request.url.strip_prefix("https://h/v2").unwrap_or(&request.url))
}

impl<F: FnMut(&Request) -> Result<Answer, Failure>> Http for Scripted<F> {
    fn start(&mut self, number: usize, request: Request) {
        self.seen.push(request.clone());
        self.under_way.push((number, request));
        self.most = self.most.max(self.under_way.len());
    }

    fn finished(&mut self) -> Option<(usize, Result<Answer, Failure>)> {
        let (number, request) = self.under_way.pop()?;
        Some((number, (self.serve)(&request)))
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// An answer with a JSON body.
#[expect(clippy::unnecessary_wraps, reason = "what a server function returns")]
pub(crate) fn json(status: u16, body: impl Into<String>) -> Result<Answer, Failure> {
    Ok(Answer { status, headers: vec![("content-type".into(), "application/scim+json".into())], body: body.into().into_bytes() })
}

/// An answer with headers and without a body.
#[expect(clippy::unnecessary_wraps, reason = "what a server function returns")]
pub(crate) fn bare(status: u16, headers: &[(&str, &str)]) -> Result<Answer, Failure> {
    Ok(Answer { status, headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(), body: vec![] })
}

/// A connection to `https://h/v2` with these properties besides.
pub(crate) fn connection(properties: &[(&str, &str)]) -> Connection {
    open(&[&[("URL", "https://h/v2/")], properties].concat()).unwrap()
}

pub(crate) fn open(properties: &[(&str, &str)]) -> Result<Connection, Failure> {
    let properties = properties.iter().map(|(name, value)| Setting { name: (*name).to_owned(), value: (*value).to_owned() }).collect();
    Connection::open(&Settings { system: "directory".into(), properties })
}

/// One parameter of a URL's query; only for values that need no decoding.
pub(crate) fn parameter(url: &str, name: &str) -> Option<usize> {
    url.split_once('?')?.1.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}
