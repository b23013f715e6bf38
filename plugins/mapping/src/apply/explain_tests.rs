//! The way of one entity through a transformation with every construct, word by word.

use std::fmt::Write as _;

use super::tests::{Known, compile};
use super::*;

const TRANSFORMATION: &str = r#"{
  "user": {
    "condition": "$.active == true && $.locked EMPTY true",
    "mappings": [
      { "sourcePath": "$", "targetPath": "$" },
      { "constant": "work", "targetVariable": "kind" },
      { "sourcePath": "$.mails", "targetPath": "$.mail" },
      { "sourcePath": "$.mails[?(@.type == 'home')].value", "targetPath": "$.home", "optional": true },
      { "sourcePath": "$.nick", "targetPath": "$.nick", "defaultValue": "none" },
      { "condition": "'${kind}' == $.kind", "constant": 1, "targetPath": "$.same" },
      { "condition": "$.n > ${limit} || $.m EMPTY false", "constant": 1, "targetPath": "$.big" },
      { "sourceVariable": "entityIdTargetSystem", "targetPath": "$.id" },
      { "sourceVariable": "list", "variablePath": "$[*].v", "targetPath": "$.v", "targetVariable": "w" },
      { "type": "valueMapping", "sourcePaths": ["$.kind", "$.n"], "targetPath": "$.row", "defaultValue": "-",
        "valueMappings": [{ "key": ["x", "7"], "mappedValue": "X" }] },
      { "sourcePath": "$.members", "targetPath": "$.members", "functions": [
        { "function": "resolveEntityIds", "condition": "@.type != 'Group'" },
        { "function": "toUpperCaseString", "applyOnAttribute": "type" }
      ] },
      { "sourcePath": "$.text", "targetPath": "$.year", "optional": true, "functions": [
        { "function": "replaceAllString", "regex": "[a-z]", "replacement": "" },
        { "function": "getMatchedRegexGroup", "regex": "(\\d{4})", "groupIndex": 1 }
      ] },
      { "type": "rename", "targetPath": "$.kind", "constant": "type" },
      { "type": "remove", "targetPath": "$.mails" },
      { "constant": 1, "targetPath": "$.new", "scope": "createEntity" },
      { "constant": 1, "targetPath": "$.never", "ignore": true },
      { "sourcePath": "$.mail", "correlationAttribute": true }
    ]
  }
}"#;

const DOCUMENT: &str = r#"{"active":true,"kind":"x","n":7,"mails":["a@b.c"],"members":[{"value":"1","type":"User"},{"value":"x2","type":"User"},{"value":"3","type":"Group"}],"text":"no"}"#;

const WAY: &str = r#"
/user/condition: the condition of the entity [$.active == true && $.locked EMPTY true] is true ($.locked is missing) = {"$.active":true}
/user/mappings/0: read $ = DOCUMENT
/user/mappings/0: wrote $ = DOCUMENT
/user/mappings/1: took the constant = "work"
/user/mappings/1: set the variable kind = "work"
/user/mappings/2: read $.mails = ["a@b.c"]
/user/mappings/2: took the only element of the list = "a@b.c"
/user/mappings/2: wrote $.mail = "a@b.c"
/user/mappings/3: $.mails[?(@.type == 'home')].value is missing
/user/mappings/3: there is no value: left out
/user/mappings/4: $.nick is missing
/user/mappings/4: took the default value = "none"
/user/mappings/4: wrote $.nick = "none"
/user/mappings/5: the condition of the mapping ['${kind}' == $.kind] is false: left out = {"${kind}":"work","$.kind":"x"}
/user/mappings/6: the condition of the mapping [$.n > 5 || $.m EMPTY false] is true ($.m is missing) = {"${limit}":"5","$.n":7}
/user/mappings/6: took the constant = 1
/user/mappings/6: wrote $.big = 1
/user/mappings/7: the variable entityIdTargetSystem is not set
/user/mappings/7: the host sets the variable where it has a value: left out
/user/mappings/8: read $[*].v in the variable list = [1,2]
/user/mappings/8: set the variable w = [1,2]
/user/mappings/8: wrote $.v = [1,2]
/user/mappings/9: found the row for {"$.kind":"x","$.n":7} = "X"
/user/mappings/9: wrote $.row = "X"
/user/mappings/10: read $.members = [{"value":"1","type":"User"},{"value":"x2","type":"User"},{"value":"3","type":"Group"}]
/user/mappings/10/functions/0: the condition of the function [@.type != 'Group'] is true = {"@.type":"User"}
/user/mappings/10/functions/0: the source's id 1 stands for this one = "t-1"
/user/mappings/10/functions/0: the condition of the function [@.type != 'Group'] is true = {"@.type":"User"}
/user/mappings/10/functions/0: nobody knows the source's id x2: left out
/user/mappings/10/functions/0: the condition of the function [@.type != 'Group'] is false: left out = {"@.type":"Group"}
/user/mappings/10/functions/0: resolveEntityIds of [{"value":"1","type":"User"},{"value":"x2","type":"User"},{"value":"3","type":"Group"}] = [{"value":"t-1","type":"User"},{"value":"3","type":"Group"}]
/user/mappings/10/functions/1: toUpperCaseString of [{"value":"t-1","type":"User"},{"value":"3","type":"Group"}] = [{"value":"t-1","type":"USER"},{"value":"3","type":"GROUP"}]
/user/mappings/10: wrote $.members = [{"value":"t-1","type":"USER"},{"value":"3","type":"GROUP"}]
/user/mappings/11: read $.text = "no"
/user/mappings/11/functions/0: replaceAllString of "no" = ""
/user/mappings/11/functions/1: getMatchedRegexGroup of "" gave nothing
/user/mappings/11: there is no value: left out
/user/mappings/12: renamed $.kind to type
/user/mappings/13: removed $.mails
/user/mappings/14: the mapping has the scope createEntity, and the operation is update: left out
/user/mappings/15: the mapping is ignored: left out
/user/mappings/16: the mapping only marks its attribute (correlationAttribute): left out
"#;

#[test]
fn the_way_is_told_word_by_word() {
    let transformation = compile(TRANSFORMATION, &[]);
    let variables = [("limit".to_owned(), "5".to_owned()), ("list".to_owned(), r#"[{"v":1},{"v":2}]"#.to_owned())];
    let input = Input { document: DOCUMENT, variables: &variables };
    let (outcome, steps) = transformation.explain(&mut Scratch::default(), "user", Operation::Update, input, &mut Known::default());
    let mut way = "\n".to_owned();
    for Step { at, what, value } in steps {
        let value = value.map(|value| format!(" = {value}")).unwrap_or_default();
        writeln!(way, "{at}: {what}{value}").expect("a text");
    }
    let way = way.replace(DOCUMENT, "DOCUMENT");
    assert!(way == WAY, "{way}\n{outcome:?}");
    // Asking changes nothing.
    let page = [input];
    let outcomes = transformation.apply(&mut Scratch::default(), "user", Operation::Update, &page, &mut Known::default());
    assert_eq!(outcomes, [outcome]);
}
