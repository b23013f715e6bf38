//! What an answer that is not 2xx means (RFC 7644 section 3.12), in the kinds of the contract.

use crate::http::{Answer, Method};
use sdk::{Failure, Kind};
use serde::Deserialize;
use std::time::{Duration, SystemTime};

/// The most characters of the server's own words that go into a message.
const MAX_DETAIL: usize = 300;

/// What the request was for, where the same status means different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// 409 means: there is one already.
    Create,
    /// As before, and the service may say so in words only.
    CreateUnmarked,
    Other,
}

/// The SCIM error body; `status` repeats the status line and is not read.
#[derive(Default, Deserialize)]
struct ScimError {
    #[serde(rename = "scimType")]
    scim_type: Option<String>,
    detail: Option<String>,
}

/// The request in a message: method and path, without the query, which may hold personal data.
pub fn name(method: Method, url: &str) -> String {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    format!("{} /{}", method.name(), path.split('?').next().unwrap_or_default())
}

/// `scimType` of a SCIM error body, if there is one.
pub fn scim_type(answer: &Answer) -> Option<String> {
    serde_json::from_slice::<ScimError>(&answer.body).ok()?.scim_type
}

/// The failure an answer outside 2xx stands for.
pub fn of_answer(method: Method, url: &str, intent: Intent, answer: &Answer, now: SystemTime) -> Failure {
    let error: ScimError = serde_json::from_slice(&answer.body).unwrap_or_default();
    let create = intent != Intent::Other;
    let unique = error.scim_type.as_deref().is_none_or(|t| t == "uniqueness");
    let (kind, hint) = match answer.status {
        401 => (Kind::Unauthenticated, "check the credentials of the system"),
        403 => (Kind::Forbidden, "check what the account may do"),
        404 | 410 => (Kind::NotFound, ""),
        409 if create && unique => (Kind::AlreadyExists, ""),
        // RFC 7644 lists `uniqueness` under 409; servers that answer it with 400 mean the same.
        400 if create && error.scim_type.as_deref() == Some("uniqueness") => (Kind::AlreadyExists, ""),
        400 | 422 | 500 if intent == Intent::CreateUnmarked && tells_of_duplicate(answer) => (Kind::AlreadyExists, ""),
        409 | 412 => (Kind::Conflict, ""),
        405 | 501 => (Kind::Unsupported, "the server does not offer this operation"),
        408 | 504 => (Kind::TimedOut, ""),
        429 => (Kind::RateLimited(retry_after(answer, now)), ""),
        500..=599 => (Kind::Unavailable, ""),
        300..=399 => (Kind::Rejected, "redirects are followed for GET only; set URL to where the server lives now"),
        _ => (Kind::Rejected, ""),
    };
    let mut message = format!("{} answered {}", name(method, url), answer.status);
    if let Some(scim_type) = &error.scim_type {
        message = format!("{message} ({})", shortened(scim_type, 40));
    }
    if let Some(words) = words(&error, answer) {
        message = format!("{message}: {words}");
    }
    if !hint.is_empty() {
        message = format!("{message}; {hint}");
    }
    Failure { kind, message }
}

/// Whether the words of an answer are about something that exists already. If they are not, the search that follows finds nothing and the entity fails with these words.
fn tells_of_duplicate(answer: &Answer) -> bool {
    let words = String::from_utf8_lossy(&answer.body[..answer.body.len().min(4 * MAX_DETAIL)]).to_lowercase();
    ["already exist", "already in use", "already taken", "duplicate", "unique", "conflict"].iter().any(|phrase| words.contains(phrase))
}

/// The server's own words: the SCIM `detail`, else the body unless it is a web page.
fn words(error: &ScimError, answer: &Answer) -> Option<String> {
    let text = match &error.detail {
        Some(detail) => shortened(detail, MAX_DETAIL),
        None if error.scim_type.is_some() || answer.header("content-type").is_some_and(|t| t.contains("html")) => String::new(),
        None => shortened(&String::from_utf8_lossy(&answer.body[..answer.body.len().min(4 * MAX_DETAIL)]), MAX_DETAIL),
    };
    (!text.is_empty()).then_some(text)
}

/// One line of at most `limit` characters.
fn shortened(text: &str, limit: usize) -> String {
    let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(limit) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

/// `Retry-After` in whole seconds (RFC 9110 section 10.2.3): a number, or a date. A date is measured against the answer's own `Date`, so that
/// two clocks that disagree do not matter, else against `now`; one in the past is 0. `None` where the header is absent or unreadable.
pub fn retry_after(answer: &Answer, now: SystemTime) -> Option<u32> {
    let value = answer.header("retry-after")?.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(value.parse().unwrap_or(u32::MAX));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let from = answer.header("date").and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or(now);
    let wait = until.duration_since(from).unwrap_or_default();
    let up = u64::from(wait > Duration::from_secs(wait.as_secs()));
    Some(u32::try_from(wait.as_secs() + up).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        Answer {
            status,
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn of(intent: Intent, answer: &Answer) -> Failure {
        of_answer(Method::Post, "https://h/v2/Users?filter=secret", intent, answer, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn every_status_has_its_kind() {
        for (status, kind) in [
            (302, Kind::Rejected),
            (400, Kind::Rejected),
            (401, Kind::Unauthenticated),
            (403, Kind::Forbidden),
            (404, Kind::NotFound),
            (405, Kind::Unsupported),
            (408, Kind::TimedOut),
            (409, Kind::Conflict),
            (412, Kind::Conflict),
            (413, Kind::Rejected),
            (422, Kind::Rejected),
            (429, Kind::RateLimited(None)),
            (500, Kind::Unavailable),
            (501, Kind::Unsupported),
            (502, Kind::Unavailable),
            (503, Kind::Unavailable),
            (504, Kind::TimedOut),
        ] {
            let failure = of(Intent::Other, &answer(status, &[], ""));
            assert_eq!(format!("{:?}", failure.kind), format!("{kind:?}"), "{status}");
            assert!(failure.message.starts_with(&format!("POST /v2/Users answered {status}")), "{}", failure.message);
        }
    }

    #[test]
    fn a_create_that_meets_another_is_told_from_other_conflicts() {
        let unique =
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","scimType":"uniqueness","detail":"taken"}"#;
        assert!(matches!(of(Intent::Create, &answer(409, &[], unique)).kind, Kind::AlreadyExists));
        assert!(matches!(of(Intent::Create, &answer(409, &[], "")).kind, Kind::AlreadyExists));
        assert!(matches!(of(Intent::Create, &answer(400, &[], unique)).kind, Kind::AlreadyExists));
        assert!(matches!(of(Intent::Create, &answer(409, &[], r#"{"scimType":"mutability"}"#)).kind, Kind::Conflict));
        assert!(matches!(of(Intent::Other, &answer(409, &[], unique)).kind, Kind::Conflict));
        assert_eq!(of(Intent::Other, &answer(409, &[], unique)).message, "POST /v2/Users answered 409 (uniqueness): taken");
    }

    #[test]
    fn duplicates_told_in_words_only_where_that_is_asked_for() {
        for status in [400, 422, 500] {
            let answer = answer(status, &[], r#"{"detail":"User name Already Exists."}"#);
            assert!(matches!(of(Intent::CreateUnmarked, &answer).kind, Kind::AlreadyExists));
            assert!(!matches!(of(Intent::Create, &answer).kind, Kind::AlreadyExists));
        }
        assert!(matches!(of(Intent::CreateUnmarked, &answer(400, &[], "no such country")).kind, Kind::Rejected));
        assert!(matches!(of(Intent::CreateUnmarked, &answer(409, &[], "")).kind, Kind::AlreadyExists));
    }

    #[test]
    fn the_servers_words_are_bounded_and_web_pages_left_out() {
        let long = format!(r#"{{"detail":"{}"}}"#, "x\\n".repeat(5_000));
        assert!(of(Intent::Other, &answer(400, &[], &long)).message.len() < 400);
        assert!(of(Intent::Other, &answer(500, &[], &"é".repeat(100_000))).message.len() < 700);
        let page = answer(502, &[("content-type", "text/html; charset=utf-8")], "<html>Bad gateway</html>");
        assert_eq!(of(Intent::Other, &page).message, "POST /v2/Users answered 502");
    }

    #[test]
    fn retry_after_as_seconds_and_as_date() {
        let at =
            |headers: &[(&str, &str)]| retry_after(&answer(429, headers, ""), SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_500));
        assert_eq!(at(&[]), None);
        assert_eq!(at(&[("retry-after", " 120 ")]), Some(120));
        assert_eq!(at(&[("retry-after", "99999999999")]), Some(u32::MAX));
        assert_eq!(at(&[("retry-after", "-1")]), None);
        assert_eq!(at(&[("retry-after", "soon")]), None);
        let date = "Wed, 21 Oct 2015 07:28:00 GMT";
        assert_eq!(at(&[("retry-after", date), ("date", "Wed, 21 Oct 2015 07:27:30 GMT")]), Some(30));
        assert_eq!(at(&[("retry-after", date), ("date", "Wed, 21 Oct 2015 07:29:00 GMT")]), Some(0));
        // Without a Date the own clock counts, rounded up: 1 000.5 s after the epoch to 1 010 s.
        assert_eq!(at(&[("retry-after", "Thu, 01 Jan 1970 00:16:50 GMT")]), Some(10));
    }

    proptest! {
        #[test]
        fn retry_after_takes_anything(value in any::<String>(), date in any::<String>()) {
            let _ = retry_after(&answer(429, &[("retry-after", &value), ("date", &date)], ""), SystemTime::UNIX_EPOCH);
        }

        #[test]
        fn retry_after_dates_come_back(from in 0u64..4_000_000_000, wait in 0u32..10_000_000) {
            let date = |seconds| httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
            let answer = answer(429, &[("retry-after", &date(from + u64::from(wait))), ("date", &date(from))], "");
            prop_assert_eq!(retry_after(&answer, SystemTime::UNIX_EPOCH), Some(wait));
        }

        #[test]
        fn any_error_body_gives_a_short_message(status in 300u16..=599, body in any::<Vec<u8>>()) {
            let answer = Answer { status, headers: vec![], body };
            prop_assert!(of(Intent::Create, &answer).message.chars().count() < 500);
        }
    }
}
