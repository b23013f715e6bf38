//! One page of a list as the server sent it: the `ListResponse` (RFC 7644 section 3.4.2, RFC 9865 section 2).

use sdk::Failure;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct ListResponse<'a> {
    #[serde(borrow, rename = "totalResults", alias = "totalresults", default)]
    total: Option<&'a RawValue>,
    #[serde(borrow, rename = "Resources", alias = "resources", default)]
    resources: Option<Vec<&'a RawValue>>,
    #[serde(rename = "nextCursor", default)]
    next_cursor: Option<String>,
}

/// What the server sent: resources as the text they had.
#[derive(Debug)]
pub struct List<'a> {
    /// How many resources the query has in all, if the server says so.
    pub total: Option<u64>,
    pub resources: Vec<&'a RawValue>,
    /// Where a list that is read by cursor continues.
    pub next_cursor: Option<String>,
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
        let next_cursor = list.next_cursor.filter(|cursor| !cursor.is_empty());
        Ok(Self { total, resources: list.resources.unwrap_or_default(), next_cursor })
    }
}
