//! The reference: what a job must do, in the plainest words, one entity after the other. It knows no pages, no digests, no threads and no state file; what the host keeps
//! to find its way after an accident (`doubts`) it is told.

use std::collections::{BTreeMap, BTreeSet};

use provisor::report::{Counts, Decision};
use serde_json::Value;

use super::world::{Backend, Entity, Flaw, Kind, Mappings, Rules, sorted};

/// An entity type and the id in the source.
pub(super) type Key = (Kind, String);

/// What is known about a source entity in a target.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    pub target_id: String,
    pub existed_before: bool,
    pub disabled: bool,
    /// What the target was sent last; nothing where that is not sure.
    pub sent: Option<Value>,
    /// Counts how often this was written, so that a list of deletions notices.
    pub generation: u64,
}

impl Known {
    /// The target id, whether it existed before, whether it is disabled.
    pub(super) fn relation(&self) -> (&str, bool, bool) {
        (&self.target_id, self.existed_before, self.disabled)
    }
}

/// What became of the deletions of one type.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_field_names, reason = "the names in the report")]
pub(super) struct Deleted {
    pub decision: Decision,
    pub code: Option<&'static str>,
    pub due: u64,
    pub deleted: u64,
    pub disabled: u64,
    pub kept: u64,
}

/// A deletion that waits for an operator.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Held {
    pub key: Key,
    pub target_id: String,
    pub left_scope: bool,
    pub disable: bool,
    pub generation: u64,
    pub identity_changed: bool,
    /// Nothing has become of it.
    pub open: bool,
}

/// What a job reads.
pub(super) struct Read<'w> {
    /// By kind: who comes, and who is reported as deleted.
    pub entities: BTreeMap<Kind, (Vec<&'w Entity>, Vec<&'w str>)>,
    pub delta: bool,
    /// Something was not read: nobody is known to be gone.
    pub incomplete: bool,
}

/// What must have come of a job in one target.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected {
    pub counts: BTreeMap<Kind, Counts>,
    pub deletions: BTreeMap<Kind, Deleted>,
    pub held: Vec<Held>,
    /// Whom the job may delete or disable, whatever goes wrong meanwhile.
    pub taken: BTreeSet<Key>,
    /// Whom it may stop knowing without a word to the target.
    pub forgotten: BTreeSet<Key>,
    /// Who came with the read and belongs.
    pub met: BTreeSet<Key>,
    /// Who came and does not.
    pub left_scope: BTreeSet<Key>,
}

/// One target, and what the host must know about it.
#[derive(Clone, Debug, Default)]
pub(super) struct Target {
    pub backend: Backend,
    pub known: BTreeMap<Key, Known>,
    /// Whose last call was not noted: looked for before it is created, and written again.
    pub doubts: BTreeSet<Key>,
    /// Kind -> whether the ids were badges in the last read that could tell.
    pub identity: BTreeMap<Kind, bool>,
    /// Of what was written last.
    pub generation: u64,
}

/// The source's side.
pub(super) fn source_counts(read: &Read<'_>, mappings: &Mappings) -> BTreeMap<Kind, Counts> {
    let of = |entities: &Vec<&Entity>| {
        let mut counts = Counts { read: entities.len() as u64, ..Counts::default() };
        for entity in entities {
            match entity.flaw {
                Flaw::Unreadable => counts.failed += 1,
                _ if !mappings.is_read(entity) => counts.skipped += 1,
                Flaw::NoTitle => counts.failed += 1,
                _ => {}
            }
        }
        counts
    };
    read.entities.iter().map(|(kind, (entities, _))| (*kind, of(entities))).collect()
}

impl Target {
    /// A read or a resync that nothing disturbs.
    pub(super) fn run(&mut self, read: &Read<'_>, mappings: &Mappings, rules: &Rules, write_all: bool) -> Expected {
        let mut expected = Expected::default();
        let mut came = BTreeMap::new();
        for kind in Kind::BOTH {
            let mut counts = Counts::default();
            for entity in &read.entities[&kind].0 {
                if entity.flaw == Flaw::Unreadable {
                    continue;
                }
                let key = (kind, mappings.source_id(entity));
                if !mappings.is_read(entity) {
                    expected.left_scope.insert(key);
                } else if entity.flaw != Flaw::NoTitle {
                    *came.entry(kind).or_insert(0) += u64::from(self.take(key, entity, mappings, write_all, &mut counts, &mut expected));
                }
            }
            expected.counts.insert(kind, counts);
        }
        let failed = source_counts(read, mappings).values().any(|counts| counts.failed > 0);
        for kind in [Kind::Group, Kind::User] {
            self.delete(kind, read, read.incomplete || failed, mappings, rules, came.get(&kind).copied().unwrap_or(0), &mut expected);
        }
        expected
    }

    /// One entity that came with a page. Answers whether it is a newcomer.
    fn take(
        &mut self,
        key: Key,
        entity: &Entity,
        mappings: &Mappings,
        write_all: bool,
        counts: &mut Counts,
        expected: &mut Expected,
    ) -> bool {
        let newcomer = !self.known.contains_key(&key);
        if !mappings.is_written(entity) {
            counts.skipped += 1;
            expected.left_scope.insert(key);
            return false;
        }
        expected.met.insert(key.clone());
        if entity.flaw == Flaw::NoMail {
            counts.failed += 1;
            return newcomer;
        }
        let document = mappings.document(entity, &self.members(entity));
        let doubt = self.doubts.remove(&key);
        match self.known.get(&key) {
            Some(known) if !doubt && !write_all && known.sent.clone().map(sorted) == Some(sorted(document.clone())) => {
                counts.unchanged += 1;
            }
            Some(_) => self.update(&key, entity, document, counts),
            None => self.create(&key, entity, document, doubt, counts),
        }
        if doubt && !self.known.contains_key(&key) {
            self.doubts.insert(key);
        }
        newcomer
    }

    fn members(&self, entity: &Entity) -> Vec<String> {
        let known = entity.members.iter().filter_map(|number| self.known.get(&(Kind::User, super::world::id_of(Kind::User, *number))));
        known.map(|known| known.target_id.clone()).collect()
    }

    fn write(&mut self, key: &Key, target_id: String, document: Value, existed_before: bool) {
        let found = self.backend.entities.get(&(key.0, target_id.clone()));
        // What is not sent stays: who was disabled by somebody else stays so.
        let active = found.and_then(|found| found.get("active")).cloned();
        let was_disabled = self.known.get(key).is_some_and(|known| known.disabled);
        let mut there = document.clone();
        match active {
            _ if was_disabled => there["active"] = true.into(),
            Some(active) => there["active"] = active,
            None => {}
        }
        self.backend.entities.insert((key.0, target_id.clone()), there);
        self.generation += 1;
        let known = Known { target_id, existed_before, disabled: false, sent: Some(document), generation: self.generation };
        self.known.insert(key.clone(), known);
    }

    fn update(&mut self, key: &Key, entity: &Entity, document: Value, counts: &mut Counts) {
        let Some(known) = self.known.get(key).cloned() else { return };
        let named = self.backend.named(key.0, &entity.name()).map(str::to_owned);
        let there = self.backend.entities.contains_key(&(key.0, known.target_id.clone()));
        match named {
            // Somebody else has the name.
            Some(other) if there && other != known.target_id => self.fail(key, counts),
            _ if there => {
                counts.updated += 1;
                self.write(key, known.target_id, document, known.existed_before);
            }
            Some(other) if self.owner(key, &other).is_some() => self.fail(key, counts),
            Some(other) => {
                counts.updated += 1;
                self.write(key, other, document, known.existed_before);
            }
            None => {
                counts.created += 1;
                let id = self.backend.create(key.0, &entity.name(), document.clone());
                self.write(key, id, document, false);
            }
        }
    }

    fn create(&mut self, key: &Key, entity: &Entity, document: Value, doubt: bool, counts: &mut Counts) {
        match self.backend.named(key.0, &entity.name()).map(str::to_owned) {
            None => {
                counts.created += 1;
                let id = self.backend.create(key.0, &entity.name(), document.clone());
                self.write(key, id, document, false);
            }
            Some(other) if self.owner(key, &other).is_some() => counts.failed += 1,
            Some(other) => {
                let ours = doubt && agrees(&self.backend.entities[&(key.0, other.clone())], &document);
                *(if ours { &mut counts.created } else { &mut counts.updated }) += 1;
                self.write(key, other, document, !ours);
            }
        }
    }

    fn fail(&mut self, key: &Key, counts: &mut Counts) {
        counts.failed += 1;
        self.generation += 1;
        let generation = self.generation;
        if let Some(known) = self.known.get_mut(key) {
            (known.sent, known.generation) = (None, generation);
        }
    }

    /// Another source entity this target entity belongs to.
    fn owner(&self, key: &Key, target_id: &str) -> Option<&Key> {
        self.known.iter().find(|(other, known)| *other != key && other.0 == key.0 && known.target_id == target_id).map(|(other, _)| other)
    }
}

/// Whether what is there may be what an interrupted create of this document made.
fn agrees(found: &Value, sent: &Value) -> bool {
    let members = |of: &Value| of["members"].as_array().cloned().unwrap_or_default();
    let (found_members, sent_members) = (members(found), members(sent));
    let within = |some: &[Value], all: &[Value]| some.iter().all(|one| all.contains(one));
    let same = |(name, value): (&String, &Value)| name == "members" || found.get(name).is_none_or(|found| found == value);
    let members_agree = found.get("members").is_none()
        || sent.get("members").is_none()
        || within(&found_members, &sent_members)
        || within(&sent_members, &found_members);
    sent.as_object().is_some_and(|sent| sent.iter().all(same)) && members_agree
}
