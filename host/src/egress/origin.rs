//! Names of places: a host, an origin (scheme, host and port) for HTTP, an endpoint (host and port) for `dial`.
//!
//! | text | means |
//! | --- | --- |
//! | `https://api.example.com` | an origin; the port is that of the scheme (443, 80) |
//! | `https://api.example.com:8443` | an origin |
//! | `http://[::1]:8080` | an origin with an IPv6 address |
//! | `ldap.example.com:389`, `[::1]:636` | an endpoint |
//! | `ldap://ldap.example.com`, `ldaps://ldap.example.com:1636` | an endpoint; the ports of `ldap` and `ldaps` are 389 and 636 |
//!
//! A grant is exactly this and nothing more: a path, a query, user information or a wildcard is refused instead of being ignored, since
//! whoever wrote it expects it to matter. Wildcards are absent on purpose: one host name is one decision. Host names are compared in the
//! form the URL standard gives them (lower case, Punycode, `0x7f.1` becomes `127.0.0.1`), so no second spelling gets past a comparison.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::error::GrantError;

/// A host name or a literal address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// Lower case, ASCII (Punycode).
    Name(String),
    Address(IpAddr),
}

impl Host {
    /// Read a host as it stands in a URL: IPv6 addresses in brackets.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        if text.contains('*') {
            return Err(GrantError::new(text, "wildcards are not supported: grant each host by its name"));
        }
        match url::Host::parse(text) {
            Ok(url::Host::Domain(name)) => Ok(Self::Name(name)),
            Ok(url::Host::Ipv4(address)) => Ok(Self::Address(address.into())),
            Ok(url::Host::Ipv6(address)) => Ok(Self::Address(address.into())),
            Err(error) => Err(GrantError::new(text, &format!("not a host name or address ({error}); IPv6 addresses stand in brackets"))),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// The two schemes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn parse(text: &str) -> Option<Self> {
        match text {
            _ if text.eq_ignore_ascii_case("http") => Some(Self::Http),
            _ if text.eq_ignore_ascii_case("https") => Some(Self::Https),
            _ => None,
        }
    }

    /// The port that is meant when none is written.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Scheme, host and port (RFC 6454).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    pub scheme: Scheme,
    pub host: Host,
    pub port: u16,
}

impl Origin {
    /// The origin of an absolute URL, whatever path and query follow. This is what "the origin of property `URL`" means.
    pub fn of_url(text: &str) -> Result<Self, GrantError> {
        let (origin, _) = Self::split(text)?;
        Ok(origin)
    }

    /// The origin a request goes to. The URI of a request to `wasi:http` is absolute.
    pub fn of_uri(uri: &http::Uri) -> Result<Self, GrantError> {
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(GrantError::new(uri.path(), "the request has no scheme or no host"));
        };
        Self::split(&format!("{scheme}://{authority}")).map(|(origin, _)| origin)
    }

    /// The origin, and what follows it in the text.
    fn split(text: &str) -> Result<(Self, &str), GrantError> {
        let shape = || GrantError::new(text, "write it as https://host or https://host:port");
        let (scheme, rest) = text.split_once("://").ok_or_else(shape)?;
        let scheme = Scheme::parse(scheme).ok_or_else(|| GrantError::new(text, "the scheme must be http or https"))?;
        let (authority, rest) = split_authority(rest);
        let (host, port) = split_port(text, authority)?;
        Ok((
            Self { scheme, host: Host::parse(host).map_err(|error| error.within(text))?, port: port.unwrap_or(scheme.default_port()) },
            rest,
        ))
    }
}

impl FromStr for Origin {
    type Err = GrantError;

    /// Read a grant: an origin and nothing after it but one `/`.
    fn from_str(text: &str) -> Result<Self, GrantError> {
        match Self::split(text)? {
            (origin, "" | "/") => Ok(origin),
            (origin, _) => Err(GrantError::new(text, &format!("a grant is an origin without path or query: write {origin}"))),
        }
    }
}

impl fmt::Display for Origin {
    /// The port is left out where it is that of the scheme.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port == self.scheme.default_port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// Host and port of something that is not HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    pub host: Host,
    pub port: u16,
}

impl Endpoint {
    /// The endpoint of a property's value: as in a grant, and a URL may go on after the authority (`ldap://host/dc=example`, RFC 4516).
    pub fn of_url(text: &str) -> Result<Self, GrantError> {
        Self::split(text).map(|(endpoint, _)| endpoint)
    }

    fn split(text: &str) -> Result<(Self, &str), GrantError> {
        let (default_port, rest) = match text.split_once("://") {
            None => (None, text),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ldap") => (Some(389), rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ldaps") => (Some(636), rest),
            Some(_) => return Err(GrantError::new(text, "write it as host:port, ldap://host or ldaps://host")),
        };
        let (authority, rest) = split_authority(rest);
        let (host, port) = split_port(text, authority)?;
        let port = port.or(default_port).ok_or_else(|| GrantError::new(text, "the port is missing: write host:port"))?;
        Ok((Self { host: Host::parse(host).map_err(|error| error.within(text))?, port }, rest))
    }
}

impl FromStr for Endpoint {
    type Err = GrantError;

    /// Read a grant, or what a component dials.
    fn from_str(text: &str) -> Result<Self, GrantError> {
        match Self::split(text)? {
            (endpoint, "" | "/") => Ok(endpoint),
            (endpoint, _) => Err(GrantError::new(text, &format!("a grant is a host and a port and nothing more: write {endpoint}"))),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Cut where the authority ends (RFC 3986 section 3.2; the backslash as browsers read it, so that no reader disagrees about the host).
fn split_authority(text: &str) -> (&str, &str) {
    text.split_at(text.find(['/', '?', '#', '\\']).unwrap_or(text.len()))
}

/// Host (still in brackets) and port of an authority. `whole` is the text to name in an error.
fn split_port<'a>(whole: &str, authority: &'a str) -> Result<(&'a str, Option<u16>), GrantError> {
    if authority.contains('@') {
        return Err(GrantError::without_text("user name and password do not belong into a URL: use the system's auth settings"));
    }
    let (host, port) = match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => (&authority[..colon], Some(&authority[colon + 1..])),
        _ => (authority, None),
    };
    if host.is_empty() {
        return Err(GrantError::new(whole, "the host is missing"));
    }
    let port = match port {
        None => None,
        // `u16::from_str` takes a leading plus sign, which no URL allows.
        Some(digits) => match digits.parse::<u16>() {
            Ok(port) if port != 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(port),
            _ => return Err(GrantError::new(whole, "the port must be a number from 1 to 65535")),
        },
    };
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn origin(text: &str) -> String {
        text.parse::<Origin>().expect(text).to_string()
    }

    #[test]
    fn origins() {
        assert_eq!(origin("https://api.example.com"), "https://api.example.com");
        assert_eq!(origin("HTTPS://API.Example.COM:443/"), "https://api.example.com");
        assert_eq!(origin("http://host:443"), "http://host:443");
        assert_eq!(origin("http://[::1]:8080"), "http://[::1]:8080");
        assert_eq!(origin("https://bücher.example"), "https://xn--bcher-kva.example");
        assert_eq!(origin("http://0x7f.1"), "http://127.0.0.1");
        assert_eq!(origin("http://2130706433:8080"), "http://127.0.0.1:8080");
    }

    #[test]
    fn what_is_not_an_origin() {
        for (text, part) in [
            ("", "write it as"),
            ("api.example.com", "write it as"),
            ("ftp://host", "scheme"),
            ("https://", "host is missing"),
            ("https://:443", "host is missing"),
            ("https://host:", "port"),
            ("https://host:0", "port"),
            ("https://host:+80", "port"),
            ("https://host:65536", "port"),
            ("https://host/scim", "write https://host"),
            ("https://host?x", "write https://host"),
            ("https://host\\@evil", "write https://host"),
            ("https://*.example.com", "wildcards"),
            ("https://ho st", "not a host"),
            ("https://::1", "not a host"),
            ("https://[::1", "not a host"),
        ] {
            let error = text.parse::<Origin>().expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        let error = "https://anna:s3cret@host".parse::<Origin>().unwrap_err().to_string();
        assert!(error.contains("auth settings") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn endpoints() {
        for (text, expected) in [
            ("ldap://Dir.example.com", "dir.example.com:389"),
            ("ldaps://dir.example.com/", "dir.example.com:636"),
            ("ldaps://dir.example.com:1636", "dir.example.com:1636"),
            ("db:5432", "db:5432"),
            ("[::1]:636", "[::1]:636"),
            ("127.1:389", "127.0.0.1:389"),
        ] {
            assert_eq!(text.parse::<Endpoint>().expect(text).to_string(), expected);
        }
        for text in ["", "host", "host:", "::1", "[::1]", "ldap://host/dc=example", "https://host", "a@b:1", "host:1/x"] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
        assert_eq!(Endpoint::of_url("ldap://host:390/dc=example,dc=org??sub").unwrap().to_string(), "host:390");
    }

    #[test]
    fn the_origin_of_a_url_and_of_a_request() {
        assert_eq!(Origin::of_url("https://host:8443/scim/v2?x=y#z").unwrap().to_string(), "https://host:8443");
        let uri: http::Uri = "https://Host/scim".parse().unwrap();
        assert_eq!(Origin::of_uri(&uri).unwrap().to_string(), "https://host");
        let userinfo: http::Uri = "https://granted@evil/scim".parse().unwrap();
        assert!(Origin::of_uri(&userinfo).is_err());
        let relative: http::Uri = "/scim".parse().unwrap();
        assert!(Origin::of_uri(&relative).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = text.parse::<Origin>();
            let _ = text.parse::<Endpoint>();
        }

        /// What was read and printed reads as the same thing.
        #[test]
        fn printing_and_reading_agree(
            scheme in "https?", host in "[a-zA-Z0-9.-]{1,20}|\\[[0-9a-f:]{2,10}\\]|[0-9x.]{1,16}", port in proptest::option::of(1u16..)
        ) {
            let text = port.map_or_else(|| format!("{scheme}://{host}"), |port| format!("{scheme}://{host}:{port}"));
            if let Ok(origin) = text.parse::<Origin>() {
                prop_assert_eq!(origin.to_string().parse::<Origin>().unwrap(), origin);
            }
            let text = format!("{host}:{}", port.unwrap_or(1));
            if let Ok(endpoint) = text.parse::<Endpoint>() {
                prop_assert_eq!(endpoint.to_string().parse::<Endpoint>().unwrap(), endpoint);
            }
        }

        /// The host that is compared is the host a URL library would connect to.
        #[test]
        fn the_host_is_the_one_of_the_url_standard(text in "https?://[a-z0-9@:/?#.\\[\\]%-]{1,24}") {
            if let (Ok(origin), Ok(url)) = (Origin::of_url(&text), url::Url::parse(&text)) {
                prop_assert_eq!(Some(origin.host.to_string()), url.host_str().map(str::to_owned));
                prop_assert_eq!(Some(origin.port), url.port_or_known_default());
            }
        }
    }
}
