//! The reference for deletions: spec section 2.6 and the operator's rules.

use provisor::{
    manifest::{Deletions, Policy},
    report::Decision,
};
use serde_json::json;

use super::{
    reference::{Deleted, Expected, Held, Key, Known, Read, Target},
    world::{Kind, Mappings, Rules},
};

impl Target {
    #[expect(clippy::too_many_arguments, reason = "everything that decides about a deletion")]
    pub(super) fn delete(
        &mut self,
        kind: Kind,
        read: &Read<'_>,
        incomplete: bool,
        mappings: &Mappings,
        rules: &Rules,
        came: u64,
        expected: &mut Expected,
    ) {
        let count = self.known.keys().filter(|key| key.0 == kind).count() as u64;
        let (entities, tombstones) = &read.entities[&kind];
        let unmet: Vec<(Key, bool)> = self
            .known
            .keys()
            .filter(|key| key.0 == kind && !expected.met.contains(*key))
            .map(|key| (key.clone(), expected.left_scope.contains(key)))
            // Who merely does not come with the changes is not gone.
            .filter(|(key, left)| !read.delta || *left || tombstones.contains(&key.1.as_str()))
            .collect();
        if read.delta && unmet.is_empty() {
            return;
        }
        let judged: Vec<(Key, bool, Verdict)> =
            unmet.into_iter().map(|(key, left)| (key.clone(), left, judge(rules, &key, &self.known[&key], left))).collect();
        let number = |of: &dyn Fn(&Verdict, bool) -> bool| judged.iter().filter(|(_, left, verdict)| of(verdict, *left)).count() as u64;
        let gone = number(&|verdict, left| !left && *verdict != Verdict::Done);
        let due = number(&|verdict, _| *verdict != Verdict::Done);
        // A deletion the mapping does not want takes nothing.
        let taken = |verdict: &Verdict| taken(*verdict, mappings);
        let losses = number(&|verdict, _| taken(verdict));
        let acts = number(&|verdict, _| matches!(verdict, Verdict::Delete | Verdict::Disable | Verdict::Forget));
        let mut deleted = Deleted { decision: Decision::Nothing, code: None, due, deleted: 0, disabled: 0, kept: 0 };
        if incomplete {
            if due > 0 {
                (deleted.decision, deleted.code) = (Decision::NotProven, Some("deletions.incomplete-read"));
            }
            expected.deletions.insert(kind, deleted);
            return;
        }
        let badges = mappings.badges && kind == Kind::User;
        let before = self.identity.get(&kind).copied();
        let identity_changed = before.is_some_and(|before| before != badges);
        let exchanged =
            (identity_changed && gone > 0 && came > 0) || (gone > Deletions::PERCENT_FROM && gone * 2 > count && came * 2 > gone);
        let most = if kind == Kind::User { rules.most_users } else { rules.most_groups };
        let many = most.is_some_and(|most| losses > most)
            || losses > rules.max_count
            || (losses > Deletions::PERCENT_FROM && losses * 100 > count * u64::from(rules.max_percent));
        let empty = entities.is_empty() && count > 0 && !read.delta;
        let code = match () {
            () if empty => (acts > 0).then_some("deletions.source-empty"),
            () if exchanged => (acts > 0).then_some("deletions.ids-changed"),
            () => many.then_some("deletions.too-many"),
        };
        if !empty && code != Some("deletions.ids-changed") {
            self.identity.insert(kind, badges);
        }
        if let Some(code) = code {
            deleted.kept = number(&|verdict, _| *verdict == Verdict::Keep);
            (deleted.decision, deleted.code) = (Decision::HeldBack, Some(code));
            for (key, left_scope, verdict) in judged.into_iter().filter(|(.., verdict)| taken(verdict)) {
                let Known { target_id, generation, .. } = self.known[&key].clone();
                let (disable, identity_changed) = (verdict == Verdict::Disable, code == "deletions.ids-changed");
                expected.held.push(Held { key, target_id, left_scope, disable, generation, identity_changed, open: true });
            }
            let counts = expected.counts.entry(kind).or_default();
            counts.failed += if code == "deletions.too-many" { losses } else { 0 };
        } else if due > 0 {
            let mut forgotten = 0;
            for (key, _, verdict) in judged {
                forgotten += u64::from(verdict == Verdict::Forget);
                self.carry_out(key, verdict, mappings, &mut deleted, expected);
            }
            deleted.decision = concluded(&deleted, forgotten);
        }
        expected.deletions.insert(kind, deleted);
    }

    /// Do what was decided about one entity.
    fn carry_out(&mut self, key: Key, verdict: Verdict, mappings: &Mappings, deleted: &mut Deleted, expected: &mut Expected) {
        let at = (key.0, self.known[&key].target_id.clone());
        let counts = expected.counts.entry(key.0).or_default();
        self.generation += 1;
        // Whatever an accident left in doubt is decided with it, unless it stays as it is.
        if verdict == Verdict::Forget || taken(verdict, mappings) {
            self.doubts.remove(&key);
        }
        match verdict {
            Verdict::Done => {}
            Verdict::Keep => deleted.kept += 1,
            Verdict::Forget => {
                deleted.kept += 1;
                self.known.remove(&key);
                expected.forgotten.insert(key);
            }
            Verdict::Delete if mappings.skip_delete => counts.skipped += 1,
            Verdict::Disable if self.backend.entities.contains_key(&at) => {
                counts.updated += 1;
                deleted.disabled += 1;
                self.backend.entities.get_mut(&at).expect("it is there")["active"] = json!(false);
                let generation = self.generation;
                let known = self.known.get_mut(&key).expect("it is known");
                (known.disabled, known.sent, known.generation) = (true, None, generation);
                expected.taken.insert(key);
            }
            Verdict::Delete | Verdict::Disable => {
                counts.deleted += 1;
                deleted.deleted += 1;
                self.backend.entities.remove(&at);
                self.known.remove(&key);
                expected.taken.insert(key);
            }
        }
    }

    /// Carry out what is on a list, by the rules of now and never severer than the list.
    pub(super) fn accept(&mut self, held: &mut [Held], mappings: &Mappings, rules: &Rules) -> Expected {
        let mut expected = Expected::default();
        for kind in [Kind::Group, Kind::User] {
            let (mut deleted, mut forgotten) =
                (Deleted { decision: Decision::Nothing, code: None, due: 0, deleted: 0, disabled: 0, kept: 0 }, 0);
            let mut listed = false;
            for held in held.iter_mut().filter(|held| held.key.0 == kind) {
                listed = true;
                if held.identity_changed {
                    self.identity.insert(kind, mappings.badges && kind == Kind::User);
                }
                if !std::mem::replace(&mut held.open, false) {
                    continue;
                }
                let Some(known) = self.known.get(&held.key).filter(|known| known.generation == held.generation) else { continue };
                let verdict = judge(rules, &held.key, known, held.left_scope);
                let verdict = if held.disable && verdict == Verdict::Delete { Verdict::Disable } else { verdict };
                deleted.due += 1;
                forgotten += u64::from(verdict == Verdict::Forget);
                // A deletion that is not wanted stays open.
                held.open = verdict == Verdict::Delete && mappings.skip_delete;
                self.carry_out(held.key.clone(), verdict, mappings, &mut deleted, &mut expected);
            }
            if listed {
                deleted.decision = concluded(&deleted, forgotten);
                expected.deletions.insert(kind, deleted);
            }
        }
        expected
    }
}

fn concluded(deleted: &Deleted, forgotten: u64) -> Decision {
    if deleted.deleted + deleted.disabled + forgotten > 0 {
        Decision::Deleted
    } else if deleted.kept > 0 && deleted.kept == deleted.due {
        Decision::Kept
    } else {
        Decision::NotDone
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Delete,
    Disable,
    Keep,
    Forget,
    Done,
}

/// Whether the target loses something; a deletion the mapping does not want takes nothing.
fn taken(verdict: Verdict, mappings: &Mappings) -> bool {
    verdict == Verdict::Disable || (verdict == Verdict::Delete && !mappings.skip_delete)
}

/// Spec section 2.6, and the operator's rules.
fn judge(rules: &Rules, key: &Key, known: &Known, left_scope: bool) -> Verdict {
    let policies = rules.policies(key.0);
    let policy = if left_scope { policies.left_scope } else { policies.gone };
    if rules.protects(&key.1) || policy == Policy::Keep {
        Verdict::Keep
    } else if known.existed_before && !rules.existed_before {
        Verdict::Forget
    } else if policy == Policy::Disable {
        if known.disabled { Verdict::Done } else { Verdict::Disable }
    } else {
        Verdict::Delete
    }
}
