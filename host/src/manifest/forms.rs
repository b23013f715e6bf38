//! What a text in a manifest has to look like.
//!
//! | form | example |
//! | --- | --- |
//! | path | `people.csv` |
//! | plugin id | `file` |
//! | system name | `HR export` |
//! | environment name | `DIRECTORY_TOKEN` |
//! | URL | `https://directory.example.com/scim/v2` |
//! | origin | `https://directory.example.com`, `http://127.0.0.1:8080` |
//! | endpoint | `ldap.example.com:389`, `[::1]:389` |
//! | mail address | `iam@example.com` |
//! | network | `10.0.0.0/8`, `127.0.0.1`, `::1/128` |
//! | SHA-256 | 64 hexadecimal digits |

use std::net::IpAddr;

use ipnet::IpNet;
use url::Url;

const NO_WILDCARDS: &str = "there are no wildcards: name each host";

/// How many characters of a text a message repeats.
const LONGEST_SHOWN: usize = 120;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Any,
    NotEmpty,
    /// A file or folder, relative to the manifest.
    Path,
    /// `wit/descriptor.wit`: lower-case letters, digits and `-`.
    PluginId,
    /// spec/provisioning.md section 1.1.
    SystemName,
    EnvironmentName,
    /// An absolute `http` or `https` URL without credentials.
    HttpUrl,
    /// Scheme, host and port; nothing after it.
    Origin,
    /// `host:port`.
    Endpoint,
    /// A CIDR range or one address.
    Network,
    /// RFC 5321 section 4.1.2, without a display name.
    MailAddress,
    /// A digest in hexadecimal.
    Sha256,
}

impl Form {
    /// Whether the text has this form; else what would be right.
    pub(super) fn check(self, text: &str) -> Result<(), String> {
        let fine = match self {
            Self::Any => true,
            Self::NotEmpty => !text.trim().is_empty(),
            Self::Path => !text.trim().is_empty() && !text.contains('\0'),
            Self::PluginId => !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            Self::SystemName => {
                !text.trim().is_empty()
                    && text.chars().count() <= 100
                    && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_. ".contains(c))
            }
            Self::EnvironmentName => !text.is_empty() && !text.contains(['=', '\0']) && !text.contains(char::is_whitespace),
            Self::HttpUrl => return http_url(text).map(|_| ()),
            Self::Origin => return origin(text).map(|_| ()),
            Self::Endpoint => return endpoint(text).map(|_| ()),
            Self::Network => network(text).is_some(),
            Self::MailAddress => mail_address(text),
            Self::Sha256 => text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit()),
        };
        if fine { Ok(()) } else { Err(self.what_is_right().to_owned()) }
    }

    fn what_is_right(self) -> &'static str {
        match self {
            Self::Any | Self::NotEmpty => "it must not be empty",
            Self::Path => "write the path of a file or folder, relative to the manifest",
            Self::PluginId => "the id of a plugin has lower-case letters, digits and \"-\"",
            Self::SystemName => "the name of a system has at most 100 characters: letters, digits, \"-\", \"_\", \".\" and space",
            Self::EnvironmentName => "write the name of an environment variable, such as \"DIRECTORY_TOKEN\"",
            Self::HttpUrl => "write an absolute URL, such as \"https://directory.example.com/scim/v2\"",
            Self::Origin => "write scheme, host and port and nothing else, such as \"https://api.example.com\"",
            Self::Endpoint => "write host and port, such as \"ldap.example.com:389\"",
            Self::Sha256 => "write the 64 hexadecimal digits that provisor token prints, not the token",
            Self::Network => "write an address range, such as \"10.20.0.0/16\" or \"127.0.0.1/32\"",
            Self::MailAddress => "write an address and nothing around it, such as \"iam@example.com\"",
        }
    }

    /// A regular expression for editors. It may let pass what [`Form::check`] refuses, never the other way round.
    pub(super) fn pattern(self) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::NotEmpty | Self::Path => Some(r"\S"),
            Self::PluginId => Some("^[a-z0-9-]+$"),
            Self::SystemName => Some("^[A-Za-z0-9._ -]{1,100}$"),
            Self::EnvironmentName => Some(r"^[^=\s]+$"),
            Self::HttpUrl | Self::Origin => Some("^[Hh][Tt][Tt][Pp][Ss]?://"),
            Self::Endpoint => Some("^.+:[0-9]{1,5}$"),
            Self::Network => Some("^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$"),
            Self::MailAddress => Some("^[^@]+@[^@]+$"),
            Self::Sha256 => Some("^[0-9A-Fa-f]{64}$"),
        }
    }
}

/// A text as messages repeat it: quoted, cut, and without what may be a password in a URL.
pub(super) fn shown(text: &str) -> String {
    let text = match text.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://...@{host}"),
            None => text.to_owned(),
        },
        None => text.to_owned(),
    };
    if text.chars().count() <= LONGEST_SHOWN {
        return format!("{text:?}");
    }
    format!("{:?}...", text.chars().take(LONGEST_SHOWN).collect::<String>())
}

/// An absolute `http` or `https` URL. User and password in it are refused: credentials belong to the host and come from a secret.
pub(super) fn http_url(text: &str) -> Result<Url, String> {
    let right = || Form::HttpUrl.what_is_right().to_owned();
    let url = Url::parse(text).map_err(|_| right())?;
    // The parser forgives `https:host` and blanks around it; the pattern for editors and other readers of the value do not.
    let scheme = text.split_once("://").map(|(scheme, _)| scheme).ok_or_else(right)?;
    if !["http", "https"].contains(&url.scheme()) || !scheme.eq_ignore_ascii_case(url.scheme()) || url.host_str().is_none() {
        return Err(right());
    }
    if text.contains(char::is_whitespace) || text.contains(char::is_control) {
        return Err("leave blanks and line breaks out of the URL".to_owned());
    }
    if url.host_str().is_some_and(|host| host.contains('*')) {
        return Err(NO_WILDCARDS.to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("leave user and password out of the URL and write them under auth".to_owned());
    }
    Ok(url)
}

/// `https://api.example.com`, with the scheme's own port left out and the host in lower case.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let url = http_url(text)?;
    if !["", "/"].contains(&url.path()) || url.query().is_some() || url.fragment().is_some() {
        return Err(Form::Origin.what_is_right().to_owned());
    }
    Ok(url.origin().ascii_serialization())
}

/// `host:port`, the host in lower case.
pub(super) fn endpoint(text: &str) -> Result<String, String> {
    let right = || Form::Endpoint.what_is_right().to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(right)?;
    let port: u16 = port.parse().ok().filter(|port| *port > 0).ok_or_else(right)?;
    if host.is_empty() || host.contains(['/', '@']) {
        return Err(right());
    }
    if host.contains('*') {
        return Err(NO_WILDCARDS.to_owned());
    }
    let host = url::Host::parse(host).map_err(|_| right())?;
    Ok(format!("{host}:{port}"))
}

/// A range; a single address is the range of itself.
pub(super) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// The characters of a dot-atom on both sides; what else RFC 5321 allows, no directory has.
fn mail_address(text: &str) -> bool {
    let part = |part: &str, more: &str| {
        let fine = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
        part.split('.').all(fine)
    };
    text.split_once('@').is_some_and(|(user, domain)| part(user, "!#$%&'*+-/=?^_`{|}~") && part(domain, "-")) && text.len() <= 254
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_is_right_and_refuses_the_rest() {
        let cases: [(Form, &[&str], &[&str]); 9] = [
            (Form::Path, &["people.csv", "/abs/x", "../x", "a b"], &["", "  ", "a\0b"]),
            (Form::PluginId, &["file", "ldap-2"], &["", "File", "a_b", "a.wasm"]),
            (Form::SystemName, &["hr", "HR export_1.2-x"], &["", " ", "hr/x", "hré", &"x".repeat(101)]),
            (Form::EnvironmentName, &["TOKEN", "a.b"], &["", "A=B", "A B"]),
            (
                Form::HttpUrl,
                &["https://a.example/x?y", "http://127.0.0.1:1/", "http://[::1]/"],
                &[
                    "",
                    "a.example",
                    "/scim",
                    "ftp://a.example",
                    "https://u:p@a.example",
                    "https:a.example",
                    " https://a.example",
                    "https://",
                ],
            ),
            (
                Form::Origin,
                &["https://a.example", "https://a.example/", "http://a:1"],
                &["https://a.example/x", "https://a?q", "a.example", "https://a#f", "https://*.a"],
            ),
            (
                Form::Endpoint,
                &["a.example:389", "127.0.0.1:1", "[::1]:389"],
                &["a.example", ":1", "a:0", "a:65536", "::1:389x", "ldap://a:1", "u@a:1", "*.a:1", "::1:389"],
            ),
            (
                Form::MailAddress,
                &["a@b.example", "a.b+c@d-e"],
                &["", "a", "a@", "@b", "a@b@c", "A <a@b>", "a b@c", "a@b\r\nX: y", "a..b@c"],
            ),
            (Form::Network, &["10.0.0.0/8", "127.0.0.1", "::1", "fd00::/8"], &["10.0.0.0/33", "localhost", "10.0.0", ""]),
        ];
        for (form, right, wrong) in cases {
            for text in right {
                assert_eq!(form.check(text), Ok(()), "{form:?} {text:?}");
            }
            for text in wrong {
                assert!(form.check(text).is_err_and(|help| !help.is_empty()), "{form:?} {text:?}");
            }
        }
    }

    #[test]
    fn messages_repeat_no_passwords_and_no_novels() {
        assert_eq!(shown("a\"b"), r#""a\"b""#);
        assert_eq!(shown("https://u:p@x@a.example/b"), r#""https://...@a.example/b""#);
        assert_eq!(shown(&"x".repeat(500)).len(), LONGEST_SHOWN + 5);
    }

    #[test]
    fn origins_and_endpoints_have_one_spelling() {
        assert_eq!(origin("HTTPS://Api.Example.com:443/").as_deref(), Ok("https://api.example.com"));
        assert_eq!(origin("http://a:8080").as_deref(), Ok("http://a:8080"));
        assert_eq!(endpoint("LDAP.Example.com:389").as_deref(), Ok("ldap.example.com:389"));
        assert_eq!(endpoint("[::1]:636").as_deref(), Ok("[::1]:636"));
    }
}
