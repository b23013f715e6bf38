//! What the language consists of, as the code knows it: for the documentation, which is checked against it, and for whoever offers it to an editor.

use crate::condition::{AND, NOT, OR, Operator, PREDICATES};
use crate::document::{ENTITY_KEYS, MAPPING_KEYS, OPERATIONS, SCOPES, TYPES};
use crate::functions::{ALL, COMMON};
use crate::output::Segment;
use crate::path::{Function as PathFunction, Token};
use crate::variables::BUILT_IN;

/// The words of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language {
    /// The keys of an entity type: `mappings`, `condition`, ...
    pub entity_keys: Vec<&'static str>,
    /// The values of `skipOperations`.
    pub operations: Vec<&'static str>,
    /// The keys of a mapping, the ways to say where its value comes from among them.
    pub mapping_keys: Vec<&'static str>,
    /// The values of a mapping's `type`.
    pub types: Vec<&'static str>,
    /// The values of a mapping's `scope`.
    pub scopes: Vec<&'static str>,
    pub functions: Vec<FunctionWords>,
    /// The keys that every function takes.
    pub function_keys: Vec<&'static str>,
    /// What compares two values in a condition, and what joins conditions.
    pub operators: Vec<&'static str>,
    pub predicates: Vec<&'static str>,
    /// What a path may consist of, by an example of each.
    pub path_parts: Vec<&'static str>,
    /// What a path may end with.
    pub path_functions: Vec<&'static str>,
    /// What a target path may consist of, by an example of each.
    pub target_parts: Vec<&'static str>,
    /// The variables the host sets.
    pub host_variables: Vec<&'static str>,
}

/// A function and the keys it takes besides those of every function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionWords {
    pub name: &'static str,
    pub required: &'static [&'static str],
    pub optional: &'static [&'static str],
}

/// The words of the language, in the order of the code.
pub fn language() -> Language {
    let connectives = [AND, OR, if NOT == b'!' { "!" } else { "" }];
    Language {
        entity_keys: ENTITY_KEYS.to_vec(),
        operations: OPERATIONS.to_vec(),
        mapping_keys: MAPPING_KEYS.to_vec(),
        types: TYPES.to_vec(),
        scopes: SCOPES.iter().map(|(name, _)| *name).collect(),
        functions: ALL.iter().map(|spec| FunctionWords { name: spec.name, required: spec.required, optional: spec.optional }).collect(),
        function_keys: COMMON.to_vec(),
        operators: Operator::SIGNS.iter().chain(&Operator::WORDS).map(|(name, _)| *name).chain(connectives).collect(),
        predicates: PREDICATES.to_vec(),
        path_parts: PATH_PARTS.to_vec(),
        path_functions: PathFunction::NAMES.to_vec(),
        target_parts: TARGET_PARTS.to_vec(),
        host_variables: BUILT_IN.to_vec(),
    }
}

const PATH_PARTS: [&str; 8] = [".name", "['a','b']", "[0]", "[0,1]", "[1:3]", "[*]", "..", "[?()]"];
const TARGET_PARTS: [&str; 4] = [".name", "[0]", "[*]", "[?(@.key)]"];

/// The example that stands for a part of a path; nothing for a function, of which there is a list. A new kind of part does not compile until it is named here.
#[cfg_attr(not(test), expect(dead_code, reason = "keeps the lists above complete"))]
fn path_part(token: &Token) -> Option<&'static str> {
    Some(match token {
        Token::Key(_) => ".name",
        Token::Keys(_) => "['a','b']",
        Token::Index(_) => "[0]",
        Token::Indexes(_) => "[0,1]",
        Token::Slice(..) => "[1:3]",
        Token::Wildcard => "[*]",
        Token::Scan => "..",
        Token::Filter(_) => "[?()]",
        Token::Function(_) => return None,
    })
}

/// The same for a target path.
#[cfg_attr(not(test), expect(dead_code, reason = "keeps the lists above complete"))]
fn target_part(segment: &Segment) -> &'static str {
    match segment {
        Segment::Key(_) => ".name",
        Segment::Index(_) => "[0]",
        Segment::Each => "[*]",
        Segment::Build(_) => "[?(@.key)]",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Target;
    use crate::path::{Compiler, Constants};

    #[test]
    fn the_examples_of_the_parts_are_what_they_stand_for() {
        let mut constants = Constants::default();
        for part in PATH_PARTS {
            let text = if part == ".." { "$..a".to_owned() } else { format!("${}", part.replace("()", "(@.a)")) };
            let path = Compiler::new(&mut constants, None, &[]).path(&text).expect(part);
            assert_eq!(path_part(&path.steps[0].token), Some(part));
        }
        for part in TARGET_PARTS {
            let path = Compiler::new(&mut constants, None, &[]).path(&format!("${part}")).expect(part);
            let target = Target::compile(&path, &mut constants).expect(part);
            assert_eq!(target_part(&target.segments[0]), part);
        }
    }
}
