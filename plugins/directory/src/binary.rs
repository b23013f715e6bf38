//! Values between the directory's bytes and a document's text.
//!
//! | values of | in a document |
//! | --- | --- |
//! | `objectGUID` | `7d3c0e5a-...`, as Windows shows it: the first three parts are little-endian |
//! | `objectSid` | `S-1-5-21-...` |
//! | an attribute that is known or said to be binary, and any value that is no UTF-8 | base64 |
//! | everything else | the text |

use crate::settings::Directory;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sdk::Failure;
use std::fmt::Write as _;

/// A value as text.
pub fn to_text(directory: &Directory, attribute: &str, value: &[u8]) -> String {
    let special = if attribute.eq_ignore_ascii_case("objectGUID") {
        <[u8; 16]>::try_from(value).ok().map(|bytes| uuid_text(&swapped(bytes)))
    } else if attribute.eq_ignore_ascii_case("objectSid") {
        sid_text(value)
    } else {
        None
    };
    match (special, std::str::from_utf8(value)) {
        (Some(text), _) => text,
        (None, Ok(text)) if !directory.is_binary(attribute) => text.to_owned(),
        _ => STANDARD.encode(value),
    }
}

/// The value a text stands for.
pub fn from_text(directory: &Directory, attribute: &str, text: &str) -> Result<Vec<u8>, Failure> {
    let wrong = |what| Failure::rejected(format!("a value of {attribute} must be {what}"));
    if attribute.eq_ignore_ascii_case("objectGUID") {
        return uuid_bytes(text).map(|bytes| swapped(bytes).to_vec()).ok_or_else(|| wrong("a GUID"));
    }
    if attribute.eq_ignore_ascii_case("objectSid") {
        return sid_bytes(text).ok_or_else(|| wrong("a SID"));
    }
    if directory.is_binary(attribute) {
        return STANDARD.decode(text).map_err(|_| wrong("base64"));
    }
    Ok(text.as_bytes().to_vec())
}

pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The text of a UUID (RFC 9562 section 4).
pub fn uuid_text(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (i, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&i) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    let mut bytes = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()))?, 16).ok()?;
    }
    Some(bytes)
}

/// The bytes of a GUID in the other order.
fn swapped(mut bytes: [u8; 16]) -> [u8; 16] {
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

/// The text of a security identifier (MS-DTYP section 2.4.2.1).
fn sid_text(value: &[u8]) -> Option<String> {
    let ([revision, count, authority @ ..], rest) = value.split_first_chunk::<8>()?;
    if rest.len() != usize::from(*count) * 4 {
        return None;
    }
    let authority = authority.iter().fold(0_u64, |authority, byte| authority << 8 | u64::from(*byte));
    let mut text = format!("S-{revision}-{authority}");
    for part in rest.chunks(4) {
        let _ = write!(text, "-{}", u32::from_le_bytes(part.try_into().ok()?));
    }
    Some(text)
}

fn sid_bytes(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.strip_prefix("S-")?.split('-');
    let revision: u8 = parts.next()?.parse().ok()?;
    let authority: u64 = parts.next()?.parse().ok()?;
    let parts: Vec<u32> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let mut bytes = vec![revision, u8::try_from(parts.len()).ok().filter(|count| *count <= 15)?];
    bytes.extend_from_slice(&authority.to_be_bytes()[2..]);
    bytes.extend(parts.iter().flat_map(|part| part.to_le_bytes()));
    (authority < 1 << 48).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{description::Profile, scripted::directory};
    use proptest::prelude::*;

    #[test]
    fn ids_look_as_windows_shows_them() {
        let directory = directory(Profile::ActiveDirectory, &[]);
        let guid = [0x5a, 0x0e, 0x3c, 0x7d, 0x22, 0x11, 0x44, 0x33, 1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(to_text(&directory, "objectGUID", &guid), "7d3c0e5a-1122-3344-0102-030405060708");
        assert_eq!(from_text(&directory, "objectguid", "7D3C0E5A-1122-3344-0102-030405060708").unwrap(), guid);
        assert!(from_text(&directory, "objectGUID", "7d3c").is_err());
        let sid = [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 2, 0, 0];
        assert_eq!(to_text(&directory, "objectSid", &sid), "S-1-5-21-1-2-3-513");
        assert_eq!(from_text(&directory, "objectSid", "S-1-5-21-1-2-3-513").unwrap(), sid);
    }

    proptest! {
        #[test]
        fn values_come_back(value in any::<Vec<u8>>(), text in ".{0,40}") {
            let directory = directory(Profile::Ldap, &[("ldap.attributes.binary", "blob")]);
            for name in ["blob", "userCertificate;binary", "jpegPhoto"] {
                prop_assert_eq!(from_text(&directory, name, &to_text(&directory, name, &value)).unwrap(), value.clone());
            }
            prop_assert_eq!(to_text(&directory, "cn", text.as_bytes()), text);
        }

        #[test]
        fn any_id_is_read_or_refused(value in any::<Vec<u8>>(), text in ".{0,40}") {
            let directory = directory(Profile::ActiveDirectory, &[]);
            for name in ["objectGUID", "objectSid"] {
                let shown = to_text(&directory, name, &value);
                let _ = (from_text(&directory, name, &shown), from_text(&directory, name, &text));
            }
        }
    }
}
