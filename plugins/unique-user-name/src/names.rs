//! Who has which user name in this run.

use std::collections::HashMap;

use crate::document::{Document, Failure};
use crate::settings::Settings;

/// The names given and kept so far. Its memory grows with the people of the run, some hundred bytes each.
#[derive(Debug)]
pub struct Names {
    settings: Settings,
    /// Name in lower case -> id.
    taken: HashMap<String, String>,
    /// Id -> the name derived for it: whoever comes twice in a run is called the same.
    given: HashMap<String, String>,
    /// Derived name -> the number to try next.
    next: HashMap<String, u32>,
}

impl Names {
    pub fn new(settings: Settings) -> Self {
        Self { settings, taken: HashMap::new(), given: HashMap::new(), next: HashMap::new() }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Keep the name that an entity brings along, so that nobody else gets it. Called for a whole page before any name is derived for it. Answers whether it brings
    /// one; the error is for one that somebody else has already.
    pub fn keep(&mut self, id: &str, document: &Document<'_>) -> Result<bool, Failure> {
        let Some(own) = document.text(&self.settings.attribute).filter(|name| !name.trim().is_empty()) else { return Ok(false) };
        match self.taken.get(&own.to_lowercase()) {
            Some(other) if other != id => {
                let message = format!("the user name {own:?} belongs to entity {other} already in this run");
                Err(Failure { code: "unique-user-name.taken", message })
            }
            _ => {
                self.taken.insert(own.to_lowercase(), id.to_owned());
                Ok(true)
            }
        }
    }

    /// The name of an entity that brings none: the derived one, or the first free number behind it.
    pub fn give(&mut self, id: &str, document: &Document<'_>, mut told: impl FnMut(String)) -> Result<String, Failure> {
        if let Some(name) = self.given.get(id) {
            told(format!("this entity was called {name:?} before in this run"));
            return Ok(name.clone());
        }
        let derived = self.settings.pattern.derive(document, &mut told)?;
        let next = self.next.entry(derived.clone()).or_insert(1);
        loop {
            let suffix = if *next == 1 { String::new() } else { format!("{}{next}", self.settings.separator) };
            let room = self.settings.max_length.saturating_sub(suffix.len());
            if room == 0 {
                let message = format!("no user name of at most {} characters is free for {derived:?}", self.settings.max_length);
                return Err(Failure { code: "unique-user-name.none-left", message });
            }
            // Everything in it is ASCII.
            let name = format!("{}{suffix}", &derived[..derived.len().min(room)]);
            *next += 1;
            if let Some(other) = self.taken.get(&name) {
                told(format!("{name:?} belongs to entity {other}"));
                continue;
            }
            self.taken.insert(name.clone(), id.to_owned());
            self.given.insert(id.to_owned(), name.clone());
            return Ok(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(properties: &'static [(&'static str, &'static str)]) -> Names {
        let property = |name: &str| properties.iter().find(|(known, _)| name.ends_with(known)).map(|(_, value)| (*value).to_owned());
        Names::new(Settings::read(property).unwrap())
    }

    fn person(given: &str, family: &str) -> String {
        format!(r#"{{"name":{{"givenName":"{given}","familyName":"{family}"}}}}"#)
    }

    fn give(names: &mut Names, id: &str, text: &str) -> Result<String, &'static str> {
        names.give(id, &Document::parse(text, &[]).unwrap(), |_| {}).map_err(|failure| failure.code)
    }

    fn keep(names: &mut Names, id: &str, name: &str) -> Result<bool, &'static str> {
        let text = format!(r#"{{"userName":"{name}"}}"#);
        names.keep(id, &Document::parse(&text, &[]).unwrap()).map_err(|failure| failure.code)
    }

    #[test]
    fn the_second_ann_smith_is_asmith2() {
        let mut names = names(&[]);
        assert_eq!(give(&mut names, "1", &person("Ann", "Smith")).as_deref(), Ok("asmith"));
        assert_eq!(give(&mut names, "2", &person("Ánn", "Smith")).as_deref(), Ok("asmith2"));
        assert_eq!(give(&mut names, "3", &person("Adam", "Smith")).as_deref(), Ok("asmith3"));
        assert_eq!(give(&mut names, "2", &person("Ann", "Smith")).as_deref(), Ok("asmith2"), "who comes twice is called the same");
        assert_eq!(give(&mut names, "4", &person("Bob", "Smith")).as_deref(), Ok("bsmith"));
    }

    #[test]
    fn who_has_a_name_keeps_it() {
        let mut names = names(&[]);
        assert_eq!(keep(&mut names, "9", "ASmith"), Ok(true));
        assert_eq!(keep(&mut names, "8", "asmith2"), Ok(true));
        assert_eq!(keep(&mut names, "8", "asmith2"), Ok(true), "twice is fine");
        assert_eq!(keep(&mut names, "7", " "), Ok(false));
        assert_eq!(give(&mut names, "1", &person("Ann", "Smith")).as_deref(), Ok("asmith3"));
        assert_eq!(keep(&mut names, "6", "asmith3"), Err("unique-user-name.taken"));
    }

    #[test]
    fn the_number_counts_in_the_length() {
        let mut names = names(&[("max.length", "6"), ("separator", "."), ("pattern", "{f}")]);
        let expected = ["featur", "feat.2", "feat.3", "feat.4", "feat.5", "feat.6", "feat.7", "feat.8", "feat.9", "fea.10"];
        for (id, expected) in expected.iter().enumerate() {
            assert_eq!(give(&mut names, &id.to_string(), r#"{"f":"Featured"}"#).as_deref(), Ok(*expected));
        }
        // A shorter name runs into those that were cut.
        assert_eq!(give(&mut names, "x", r#"{"f":"featur"}"#).as_deref(), Ok("fea.11"));
    }

    #[test]
    fn names_run_out() {
        let mut names = names(&[("max.length", "4"), ("separator", "-"), ("pattern", "{f}")]);
        let outcomes: Vec<_> = (0..100).map(|id| give(&mut names, &id.to_string(), r#"{"f":"a"}"#)).collect();
        assert_eq!(outcomes[98].as_deref(), Ok("a-99"));
        assert_eq!(outcomes[99].as_deref(), Err(&"unique-user-name.none-left"));
    }
}
