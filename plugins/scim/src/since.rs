//! What changed since: the newest `meta.lastModified` of a read, and the filter that leads on from it (RFC 7643 section 3.1, RFC 7644 section 3.4.2.2).
//!
//! The next read begins a second before the newest change of this one, because other changes may carry the same time; what is read twice costs the host a comparison. It
//! never begins after this read did, by the server's own clock: what changed behind the reader's back was perhaps not seen. A resource without a time makes the whole read
//! useless as a beginning.

use sdk::Failure;
use serde::{Deserialize, Serialize};
use std::time::SystemTime;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

/// How far a read reaches back behind the newest change of the one before.
const OVERLAP: Duration = Duration::seconds(1);

#[derive(Deserialize)]
struct Dated<'a> {
    #[serde(borrow)]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "lastModified", alias = "lastmodified")]
    last_modified: Option<std::borrow::Cow<'a, str>>,
}

/// What is known of the times of a read so far; travels in its cursor. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Newest {
    change: Option<i64>,
    /// The server's clock when the read began.
    began: Option<i64>,
    /// A resource had no time.
    #[serde(default)]
    undated: bool,
}

impl Newest {
    /// A read that begins with an answer of this `Date`; a delta read knows a time already.
    pub fn begin(date: Option<&str>, since: Option<OffsetDateTime>) -> Self {
        let began = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok());
        let began = began.and_then(|began| began.duration_since(SystemTime::UNIX_EPOCH).ok()).and_then(|at| at.as_nanos().try_into().ok());
        Self { change: since.and_then(nanoseconds), began, undated: false }
    }

    /// Take note of a resource.
    pub fn meet(&mut self, resource: &str) {
        let dated: Option<Dated> = serde_json::from_str(resource).ok();
        let text = dated.and_then(|dated| dated.meta).and_then(|meta| meta.last_modified);
        match text.and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok()).and_then(nanoseconds) {
            Some(at) => self.change = self.change.max(Some(at)),
            None => self.undated = true,
        }
    }

    /// Where the next read begins, if that can be said.
    pub fn token(&self) -> Option<String> {
        let newest = self.change.filter(|_| !self.undated)?;
        let at = self.began.map_or(newest, |began| newest.min(began));
        OffsetDateTime::from_unix_timestamp_nanos(at.into()).ok()?.format(&Rfc3339).ok()
    }
}

fn nanoseconds(at: OffsetDateTime) -> Option<i64> {
    at.unix_timestamp_nanos().try_into().ok()
}

/// The time a token stands for; `conflict`, which makes the host read everything, where it is none of this connector.
pub fn parse(token: &str) -> Result<OffsetDateTime, Failure> {
    OffsetDateTime::parse(token, &Rfc3339)
        .map_err(|_| Failure::new(sdk::Kind::Conflict, format!("the delta token {token:?} is not one of this connector")))
}

/// `meta.lastModified gt "2026-01-31T08:00:00Z"`.
pub fn filter(since: OffsetDateTime) -> Option<String> {
    let from = since.checked_sub(OVERLAP)?;
    Some(format!("meta.lastModified gt \"{}\"", from.format(&Rfc3339).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(times: &[&str], date: Option<&str>) -> Option<String> {
        let mut newest = Newest::begin(date, None);
        for time in times {
            newest.meet(&format!(r#"{{"id":"1","meta":{{"resourceType":"User","lastModified":"{time}"}}}}"#));
        }
        newest.token()
    }

    #[test]
    fn the_token_is_the_newest_change_but_never_after_the_read_began() {
        let times = ["2026-01-31T08:00:00Z", "2026-01-31T10:00:00.5+01:00", "2026-01-31T08:59:59Z"];
        assert_eq!(met(&times, None).unwrap(), "2026-01-31T09:00:00.5Z");
        assert_eq!(met(&times, Some("Sat, 31 Jan 2026 08:30:00 GMT")).unwrap(), "2026-01-31T08:30:00Z");
        assert_eq!(met(&["2026-01-31T08:00:00Z", "yesterday"], None), None, "one without a time");
        assert_eq!(met(&[], Some("Sat, 31 Jan 2026 08:30:00 GMT")), None, "nobody at all");
        let mut undated = Newest::default();
        undated.meet(r#"{"id":"1"}"#);
        assert_eq!(undated.token(), None);
    }

    #[test]
    fn the_filter_reaches_back_a_second() {
        let since = parse("2026-01-31T09:00:00.5Z").unwrap();
        assert_eq!(filter(since).unwrap(), r#"meta.lastModified gt "2026-01-31T08:59:59.5Z""#);
        assert_eq!(Newest::begin(None, Some(since)).token().unwrap(), "2026-01-31T09:00:00.5Z", "nothing new");
        assert!(parse("7").is_err());
    }
}
