//! Carrying out the operations of a PATCH on a resource.

use serde_json::{Map, Value};

use super::{
    super::{
        conform::MOST_VALUES,
        error::{ScimError, ScimType},
        evaluate::{holds_within, key},
        filter::{Filter, Operator},
        path::AttributePath,
        schema::{Attribute, Mutability, ResourceType},
    },
    Op, Operation, PatchPath,
};

/// Carry out one operation after the other. If one cannot be done the resource is half changed and to be thrown away; whether the result is a resource at all is for
/// [`super::super::conform::conform`] to say.
pub fn apply(resource: &mut Map<String, Value>, operations: &[Operation], of: &ResourceType) -> Result<(), ScimError> {
    operations.iter().try_for_each(|operation| one(resource, operation, of))
}

fn bad(scim_type: ScimType, detail: impl Into<String>) -> ScimError {
    ScimError::bad(scim_type, detail)
}

fn one(resource: &mut Map<String, Value>, operation: &Operation, of: &ResourceType) -> Result<(), ScimError> {
    match &operation.path {
        None => match &operation.value {
            Some(Value::Object(value)) => value.iter().try_for_each(|(name, value)| without_path(resource, operation.op, name, value, of)),
            _ => Err(bad(ScimType::InvalidValue, "without a path the value is an object")),
        },
        Some(path) => at_path(resource, operation.op, path, operation.value.as_ref(), of),
    }
}

/// A key of a value without path: an attribute, an extension with attributes in it, or a path.
fn without_path(resource: &mut Map<String, Value>, op: Op, name: &str, value: &Value, of: &ResourceType) -> Result<(), ScimError> {
    if name.eq_ignore_ascii_case("schemas") {
        return Ok(());
    }
    let path: PatchPath = name.parse()?;
    // What a client may not set is passed over where it is not the very aim of the operation.
    if attribute(&path, of).is_some_and(|found| found.mutability == Mutability::ReadOnly) {
        return Ok(());
    }
    at_path(resource, op, &path, Some(value), of)
}

/// The attribute of the path without its sub-attribute.
fn attribute<'t>(path: &PatchPath, of: &'t ResourceType) -> Option<&'t Attribute> {
    of.resolve(&path.attribute).map(|resolved| resolved.attribute)
}

fn at_path(resource: &mut Map<String, Value>, op: Op, path: &PatchPath, value: Option<&Value>, of: &ResourceType) -> Result<(), ScimError> {
    if let Some(extension) = of.extension(&path.text) {
        return at_extension(resource, op, &extension.id, value, of);
    }
    let resolved = of.resolve(&path.attribute);
    if resolved.is_none() && !of.open {
        return Err(bad(ScimType::InvalidPath, format!("{} has no attribute {}", of.name, path.text)));
    }
    let found = resolved.map(|resolved| resolved.attribute);
    let sub = match (&path.sub, found) {
        (Some(name), Some(found)) => match found.sub(name) {
            Some(sub) => Some(sub),
            None if of.open => None,
            None => return Err(bad(ScimType::InvalidPath, format!("{} has no attribute {}", found.name, name))),
        },
        _ => None,
    };
    if let Some(fixed) = [found, sub].into_iter().flatten().find(|attribute| attribute.mutability == Mutability::ReadOnly) {
        return Err(bad(ScimType::Mutability, format!("{} cannot be changed", fixed.name)));
    }
    let extension = match (resolved, &path.attribute.schema) {
        (Some(resolved), _) => resolved.extension.map(str::to_owned),
        (None, Some(id)) if !id.eq_ignore_ascii_case(&of.schema.id) => Some(id.clone()),
        (None, _) => None,
    };
    let object = match extension {
        None => resource,
        Some(id) => {
            let id = key(resource, &id).map_or(id.clone(), str::to_owned);
            match resource.entry(id).or_insert_with(|| Value::Object(Map::new())) {
                Value::Object(inner) => inner,
                _ => return Err(bad(ScimType::InvalidPath, "the extension is not an object")),
            }
        }
    };
    // The name as the resource or the schema spells it.
    let name = key(object, &path.attribute.name)
        .map(str::to_owned)
        .or_else(|| found.map(|found| found.name.clone()))
        .unwrap_or_else(|| path.attribute.name.clone());
    let target = Target { attribute: found, name, path };
    match &path.filter {
        Some(filter) => target.values(object, op, filter, value),
        None => target.whole(object, op, value),
    }?;
    if object.get(&target.name).is_some_and(is_nothing) {
        object.remove(&target.name);
    }
    Ok(())
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}

fn at_extension(resource: &mut Map<String, Value>, op: Op, id: &str, value: Option<&Value>, of: &ResourceType) -> Result<(), ScimError> {
    if op == Op::Remove {
        if let Some(id) = key(resource, id).map(str::to_owned) {
            resource.remove(&id);
        }
        return Ok(());
    }
    let Some(Value::Object(value)) = value else { return Err(bad(ScimType::InvalidValue, format!("the value of {id} is not an object"))) };
    for (name, value) in value.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("schemas")) {
        let attribute = AttributePath { schema: Some(id.to_owned()), name: name.clone(), sub: None };
        let path = PatchPath { text: attribute.to_string(), attribute, filter: None, sub: None };
        at_path(resource, op, &path, Some(value), of)?;
    }
    Ok(())
}

/// The attribute an operation is about.
struct Target<'a> {
    attribute: Option<&'a Attribute>,
    name: String,
    path: &'a PatchPath,
}

impl Target<'_> {
    fn is_multi_valued(&self, object: &Map<String, Value>) -> bool {
        self.attribute.map_or_else(|| object.get(&self.name).is_some_and(Value::is_array), |attribute| attribute.multi_valued)
    }

    /// Without a filter: the attribute, or a sub-attribute of all its values.
    fn whole(&self, object: &mut Map<String, Value>, op: Op, value: Option<&Value>) -> Result<(), ScimError> {
        let multi_valued = self.is_multi_valued(object);
        if let Some(sub) = &self.path.sub {
            return self.sub_of_all(object, op, sub, value, multi_valued);
        }
        let present = object.get(&self.name).is_some_and(|value| !is_nothing(value));
        match (op, value) {
            (Op::Remove, Some(gone)) if multi_valued && !is_nothing(gone) => {
                if let Some(Value::Array(list)) = object.get_mut(&self.name) {
                    let gone: Vec<&Value> = gone.as_array().map_or_else(|| vec![gone], |list| list.iter().collect());
                    list.retain(|value| !gone.iter().any(|gone| is_same(value, gone)));
                }
            }
            (Op::Remove, _) => {
                self.may_change(present)?;
                object.remove(&self.name);
            }
            (_, None | Some(Value::Null)) => {
                object.remove(&self.name);
            }
            (Op::Add, Some(value)) if multi_valued => {
                let list = object.entry(&self.name).or_insert_with(|| Value::Array(Vec::new()));
                let Value::Array(list) = list else { return Err(bad(ScimType::InvalidValue, format!("{} is not a list", self.name))) };
                for value in value.as_array().map_or_else(|| vec![value], |list| list.iter().collect()) {
                    add_value(list, value.clone());
                    if list.len() > MOST_VALUES {
                        return Err(bad(ScimType::InvalidValue, format!("{} has more than {MOST_VALUES} values", self.name)));
                    }
                }
            }
            (Op::Replace, Some(value)) if multi_valued => {
                let list = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
                object.insert(self.name.clone(), Value::Array(list));
            }
            (_, Some(Value::Object(value))) if matches!(object.get(&self.name), Some(Value::Object(_))) => {
                self.may_change(present)?;
                let Some(Value::Object(known)) = object.get_mut(&self.name) else { return Ok(()) };
                merge(known, value);
            }
            (_, Some(value)) => {
                self.may_change(present && object.get(&self.name) != Some(value))?;
                object.insert(self.name.clone(), value.clone());
            }
        }
        Ok(())
    }

    /// An immutable attribute is set once.
    fn may_change(&self, present: bool) -> Result<(), ScimError> {
        match self.attribute {
            Some(attribute) if present && attribute.mutability == Mutability::Immutable => {
                Err(bad(ScimType::Mutability, format!("{} cannot be changed once it is set", attribute.name)))
            }
            _ => Ok(()),
        }
    }

    fn sub_of_all(
        &self,
        object: &mut Map<String, Value>,
        op: Op,
        sub: &str,
        value: Option<&Value>,
        multi_valued: bool,
    ) -> Result<(), ScimError> {
        if op != Op::Remove && !object.contains_key(&self.name) {
            let empty = Value::Object(Map::new());
            object.insert(self.name.clone(), if multi_valued { Value::Array(vec![empty]) } else { empty });
        }
        match object.get_mut(&self.name) {
            None => {}
            Some(Value::Object(one)) => self.set_sub(one, op, sub, value),
            Some(Value::Array(list)) => {
                list.iter_mut().filter_map(Value::as_object_mut).for_each(|one| self.set_sub(one, op, sub, value));
                list.retain(|value| !is_nothing(value));
            }
            Some(_) => return Err(bad(ScimType::InvalidPath, format!("{} has no attributes of its own", self.name))),
        }
        Ok(())
    }

    fn set_sub(&self, object: &mut Map<String, Value>, op: Op, sub: &str, value: Option<&Value>) {
        let schema_name = || self.attribute.and_then(|attribute| attribute.sub(sub)).map(|sub| sub.name.clone());
        let name = key(object, sub).map(str::to_owned).or_else(schema_name).unwrap_or_else(|| sub.to_owned());
        match value {
            Some(value) if op != Op::Remove && !value.is_null() => {
                object.insert(name, value.clone());
            }
            _ => {
                object.remove(&name);
            }
        }
    }

    /// The values for which a filter holds.
    fn values(&self, object: &mut Map<String, Value>, op: Op, filter: &Filter, value: Option<&Value>) -> Result<(), ScimError> {
        if self.attribute.is_some_and(|attribute| !attribute.multi_valued) {
            return Err(bad(ScimType::InvalidPath, format!("{} has no list of values to choose from", self.name)));
        }
        check_inside(filter, self.attribute)?;
        let mut hits = Vec::new();
        let list: &mut Vec<Value> = match object.entry(&self.name).or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(list) => list,
            _ => return Err(bad(ScimType::InvalidPath, format!("{} has no list of values to choose from", self.name))),
        };
        for (index, value) in list.iter().enumerate() {
            if value.as_object().is_some_and(|value| holds_within(filter, value, self.attribute)) {
                hits.push(index);
            }
        }
        match (op, &self.path.sub) {
            (Op::Remove, None) => {
                let mut index = 0;
                list.retain(|_| {
                    index += 1;
                    hits.binary_search(&(index - 1)).is_err()
                });
                return Ok(());
            }
            (Op::Remove, Some(sub)) => {
                for index in hits {
                    if let Value::Object(one) = &mut list[index] {
                        self.set_sub(one, op, sub, None);
                    }
                }
                list.retain(|value| !is_nothing(value));
                return Ok(());
            }
            _ => {}
        }
        if hits.is_empty() {
            if op == Op::Replace {
                return Err(bad(ScimType::NoTarget, format!("no value fits {}", self.path.text)));
            }
            let mut made = Map::new();
            said(filter, &mut made);
            list.push(Value::Object(made));
            hits.push(list.len() - 1);
        }
        for &index in &hits {
            let Value::Object(one) = &mut list[index] else { continue };
            match (&self.path.sub, value) {
                (Some(sub), value) => self.set_sub(one, op, sub, value),
                (None, Some(Value::Object(value))) if op == Op::Replace => one.clone_from(value),
                (None, Some(Value::Object(value))) => merge(one, value),
                (None, _) => return Err(bad(ScimType::InvalidValue, format!("the value for {} is not an object", self.path.text))),
            }
        }
        let primary = |value: &Value| value.get("primary") == Some(&Value::Bool(true));
        if let [hit] = hits[..]
            && primary(&list[hit])
        {
            demote_others(list, hit);
        }
        Ok(())
    }
}

fn check_inside(filter: &Filter, attribute: Option<&Attribute>) -> Result<(), ScimError> {
    match filter {
        Filter::And(terms) | Filter::Or(terms) => terms.iter().try_for_each(|term| check_inside(term, attribute)),
        Filter::Not(term) => check_inside(term, attribute),
        Filter::Within { .. } => Err(bad(ScimType::InvalidPath, "brackets cannot be in brackets")),
        Filter::Present(path) | Filter::Compare { path, .. } => match attribute {
            Some(attribute) if attribute.sub(&path.name).is_none() || path.sub.is_some() => {
                Err(bad(ScimType::InvalidFilter, format!("{} has no attribute {path}", attribute.name)))
            }
            _ => Ok(()),
        },
    }
}

/// What a value has for which the filter holds, as far as the filter says so.
fn said(filter: &Filter, into: &mut Map<String, Value>) {
    match filter {
        Filter::And(terms) => terms.iter().for_each(|term| said(term, into)),
        Filter::Compare { path, operator: Operator::Eq, value } => {
            into.insert(path.name.clone(), value.clone());
        }
        _ => {}
    }
}

/// The same value, or another spelling of it: what has a `value` is known by it and by its `type`.
fn is_same(value: &Value, other: &Value) -> bool {
    match (value, other) {
        (Value::Object(value), Value::Object(other)) => match (value.get("value"), other.get("value")) {
            (Some(one), Some(two)) => one == two && other.get("type").is_none_or(|of| value.get("type").is_none_or(|known| known == of)),
            _ => value == other,
        },
        (Value::Object(value), plain) => value.get("value") == Some(plain),
        _ => value == other,
    }
}

fn add_value(list: &mut Vec<Value>, value: Value) {
    let place = if let Some(place) = list.iter().position(|known| is_same(known, &value)) {
        if let (Value::Object(known), Value::Object(value)) = (&mut list[place], &value) {
            merge(known, value);
        }
        place
    } else {
        list.push(value);
        list.len() - 1
    };
    if list[place].get("primary") == Some(&Value::Bool(true)) {
        demote_others(list, place);
    }
}

/// Only one value is the primary one (RFC 7644 section 3.5.2).
fn demote_others(list: &mut [Value], primary: usize) {
    for (index, value) in list.iter_mut().enumerate() {
        if index != primary && value.get("primary") == Some(&Value::Bool(true)) {
            value["primary"] = Value::Bool(false);
        }
    }
}

/// Put in what the other has; null takes away.
fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (name, value) in from {
        let name = key(into, name).map_or_else(|| name.clone(), str::to_owned);
        if value.is_null() {
            into.remove(&name);
        } else {
            into.insert(name, value.clone());
        }
    }
}

#[cfg(test)]
mod tests;
