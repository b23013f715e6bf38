//! What makes the source ids of entities: the part of a read transformation that, when it is edited, gives the same entities other ids.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    super::page::{Digest, ID_VARIABLE},
    ElementSpec, MappingSpec,
};

impl MappingSpec {
    /// Stands for everything that decides which id an entity of this type has. Of an element in the mapping language that is every mapping of `entityIdSourceSystem`, and of
    /// other variables where the id is made of variables, with the properties in them. Where no such element sets the id, all elements count whole.
    pub fn identity(&self, entity_type: &str) -> Digest {
        let parts: Vec<(&ElementSpec, Vec<String>)> =
            self.elements.iter().filter_map(|element| Some((element, id_mappings(&element.text, entity_type)?))).collect();
        if parts.is_empty() {
            return self.version();
        }
        let mut hasher = Sha256::new();
        let mut add = |text: &str| {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        };
        for (element, mappings) in parts {
            for mapping in &mappings {
                add(mapping);
            }
            for property in &*element.properties {
                let name = format!("%{}%", property.name);
                if mappings.iter().any(|mapping| mapping.contains(&name)) {
                    add(&property.name);
                    add(&property.value);
                }
            }
        }
        hasher.finalize().into()
    }
}

/// The mappings that make the id, in order; `None` where the text sets none, or is in another language.
fn id_mappings(text: &str, entity_type: &str) -> Option<Vec<String>> {
    let document: Value = serde_json::from_str(&without_comments(text)).ok()?;
    let mappings = document.get(entity_type)?.get("mappings")?.as_array()?;
    let variable = |mapping: &&Value| mapping.get("targetVariable").and_then(Value::as_str).map(str::to_owned);
    let ids: Vec<String> =
        mappings.iter().filter(|mapping| variable(mapping).as_deref() == Some(ID_VARIABLE)).map(Value::to_string).collect();
    if ids.is_empty() {
        return None;
    }
    let uses_variables = ids.iter().any(|mapping| mapping.contains("sourceVariable") || mapping.contains("${"));
    Some(if uses_variables { mappings.iter().filter(|mapping| variable(mapping).is_some()).map(Value::to_string).collect() } else { ids })
}

/// The mapping language has `//` and `/* */` between its tokens.
pub fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        if in_string && c == '\\' {
            let end = rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        if !in_string && rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
            continue;
        }
        if !in_string && rest.starts_with("/*") {
            rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
            out.push(' ');
            continue;
        }
        in_string ^= c == '"';
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{ // the company's people
        "user": { "condition": "$.here", /* "ids" */ "mappings": [
            { "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" },
            { "sourcePath": "$.url", "targetPath": "$.a//b" },
            { "sourcePath": "$.x", "targetVariable": "x" }
        ] } }"#;

    #[test]
    fn only_what_makes_the_id_counts() {
        let ids = |text: &str| id_mappings(text, "user");
        let known = ids(TEXT).expect("an id");
        assert_eq!(known.len(), 1);
        assert_eq!(ids(&TEXT.replace("$.here", "$.there").replace("$.x", "$.y")), Some(known.clone()));
        assert_ne!(ids(&TEXT.replace("$.id", "$.number")), Some(known.clone()));
        let composed = TEXT.replace(r#""sourcePath": "$.id""#, r#""sourceVariable": "x""#);
        assert_eq!(ids(&composed).map(|mappings| mappings.len()), Some(2));
        assert_eq!((id_mappings(TEXT, "group"), ids("names are made of letters")), (None, None));
    }

    #[test]
    fn comments_go_and_strings_stay() {
        assert_eq!(without_comments("{\"a\\\"//\": 1 /* x */, // y\n\"b\": \"/*\"}"), "{\"a\\\"//\": 1  , \n\"b\": \"/*\"}");
        assert_eq!(without_comments("1 /* never ends"), "1  ");
        assert_eq!(without_comments("\"\\"), "\"\\");
    }
}
