//! Distinguished names (RFC 4514): read, compared, built with every value escaped.

use std::fmt::{self, Write as _};

/// Names in names; a directory is not that deep.
const MOST_RDNS: usize = 200;

/// One step of a name: attribute and value, sometimes several at once (`cn=Ada+uid=7`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rdn(Vec<(String, Vec<u8>)>);

impl Rdn {
    pub fn new(attribute: &str, value: impl Into<Vec<u8>>) -> Self {
        Self(vec![(attribute.to_owned(), value.into())])
    }

    /// The value of this attribute in it.
    pub fn value(&self, attribute: &str) -> Option<&[u8]> {
        self.0.iter().find(|(name, _)| same_attribute(name, attribute)).map(|(_, value)| value.as_slice())
    }

    /// The attributes it is made of.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The same with this value of an attribute it is made of already.
    #[must_use]
    pub fn with(mut self, attribute: &str, new: &[u8]) -> Self {
        self.0.iter_mut().filter(|(name, _)| same_attribute(name, attribute)).for_each(|(_, value)| new.clone_into(value));
        self
    }

    fn normal(&self) -> String {
        let mut parts: Vec<String> = self.0.iter().map(|(name, value)| format!("{}={}", short_name(name), normal_value(value))).collect();
        parts.sort();
        parts.join("+")
    }
}

/// RFC 4514 section 3: these may be written by their numbers.
fn short_name(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("oid.").unwrap_or(&name);
    match name {
        "2.5.4.3" | "commonname" => "cn",
        "2.5.4.7" => "l",
        "2.5.4.8" => "st",
        "2.5.4.10" => "o",
        "2.5.4.11" => "ou",
        "2.5.4.6" => "c",
        "2.5.4.9" => "street",
        "0.9.2342.19200300.100.1.25" => "dc",
        "0.9.2342.19200300.100.1.1" | "userid" => "uid",
        other => other,
    }
    .to_owned()
}

fn same_attribute(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || short_name(one) == short_name(other)
}

/// As `caseIgnoreMatch` compares, which the attributes that names are made of have: without case, spaces in a row are one.
fn normal_value(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => escaped(text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ").as_bytes()),
        Err(_) => escaped(value),
    }
}

/// A name, the most special step first. Empty: the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dn(Vec<Rdn>);

impl Dn {
    /// Read a name; nothing where the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rdns = Vec::new();
        let mut pairs = Vec::new();
        let mut rest = text.trim();
        if rest.is_empty() {
            return Some(Self::default());
        }
        loop {
            let (name, after) = rest.split_once('=')?;
            let name = name.trim();
            let right = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            if !right {
                return None;
            }
            let (value, separator, after) = value(after)?;
            pairs.push((name.to_owned(), value));
            if separator != Some('+') {
                rdns.push(Rdn(std::mem::take(&mut pairs)));
            }
            if rdns.len() > MOST_RDNS {
                return None;
            }
            match separator {
                Some(_) => rest = after,
                None => return Some(Self(rdns)),
            }
        }
    }

    /// The name of an entry right below this one.
    #[must_use]
    pub fn child(&self, rdn: Rdn) -> Self {
        Self(std::iter::once(rdn).chain(self.0.iter().cloned()).collect())
    }

    pub fn rdn(&self) -> Option<&Rdn> {
        self.0.first()
    }

    /// What it lies right below.
    pub fn parent(&self) -> Option<Self> {
        Some(Self(self.0.get(1..)?.to_vec()))
    }

    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// Two names of the same entry have the same normal form.
    pub fn normal(&self) -> String {
        self.0.iter().map(Rdn::normal).collect::<Vec<_>>().join(",")
    }

    /// Whether it is `base` or lies below.
    pub fn is_within(&self, base: &Self) -> bool {
        self.0.len() >= base.0.len() && self.0[self.0.len() - base.0.len()..].iter().map(Rdn::normal).eq(base.0.iter().map(Rdn::normal))
    }
}

impl fmt::Display for Rdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.0.iter().enumerate() {
            write!(f, "{}{name}={}", if i == 0 { "" } else { "+" }, escaped(value))?;
        }
        Ok(())
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, rdn) in self.0.iter().enumerate() {
            write!(f, "{}{rdn}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// RFC 4514 section 2.4; bytes that are no UTF-8 one by one.
fn escaped(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    let last = value.len().saturating_sub(1);
    let mut at = 0;
    for chunk in value.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\0' => text.push_str("\\00"),
                '"' | '+' | ',' | ';' | '<' | '>' | '\\' => text.extend(['\\', character]),
                '#' if at == 0 => text.push_str("\\#"),
                ' ' if at == 0 || at == last => text.push_str("\\ "),
                _ => text.push(character),
            }
            at += character.len_utf8();
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\{byte:02x}");
            at += 1;
        }
    }
    text
}

/// A value up to the next separator, that separator, and what stands behind it.
fn value(text: &str) -> Option<(Vec<u8>, Option<char>, &str)> {
    let text = text.trim_start_matches(' ');
    let cut = |bytes: Vec<u8>, rest: &'_ str| -> Option<(Vec<u8>, Option<char>, usize)> {
        let rest_at = rest.trim_start_matches(' ');
        match rest_at.chars().next() {
            None => Some((bytes, None, text.len())),
            Some(separator @ (',' | ';' | '+')) => Some((bytes, Some(separator), text.len() - rest_at.len() + 1)),
            Some(_) => None,
        }
    };
    let (bytes, separator, end) = if let Some(hex) = text.strip_prefix('#') {
        let end = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
        // The BER of the value; what is inside is the value where it is a string of one of the usual kinds.
        let bytes = hex_bytes(&hex[..end])?;
        let (tag, content) = crate::ber::Reader::new(&bytes).any().ok()?;
        let content = if matches!(tag, 0x04 | 0x0c | 0x13 | 0x16) { content.to_vec() } else { bytes };
        cut(content, &hex[end..])?
    } else if let Some(quoted) = text.strip_prefix('"') {
        // RFC 2253 section 4: older writers.
        let (bytes, end) = unescaped(quoted, |character| character == '"')?;
        cut(bytes, quoted[end..].strip_prefix('"')?)?
    } else {
        let (mut bytes, end) = unescaped(text, |character| matches!(character, ',' | ';' | '+'))?;
        // Spaces at the end do not count unless they are escaped.
        let written = &text[..end];
        let trailing = written.len() - written.trim_end_matches(' ').len();
        let kept = usize::from(trailing > 0 && written.trim_end_matches(' ').ends_with('\\'));
        bytes.truncate(bytes.len() - trailing.saturating_sub(kept));
        cut(bytes, &text[end..])?
    };
    Some((bytes, separator, &text[end..]))
}

/// The bytes up to a character that ends them, and where that is.
fn unescaped(text: &str, ends: impl Fn(char) -> bool) -> Option<(Vec<u8>, usize)> {
    let mut bytes = Vec::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            let (_, next) = characters.next()?;
            if let Some(high) = next.to_digit(16) {
                let (_, low) = characters.next()?;
                bytes.push(u8::try_from(high << 4 | low.to_digit(16)?).ok()?);
            } else {
                bytes.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
            }
        } else if ends(character) {
            return Some((bytes, at));
        } else {
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    Some((bytes, text.len()))
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    if digits.is_empty() {
        return None;
    }
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | *pair.get(1)?).ok()).collect()
}

/// A name that a transformation put together out of `attribute=`, a value as it is, and `,base`, perhaps with steps in between (connectors.md section 2.5). A value with a
/// comma in it is not escaped there, so it is not the commas that say where the name of the entry ends. With `value`, the value that was put in, it is known. Without it,
/// a name that can be read as it stands is taken so, and else the first step ends where what follows is a name within the base. Nothing where that cannot be: then an
/// `=`, `<`, `>`, `#` or backslash is in the value, which such a text has no way to say.
pub fn composed(text: &str, base: &Dn, value: Option<&str>) -> Option<Dn> {
    let text = text.trim();
    let (attribute, after) = text.split_once('=')?;
    if let Some(value) = value
        && let Some(rest) = after.strip_prefix(value)
        && let Some(parent) = rest.strip_prefix(',').and_then(Dn::parse)
    {
        return Some(parent.child(Rdn::new(attribute.trim(), value))).filter(|dn| dn.parent().is_some_and(|parent| parent.is_within(base)));
    }
    if let Some(dn) = Dn::parse(text).filter(|dn| dn.is_within(base)) {
        return Some(dn);
    }
    for (at, _) in after.match_indices(',') {
        let (head, rest) = (&after[..at], &after[at + 1..]);
        if let Some(parent) = Dn::parse(rest).filter(|parent| parent.is_within(base)) {
            let raw = !head.contains(['=', '<', '>', '#', '\\']);
            return raw.then(|| parent.child(Rdn::new(attribute.trim(), head)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dn(text: &str) -> Dn {
        Dn::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn the_examples_of_the_rfc() {
        for (text, first, depth) in [
            ("UID=jsmith,DC=example,DC=net", "jsmith", 3),
            ("OU=Sales+CN=J.  Smith,DC=example,DC=net", "Sales", 3),
            (r#"CN=James \"Jim\" Smith\, III,DC=example,DC=net"#, r#"James "Jim" Smith, III"#, 3),
            (r"CN=Before\0dAfter,DC=example,DC=net", "Before\rAfter", 3),
            ("1.3.6.1.4.1.1466.0=#04024869", "Hi", 1),
            (r"CN=Lu\C4\8Di\C4\87", "Lučić", 1),
            (r#"CN="a, b" , DC=x"#, "a, b", 2),
            (r"cn=a\ ,dc=x", "a ", 2),
            ("cn=a  ,dc=x", "a", 2),
            ("cn=,dc=x", "", 2),
        ] {
            let dn = dn(text);
            assert_eq!(dn.rdn().unwrap().0[0].1, first.as_bytes(), "{text}");
            assert_eq!(dn.depth(), depth);
            assert_eq!(Dn::parse(&dn.to_string()), Some(dn));
        }
        for text in ["cn", "=a", "cn=a,", "cn=a,b", r"cn=\", r"cn=\4", "cn=#", "cn=#1", r#"cn="a"#, "c n=a"] {
            assert_eq!(Dn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn names_of_the_same_entry() {
        let base = dn("OU=People, DC=Example,DC=org");
        for text in [
            "uid=ADA,ou=people,dc=example,dc=org",
            "userid = ada , 2.5.4.11=People;dc=example,dc=org",
            r"uid=\61da,ou=people,dc=example,dc=ORG",
        ] {
            assert_eq!(dn(text).normal(), "uid=ada,ou=people,dc=example,dc=org", "{text}");
            assert!(dn(text).is_within(&base));
        }
        assert!(base.is_within(&base));
        assert!(!dn("dc=example,dc=org").is_within(&base));
        assert!(!dn(r"cn=x\,ou=People\,dc=example\,dc=org,dc=evil").is_within(&base));
        assert_eq!(dn("uid=1+cn=a,dc=x").normal(), dn("CN=A+UID=1,dc=x").normal());
    }

    #[test]
    fn composed_names_cannot_leave_their_place() {
        let base = dn("ou=people,dc=x");
        let of = |text, value| composed(text, &base, value).map(|dn| dn.to_string());
        assert_eq!(of("CN=Doe, John,ou=people,dc=x", None).unwrap(), r"CN=Doe\, John,ou=people,dc=x");
        assert_eq!(of("CN=a+b;c,OU=berlin,ou=people,dc=x", Some("a+b;c")).unwrap(), r"CN=a\+b\;c,OU=berlin,ou=people,dc=x");
        assert_eq!(of("CN=a,ou=admins,ou=people,dc=x", Some("a,ou=admins")).unwrap(), r"CN=a\,ou=admins,ou=people,dc=x");
        assert_eq!(of(r"CN=a\,b,ou=people,dc=x", None).unwrap(), r"CN=a\,b,ou=people,dc=x");
        for text in ["CN=a<b, c,ou=people,dc=x", "CN=a,dc=y", "a", "CN=a"] {
            assert_eq!(of(text, None), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-c=,+;\\\\\"# 0-9é]{0,30}") {
            let base = dn("a=b");
            if let Some(dn) = Dn::parse(&text) {
                prop_assert_eq!(Dn::parse(&dn.to_string()), Some(dn.clone()));
                prop_assert!(dn.is_within(&Dn::default()));
            }
            let _ = composed(&text, &base, None);
        }

        /// Whatever a value is, it is one step and comes back.
        #[test]
        fn values_come_back(value in any::<Vec<u8>>(), text in ".{0,20}") {
            let base = dn("ou=people,dc=x");
            for value in [value, text.into_bytes()] {
                let child = base.child(Rdn::new("cn", value.clone()));
                let read = dn(&child.to_string());
                prop_assert_eq!(read.rdn().unwrap().value("CN"), Some(&value[..]));
                prop_assert_eq!(read.depth(), 3);
                prop_assert_eq!(read.normal(), child.normal());
            }
        }
    }
}
