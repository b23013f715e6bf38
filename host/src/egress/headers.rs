//! The headers of a request on its way out: what a component may not say, and what the operator adds.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::error::EgressError;
use super::origin::{Origin, Scheme};

/// Headers that belong to a connection, not to a request (RFC 9110 section 7.6.1). hyper writes those it needs.
const CONNECTION_HEADERS: [HeaderName; 6] =
    [header::CONNECTION, HeaderName::from_static("keep-alive"), header::TE, header::TRAILER, header::TRANSFER_ENCODING, header::UPGRADE];

/// Whether a header is dropped from every request: it belongs to the connection or to a proxy.
fn is_dropped(name: &HeaderName) -> bool {
    CONNECTION_HEADERS.contains(name) || name.as_str().starts_with("proxy-")
}

/// Drop what belongs to the connection, and check that `Host` and `Content-Length` say nothing but what the URI and the body say.
pub(super) fn clean(headers: &mut HeaderMap, origin: &Origin) -> Result<(), EgressError> {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let dropped: Vec<HeaderName> = headers.keys().filter(|name| is_dropped(name) || named.contains(name)).cloned().collect();
    for name in &dropped {
        headers.remove(name);
    }
    for value in headers.get_all(header::HOST) {
        if !is_host_of(value, origin) {
            return Err(EgressError::request(format!("the header Host names another place than the URL, {origin}; leave it out")));
        }
    }
    // hyper writes it from the URI.
    headers.remove(header::HOST);
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    if let Some(first) = lengths.next()
        && (lengths.any(|other| other != first) || declared_length(headers).is_none())
    {
        return Err(EgressError::request("the header Content-Length must be one number"));
    }
    Ok(())
}

/// The length a request declares.
pub(super) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?;
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn is_host_of(value: &HeaderValue, origin: &Origin) -> bool {
    let scheme = match origin.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    value.to_str().is_ok_and(|text| format!("{scheme}://{text}").parse::<Origin>().is_ok_and(|named| named == *origin))
}

/// Headers the operator adds (`ips.http.header.NAME`, spec/connectors.md section 1.1). They lose against headers the component sets itself,
/// and `authorization` is ignored where the system has credentials.
#[derive(Clone, Default)]
pub struct ExtraHeaders(HeaderMap);

impl ExtraHeaders {
    /// Read names and values as they stand in the manifest. Headers that only the host may write are an error.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, EgressError> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let wrong = |reason: &str| EgressError::request(format!("the extra header {name:?} {reason}"));
            let name: HeaderName = name.parse().map_err(|_| wrong("is not a header name"))?;
            if is_dropped(&name) || [header::HOST, header::CONTENT_LENGTH].contains(&name) {
                return Err(wrong("is written by the host alone; remove it"));
            }
            let mut value = HeaderValue::from_str(value).map_err(|_| wrong("has a value that no header can have"))?;
            // Operators put API keys here.
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(Self(headers))
    }

    pub(super) fn add_to(&self, headers: &mut HeaderMap, has_credentials: bool) {
        for (name, value) in &self.0 {
            let loses = headers.contains_key(name) || (has_credentials && name == header::AUTHORIZATION);
            if !loses {
                headers.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn cleaned(pairs: &[(&'static str, &'static str)]) -> Result<Vec<String>, EgressError> {
        let mut headers = HeaderMap::new();
        for &(name, value) in pairs {
            headers.append(name, HeaderValue::from_static(value));
        }
        clean(&mut headers, &"https://host".parse().unwrap())?;
        Ok(headers.keys().map(ToString::to_string).collect())
    }

    #[test]
    fn what_belongs_to_the_connection_is_dropped() {
        let left = cleaned(&[
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "x"),
            ("proxy-anything", "x"),
            ("accept", "*/*"),
        ]);
        assert_eq!(left.unwrap(), ["accept"]);
    }

    #[test]
    fn the_host_header_says_what_the_url_says() {
        for host in ["host", "HOST", "host:443"] {
            assert!(cleaned(&[("host", host)]).unwrap().is_empty(), "{host}");
        }
        for host in ["other", "host:80", "host/x", "a@host", "", "other\\@host"] {
            assert_eq!(cleaned(&[("host", host)]).unwrap_err().code(), "egress.request", "{host}");
        }
        assert!(cleaned(&[("host", "host"), ("host", "other")]).is_err());
    }

    #[test]
    fn one_length() {
        assert!(cleaned(&[("content-length", "5")]).is_ok());
        assert!(cleaned(&[("content-length", "5"), ("content-length", "5")]).is_ok());
        for second in ["6", "+5", "x"] {
            assert!(cleaned(&[("content-length", "5"), ("content-length", second)]).is_err(), "{second}");
        }
        assert!(cleaned(&[("content-length", "+5")]).is_err());
        assert!(cleaned(&[("content-length", "")]).is_err());
    }

    #[test]
    fn extra_headers_lose() {
        let extra = ExtraHeaders::parse([("X-One", "extra"), ("x-two", "extra"), ("Authorization", "extra")]).unwrap();
        let mut headers = map(&[("x-one", "own")]);
        extra.add_to(&mut headers, true);
        assert_eq!(headers, map(&[("x-one", "own"), ("x-two", "extra")]));
        extra.add_to(&mut headers, false);
        assert_eq!(headers["authorization"], "extra");
        for pair in [("host", "x"), ("proxy-x", "x"), ("connection", "x"), ("content-length", "1"), ("a b", "x"), ("x", "a\nb")] {
            assert!(ExtraHeaders::parse([pair]).is_err(), "{pair:?}");
        }
    }
}
