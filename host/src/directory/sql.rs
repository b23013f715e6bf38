//! Filters and sort orders to SQL. Whatever comes from a client, and every path into a document, is a bound parameter: the text of a query is made of what stands in this
//! file and nothing else. What it answers is what [`crate::scim::evaluate`] answers; a test compares them.

use std::fmt::Write as _;

use rusqlite::types::Value as Sql;
use serde_json::Value;

use super::members;
use crate::scim::{
    Filter, ResourceType, Sort,
    evaluate::{fold, instant},
    filter::Operator,
    path::AttributePath,
    schema::{Attribute, Kind, Resolved, Uniqueness},
};

/// A piece of SQL with its parameters, which are numbered.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub text: String,
    pub parameters: Vec<Sql>,
}

impl Query {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), parameters: Vec::new() }
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// A parameter in this place.
    pub(super) fn bind(&mut self, value: impl Into<Sql>) {
        self.parameters.push(value.into());
        // Writing to a string cannot fail.
        let _ = write!(self.text, "?{}", self.parameters.len());
    }

    fn text_parameter(&mut self, value: &str) {
        self.bind(value.to_owned());
    }
}

/// Where a value is looked for.
enum Place<'a> {
    /// A column or an expression of this file.
    Column(&'static str),
    /// In the document, at a path of names that stand in a schema.
    Document(&'a str),
}

/// The condition for a resource `r` of this type. The filter was checked.
pub(super) fn condition(filter: &Filter, of: &ResourceType, into: &mut Query) {
    match filter {
        Filter::And(terms) => joined(terms, " AND ", into, |term, into| condition(term, of, into)),
        Filter::Or(terms) => joined(terms, " OR ", into, |term, into| condition(term, of, into)),
        Filter::Not(term) => {
            into.push("NOT (");
            condition(term, of, into);
            into.push(")");
        }
        Filter::Present(path) => match of.resolve(path) {
            Some(resolved) => present(&resolved, of, into),
            None => into.push("FALSE"),
        },
        Filter::Compare { path, operator, value } => match of.resolve(path) {
            Some(resolved) => compared(&resolved, of, *operator, value, into),
            None => into.push("FALSE"),
        },
        Filter::Within { path, filter } => match of.resolve(path) {
            Some(resolved) => within(&resolved, of, filter, into),
            None => into.push("FALSE"),
        },
    }
}

/// Terms with a word between them. Each is TRUE or FALSE and never NULL, so that NOT turns it round.
pub(super) fn joined(terms: &[Filter], word: &str, into: &mut Query, mut each: impl FnMut(&Filter, &mut Query)) {
    for (index, term) in terms.iter().enumerate() {
        into.push(if index == 0 { "(" } else { word });
        each(term, into);
    }
    into.push(if terms.is_empty() { "TRUE" } else { ")" });
}

/// `$."urn:…:User"."manager"`: the names are those of a schema, which are letters, digits and what needs no escape.
fn json_path<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().fold(String::from("$"), |path, name| path + ".\"" + name + "\"")
}

fn path_of(resolved: &Resolved<'_>) -> String {
    json_path(resolved.extension.into_iter().chain([resolved.attribute.name.as_str()]))
}

/// Columns that stand for attributes of every resource.
fn column(resolved: &Resolved<'_>) -> Option<&'static str> {
    if resolved.extension.is_some() {
        return None;
    }
    match (resolved.attribute.name.as_str(), resolved.sub.map(|sub| sub.name.as_str())) {
        ("id", None) => Some("r.id"),
        ("externalId", None) => Some("r.external_id"),
        ("meta", Some("created")) => Some("r.created"),
        ("meta", Some("lastModified")) => Some("r.modified"),
        ("meta", Some("version")) => Some("('W/\"' || r.version || '\"')"),
        ("meta", Some("resourceType")) => Some("r.type"),
        // It depends on how the service is reached.
        ("meta", Some("location")) => Some("NULL"),
        _ => None,
    }
}

fn present(resolved: &Resolved<'_>, of: &ResourceType, into: &mut Query) {
    if members::is_link(resolved, of) {
        members::exists(None, resolved, into);
        return;
    }
    if resolved.attribute.name == "meta" && resolved.sub.is_none() && resolved.extension.is_none() {
        into.push("TRUE");
        return;
    }
    if let Some(column) = column(resolved) {
        let _ = write!(into.text, "({column} IS NOT NULL AND {column} <> '')");
        return;
    }
    match (resolved.sub, resolved.attribute.multi_valued) {
        (Some(sub), true) => {
            into.push("EXISTS (SELECT 1 FROM json_each(r.document, ");
            into.text_parameter(&path_of(resolved));
            into.push(") AS v WHERE COALESCE(json_extract(v.value, ");
            into.text_parameter(&json_path([sub.name.as_str()]));
            into.push("), '') <> '')");
        }
        (sub, _) => {
            let path = sub.map_or_else(|| path_of(resolved), |sub| path_of(resolved) + &json_path([sub.name.as_str()])[1..]);
            into.push("EXISTS (SELECT 1 FROM json_tree(r.document, ");
            into.text_parameter(&path);
            into.push(") AS v WHERE COALESCE(v.atom, '') <> '')");
        }
    }
}

fn compared(resolved: &Resolved<'_>, of: &ResourceType, operator: Operator, value: &Value, into: &mut Query) {
    if value.is_null() {
        into.push(if operator == Operator::Ne { "(" } else { "NOT (" });
        present(resolved, of, into);
        into.push(")");
        return;
    }
    if operator == Operator::Ne {
        into.push("NOT (");
        compared(resolved, of, Operator::Eq, value, into);
        into.push(")");
        return;
    }
    if members::is_link(resolved, of) {
        let name = resolved.leaf().name.clone();
        let path = AttributePath { schema: None, name, sub: None };
        members::exists(Some(&Filter::Compare { path, operator, value: value.clone() }), resolved, into);
        return;
    }
    let leaf = resolved.leaf();
    if let (Operator::Eq, true, Value::String(text)) = (operator, is_indexed_unique(resolved), value) {
        into.push("r.seq IN (SELECT u.resource FROM unique_value AS u WHERE u.type = r.type AND u.attribute = ");
        into.text_parameter(&unique_name(resolved.extension, &resolved.attribute.name));
        into.push(" AND u.value = ");
        into.text_parameter(&if leaf.case_exact { text.clone() } else { fold(text) });
        into.push(")");
        return;
    }
    if let (Operator::Eq, "displayName", None, Value::String(text)) =
        (operator, resolved.attribute.name.as_str(), resolved.extension, value)
    {
        into.push("(r.display_name = ");
        into.text_parameter(&fold(text));
        into.push(") IS TRUE");
        return;
    }
    if let Some(column) = column(resolved) {
        into.push("(");
        comparison(&Place::Column(column), leaf, operator, value, into);
        into.push(") IS TRUE");
        return;
    }
    let path = path_of(resolved);
    if resolved.attribute.multi_valued {
        into.push("EXISTS (SELECT 1 FROM json_each(r.document, ");
        into.text_parameter(&path);
        into.push(") AS v WHERE ");
        if resolved.attribute.kind == Kind::Complex {
            within_value(&Filter::Compare { path: plain(&leaf.name), operator, value: value.clone() }, resolved.attribute, "v.value", into);
        } else {
            comparison(&Place::Column("v.value"), leaf, operator, value, into);
        }
        into.push(")");
    } else {
        let path = resolved.sub.map_or(path.clone(), |sub| path + &json_path([sub.name.as_str()])[1..]);
        into.push("(");
        comparison(&Place::Document(&path), leaf, operator, value, into);
        into.push(") IS TRUE");
    }
}

fn plain(name: &str) -> AttributePath {
    AttributePath { schema: None, name: name.to_owned(), sub: None }
}

fn within(resolved: &Resolved<'_>, of: &ResourceType, filter: &Filter, into: &mut Query) {
    if members::is_link(resolved, of) {
        members::exists(Some(filter), resolved, into);
        return;
    }
    if resolved.attribute.name == "meta" && resolved.extension.is_none() {
        // meta[lastModified gt "…"]
        meta(filter, of, into);
        return;
    }
    if resolved.attribute.multi_valued {
        into.push("EXISTS (SELECT 1 FROM json_each(r.document, ");
        into.text_parameter(&path_of(resolved));
        into.push(") AS v WHERE ");
        within_value(filter, resolved.attribute, "v.value", into);
    } else {
        into.push("EXISTS (SELECT 1 FROM (SELECT json_extract(r.document, ");
        into.text_parameter(&path_of(resolved));
        into.push(") AS value) AS v WHERE v.value IS NOT NULL AND ");
        within_value(filter, resolved.attribute, "v.value", into);
    }
    into.push(")");
}

fn meta(filter: &Filter, of: &ResourceType, into: &mut Query) {
    let inside = |path: &AttributePath| AttributePath { schema: None, name: "meta".into(), sub: Some(path.name.clone()) };
    match filter {
        Filter::And(terms) => joined(terms, " AND ", into, |term, into| meta(term, of, into)),
        Filter::Or(terms) => joined(terms, " OR ", into, |term, into| meta(term, of, into)),
        Filter::Not(term) => {
            into.push("NOT (");
            meta(term, of, into);
            into.push(")");
        }
        Filter::Present(path) => condition(&Filter::Present(inside(path)), of, into),
        Filter::Compare { path, operator, value } => {
            condition(&Filter::Compare { path: inside(path), operator: *operator, value: value.clone() }, of, into);
        }
        Filter::Within { .. } => into.push("FALSE"),
    }
}

/// A filter between brackets, for one complex value.
fn within_value(filter: &Filter, of: &Attribute, value: &'static str, into: &mut Query) {
    match filter {
        Filter::And(terms) => joined(terms, " AND ", into, |term, into| within_value(term, of, value, into)),
        Filter::Or(terms) => joined(terms, " OR ", into, |term, into| within_value(term, of, value, into)),
        Filter::Not(term) => {
            into.push("NOT (");
            within_value(term, of, value, into);
            into.push(")");
        }
        Filter::Present(path) => {
            let _ = write!(into.text, "(COALESCE(json_extract({value}, ");
            into.text_parameter(&json_path(of.sub(&path.name).map(|sub| sub.name.as_str())));
            into.push("), '') <> '')");
        }
        Filter::Compare { path, operator, value: literal } => {
            let Some(sub) = of.sub(&path.name) else {
                into.push("FALSE");
                return;
            };
            match (operator, literal) {
                (Operator::Eq, Value::Null) => within_value(&Filter::Not(Box::new(Filter::Present(path.clone()))), of, value, into),
                (Operator::Ne, Value::Null) => within_value(&Filter::Present(path.clone()), of, value, into),
                (Operator::Ne, _) => {
                    let equal = Filter::Compare { path: path.clone(), operator: Operator::Eq, value: literal.clone() };
                    within_value(&Filter::Not(Box::new(equal)), of, value, into);
                }
                _ => {
                    into.push("EXISTS (SELECT 1 FROM (SELECT json_extract(");
                    into.push(value);
                    into.push(", ");
                    into.text_parameter(&json_path([sub.name.as_str()]));
                    into.push(") AS x) AS w WHERE ");
                    comparison(&Place::Column("w.x"), sub, *operator, literal, into);
                    into.push(")");
                }
            }
        }
        Filter::Within { .. } => into.push("FALSE"),
    }
}

/// One comparison of one value; NULL where there is none. Not for `ne` and not with null.
fn comparison(place: &Place<'_>, leaf: &Attribute, operator: Operator, literal: &Value, into: &mut Query) {
    let is_column_of_moments = matches!(place, Place::Column("r.created" | "r.modified"));
    let text = matches!(leaf.kind, Kind::String | Kind::Reference | Kind::Binary);
    let folded = text && !leaf.case_exact;
    let value = |into: &mut Query| {
        let function = if folded {
            "scim_fold("
        } else if leaf.kind == Kind::DateTime && !is_column_of_moments {
            "scim_instant("
        } else {
            "("
        };
        into.push(function);
        match place {
            Place::Column(name) => into.push(name),
            Place::Document(path) => {
                into.push("json_extract(r.document, ");
                into.text_parameter(path);
                into.push(")");
            }
        }
        into.push(")");
    };
    let literal: Sql = match literal {
        Value::String(text) if leaf.kind == Kind::DateTime => instant(text).map_or(Sql::Null, Sql::Integer),
        Value::String(text) => Sql::Text(if folded { fold(text) } else { text.clone() }),
        Value::Bool(value) => Sql::Integer(i64::from(*value)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Sql::Integer(integer),
            (None, Some(real)) => Sql::Real(real),
            (None, None) => Sql::Null,
        },
        _ => Sql::Null,
    };
    let sign = match operator {
        Operator::Co => {
            into.push("instr(");
            value(into);
            into.push(", ");
            into.bind(literal);
            into.push(") > 0");
            return;
        }
        Operator::Sw | Operator::Ew => {
            let at_start = operator == Operator::Sw;
            into.push("substr(");
            value(into);
            into.push(if at_start { ", 1, length(" } else { ", -max(1, length(" });
            into.bind(literal.clone());
            into.push(if at_start { ")) = " } else { "))) = " });
            // An empty text is the end of every text, and substr has no way to say so.
            if !at_start && literal == Sql::Text(String::new()) {
                into.push("substr(");
                value(into);
                into.push(", -1)");
            } else {
                into.bind(literal);
            }
            return;
        }
        Operator::Eq | Operator::Ne => " = ",
        Operator::Gt => " > ",
        Operator::Ge => " >= ",
        Operator::Lt => " < ",
        Operator::Le => " <= ",
    };
    value(into);
    into.push(sign);
    into.bind(literal);
}

/// Under which name the values of an attribute stand in `unique_value`.
pub(super) fn unique_name(extension: Option<&str>, name: &str) -> String {
    extension.map_or_else(|| name.to_owned(), |extension| format!("{extension}:{name}"))
}

/// Whether values of the attribute stand in `unique_value`.
pub(super) fn is_unique(attribute: &Attribute) -> bool {
    attribute.uniqueness != Uniqueness::None && !attribute.multi_valued && matches!(attribute.kind, Kind::String | Kind::Reference)
}

fn is_indexed_unique(resolved: &Resolved<'_>) -> bool {
    resolved.sub.is_none() && is_unique(resolved.attribute) && resolved.attribute.name != "id"
}

/// `ORDER BY` for resources `r`: what has no value comes last, and first the other way round (RFC 7644 section 3.4.2.3).
pub(super) fn order(sort: Option<&Sort>, of: &ResourceType, into: &mut Query) {
    into.push(" ORDER BY ");
    if let Some(sort) = sort
        && let Some(resolved) = of.resolve(&sort.by)
    {
        for nulls in [true, false] {
            into.push("(");
            sort_value(&resolved, into);
            into.push(if nulls { ") IS NULL" } else { ")" });
            into.push(if sort.descending { " DESC, " } else { ", " });
        }
    }
    into.push("r.seq");
}

fn sort_value(resolved: &Resolved<'_>, into: &mut Query) {
    if let Some(column) = column(resolved) {
        into.push(column);
        return;
    }
    let leaf = resolved.leaf();
    let function = match leaf.kind {
        Kind::DateTime => "scim_instant(",
        Kind::String | Kind::Reference if !leaf.case_exact => "scim_fold(",
        _ => "(",
    };
    into.push(function);
    if resolved.attribute.multi_valued {
        // The primary value, else the first.
        into.push("(SELECT json_extract(v.value, ");
        into.text_parameter(&if resolved.attribute.kind == Kind::Complex { json_path([leaf.name.as_str()]) } else { "$".to_owned() });
        into.push(") FROM json_each(r.document, ");
        into.text_parameter(&path_of(resolved));
        into.push(") AS v ORDER BY COALESCE(json_extract(v.value, '$.primary'), 0) DESC, v.key LIMIT 1)");
    } else {
        let path = path_of(resolved);
        let path = resolved.sub.map_or(path.clone(), |sub| path + &json_path([sub.name.as_str()])[1..]);
        into.push("json_extract(r.document, ");
        into.text_parameter(&path);
        into.push(")");
    }
    into.push(")");
}
