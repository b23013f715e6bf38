//! Comparing what came out with what was expected.
//!
//! | expected | found |
//! | --- | --- |
//! | an object | an object with at least these keys, each matching |
//! | an array | an array of the same length, a match for each in any order |
//! | a string that begins with `~` | a string with the rest in it |
//! | anything else | the same |

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use serde_json::Value;

pub(crate) struct Matches;

impl Matches {
    /// The values of a command: an array of expectations is one for each in order, anything else is the only one.
    pub(crate) fn stream(expected: &Value, found: &[Value]) -> Result<(), String> {
        let expected = match expected {
            Value::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        if expected.len() != found.len() {
            return Err(format!("{} values were expected on standard output, {} are there", expected.len(), found.len()));
        }
        expected
            .iter()
            .zip(found)
            .enumerate()
            .try_for_each(|(index, (expected, found))| Self::value(&format!("value {index}"), expected, found))
    }

    /// Whether a value is as expected; else where it is not. `at` is where both stand.
    pub(crate) fn value(at: &str, expected: &Value, found: &Value) -> Result<(), String> {
        let differs = || Err(format!("{at}: expected {expected}, found {found}"));
        match (expected, found) {
            (Value::Object(expected), Value::Object(found)) => expected.iter().try_for_each(|(key, value)| match found.get(key) {
                Some(found) => Self::value(&format!("{at}/{key}"), value, found),
                None => Err(format!("{at}/{key}: expected {value}, and there is none")),
            }),
            (Value::Array(all), Value::Array(found)) => {
                if all.len() != found.len() {
                    return differs();
                }
                Self::elements(at, all, found)
            }
            (Value::String(expected), Value::String(found)) if expected.starts_with('~') => {
                if found.contains(&expected[1..]) {
                    Ok(())
                } else {
                    differs()
                }
            }
            _ if expected == found => Ok(()),
            _ => differs(),
        }
    }

    fn elements(at: &str, expected: &[Value], found: &[Value]) -> Result<(), String> {
        let mut left: Vec<&Value> = found.iter().collect();
        for (index, expected) in expected.iter().enumerate() {
            let at = format!("{at}/{index}");
            let Some(position) = left.iter().position(|found| Self::value(&at, expected, found).is_ok()) else {
                return Err(format!("{at}: nothing matches {expected} in {}", left.into_iter().cloned().collect::<Value>()));
            };
            left.remove(position);
        }
        Ok(())
    }
}

/// Whether a file or a folder is as expected: the same files, JSON documents equal as values, others equal byte by byte. What begins with a dot does not count, nor
/// does a folder with nothing in it.
pub(crate) fn difference(expected: &Path, found: &Path) -> Result<(), String> {
    if expected.is_dir() {
        let (wanted, there) = (names_in(expected)?, names_in(found)?);
        if wanted != there {
            return Err(format!("{}: expected {wanted:?}, found {there:?}", found.display()));
        }
        return wanted.iter().try_for_each(|name| difference(&expected.join(name), &found.join(name)));
    }
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let (wanted, there) = (read(expected)?, read(found)?);
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    let equal = match (json(&wanted), json(&there)) {
        (Some(wanted), Some(there)) => wanted == there,
        _ => wanted == there,
    };
    if equal {
        return Ok(());
    }
    Err(format!("{}: expected\n{}\nfound\n{}", found.display(), String::from_utf8_lossy(&wanted), String::from_utf8_lossy(&there)))
}

fn names_in(folder: &Path) -> Result<BTreeSet<OsString>, String> {
    let failed = |error| format!("{}: {error}", folder.display());
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let path = folder.join(&name);
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        let is_empty = path.is_dir() && names_in(&path)?.is_empty();
        if !is_hidden && !is_empty {
            names.insert(name);
        }
    }
    Ok(names)
}
