//! One page of a list: the `ListResponse` (RFC 7644 section 3.4.2) and the cursor that leads to the next.

use crate::{resource, since::Newest};
use sdk::{Failure, Kind};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct ListResponse<'a> {
    #[serde(borrow, rename = "totalResults", alias = "totalresults", default)]
    total: Option<&'a RawValue>,
    #[serde(borrow, rename = "Resources", alias = "resources", default)]
    resources: Option<Vec<&'a RawValue>>,
}

/// What the server sent: resources as the text they had.
#[derive(Debug)]
pub struct List<'a> {
    /// How many resources the query has in all, if the server says so.
    pub total: Option<u64>,
    pub resources: Vec<&'a RawValue>,
}

impl<'a> List<'a> {
    /// Read the body of an answer. Anything but a list is `rejected`: an error page or another kind of document must not look like an empty directory.
    pub fn read(body: &'a [u8]) -> Result<Self, Failure> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let list: ListResponse = serde_json::from_slice(body)
            .map_err(|error| Failure::rejected(format!("the server's answer is not a SCIM ListResponse ({error}); check URL")))?;
        if list.total.is_none() && list.resources.is_none() {
            return Err(Failure::rejected(
                "the server's answer has neither totalResults nor Resources, so it is not a SCIM ListResponse; check URL",
            ));
        }
        let total = match list.total {
            Some(raw) => Some(raw.get().trim_matches('"').parse().map_err(|_| Failure::rejected("totalResults is not a count"))?),
            None => None,
        };
        Ok(Self { total, resources: list.resources.unwrap_or_default() })
    }
}

/// The first and the last id of a page, by which it is known again.
type Ends = (String, String);

/// Where the list continues. It also remembers enough of the pages before to notice a server that does not page.
#[derive(Debug, Deserialize, Serialize)]
pub struct Cursor {
    /// `startIndex`, from 1.
    start: u64,
    /// The `totalResults` of the page before.
    total: Option<u64>,
    first: Option<Ends>,
    previous: Option<Ends>,
    /// The times of the changes read so far; absent at the beginning.
    #[serde(default)]
    pub newest: Option<Newest>,
}

impl Cursor {
    /// Where a list begins.
    pub const BEGINNING: Self = Self { start: 1, total: None, first: None, previous: None, newest: None };

    /// Read a cursor this connector gave out.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let cursor: Self = serde_json::from_str(text).map_err(|_| Failure::rejected("the cursor is not one of this connector"))?;
        if cursor.start == 0 { Err(Failure::rejected("the cursor is not one of this connector")) } else { Ok(cursor) }
    }

    /// As text for the host.
    pub fn text(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// `startIndex` of the page to ask for.
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// Take the page this cursor asked for: at most `count` resources, the cursor of the next page, and what makes the list incomplete.
    pub fn take<'a>(&self, list: List<'a>, count: u64) -> Result<Taken<'a>, Failure> {
        let List { total, mut resources } = list;
        let received = resources.len() as u64;
        // A server that pages cannot have the whole list behind its beginning, so this one ignores startIndex and always sends everything.
        if self.start > 1 && received > 0 && total == Some(received) {
            resources.drain(..usize::try_from(self.start - 1).unwrap_or(usize::MAX).min(resources.len()));
        }
        resources.truncate(usize::try_from(count).unwrap_or(usize::MAX));

        let ends = match (resources.first(), resources.last()) {
            (Some(head), Some(tail)) => resource::id(head.get()).ok().zip(resource::id(tail.get()).ok()),
            _ => None,
        };
        if ends.is_some() && (ends == self.previous || ends == self.first) {
            return Err(self.stuck("sent resources of an earlier page again"));
        }
        let next = self.start + resources.len() as u64;
        let finished = resources.is_empty() || total.is_some_and(|total| next > total);
        if !finished && total.is_none() && ends.is_none() {
            return Err(self.stuck("neither counts its resources nor gives them ids"));
        }
        let doubt = match (self.total, total) {
            (_, Some(total)) if resources.is_empty() && self.start <= total => {
                Some(format!("the server counts {total} resources but sends none from number {} on: the list is not complete", self.start))
            }
            (Some(before), Some(now)) if now < before => Some(format!(
                "the list shrank from {before} to {now} resources while it was read, so some may have moved to a page already read: the list may not be complete"
            )),
            _ => None,
        };
        let next = (!finished).then(|| Self {
            start: next,
            total,
            first: self.first.clone().or_else(|| ends.clone()),
            previous: ends,
            newest: None,
        });
        Ok(Taken { resources, next, total, doubt: doubt.map(|message| Failure::new(Kind::Conflict, message)) })
    }

    fn stuck(&self, what: &str) -> Failure {
        Failure::new(Kind::Unsupported, format!("the server {what} (startIndex={}): its list cannot be read page by page", self.start))
    }
}

/// One page.
#[derive(Debug)]
pub struct Taken<'a> {
    pub resources: Vec<&'a RawValue>,
    pub next: Option<Cursor>,
    pub total: Option<u64>,
    /// Something may be missing, so this list proves nobody's absence.
    pub doubt: Option<Failure>,
}
