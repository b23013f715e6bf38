//! Addresses: the base URL of the manifest, the resources below it, where a redirect leads.

use crate::resource::Resource;
use fluent_uri::{Uri, UriRef};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sdk::Failure;

/// Everything but the unreserved characters of RFC 3986 section 2.3: right for a path segment and for a query value.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The property `URL`: where `Users` and `Groups` are found.
#[derive(Clone, Debug)]
pub struct Base(String);

impl Base {
    /// An absolute `http` or `https` URL without user, query and fragment; a path is kept, slashes at its end are not.
    pub fn parse(url: &str) -> Result<Self, Failure> {
        let wrong =
            |why: &str| Failure::invalid_settings(format!("property URL {why}; expected something like https://scim.example.com/v2"));
        let uri = Uri::parse(url.trim()).map_err(|_| wrong("is not a URL"))?;
        if !matches!(uri.scheme().as_str(), "http" | "https") {
            return Err(wrong("must begin with http:// or https://"));
        }
        match uri.authority() {
            Some(authority) if authority.has_userinfo() => {
                return Err(wrong("must not contain a user or password (set User and Password)"));
            }
            Some(authority) if !authority.host().is_empty() => {}
            _ => return Err(wrong("names no host")),
        }
        if uri.has_query() || uri.has_fragment() {
            return Err(wrong("must not contain ? or #"));
        }
        Ok(Self(uri.as_str().trim_end_matches('/').to_owned()))
    }

    /// `{base}/{path}`, for endpoints without id.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}/{path}", self.0)
    }

    /// `{base}` with the path of the property `scim.csrf.token.path`, which may have a query and need not begin with a slash.
    pub fn below(&self, path: &str) -> Result<String, Failure> {
        let url = format!("{}/{}", self.0, path.trim_start_matches('/'));
        match Uri::parse(url.as_str()) {
            Ok(uri) if !uri.has_fragment() => Ok(url),
            _ => Err(Failure::invalid_settings(format!(
                "property scim.csrf.token.path must be a path below URL such as /api/v1/scim/Users?count=1, not {path:?}"
            ))),
        }
    }

    /// `{base}/Users?name=value&...`.
    pub fn list(&self, resource: Resource, parameters: &[(&str, &str)]) -> String {
        let mut url = self.endpoint(resource.path());
        for (number, (name, value)) in parameters.iter().enumerate() {
            url.push(if number == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            url.extend(utf8_percent_encode(value, RESERVED));
        }
        url
    }

    /// `{base}/Users/{id}`. The id is one path segment whatever is in it; an id that cannot be one is `rejected`, for a server would read
    /// it as the collection itself.
    pub fn entity(&self, resource: Resource, id: &str) -> Result<String, Failure> {
        if matches!(id, "" | "." | "..") {
            return Err(Failure::rejected(format!("{id:?} cannot be the id of a SCIM resource")));
        }
        Ok(format!("{}/{}/{}", self.0, resource.path(), utf8_percent_encode(id, RESERVED)))
    }
}

/// Text as one segment of a path.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Where a redirect leads; `None` where `Location` cannot be read or is neither http nor https.
pub fn redirected(from: &str, location: &str) -> Option<String> {
    let base = Uri::parse(from).ok()?;
    let target = UriRef::parse(location.trim()).ok()?.resolve_against(&base.strip_fragment()).ok()?;
    let usable = matches!(target.scheme().as_str(), "http" | "https")
        && target.authority().is_some_and(|a| !a.has_userinfo() && !a.host().is_empty());
    usable.then(|| target.strip_fragment().as_str().to_owned())
}

/// The id in the `Location` of a created resource: its last path segment, decoded.
pub fn last_segment(location: &str) -> Option<String> {
    let uri = UriRef::parse(location.trim()).ok()?;
    let segment = uri.path().as_str().trim_end_matches('/').rsplit('/').next().filter(|segment| !segment.is_empty())?;
    percent_decode_str(segment).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// A URL in the pieces wasi:http takes.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    pub https: bool,
    /// Host and port.
    pub authority: &'a str,
    /// Never empty.
    pub path_with_query: String,
}

/// Take apart a URL this module made.
pub fn parts(url: &str) -> Option<Parts<'_>> {
    let uri = Uri::parse(url).ok()?;
    let path = if uri.path().as_str().is_empty() { "/" } else { uri.path().as_str() };
    let path_with_query = match uri.query() {
        Some(query) => format!("{path}?{}", query.as_str()),
        None => path.to_owned(),
    };
    Some(Parts { https: uri.scheme().as_str() == "https", authority: uri.authority()?.as_str(), path_with_query })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn base(url: &str) -> Base {
        Base::parse(url).expect(url)
    }

    #[test]
    fn the_base_keeps_its_path_and_loses_its_slash() {
        let list =
            base(" https://h.example:8443/scim/v2/ ").list(Resource::User, &[("startIndex", "1"), ("filter", r#"userName eq "a b&c""#)]);
        assert_eq!(list, "https://h.example:8443/scim/v2/Users?startIndex=1&filter=userName%20eq%20%22a%20b%26c%22");
        assert_eq!(base("http://[::1]:80").entity(Resource::Group, "a/b?c").unwrap(), "http://[::1]:80/Groups/a%2Fb%3Fc");
    }

    #[test]
    fn a_base_that_cannot_be_one_is_refused_with_the_reason() {
        for (url, why) in [
            ("scim.example.com", "is not a URL"),
            ("ftp://h/x", "must begin with"),
            ("http://u:p@h/x", "must not contain a user"),
            ("http:///x", "names no host"),
            ("http://h/x?y=1", "must not contain ?"),
            ("http://h/x#y", "must not contain ?"),
        ] {
            let failure = Base::parse(url).unwrap_err();
            assert!(matches!(failure.kind, sdk::Kind::InvalidSettings) && failure.message.contains(why), "{url}: {}", failure.message);
        }
    }

    #[test]
    fn an_id_never_becomes_the_collection() {
        for id in ["", ".", ".."] {
            assert!(base("http://h").entity(Resource::User, id).is_err());
        }
    }

    #[test]
    fn redirects_resolve_as_rfc_3986_says() {
        let from = "https://h/v2/Users?startIndex=1";
        assert_eq!(redirected(from, "/v3/Users?startIndex=1").as_deref(), Some("https://h/v3/Users?startIndex=1"));
        assert_eq!(redirected(from, "Users/").as_deref(), Some("https://h/v2/Users/"));
        assert_eq!(redirected(from, "//o/x#f").as_deref(), Some("https://o/x"));
        assert_eq!(redirected(from, "http://o:81/x").as_deref(), Some("http://o:81/x"));
        assert_eq!(redirected(from, "file:///etc/passwd"), None);
        assert_eq!(redirected(from, "https://u:p@o/x"), None);
        assert_eq!(redirected(from, "ht tp"), None);
    }

    #[test]
    fn the_id_of_a_location() {
        assert_eq!(last_segment("https://h/v2/Users/a%2Fb").as_deref(), Some("a/b"));
        assert_eq!(last_segment("/Users/7/").as_deref(), Some("7"));
        assert_eq!(last_segment("https://h"), None);
    }

    proptest! {
        #[test]
        fn any_id_is_one_segment_and_comes_back(id in "\\PC{1,20}") {
            prop_assume!(id != "." && id != "..");
            let url = base("https://h/v2").entity(Resource::User, &id).unwrap();
            let parts = parts(&url).unwrap();
            prop_assert_eq!(parts.path_with_query.matches('/').count(), 3);
            prop_assert!(!parts.path_with_query.contains('?'));
            prop_assert_eq!(last_segment(&url), Some(id));
        }

        #[test]
        fn any_query_value_stays_one_value(value in any::<String>()) {
            let url = base("https://h").list(Resource::User, &[("filter", &value), ("count", "1")]);
            let query = Uri::parse(url.as_str()).unwrap().query().unwrap().as_str().to_owned();
            let (filter, count) = query.split_once('&').unwrap();
            prop_assert_eq!(count, "count=1");
            let decoded = percent_decode_str(filter.strip_prefix("filter=").unwrap()).decode_utf8().unwrap().into_owned();
            prop_assert_eq!(decoded, value);
        }

        #[test]
        fn no_location_breaks_anything(location in any::<String>()) {
            let _ = last_segment(&location);
            if let Some(url) = redirected("https://h/v2/Users", &location) {
                prop_assert!(parts(&url).is_some());
            }
        }
    }
}
