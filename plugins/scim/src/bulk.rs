//! Many changes in one request (RFC 7644 section 3.7), for services that offer it. Each operation keeps its own outcome: one that fails fails alone.
//!
//! | the service answers | what happens to the operations |
//! | --- | --- |
//! | 2xx | each as its own status says; 405, 412, 428 and 501 are sent again one by one |
//! | 413 | in halves again, in the end one by one |
//! | 400, 409, 412, 415 | one by one: a single one may have spoilt them all |
//! | 403, 404, 405, 501 | one by one, now and from here on |
//! | anything else, or nothing | each fails with that |
//!
//! An operation of which the answer says nothing may have been carried out: it is `timed-out`, so the host looks for a create before it creates again.

use crate::{
    address,
    connection::Connection,
    exchange::{self, Exchange, Next},
    failure::{self, Intent},
    http::{Answer, Http, Method, Request},
    resource::{self, quoted},
    write::{Outcome, Written},
};
use sdk::{Failure, Kind};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{collections::VecDeque, time::SystemTime};

const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// The largest request where the service names no limit.
const MAX_PAYLOAD: usize = 1 << 20;
/// What one operation takes besides its path and data.
const FRAME: usize = 80;

/// One change that fits into one operation.
#[derive(Debug)]
pub struct Operation {
    /// Its place among the changes; also its `bulkId`.
    pub number: usize,
    pub method: Method,
    /// Absolute; for messages.
    pub url: String,
    /// Below the base URL, with a slash in front.
    pub path: String,
    /// The id the host knows; absent for a create.
    pub id: Option<String>,
    /// JSON text.
    pub data: Option<String>,
    pub intent: Intent,
}

impl Operation {
    fn text(&self) -> String {
        let data = self.data.as_ref().map_or_else(String::new, |data| format!(r#","data":{data}"#));
        let (method, path) = (self.method.name(), quoted(&self.path));
        format!(r#"{{"method":"{method}","bulkId":"{}","path":{path}{data}}}"#, self.number)
    }

    fn size(&self) -> usize {
        FRAME + self.path.len() + self.data.as_ref().map_or(0, String::len)
    }
}

/// What became of one operation.
#[derive(Debug)]
pub enum Fate {
    Done(Outcome),
    /// It was not carried out and is to be sent by itself.
    Singly,
}

/// The answer has no result for it.
fn unsaid(operation: &Operation) -> Fate {
    let what = failure::name(operation.method, &operation.url);
    Fate::Done(Err(Failure::new(Kind::TimedOut, format!("the answer to POST /Bulk does not say what became of {what}"))))
}

#[derive(Deserialize)]
struct BulkResponse<'a> {
    #[serde(borrow, rename = "Operations", alias = "operations")]
    operations: Vec<Performed<'a>>,
}

#[derive(Deserialize)]
struct Performed<'a> {
    #[serde(rename = "bulkId", default)]
    bulk_id: Option<String>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    location: Option<String>,
    #[serde(default)]
    status: Option<Status>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
}

/// As text (RFC 7644), as a number, or as `{"code": "201"}` (its drafts).
#[derive(Deserialize)]
#[serde(untagged)]
enum Status {
    Text(String),
    Number(u16),
    Code { code: Box<Status> },
}

impl Status {
    fn number(&self) -> Option<u16> {
        match self {
            Self::Text(text) => text.trim().get(..3)?.parse().ok(),
            Self::Number(number) => Some(*number),
            Self::Code { code } => code.number(),
        }
    }
}

/// Send the operations, as many in one request as the system is set to and the service takes. The fates come with the numbers of the operations, in any order.
pub fn send(
    connection: &Connection,
    http: &mut impl Http,
    operations: Vec<Operation>,
    most: usize,
    payload: Option<usize>,
) -> Vec<(usize, Fate)> {
    let payload = payload.unwrap_or(MAX_PAYLOAD);
    let (mut requests, mut size) = (Vec::<Vec<Operation>>::new(), 0);
    for operation in operations {
        size += operation.size();
        match requests.last_mut() {
            Some(request) if request.len() < most && size <= payload => request.push(operation),
            _ => {
                size = operation.size();
                requests.push(vec![operation]);
            }
        }
    }
    let exchanges = requests.into_iter().map(|operations| Bulk::new(connection, operations)).collect();
    exchange::run(http, exchanges).into_iter().flatten().collect()
}

struct Bulk<'a> {
    connection: &'a Connection,
    /// Requests still to be sent; the first one is under way.
    waiting: VecDeque<Vec<Operation>>,
    fates: Vec<(usize, Fate)>,
}

impl<'a> Bulk<'a> {
    fn new(connection: &'a Connection, operations: Vec<Operation>) -> Self {
        Self { connection, waiting: VecDeque::from([operations]), fates: Vec::new() }
    }

    fn next(&mut self) -> Next<Vec<(usize, Fate)>> {
        let Some(operations) = self.waiting.front() else { return Next::Done(std::mem::take(&mut self.fates)) };
        let texts: Vec<String> = operations.iter().map(Operation::text).collect();
        let body = format!(r#"{{"schemas":["{BULK_REQUEST}"],"Operations":[{}]}}"#, texts.join(",")).into_bytes();
        let headers = self.connection.headers(Some(body.len()));
        Next::Send(Request { method: Method::Post, url: self.connection.base.endpoint("Bulk"), headers, body: Some(body) })
    }

    fn all(&mut self, operations: &[Operation], fate: impl Fn(&Operation) -> Fate) {
        self.fates.extend(operations.iter().map(|operation| (operation.number, fate(operation))));
    }

    fn carried_out(&mut self, operations: Vec<Operation>, answer: &Answer, now: SystemTime) {
        let Ok(BulkResponse { operations: results }) = serde_json::from_slice(&answer.body) else {
            let message = "POST /Bulk was carried out, but its answer cannot be read";
            return self.all(&operations, |_| Fate::Done(Err(Failure::new(Kind::TimedOut, message))));
        };
        let mut results: Vec<Option<Performed>> = results.into_iter().map(Some).collect();
        let whole = results.len() == operations.len();
        for (position, operation) in operations.into_iter().enumerate() {
            let by_id = results.iter().position(|result| result.as_ref().is_some_and(|result| result.is_named(&operation)));
            let by_place = || results.iter().position(|result| result.as_ref().is_some_and(|result| result.is_at(&operation)));
            // Services need not repeat what they need not be sent: then the order is all there is.
            let by_order = || results.get(position)?.as_ref().filter(|result| whole && result.may_be(&operation)).map(|_| position);
            let result = by_id.or_else(by_place).or_else(by_order).and_then(|at| results[at].take());
            let fate = result.map_or_else(|| unsaid(&operation), |result| result.fate(&operation, now));
            self.fates.push((operation.number, fate));
        }
    }
}

impl Performed<'_> {
    fn is_named(&self, operation: &Operation) -> bool {
        self.bulk_id.as_ref().is_some_and(|id| *id == operation.number.to_string())
    }

    /// It is about the resource of the operation, which has an id already.
    fn is_at(&self, operation: &Operation) -> bool {
        self.bulk_id.is_none()
            && operation.id.is_some()
            && self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(operation.method.name()))
            && self.location.as_deref().and_then(address::last_segment) == operation.id
    }

    /// Nothing it says speaks against it being about the operation in its place.
    fn may_be(&self, operation: &Operation) -> bool {
        self.bulk_id.is_none()
            && (self.location.is_none() || operation.id.is_none())
            && self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(operation.method.name()))
    }

    fn fate(&self, operation: &Operation, now: SystemTime) -> Fate {
        let status = self.status.as_ref().and_then(Status::number).unwrap_or(0);
        let response = self.response.map_or("", |response| response.get());
        let what = || failure::name(operation.method, &operation.url);
        if (200..300).contains(&status) {
            let document = Some(response).filter(|text| text.starts_with('{'));
            let answered = document.and_then(|document| resource::id(document).ok());
            let located = || self.location.as_deref().and_then(address::last_segment);
            return Fate::Done(match operation.id.clone().or(answered).or_else(located) {
                Some(id) => Ok(Written { id, document: document.map(str::to_owned) }),
                None => Err(Failure::new(Kind::TimedOut, format!("{} was carried out in bulk, but its id is not in the answer", what()))),
            });
        }
        if matches!(status, 405 | 412 | 428 | 501) {
            return Fate::Singly;
        }
        if !(300..600).contains(&status) {
            return Fate::Done(Err(Failure::new(Kind::TimedOut, format!("the answer to POST /Bulk has no status for {}", what()))));
        }
        let answer = Answer { status, headers: Vec::new(), body: response.as_bytes().to_vec() };
        Fate::Done(Err(failure::of_answer(operation.method, &operation.url, operation.intent, &answer, now)))
    }
}

impl Exchange for Bulk<'_> {
    type Outcome = Vec<(usize, Fate)>;

    fn first(&mut self) -> Next<Self::Outcome> {
        self.next()
    }

    fn answered(&mut self, answer: Result<Answer, Failure>, now: SystemTime) -> Next<Self::Outcome> {
        let mut operations = self.waiting.pop_front().unwrap_or_default();
        match answer {
            Err(failure) => self.all(&operations, |_| Fate::Done(Err(failure.clone()))),
            Ok(answer) if answer.is_success() => self.carried_out(operations, &answer, now),
            Ok(Answer { status: 413, .. }) if operations.len() > 1 => {
                let second = operations.split_off(operations.len() / 2);
                self.waiting.push_front(second);
                self.waiting.push_front(operations);
            }
            Ok(Answer { status: 400 | 409 | 412 | 413 | 415, .. }) => self.all(&operations, |_| Fate::Singly),
            Ok(Answer { status: 403..=405 | 501, .. }) => {
                self.connection.bulk_refused.set(true);
                self.all(&operations, |_| Fate::Singly);
            }
            Ok(answer) => {
                let mut failure = failure::of_answer(Method::Post, &self.connection.base.endpoint("Bulk"), Intent::Other, &answer, now);
                if matches!(failure.kind, Kind::NotFound) {
                    failure.kind = Kind::Rejected;
                }
                self.all(&operations, |_| Fate::Done(Err(failure.clone())));
            }
        }
        self.next()
    }

    fn abandoned(&self, failure: Failure) -> Self::Outcome {
        self.waiting.iter().flatten().map(|operation| (operation.number, Fate::Done(Err(failure.clone())))).collect()
    }
}

#[cfg(test)]
#[path = "bulk_tests.rs"]
mod tests;
