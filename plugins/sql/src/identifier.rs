//! Names of tables and columns that stand in the configuration, quoted so that they are names whatever is in them.

use sdk::Failure;

/// What the server keeps of a name (`NAMEDATALEN` less one); it would cut a longer one silently and mean another thing.
const MAX_BYTES: usize = 63;

/// The name as an SQL identifier. It is taken literally: nothing is folded to lower case.
pub fn quoted(name: &str) -> Result<String, Failure> {
    if name.is_empty() || name.len() > MAX_BYTES || name.contains('\0') {
        return Err(Failure::invalid_settings(format!(
            "{name:?} cannot be the name of a table or column: a name has 1 to {MAX_BYTES} bytes"
        )));
    }
    Ok(format!("\"{}\"", name.replace('"', "\"\"")))
}

/// `table` or `schema.table`; a part in double quotes may have dots.
pub fn table(text: &str) -> Result<String, Failure> {
    let mut parts: Vec<String> = vec![String::new()];
    let mut inside = false;
    let mut characters = text.trim().chars().peekable();
    while let Some(character) = characters.next() {
        let last = parts.last_mut().expect("there is always one");
        match character {
            '"' if inside && characters.peek() == Some(&'"') => {
                characters.next();
                last.push('"');
            }
            '"' => inside = !inside,
            '.' if !inside => parts.push(String::new()),
            other => last.push(other),
        }
    }
    if inside || parts.len() > 2 {
        return Err(Failure::invalid_settings(format!("{text:?} is not the name of a table: write table or schema.table")));
    }
    let parts: Result<Vec<String>, Failure> = parts.iter().map(|part| quoted(part)).collect();
    Ok(parts?.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_tables() {
        for (text, name) in [
            ("users", r#""users""#),
            ("hr.Users", r#""hr"."Users""#),
            (r#""odd.name"."a""b""#, r#""odd.name"."a""b""#),
            ("users; DROP TABLE users", r#""users; DROP TABLE users""#),
        ] {
            assert_eq!(table(text).unwrap(), name);
        }
        for wrong in ["", "a.", ".a", "a.b.c", "\"a", &"x".repeat(64)] {
            assert!(table(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_quoted_name_never_ends_early(name in "[^\0]{1,15}") {
            let quoted = quoted(&name).unwrap();
            let inside = &quoted[1..quoted.len() - 1];
            prop_assert!(!inside.replace("\"\"", "").contains('"'));
            prop_assert_eq!(inside.replace("\"\"", "\""), name);
        }
    }
}
