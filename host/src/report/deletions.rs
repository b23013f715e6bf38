//! What was decided about entities that are no longer met.

use crate::state::{Cause, Relation};

/// Entities listed one by one; what is more is counted.
const LISTED: usize = 1000;

/// What was decided about the entities of one target and entity type that are gone from the source or left the scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    pub system: String,
    pub entity_type: String,
    /// Relations whose source entity is gone or left the scope, without those that are disabled already.
    pub due: u64,
    /// Of these, the source does not have.
    pub gone: u64,
    /// Of these, the source has and a transformation leaves out.
    pub left_scope: u64,
    pub deleted: u64,
    pub disabled: u64,
    /// Entities that stay as they are, by a rule or because they are not the host's to delete.
    pub kept: u64,
    /// Of these, those whose relation was dropped.
    pub forgotten: u64,
    pub decision: Decision,
    /// Why nothing was done: stable, dotted.
    pub code: Option<&'static str>,
    /// Why, in a sentence.
    pub reason: String,
    /// Who was kept or held back, and why.
    pub entities: Vec<DeletionNote>,
    pub entities_omitted: u64,
    /// Reasons for keeping, each with how many it is true of.
    kept_because: Vec<(String, u64)>,
}

/// One entity that was not deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletionNote {
    /// The source id.
    pub entity: String,
    pub target_id: String,
    /// `gone` or `left scope`.
    pub cause: &'static str,
    /// `held back`, `kept`, `returned` or `changed`.
    pub outcome: &'static str,
    pub reason: String,
}

impl DeletionNote {
    pub fn of(relation: &Relation, cause: Cause, outcome: &'static str, reason: &str) -> Self {
        Self {
            entity: relation.source_id.clone(),
            target_id: relation.target_id.clone(),
            cause: cause.word(),
            outcome,
            reason: reason.to_owned(),
        }
    }
}

impl Deletion {
    /// Nothing is due, until more is known.
    pub fn nothing(system: &str, entity_type: &str) -> Self {
        Self {
            system: system.to_owned(),
            entity_type: entity_type.to_owned(),
            due: 0,
            gone: 0,
            left_scope: 0,
            deleted: 0,
            disabled: 0,
            kept: 0,
            forgotten: 0,
            decision: Decision::Nothing,
            code: None,
            reason: "nothing is due".into(),
            entities: Vec::new(),
            entities_omitted: 0,
            kept_because: Vec::new(),
        }
    }

    pub fn note(&mut self, note: DeletionNote) {
        if note.outcome == "kept" {
            match self.kept_because.iter_mut().find(|(reason, _)| *reason == note.reason) {
                Some((_, count)) => *count += 1,
                None => self.kept_because.push((note.reason.clone(), 1)),
            }
        }
        if self.entities.len() < LISTED { self.entities.push(note) } else { self.entities_omitted += 1 }
    }

    /// Everything that could be done was done: say what came of it.
    pub fn conclude(&mut self) {
        self.decision = if self.deleted + self.disabled + self.forgotten > 0 {
            Decision::Deleted
        } else if self.kept > 0 && self.kept == self.due {
            Decision::Kept
        } else {
            Decision::NotDone
        };
        let mut parts = vec![format!("{} of {} due were deleted", self.deleted, self.due)];
        if self.disabled > 0 {
            parts.push(format!("{} disabled", self.disabled));
        }
        parts.extend(self.kept_because.iter().map(|(reason, count)| format!("{count} kept because {reason}")));
        self.reason = parts.join(", ");
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing was due.
    Nothing,
    /// At least one was deleted, disabled, or kept and forgotten.
    Deleted,
    /// All that were due are kept by a rule.
    Kept,
    /// It was tried, and nothing came of it: see the failures and skips.
    NotDone,
    /// Nothing was deleted, and who would have been is on a list that can be accepted.
    HeldBack,
    /// The read proves nothing: it was incomplete or failed in part.
    NotProven,
}

impl Decision {
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing due",
            Self::Deleted => "deleted",
            Self::Kept => "kept",
            Self::NotDone => "not done",
            Self::HeldBack => "held back",
            Self::NotProven => "not proven",
        }
    }

    /// Whether somebody has to look at it.
    pub fn is_withheld(self) -> bool {
        matches!(self, Self::HeldBack | Self::NotProven)
    }
}
