//! From a function's JSON to its compiled form.

use super::spec::{ALL, COMMON};
use super::{Expression, Function, Kind, Text};
use crate::document::Check;
use crate::json::{Kind as JsonKind, Value};
use crate::nearest::nearest;
use crate::output::Key;
use crate::variables::Template;

impl Function {
    /// Compile one function; nothing if that cannot be done, which a diagnostic then says.
    pub fn compile(check: &mut Check<'_>, value: Value<'_>, pointer: &str) -> Option<Self> {
        if value.kind() != JsonKind::Object {
            check.wrong_type(value, pointer, "an object with a function");
            return None;
        }
        let Some((name_key, name_value)) = ["function", "type"].iter().find_map(|key| Some((*key, value.member(key)?))) else {
            check.error("mapping.missing-key", value, pointer, "the key `function` with the function's name is missing");
            return None;
        };
        let name_pointer = format!("{pointer}/{name_key}");
        let name = check.text(name_value, &name_pointer)?;
        let Some(spec) = ALL.iter().find(|spec| spec.name == name) else {
            let hint = nearest(&name, ALL.iter().map(|spec| spec.name)).map(|known| format!("; did you mean {known}?")).unwrap_or_default();
            check.error("mapping.unknown-function", name_value, &name_pointer, &format!("there is no function {name}{hint}"));
            return None;
        };
        if !spec.supported {
            let message = format!("the function {name} is not supported by this version of the component");
            check.error("mapping.unsupported-function", name_value, &name_pointer, &message);
            return None;
        }
        let known: Vec<&str> = COMMON.iter().chain(spec.required).chain(spec.optional).copied().collect();
        check.known_keys(value, pointer, &known, "mapping.unknown-parameter");
        let mut complete = true;
        for required in spec.required {
            if value.member(required).is_none() {
                check.error("mapping.missing-parameter", value, pointer, &format!("the function {name} needs the parameter `{required}`"));
                complete = false;
            }
        }
        let condition = check.condition(value, pointer);
        let on_elements = check.flag(value, pointer, "applyOnElements");
        let on_attribute = check.key(value, pointer, "applyOnAttribute").or_else(|| check.key(value, pointer, "applyOnJsonAttribute"));
        let assign_to = check.key(value, pointer, "assignToAttribute");
        if !complete {
            return None;
        }
        let kind = Parameters { check, value, pointer }.kind(spec.name)?;
        Some(Self { pointer: pointer.into(), name: spec.name, condition, on_elements, on_attribute, assign_to, kind })
    }
}

struct Parameters<'p, 'c, 'v> {
    check: &'p mut Check<'c>,
    value: Value<'v>,
    pointer: &'p str,
}

impl Parameters<'_, '_, '_> {
    fn kind(&mut self, name: &str) -> Option<Kind> {
        Some(match name {
            "concatString" => Kind::ConcatString { prefix: self.optional_text("prefix")?, suffix: self.optional_text("suffix")? },
            "compositeId" => Kind::CompositeId {
                sub_id: self.text("subId")?,
                separator: self.optional_text("separator")?.unwrap_or(Text::Fixed(":".into())),
            },
            "copyMapEntry" => Kind::CopyMapEntry { from: self.key("sourceKey")?, to: self.key("targetKey")? },
            "renameMapEntry" => Kind::RenameMapEntry { from: self.key("sourceKey")?, to: self.key("targetKey")? },
            "elementAt" => Kind::ElementAt(self.integer("index")?),
            "putIfAbsent" => Kind::PutIfAbsent { key: self.key("key")?, value: self.constant("defaultValue")? },
            "putIfPresent" => Kind::PutIfPresent { key: self.key("key")?, value: self.constant("defaultValue")? },
            "replaceString" => Kind::ReplaceString { target: self.text("target")?, replacement: self.text("replacement")? },
            "replaceFirstString" => Kind::ReplaceFirst { regex: self.regex("regex", false)?, replacement: self.text("replacement")? },
            "replaceLastString" => Kind::ReplaceLast { regex: self.regex("regex", false)?, replacement: self.text("replacement")? },
            "replaceAllString" => Kind::ReplaceAll { regex: self.regex("regex", false)?, replacement: self.text("replacement")? },
            "matchRegex" => Kind::MatchRegex(self.regex("regex", true)?),
            "getMatchedRegexGroup" => Kind::MatchedGroup { regex: self.regex("regex", false)?, group: self.index("groupIndex")? },
            "resolveEntityIds" => {
                let mut name = |key: &str| -> Option<Option<String>> {
                    match self.value.member(key) {
                        Some(value) => self.check.text(value, &format!("{}/{key}", self.pointer)).map(Some),
                        None => Some(None),
                    }
                };
                let (entity_type, source, target) = (name("entityType")?, name("sourceSystemName")?, name("targetSystemName")?);
                let key = self.check.constants.key("value");
                Kind::ResolveEntityIds { lookup: self.check.lookup(entity_type.unwrap_or_else(|| "user".to_owned()), source, target), key }
            }
            "splitStringToArray" => Kind::Split(self.text("separator")?),
            "substring" => {
                let end = if self.value.member("endIndex").is_some() { Some(self.index("endIndex")?) } else { None };
                Kind::Substring { begin: self.index("beginIndex")?, end }
            }
            "toUpperCaseString" => Kind::UpperCase { dotted_i: self.dotted_i()? },
            "toLowerCaseString" => Kind::LowerCase { dotted_i: self.dotted_i()? },
            _ => Kind::ToText,
        })
    }

    fn at(&self, key: &str) -> String {
        format!("{}/{key}", self.pointer)
    }

    fn key(&mut self, key: &str) -> Option<Key> {
        self.check.key(self.value, self.pointer, key)
    }

    fn constant(&mut self, key: &str) -> Option<crate::json::Slot> {
        let value = self.value.member(key)?;
        self.check.constant(value, &self.at(key))
    }

    /// A whole number, also as a text.
    fn integer(&mut self, key: &str) -> Option<i64> {
        let value = self.value.member(key)?;
        let pointer = self.at(key);
        let text = if value.kind() == JsonKind::String { self.check.text(value, &pointer)? } else { value.raw().to_owned() };
        let number = text.trim().parse().ok();
        if number.is_none() {
            self.check.wrong_type(value, &pointer, "a whole number");
        }
        number
    }

    fn index(&mut self, key: &str) -> Option<usize> {
        let number = self.integer(key)?;
        let index = usize::try_from(number).ok();
        if let (None, Some(value)) = (index, self.value.member(key)) {
            self.check.wrong_type(value, &self.at(key), "a whole number that is not negative");
        }
        index
    }

    /// A text, number or boolean; a text that starts like a path and is one is read from the document.
    fn text(&mut self, key: &str) -> Option<Text> {
        let value = self.value.member(key)?;
        let pointer = self.at(key);
        let text = match value.kind() {
            JsonKind::String => self.check.text(value, &pointer)?,
            JsonKind::Number | JsonKind::True | JsonKind::False => value.raw().to_owned(),
            _ => {
                self.check.wrong_type(value, &pointer, "a text, a number or a boolean");
                return None;
            }
        };
        if (text.starts_with("$.") || text.starts_with("$["))
            && let Ok(path) = self.check.compiler().path(&text)
        {
            return Some(Text::Path(path));
        }
        let template = Template::parse(&text, &mut self.check.names);
        Some(template.map_or_else(|| Text::Fixed(text.into()), Text::Template))
    }

    #[expect(clippy::option_option, reason = "the outer one says whether it is right, the inner one whether it is there")]
    fn optional_text(&mut self, key: &str) -> Option<Option<Text>> {
        match self.value.member(key) {
            Some(value) if value.kind() != JsonKind::Null => self.text(key).map(Some),
            _ => Some(None),
        }
    }

    fn dotted_i(&mut self) -> Option<bool> {
        let Some(value) = self.value.member("locale") else { return Some(false) };
        let locale = self.check.text(value, &self.at("locale"))?.to_lowercase();
        Some(locale.starts_with("tr") || locale.starts_with("az"))
    }

    fn regex(&mut self, key: &str, whole: bool) -> Option<Expression> {
        let value = self.value.member(key)?;
        let pointer = self.at(key);
        let text = self.check.text(value, &pointer)?;
        if let Some(template) = Template::parse(&text, &mut self.check.names) {
            return Some(Expression::Template { template, whole });
        }
        match Expression::fixed(&text, whole) {
            Ok(expression) => Some(expression),
            Err(what) => {
                self.check.error("mapping.invalid-regex", value, &pointer, &what);
                None
            }
        }
    }
}
