//! Where a list continues, by number or by the server's cursor, and the watch kept over it: who moves between two pages must not be lost unnoticed.
//!
//! A page asked for by number (`startIndex`) begins with the last resource of the page before, the anchor. Where it stands tells what happened in between:
//!
//! | the anchor | what happened before it | what is done |
//! | --- | --- | --- |
//! | is where it was | nothing, or as much came as went | go on behind it |
//! | is further back | as many came as `totalResults` grew by | go on behind it |
//! | is further back | more than that: some may have moved there from the unread part | go on behind it, the list is in doubt |
//! | is not in the page | some went, perhaps the anchor too | look a page back for it, or for one of those before it, and go on behind that one |
//! | is not there either | too much | read what is there, the list is in doubt |
//!
//! A cursor (RFC 9865) is the server's own business; there only the count is checked. A list in doubt is used, but proves nobody's absence; no anchor is looked for in the rest of it.

use crate::{list::List, resource, since::Newest};
use sdk::{Failure, Kind};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How many of the ids read last are remembered: the anchor, and those that take its place when it is deleted.
const TAIL: usize = 8;
/// How often one list is searched for an anchor that is not where it was; a server without any order is not followed for ever.
const MAX_LOOKS: u32 = 1000;

/// A list of which this many pages in a row are the same is not read to the end.
const MAX_REPEATS: u8 = 4;

/// The first and the last id of a page, by which it is known again.
type Ends = (String, String);

/// Where the list continues.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Cursor {
    /// The number of the first resource that was not read yet, from 1. Read by cursor: one more than were read.
    start: u64,
    /// By how much the page to ask for begins before `start`.
    #[serde(default)]
    back: u64,
    /// The `totalResults` of the page before.
    total: Option<u64>,
    /// The id of the very first resource.
    #[serde(default)]
    head: Option<String>,
    previous: Option<Ends>,
    /// The ids read last, the anchor at the end. Empty where resources have none.
    #[serde(default)]
    tail: Vec<String>,
    /// The page to ask for is one further back, because the anchor was not where it was.
    #[serde(default)]
    looking: bool,
    #[serde(default)]
    looks: u32,
    /// How many pages in a row were the page before.
    #[serde(default)]
    repeats: u8,
    #[serde(default)]
    doubt: bool,
    /// The server's cursor of the page to ask for; empty on the first page.
    #[serde(default)]
    server: Option<String>,
    /// The times of the changes read so far; absent at the beginning.
    #[serde(default)]
    pub newest: Option<Newest>,
}

/// One page.
#[derive(Debug, Default)]
pub struct Taken<'a> {
    pub resources: Vec<&'a RawValue>,
    pub next: Option<Cursor>,
    pub total: Option<u64>,
    /// Something may be missing, so this list proves nobody's absence.
    pub doubt: Option<Failure>,
    /// There was a doubt, in this page or before.
    pub doubted: bool,
}

fn id(resource: &RawValue) -> Option<String> {
    resource::id(resource.get()).ok()
}

impl Cursor {
    /// Where a list begins, read by number.
    pub fn by_index() -> Self {
        Self { start: 1, ..Self::default() }
    }

    /// Where a list begins, read by cursor.
    pub fn by_cursor() -> Self {
        Self { server: Some(String::new()), ..Self::by_index() }
    }

    /// Read a cursor this connector gave out.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = || Failure::rejected("the cursor is not one of this connector");
        let cursor: Self = serde_json::from_str(text).map_err(|_| wrong())?;
        if cursor.start <= cursor.back { Err(wrong()) } else { Ok(cursor) }
    }

    /// As text for the host.
    pub fn text(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// The parameter that asks for the page.
    pub fn parameter(&self) -> (&'static str, String) {
        match &self.server {
            Some(cursor) => ("cursor", cursor.clone()),
            None => ("startIndex", (self.start - self.back).to_string()),
        }
    }

    /// Take the page this cursor asked for: at most `count` resources, the cursor of the next page, and what makes the list incomplete.
    pub fn take(mut self, list: List<'_>, count: u64) -> Result<Taken<'_>, Failure> {
        self.newest = None;
        match self.server.take() {
            // A server that knows no cursors ignores the parameter: it begins with the first page all the same.
            Some(sent) if sent.is_empty() && list.next_cursor.is_none() => self.take_by_index(list, count),
            Some(sent) => self.take_by_cursor(&sent, list, count),
            None => self.take_by_index(list, count),
        }
    }

    fn take_by_cursor<'a>(mut self, sent: &str, list: List<'a>, count: u64) -> Result<Taken<'a>, Failure> {
        let List { total, resources, next_cursor } = list;
        if resources.len() as u64 > count {
            return Err(self.stuck("sends more resources than asked for by cursor"));
        }
        let ends = ends(&resources);
        self.looks += u32::from(resources.is_empty());
        if next_cursor.as_deref() == Some(sent) || (ends.is_some() && ends == self.previous) || self.looks > MAX_LOOKS {
            return Err(self.stuck("does not get on with its cursors"));
        }
        self.start += resources.len() as u64;
        (self.previous, self.total) = (ends, total);
        let read = self.start - 1;
        let missing = total.filter(|total| next_cursor.is_none() && *total > read);
        let doubt = missing.map(|total| {
            Failure::new(
                Kind::Conflict,
                format!("the server counts {total} resources but its cursors led to {read}: the list is not complete"),
            )
        });
        let doubted = doubt.is_some();
        let next = next_cursor.map(|cursor| Self { server: Some(cursor), ..self });
        Ok(Taken { resources, next, total, doubt, doubted })
    }

    fn take_by_index(mut self, list: List<'_>, count: u64) -> Result<Taken<'_>, Failure> {
        let List { total, mut resources, .. } = list;
        let received = resources.len() as u64;
        // A server that pages cannot have the whole list behind its beginning, so this one ignores startIndex and always sends everything.
        let ignores_start = self.start - self.back > 1 && received > 0 && total == Some(received);
        let asked = if ignores_start { 1 } else { self.start - self.back };
        let growth = self.total.zip(total).map(|(before, now)| i128::from(now) - i128::from(before));
        let mut doubt = None;

        let unread = if self.start == 1 || (self.back == 0 && !ignores_start) {
            if growth.is_some_and(|growth| growth < 0) {
                doubt = Some(format!("the list shrank by {} resources while it was read", -growth.unwrap_or_default()));
            }
            0
        } else if let Some((position, age)) = self.anchor(&resources, asked) {
            let behind = asked + position as u64 + 1;
            let expected = self.start - (age as u64).min(self.start - 1);
            let growth = growth.unwrap_or(0).max(0);
            // An anchor that had moved forward and is back in its place was pushed back by something.
            let pushed = self.looking && growth == 0 && behind >= self.start;
            if pushed || i128::from(behind) - i128::from(expected) > growth {
                doubt = Some("resources moved to the part of the list that was already read".to_owned());
            }
            self.start = behind;
            position + 1
        } else if self.looking || asked == 1 || self.tail.is_empty() || self.looks == MAX_LOOKS {
            doubt = (!self.tail.is_empty()).then(|| "the place where the list continues was not found again".to_owned());
            if self.looking { 0 } else { usize::try_from(self.start - asked).unwrap_or(usize::MAX) }
        } else {
            let window = if received == 0 { count } else { received.min(count) };
            let begin = (self.start + 1).saturating_sub(window).clamp(1, asked);
            let next = Self { back: self.start - begin, looking: true, looks: self.looks + 1, ..self };
            return Ok(Taken { next: Some(next), total, ..Taken::default() });
        };
        if doubt.is_some() && self.looking {
            self.start = asked;
        }
        resources.drain(..unread.min(resources.len()));
        resources.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        self.go_on(resources, received, total, doubt)
    }

    /// Where the anchor, or the youngest that is left of those before it, stands in the page that was asked for from this number on, and how many are younger.
    fn anchor(&self, resources: &[&RawValue], asked: u64) -> Option<(usize, usize)> {
        let anchor = self.tail.last()?;
        let expected = usize::try_from(self.start - 1 - asked).ok()?;
        if resources.get(expected).and_then(|resource| id(resource)).as_ref() == Some(anchor) {
            return Some((expected, 0));
        }
        let ids: Vec<Option<String>> = resources.iter().map(|resource| id(resource)).collect();
        self.tail.iter().rev().enumerate().find_map(|(age, wanted)| {
            // The page that begins with the anchor tells nothing of those before it.
            let here = ids.iter().position(|id| id.as_ref() == Some(wanted)).filter(|_| age == 0 || self.looking || asked == 1);
            here.map(|position| (position, age))
        })
    }

    fn go_on(mut self, resources: Vec<&RawValue>, received: u64, total: Option<u64>, doubt: Option<String>) -> Result<Taken<'_>, Failure> {
        let overlapped = self.back > 0;
        let ends = ends(&resources);
        let head_again = || self.head.is_some() && resources.iter().any(|resource| id(resource) == self.head);
        // Once can be chance: as many came in front as a page has.
        self.repeats = if ends.is_some() && !overlapped && ends == self.previous { self.repeats + 1 } else { 0 };
        if self.repeats == MAX_REPEATS || (total.is_none() && head_again()) {
            return Err(self.stuck("sent resources of an earlier page again"));
        }
        self.start += resources.len() as u64;
        let finished = match total {
            Some(total) => self.start > total || (resources.is_empty() && !overlapped),
            None => received == 0 || (resources.is_empty() && !overlapped),
        };
        if !finished && total.is_none() && ends.is_none() && !resources.is_empty() {
            return Err(self.stuck("neither counts its resources nor gives them ids"));
        }
        let doubt = match total {
            Some(total) if finished && self.start <= total => {
                Some(format!("the server counts {total} resources but sends none from number {} on: the list is not complete", self.start))
            }
            _ => doubt.map(|what| format!("{what}: the list may not be complete")),
        };
        self.doubt |= doubt.is_some();
        self.remember(&resources);
        // A server that sends one resource a page would send the anchor only.
        self.back = u64::from(!self.doubt && !self.tail.is_empty() && received > 1);
        self.looking = false;
        self.total = total;
        if ends.is_some() {
            self.head = self.head.or_else(|| ends.as_ref().map(|(first, _)| first.clone()));
            self.previous = ends;
        }
        let doubted = self.doubt;
        let doubt = doubt.map(|message| Failure::new(Kind::Conflict, message));
        Ok(Taken { resources, next: (!finished).then_some(self), total, doubt, doubted })
    }

    /// Keep the ids of the last resources, so that the list can be continued behind them.
    fn remember(&mut self, resources: &[&RawValue]) {
        let last = &resources[resources.len().saturating_sub(TAIL)..];
        match last.iter().map(|resource| id(resource)).collect::<Option<Vec<String>>>() {
            Some(ids) => self.tail.extend(ids),
            None => self.tail.clear(),
        }
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
    }

    fn stuck(&self, what: &str) -> Failure {
        let (parameter, value) = self.parameter();
        Failure::new(Kind::Unsupported, format!("the server {what} ({parameter}={value}): its list cannot be read page by page"))
    }
}

fn ends(resources: &[&RawValue]) -> Option<Ends> {
    id(resources.first()?).zip(id(resources.last()?))
}

#[cfg(test)]
#[path = "cursor_tests.rs"]
mod tests;
