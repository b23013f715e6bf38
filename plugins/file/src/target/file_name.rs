//! From an entity's id to the name of its file, in a form every file system takes.
//!
//! Letters, digits and `-`, `_`, `.`, `@` stay, every other byte becomes `%` and two hex digits (RFC 3986 section 2.1). So there are no separators, no
//! spaces, nothing Windows refuses and no two spellings of an accent. A long name is cut and ends in `~` and a hash of the id; `~` stands in no other.
//! Case is kept: where a file system ignores it, two ids that differ only in case meet as `already-exists`, they are never mixed.

/// Bytes of a name without `.json`; 255 is what file systems commonly take.
const LONGEST: usize = 200;
/// What stays of a longer one before the hash.
const KEPT: usize = 160;

/// The file's name with its extension.
pub(super) fn file_name(id: &str) -> String {
    let mut name = String::with_capacity(id.len() + 8);
    for (index, byte) in id.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'@') || (byte == b'.' && index > 0);
        if plain && !(index == 0 && is_device(id)) {
            name.push(char::from(byte));
        } else {
            push_encoded(&mut name, byte);
        }
    }
    if name.len() > LONGEST {
        // Only ASCII so far; a cut through a `%XX` is harmless in front of the hash.
        name.truncate(KEPT);
        name.push('~');
        for byte in fnv1a(id.as_bytes()).to_be_bytes() {
            push_hex(&mut name, byte);
        }
    }
    name.push_str(".json");
    name
}

fn push_encoded(name: &mut String, byte: u8) {
    name.push('%');
    push_hex(name, byte);
}

fn push_hex(name: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    name.push(char::from(DIGITS[usize::from(byte >> 4)]));
    name.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// Names Windows keeps for devices, with any extension.
fn is_device(id: &str) -> bool {
    let stem = id.split('.').next().unwrap_or(id);
    let numbered = |prefix: &str| {
        stem.len() == 4 && stem.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) && stem.as_bytes()[3].is_ascii_digit()
    };
    ["con", "prn", "aux", "nul"].iter().any(|device| stem.eq_ignore_ascii_case(device)) || numbered("com") || numbered("lpt")
}

/// FNV-1a, 128 bits. It need not resist anyone: two ids that meet in it are refused as `already-exists`.
fn fnv1a(bytes: &[u8]) -> u128 {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;
    bytes.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::file_name;

    #[test]
    fn names_are_readable_and_harmless() {
        for (id, name) in [
            ("e0001001", "e0001001.json"),
            ("anna.mueller@example.com", "anna.mueller@example.com.json"),
            ("Ops Zürich", "Ops%20Z%C3%BCrich.json"),
            (".", "%2E.json"),
            ("..", "%2E..json"),
            ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd.json"),
            ("a\\b:c\0", "a%5Cb%3Ac%00.json"),
            ("CON", "%43ON.json"),
            ("lpt1.txt", "%6Cpt1.txt.json"),
            ("console", "console.json"),
            ("100%", "100%25.json"),
        ] {
            assert_eq!(file_name(id), name);
        }
    }

    proptest! {
        #[test]
        fn every_id_has_one_short_name_of_its_own(ids in prop::collection::vec("\\PC{1,40}", 1..20), long in "[aé]{150,400}") {
            let mut names = HashMap::new();
            for id in ids.into_iter().chain([long.clone() + "1", long + "2"]) {
                let name = file_name(&id);
                prop_assert!(name.len() <= 205 && !name.starts_with('.'));
                prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@%~".contains(&byte)));
                prop_assert_eq!(names.insert(name, id.clone()).unwrap_or_else(|| id.clone()), id);
            }
        }
    }
}
