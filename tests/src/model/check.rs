//! What the host did, held against what the reference says. After an undisturbed job everything must be equal. After a disturbed one nothing may have happened that must
//! not, and what was done without being remembered must be in doubt.

use std::collections::{BTreeMap, BTreeSet};

use provisor::{
    report::{Counts, Decision, Report, Status},
    state::{Cause, HeldDeletion, Relation},
};
use serde_json::Value;

use super::{
    course::Verdict,
    host::{Remembered, SOURCE},
    reference::{Expected, Held, Key, Known, Target},
    world::{Backend, Call, Entity, Kind, Mappings, sorted},
};

fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, found: &T) -> Verdict {
    if expected == found { Ok(()) } else { Err(format!("{what}\n  must be {expected:?}\n  and is  {found:?}")) }
}

fn counts(report: &Report, system: &str, kind: Kind) -> Counts {
    let of = report.systems.iter().find(|(name, _)| name == system).and_then(|(_, types)| types.get(kind.word()));
    of.copied().unwrap_or_default()
}

pub(super) fn source(report: &Report, expected: &BTreeMap<Kind, Counts>) -> Verdict {
    Kind::BOTH
        .into_iter()
        .try_for_each(|kind| same(&format!("counts of {kind:?} at the source"), &expected[&kind], &counts(report, SOURCE, kind)))
}

pub(super) fn status(report: &Report, source_failed: bool, expected: &[Expected]) -> Verdict {
    let failed = source_failed || expected.iter().flat_map(|of| of.counts.values()).any(|counts| counts.failed > 0);
    let withheld = expected.iter().flat_map(|of| of.deletions.values()).any(|deleted| deleted.decision.is_withheld());
    let expected = if failed || withheld { Status::FinishedWithError } else { Status::Success };
    same(&format!("the status ({:?})", report.error), &expected, &report.status)
}

/// The counts and decisions of one target.
pub(super) fn report(report: &Report, system: &str, expected: &Expected) -> Verdict {
    for kind in Kind::BOTH {
        let of = expected.counts.get(&kind).copied().unwrap_or_default();
        same(&format!("counts of {kind:?} in {system}"), &of, &counts(report, system, kind))?;
        let found = report.deletions.iter().find(|deletion| deletion.system == system && deletion.entity_type == kind.word());
        let found = found.map(|found| (found.decision, found.code, found.due, found.deleted, found.disabled, found.kept));
        let of = expected.deletions.get(&kind).map(|of| (of.decision, of.code, of.due, of.deleted, of.disabled, of.kept));
        // Whether it is said that nothing was due or nothing is said makes no difference.
        let nothing = (Decision::Nothing, None, 0, 0, 0, 0);
        let (of, found) = (of.unwrap_or(nothing), found.unwrap_or(nothing));
        same(&format!("deletions (decision, code, due, deleted, disabled, kept) of {kind:?} in {system}"), &of, &found)?;
    }
    Ok(())
}

/// A report says no more than what was done.
pub(super) fn honest(report: &Report, system: &str, calls: &[Call]) -> Verdict {
    let takes = |call: &&Call| call.operation == "delete" || (call.operation == "patch" && call.document[0]["value"] == false);
    let source_failed = report.systems[0].1.values().any(|counts| counts.failed > 0)
        || report.error.as_ref().is_some_and(|error| {
            error.system == SOURCE && ["backend.", "plugin.", "read."].iter().any(|room| error.code.starts_with(room))
        });
    if source_failed && let Some(call) = calls.iter().find(takes) {
        return Err(format!("the source failed, and {call:?}"));
    }
    for kind in Kind::BOTH {
        let of = counts(report, system, kind);
        // Whom an interrupted run had created is updated and counts as created.
        let acted = calls.iter().filter(|call| call.kind == kind && call.operation != "delete" && call.acted).count() as u64;
        if of.created + of.updated > acted {
            return Err(format!("{} of {kind:?} are reported as created and {} as updated, and {acted} were", of.created, of.updated));
        }
    }
    Ok(())
}

pub(super) fn untouched(before: &[Backend], after: &[(Backend, Vec<Call>)]) -> Verdict {
    let unchanged = before.iter().zip(after).all(|(before, (after, calls))| before == after && calls.is_empty());
    if unchanged { Ok(()) } else { Err("a simulation changed a target".into()) }
}

pub(super) fn backend(expected: &Backend, found: &Backend) -> Verdict {
    let keys: BTreeSet<_> = expected.entities.keys().chain(found.entities.keys()).collect();
    for key in keys {
        let normal = |document: Option<&Value>| document.cloned().map(sorted);
        same(&format!("{key:?} in the target"), &normal(expected.entities.get(key)), &normal(found.entities.get(key)))?;
    }
    Ok(())
}

pub(super) fn relations(expected: &Target, kind: Kind, found: &Remembered) -> Verdict {
    let expected_relations: BTreeMap<&str, _> =
        expected.known.iter().filter(|(key, _)| key.0 == kind).map(|((_, id), known)| (id.as_str(), known.relation())).collect();
    let found_relations: BTreeMap<&str, _> =
        found.relations.iter().map(|it| (it.source_id.as_str(), (it.target_id.as_str(), it.existed_before, it.disabled))).collect();
    same(&format!("relations of {kind:?} (target id, existed before, disabled)"), &expected_relations, &found_relations)?;
    let expected_doubts: Vec<&String> = expected.doubts.iter().filter(|key| key.0 == kind).map(|(_, id)| id).collect();
    same(&format!("doubts about {kind:?}"), &expected_doubts, &found.doubts.iter().collect())
}

pub(super) fn held(expected: &[Held], kind: Kind, found: &[HeldDeletion]) -> Verdict {
    let expected: BTreeSet<_> = expected
        .iter()
        .filter(|held| held.key.0 == kind)
        .map(|held| (&held.key.1, &held.target_id, held.left_scope, held.disable))
        .collect();
    let found: BTreeSet<_> =
        found.iter().map(|held| (&held.source_id, &held.target_id, held.cause == Cause::LeftScope, held.disable)).collect();
    same(&format!("the list of {kind:?}"), &expected, &found)
}

/// Every single thing that was asked of a target in a disturbed job is right in itself.
pub(super) fn calls(before: &Target, calls: &[Call], expected: &Expected, belonging: &[&Entity], mappings: &Mappings) -> Verdict {
    let owner =
        |kind: Kind, id: &str| before.known.iter().find(|((of, _), known)| *of == kind && known.target_id == id).map(|(key, _)| key);
    for call in calls {
        let Call { kind, operation, id, document, .. } = call;
        let name = call.name();
        let entity = belonging.iter().find(|entity| entity.kind == *kind && Some(entity.name().as_str()) == name);
        let disables = operation == "patch" && document[0]["value"] == false;
        match operation.as_str() {
            "delete" | "patch"
                if (operation == "delete" || disables) && owner(*kind, id).is_none_or(|key| !expected.taken.contains(key)) =>
            {
                return Err(format!("{operation} of {kind:?} {id}, which must not be"));
            }
            "create" | "update" => {
                let Some(entity) = entity else { return Err(format!("{operation} of {document}, which does not belong")) };
                let whole = mappings.document(entity, &[]);
                for attribute in ["title", "mail", "edition"] {
                    same(&format!("{attribute} in the {operation} of {name:?}"), &whole[attribute], &document[attribute])?;
                }
                let stands_for_another = owner(*kind, id).is_some_and(|key| key.1 != mappings.source_id(entity));
                if operation == "update" && stands_for_another {
                    return Err(format!("update of {id}, which is somebody else's, with {document}"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a disturbed job left.
pub(super) struct Survived<'a> {
    pub before: &'a Target,
    pub calls: &'a [Call],
    pub expected: &'a Expected,
    /// Of what was sent, before.
    pub digests: &'a BTreeMap<Key, Option<[u8; 32]>>,
}

impl Survived<'_> {
    /// Let the reference go on from what the host remembers, if that can be.
    pub(super) fn adopt(&self, after: &mut Target, kind: Kind, remembered: &Remembered) -> Verdict {
        let doubts: BTreeSet<&str> = remembered.doubts.iter().map(String::as_str).collect();
        let found: BTreeMap<&str, &Relation> =
            remembered.relations.iter().map(|relation| (relation.source_id.as_str(), relation)).collect();
        for (key, known) in self.before.known.iter().filter(|(key, _)| key.0 == kind) {
            match found.get(key.1.as_str()) {
                None => {
                    if !self.expected.taken.contains(key) && !self.expected.forgotten.contains(key) {
                        return Err(format!("the relation of {key:?} is gone"));
                    }
                    if !self.expected.forgotten.contains(key) && is_there(after, kind, &known.target_id) {
                        return Err(format!("the relation of {key:?} is gone, and the target still has it"));
                    }
                    after.known.remove(key);
                }
                Some(relation) => self.still_known(after, key, known, relation, doubts.contains(key.1.as_str()))?,
            }
        }
        for (id, relation) in found {
            let key = (kind, id.to_owned());
            if !self.before.known.contains_key(&key) {
                self.newly_known(after, key, relation)?;
            }
        }
        // What was created is remembered, or will be looked for.
        for call in self.calls.iter().filter(|call| call.kind == kind && call.operation == "create" && call.acted) {
            let known = after.known.iter().any(|((of, _), known)| *of == kind && known.target_id == call.id);
            let stands_in_doubt = doubts.iter().any(|id| self.expected.met.contains(&(kind, (*id).to_owned())));
            // Instead of one that was gone: its relation leads nowhere, so the next update misses it and looks.
            let misses =
                after.known.iter().any(|((of, _), known)| *of == kind && known.sent.is_none() && !is_there(after, kind, &known.target_id));
            if !known && !stands_in_doubt && !misses {
                return Err(format!("{} was created, and nobody will look for it", call.id));
            }
        }
        after.doubts.retain(|key| key.0 != kind);
        after.doubts.extend(doubts.into_iter().map(|id| (kind, id.to_owned())));
        Ok(())
    }

    fn still_known(&self, after: &mut Target, key: &Key, known: &Known, relation: &Relation, in_doubt: bool) -> Verdict {
        let digest = self.digests.get(key).copied().flatten();
        let touched = self.calls.iter().any(|call| call.kind == key.0 && call.id == relation.target_id && call.acted);
        let same_digest = relation.target_digest.is_some() && relation.target_digest == digest;
        if touched && same_digest && !in_doubt && sent(after, key.0, &relation.target_id).map(sorted) != known.sent.clone().map(sorted) {
            return Err(format!("{key:?} was changed in the target, and the host takes it for what it was"));
        }
        if relation.target_id != known.target_id && is_there(after, key.0, &known.target_id) {
            return Err(format!("{key:?} leads to {} now, and {} is still there", relation.target_id, known.target_id));
        }
        if relation.disabled && !known.disabled && !self.expected.taken.contains(key) {
            return Err(format!("{key:?} is remembered as disabled"));
        }
        let last = match relation.target_digest {
            None => None,
            Some(_) if same_digest => known.sent.clone(),
            Some(_) => sent(after, key.0, &relation.target_id),
        };
        let same = relation.target_id == known.target_id && (same_digest || relation.target_digest.is_none());
        let generation = known.generation + u64::from(!same || relation.disabled != known.disabled);
        let Relation { target_id, existed_before, disabled, .. } = relation.clone();
        after.known.insert(key.clone(), Known { target_id, existed_before, disabled, sent: last, generation });
        Ok(())
    }

    fn newly_known(&self, after: &mut Target, key: Key, relation: &Relation) -> Verdict {
        if !self.expected.met.contains(&key) {
            return Err(format!("a relation of {key:?}, which did not come or does not belong"));
        }
        let was_there = is_there(self.before, key.0, &relation.target_id);
        // A call without an answer leaves the same doubt about every create in it: what is found then and does not contradict what was sent counts as made by it.
        let unanswered = |call: &Call| call.kind == key.0 && call.operation == "create";
        let was_in_doubt = self.before.doubts.contains(&key) || self.calls.iter().any(unanswered);
        if was_there != relation.existed_before && !(was_there && was_in_doubt) {
            return Err(format!("{key:?} is remembered as existed before: {}", relation.existed_before));
        }
        let last = relation.target_digest.and_then(|_| sent(after, key.0, &relation.target_id));
        let Relation { target_id, existed_before, disabled, .. } = relation.clone();
        after.known.insert(key, Known { target_id, existed_before, disabled, sent: last, generation: 0 });
        Ok(())
    }
}

fn is_there(of: &Target, kind: Kind, target_id: &str) -> bool {
    of.backend.entities.contains_key(&(kind, target_id.to_owned()))
}

/// The last document of an entity that the target answered for; what it has of it is what was sent.
fn sent(after: &Target, kind: Kind, target_id: &str) -> Option<Value> {
    let mut document = after.backend.entities.get(&(kind, target_id.to_owned()))?.clone();
    document.as_object_mut()?.remove("active");
    Some(document)
}
