//! What a client asks a list for: in the query of a GET or in the body of `.search` (RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865).

use serde_json::Value;

use super::{
    backend::{Catalogue, Page, Sort},
    error::{ScimError, ScimType},
    filter::Filter,
    projection::Projection,
};

/// The schema of a search request's body.
pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// A checked request for a list.
#[derive(Clone, Debug)]
pub(super) struct Search {
    pub filter: Option<Filter>,
    pub sort: Option<Sort>,
    pub page: Page,
    pub projection: Projection,
}

impl Search {
    /// From the query of a URL.
    pub(super) fn of_query(query: &[(String, String)], catalogue: &Catalogue) -> Result<Self, ScimError> {
        let get = |name: &str| query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
        let number = |name: &str, scim_type| {
            let parse = |text: &str| text.trim().parse::<i64>().map_err(|_| ScimError::bad(scim_type, format!("{name} is not an integer")));
            get(name).map(parse).transpose()
        };
        Self::new(
            get("filter"),
            get("sortBy"),
            get("sortOrder"),
            (number("startIndex", ScimType::InvalidValue)?, number("count", ScimType::InvalidCount)?, get("cursor")),
            projection(query)?,
            catalogue,
        )
    }

    /// From the body of a search request.
    pub(super) fn of_body(body: &Value, catalogue: &Catalogue) -> Result<Self, ScimError> {
        let syntax = |detail: String| ScimError::bad(ScimType::InvalidSyntax, detail);
        let object = body.as_object().ok_or_else(|| syntax("the body is not a JSON object".into()))?;
        let get = |name: &str| {
            object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).filter(|value| !value.is_null())
        };
        let named = |id: &Value| id.as_str().is_some_and(|id| id.eq_ignore_ascii_case(SEARCH_REQUEST));
        if !get("schemas").and_then(Value::as_array).is_some_and(|schemas| schemas.iter().any(named)) {
            return Err(syntax(format!("schemas does not name {SEARCH_REQUEST}")));
        }
        let text = |name: &str| get(name).map(|value| value.as_str().ok_or_else(|| syntax(format!("{name} is not a string")))).transpose();
        let number =
            |name: &str| get(name).map(|value| value.as_i64().ok_or_else(|| syntax(format!("{name} is not an integer")))).transpose();
        let list = |name: &str| -> Result<Vec<&str>, ScimError> {
            match get(name) {
                None => Ok(Vec::new()),
                Some(Value::String(text)) => Ok(vec![text.as_str()]),
                Some(Value::Array(all)) => {
                    all.iter().map(|one| one.as_str().ok_or_else(|| syntax(format!("{name} holds what is no string")))).collect()
                }
                Some(_) => Err(syntax(format!("{name} is not a list"))),
            }
        };
        Self::new(
            text("filter")?,
            text("sortBy")?,
            text("sortOrder")?,
            (number("startIndex")?, number("count")?, text("cursor")?),
            Projection::parse(list("attributes")?, list("excludedAttributes")?)?,
            catalogue,
        )
    }

    fn new(
        filter: Option<&str>,
        sort_by: Option<&str>,
        sort_order: Option<&str>,
        (start, count, cursor): (Option<i64>, Option<i64>, Option<&str>),
        projection: Projection,
        catalogue: &Catalogue,
    ) -> Result<Self, ScimError> {
        let filter = filter
            .map(|text| {
                Filter::parse(text)
                    .map_err(|error| ScimError::bad(ScimType::InvalidFilter, format!("the filter is not understood {error}")))
            })
            .transpose()?;
        // Where the backend does not sort, a wish for it is passed over (RFC 7644 section 3.4.2.3 leaves it optional).
        let sort = sort_by
            .filter(|text| catalogue.sorting && !text.trim().is_empty())
            .map(|text| {
                let by = text.trim().parse().map_err(|error: String| ScimError::bad(ScimType::InvalidPath, error))?;
                let descending = sort_order.is_some_and(|order| order.eq_ignore_ascii_case("descending"));
                Ok::<_, ScimError>(Sort { by, descending })
            })
            .transpose()?;
        // A negative count is taken for 0, a start below 1 for 1 (RFC 7644 table 6).
        let count = count.map_or(catalogue.default_count, |count| u64::try_from(count).unwrap_or(0)).min(catalogue.most);
        let page = match cursor {
            Some(_) if !catalogue.cursors => {
                return Err(ScimError::bad(ScimType::InvalidCursor, "there are no cursors here; use startIndex"));
            }
            Some(cursor) => Page::Cursor { cursor: Some(cursor.to_owned()).filter(|cursor| !cursor.is_empty()), count },
            None => Page::Index { start: start.map_or(1, |start| u64::try_from(start).unwrap_or(1).max(1)), count },
        };
        Ok(Self { filter, sort, page, projection })
    }
}

/// What of the answer is wanted, from the query of any request.
pub(super) fn projection(query: &[(String, String)]) -> Result<Projection, ScimError> {
    let all = |name: &'static str| query.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
    Projection::parse(all("attributes"), all("excludedAttributes"))
}
