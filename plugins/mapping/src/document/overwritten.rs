//! Mappings whose value never arrives, because a later one writes or removes the same place whatever the entity is like.

use super::doubts::{Read, warn};
use super::{Action, Check, Mapping, Scope, Set, Source};
use crate::json::Value;
use crate::output::{Segment, Target};

/// Mappings that a later one overwrites.
pub(super) fn overwritten(check: &mut Check<'_>, root: Value<'_>, mappings: &[Mapping], reads: &[Vec<Read>]) {
    let mut findings = Vec::new();
    for (place, mapping) in mappings.iter().enumerate() {
        let Action::Set(set) = &mapping.action else { continue };
        let by = match (&set.target, set.variable) {
            (Some((target, _)), None) => later_target(check, mappings, place, &segments(check, target)),
            (None, Some(variable)) => later_variable(check, mappings, reads, place, variable),
            // Two effects: losing one of them leaves the other.
            _ => None,
        };
        if let Some(by) = by {
            findings.push((mapping.pointer.to_string(), by.pointer.to_string()));
        }
    }
    for (pointer, by) in findings {
        warn(check, root, "mapping.overwritten", &pointer, &format!("what this mapping writes is always overwritten by {by}"));
    }
}

/// Mappings whose target a later one removes.
pub(super) fn removed(check: &mut Check<'_>, root: Value<'_>, mappings: &[Mapping]) {
    let mut findings = Vec::new();
    for (place, mapping) in mappings.iter().enumerate() {
        let Action::Set(set) = &mapping.action else { continue };
        let (Some((target, _)), None) = (&set.target, set.variable) else { continue };
        let written = segments(check, target);
        for later in &mappings[place + 1..] {
            match &later.action {
                _ if moves(check, later, &written) => break,
                Action::Remove(target, _) if later.condition.is_none() && covers(mapping.scope, later.scope) => {
                    let gone = segments(check, target);
                    if !gone.is_empty()
                        && gone.len() <= written.len()
                        && gone.iter().zip(&written).all(|(a, b)| a == b || a == "[*]" && b.starts_with('['))
                    {
                        findings.push((mapping.pointer.to_string(), later.pointer.to_string()));
                        break;
                    }
                }
                _ => {}
            }
        }
    }
    for (pointer, by) in findings {
        warn(check, root, "mapping.removed", &pointer, &format!("what this mapping writes is always removed by {by}"));
    }
}

fn later_target<'m>(check: &Check<'_>, mappings: &'m [Mapping], place: usize, written: &[String]) -> Option<&'m Mapping> {
    // Whatever is merged into the document stands beside what others write.
    if written.is_empty() {
        return None;
    }
    for later in &mappings[place + 1..] {
        if moves(check, later, written) {
            return None;
        }
        if let Action::Set(set) = &later.action
            && let Some((target, _)) = &set.target
            && always_writes(later, set)
            && covers(mappings[place].scope, later.scope)
        {
            let over = segments(check, target);
            if !over.is_empty() && written.starts_with(&over) {
                return Some(later);
            }
        }
    }
    None
}

fn later_variable<'m>(check: &Check<'_>, mappings: &'m [Mapping], reads: &[Vec<Read>], place: usize, variable: u32) -> Option<&'m Mapping> {
    let name = check.names.name(variable);
    for (later, reads) in mappings.iter().zip(reads).skip(place + 1) {
        if reads.iter().any(|read| read.name == name) {
            return None;
        }
        if let Action::Set(set) = &later.action
            && set.variable == Some(variable)
            && always_writes(later, set)
            && covers(mappings[place].scope, later.scope)
        {
            return Some(later);
        }
    }
    None
}

/// Whether the second scope's mappings run whenever those of the first do.
fn covers(first: Option<Scope>, second: Option<Scope>) -> bool {
    first == second || first == Some(Scope::Create) && second.is_none()
}

/// It writes or fails the entity: neither a condition, nor a value that may be absent, nor an id that may be unknown.
fn always_writes(mapping: &Mapping, set: &Set) -> bool {
    let always_there = set.default.is_some()
        || !set.optional
            && !matches!(set.source, Source::Variable { built_in: true, .. })
            && !set.functions.iter().any(|function| function.name == "resolveEntityIds");
    mapping.condition.is_none() && always_there
}

/// A rename or a removed element may give what stands at this place another one.
fn moves(check: &Check<'_>, mapping: &Mapping, written: &[String]) -> bool {
    let target = match &mapping.action {
        Action::Rename(target, ..) => target,
        Action::Remove(target, _) if matches!(target.segments.last(), Some(Segment::Index(_))) => target,
        _ => return false,
    };
    let from = segments(check, target);
    let from = if matches!(mapping.action, Action::Remove(..)) { &from[..from.len() - 1] } else { &from[..] };
    from.iter().zip(written).all(|(a, b)| a == b || a == "[*]" || b == "[*]")
}

/// A target path as its parts, for comparing.
fn segments(check: &Check<'_>, target: &Target) -> Vec<String> {
    let key = |key: &crate::output::Key| check.constants.text.get(key.start as usize..key.end as usize).unwrap_or("").to_owned();
    target
        .segments
        .iter()
        .map(|segment| match segment {
            Segment::Key(name) => key(name),
            Segment::Index(index) => format!("[{index}]"),
            Segment::Each => "[*]".to_owned(),
            Segment::Build(name) => format!("[?{}]", key(name)),
        })
        .collect()
}
