//! Filters for a backend (spec section 5.5): an equation, or several joined by `and`, over attributes that the read transformation takes as they are, become the
//! connector's question for entities with these values. Everything else is asked of every entity, one page after the other, within bounds.

use serde_json::Value;

use super::Handled;
use crate::{
    sandbox::contract::{AttributeValue, Scope},
    scim::{Filter, filter::Operator, path::AttributePath},
};

impl Handled {
    /// The backend's question that finds at least everybody for whom the filter holds. Nothing where only reading all of them does.
    pub(super) fn question(&self, filter: &Filter) -> Option<Scope> {
        if !self.entity.abilities.read_by_attributes {
            return None;
        }
        let terms: &[Filter] = match filter {
            Filter::And(terms) => terms,
            one => std::slice::from_ref(one),
        };
        // Of several terms those that can be asked narrow it down; the rest is looked at afterwards.
        let values: Vec<AttributeValue> = terms.iter().filter_map(|term| self.equation(term)).collect();
        (!values.is_empty()).then_some(Scope::ByAttributes(values))
    }

    fn equation(&self, term: &Filter) -> Option<AttributeValue> {
        let Filter::Compare { path, operator: Operator::Eq, value } = term else { return None };
        if value.is_null() {
            return None;
        }
        Some(AttributeValue { attribute: self.backends(path)?, value: value.to_string() })
    }

    /// What the backend calls an attribute. Of one with several values the first is meant.
    fn backends(&self, path: &AttributePath) -> Option<String> {
        if path.schema.is_some() {
            return None;
        }
        let name = &path.name;
        let spellings = match &path.sub {
            Some(sub) => vec![format!("{name}.{sub}"), format!("{name}[0].{sub}")],
            None => vec![name.clone(), format!("{name}[0].value")],
        };
        for spelling in &spellings {
            if let Some((_, source)) = self.plain.iter().find(|(target, _)| target.eq_ignore_ascii_case(spelling)) {
                return Some(source.clone()).filter(|source| !source.is_empty());
            }
        }
        // Somebody writes to the attribute as a whole.
        if self.plain.iter().any(|(target, _)| target.eq_ignore_ascii_case(name)) {
            return None;
        }
        let copied = self.plain.iter().any(|(target, source)| target.is_empty() && source.is_empty());
        copied.then(|| spellings[0].clone())
    }
}

/// Whether a filter asks for one entity by what identifies it: one equation (spec section 5.5: more than one hit is `tooMany`).
pub(super) fn asks_for_one(filter: &Filter) -> bool {
    matches!(filter, Filter::Compare { operator: Operator::Eq, value: Value::String(_), .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::description::{Abilities, EntityType};

    #[test]
    fn what_can_be_asked() {
        let plain = [("", ""), ("mail", ""), ("userName", "login"), ("emails[0].value", "addresses[0]"), ("title", "")];
        let handled = Handled {
            entity: EntityType {
                name: "user".into(),
                unique_attributes: Vec::new(),
                abilities: Abilities { read_by_attributes: true, ..Abilities::default() },
            },
            conditional: false,
            plain: plain.map(|(target, source)| (target.to_owned(), source.to_owned())).to_vec(),
        };
        let asked = |text: &str| match handled.question(&Filter::parse(text).unwrap()) {
            Some(Scope::ByAttributes(values)) => {
                values.into_iter().map(|one| format!("{}={}", one.attribute, one.value)).collect::<Vec<_>>().join(" ")
            }
            _ => String::new(),
        };
        for (text, expected) in [
            (r#"userName eq "a""#, r#"login="a""#),
            (r#"USERNAME eq "a" and externalId eq "b" and title eq "c""#, r#"login="a" externalId="b""#),
            (r#"emails eq "a""#, r#"addresses[0]="a""#),
            (r#"emails.value eq "a" and active eq true"#, r#"addresses[0]="a" active=true"#),
            (r#"name.familyName eq "a""#, r#"name.familyName="a""#),
            (r#"title eq "a""#, ""),
            (r#"userName sw "a""#, ""),
            (r#"userName eq "a" or userName eq "b""#, ""),
            (r#"not (userName eq "a")"#, ""),
            ("userName eq null", ""),
            (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a""#, ""),
        ] {
            assert_eq!(asked(text), expected, "{text}");
        }
    }
}
