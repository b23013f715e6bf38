//! From a function's JSON to its compiled form.

use super::bytes::Algorithm;
use super::codes::{CountryFormat, LocaleFormat, RegionFormat, TimezoneFormat};
use super::date::{self, DateFormat, Shift};
use super::password::Password;
use super::regex::{Compile, Which};
use super::spec::{ALL, COMMON, PASSWORD};
use super::{Expression, Format, Function, Kind, Text};
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
            let hint = match &*name {
                "isValidEmail" => "; it stands in a condition: isValidEmail($.emails[0].value)".to_owned(),
                _ => nearest(&name, ALL.iter().map(|spec| spec.name)).map(|known| format!("; did you mean {known}?")).unwrap_or_default(),
            };
            check.error("mapping.unknown-function", name_value, &name_pointer, &format!("there is no function {name}{hint}"));
            return None;
        };
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
            "replaceFirstString" => self.replace_matches(Which::First)?,
            "replaceLastString" => self.replace_matches(Which::Last)?,
            "replaceAllString" => self.replace_matches(Which::All)?,
            "matchRegex" => Kind::MatchRegex(self.regex("regex")?),
            "getMatchedRegexGroup" => Kind::MatchedGroup { regex: self.regex("regex")?, group: self.index("groupIndex")? },
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
            "convertCountryCode" => {
                let format = self.choice("outputFormat", &CountryFormat::NAMES)?;
                Kind::CountryCode {
                    format,
                    input: self.attributes()?.into_iter().map(|(_, key)| key).collect(),
                    output: self.key("outputAttribute")?,
                }
            }
            "convertCountryRegion" => {
                let format = self.choice("outputFormat", &RegionFormat::NAMES)?;
                // The region comes first, unless the names say otherwise.
                let mut attributes = self.attributes()?;
                let country = attributes.iter().position(|(name, _)| name == "country").or((attributes.len() > 1).then_some(1));
                let country = country.filter(|_| attributes.len() > 1).map(|at| attributes.remove(at).1);
                let region = attributes.first()?.1;
                Kind::CountryRegion { format, region, country, output: self.key("outputAttribute")? }
            }
            "convertLocaleCode" => Kind::LocaleCode(self.choice("outputFormat", &LocaleFormat::NAMES)?),
            "convertTimezoneCode" => Kind::TimezoneCode(self.choice("outputFormat", &TimezoneFormat::NAMES)?),
            "encode" => {
                let algorithm = self.choice("algorithm", &Algorithm::NAMES)?;
                Kind::Encode { algorithm, padding: !self.check.flag(self.value, self.pointer, "skipPadding") }
            }
            "decode" => {
                // Accepted without effect: padding is taken as it comes.
                self.check.flag(self.value, self.pointer, "skipPadding");
                Kind::Decode(self.choice("algorithm", &Algorithm::NAMES)?)
            }
            "manipulateDate" => self.manipulate_date()?,
            "randomPassword" => self.password()?,
            _ => Kind::ToText,
        })
    }

    fn replace_matches(&mut self, which: Which) -> Option<Kind> {
        Some(Kind::ReplaceMatches { regex: self.regex("regex")?, replacement: self.text("replacement")?, which })
    }

    /// One of a few words.
    fn choice<T: Copy>(&mut self, key: &str, known: &[(&'static str, T)]) -> Option<T> {
        let value = self.value.member(key)?;
        let pointer = self.at(key);
        let text = self.check.text(value, &pointer)?;
        let found = known.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice);
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let message = format!("`{key}` is one of {}, not {text}", names.join(", "));
            self.check.error("mapping.invalid-parameter", value, &pointer, &message);
        }
        found
    }

    /// The names under `inputAttributes`: a list of texts, or a single one.
    fn attributes(&mut self) -> Option<Vec<(String, Key)>> {
        let value = self.value.member("inputAttributes")?;
        let pointer = self.at("inputAttributes");
        let mut names = Vec::new();
        if value.kind() == JsonKind::Array {
            for (position, element) in value.elements().enumerate() {
                names.push(self.check.text(element, &format!("{pointer}/{position}"))?);
            }
        } else {
            names.push(self.check.text(value, &pointer)?);
        }
        if names.is_empty() {
            self.check.wrong_type(value, &pointer, "a list with the names of attributes");
            return None;
        }
        Some(names.into_iter().map(|name| (name.clone(), self.check.constants.key(&name))).collect())
    }

    fn manipulate_date(&mut self) -> Option<Kind> {
        let default = self.check.properties.iter().find(|(name, _)| name == "ips.date.variable.format");
        let default = default.map_or(date::DEFAULT, |(_, format)| format.as_str());
        let (source_text, source) = self.date_format("sourceDateFormat", default)?;
        // A date that is only moved keeps its format; one in milliseconds becomes readable.
        let source_text = if matches!(source, Format::Fixed(DateFormat::Epoch)) { default.to_owned() } else { source_text };
        let (_, target) = self.date_format("targetDateFormat", &source_text)?;
        let shift = Shift {
            years: self.amount("years")?,
            months: self.amount("months")?,
            days: self.amount("days")?,
            hours: self.amount("hours")?,
            minutes: self.amount("minutes")?,
            seconds: self.amount("seconds")?,
        };
        Some(Kind::ManipulateDate { source, target, shift })
    }

    fn date_format(&mut self, key: &str, default: &str) -> Option<(String, Format)> {
        let given = self.value.member(key).filter(|value| value.kind() != JsonKind::Null);
        let pointer = self.at(key);
        let text = match given {
            Some(value) => self.check.text(value, &pointer)?,
            None => default.to_owned(),
        };
        if let Some(template) = Template::parse(&text, &mut self.check.names) {
            return Some((text, Format::Template(template)));
        }
        match DateFormat::compile(&text) {
            Ok(format) => Some((text, Format::Fixed(format))),
            Err(what) => {
                let message = format!("`{text}` is no format of a date: {what}");
                self.check.error("mapping.invalid-date-format", given.unwrap_or(self.value), &pointer, &message);
                None
            }
        }
    }

    /// How far a date is moved: a whole number, with or without a sign; nothing and an empty text are 0.
    fn amount(&mut self, key: &str) -> Option<i64> {
        let Some(value) = self.value.member(key).filter(|value| value.kind() != JsonKind::Null) else { return Some(0) };
        if value.kind() == JsonKind::String {
            let pointer = self.at(key);
            let text = self.check.text(value, &pointer)?;
            if text.trim().is_empty() {
                return Some(0);
            }
        }
        self.integer(key)
    }

    fn password(&mut self) -> Option<Kind> {
        let numbers = PASSWORD.map(|key| self.index(key));
        let [Some(length), Some(lower), Some(upper), Some(digits), Some(special)] = numbers else { return None };
        let symbols = match self.value.member("specialSymbols").filter(|value| value.kind() != JsonKind::Null) {
            Some(value) => Some(self.check.text(value, &self.at("specialSymbols"))?),
            None => None,
        };
        match Password::new(length, [lower, upper, digits, special], symbols.as_deref()) {
            Ok(password) => Some(Kind::RandomPassword(password)),
            Err(what) => {
                self.check.error("mapping.invalid-password", self.value, self.pointer, &what);
                None
            }
        }
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
        // Documentation prints minus signs as dashes.
        let number = text.trim().replace(['\u{2013}', '\u{2212}'], "-").parse().ok();
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

    fn regex<E: Compile>(&mut self, key: &str) -> Option<Expression<E>> {
        let value = self.value.member(key)?;
        let pointer = self.at(key);
        let text = match value.kind() {
            JsonKind::Number => value.raw().to_owned(),
            _ => self.check.text(value, &pointer)?,
        };
        if let Some(template) = Template::parse(&text, &mut self.check.names) {
            return Some(Expression::Template(template));
        }
        match E::compile(&text) {
            Ok(expression) => Some(Expression::Fixed(Box::new(expression))),
            Err(what) => {
                self.check.error("mapping.invalid-regex", value, &pointer, &what);
                None
            }
        }
    }
}
