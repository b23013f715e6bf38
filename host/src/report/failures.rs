//! What is to be said about single entities: bounded, so that a million failures cost no more memory than a thousand.

use super::SimulatedChange;

/// Entries kept of each kind; what is more is counted.
const KEPT: usize = 1000;

/// One entity (or one thing) that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The source id where it is known, else what the connector could tell; empty for a failure of the whole run.
    pub entity: String,
    pub entity_type: String,
    pub system: String,
    /// `read`, `read mapping`, `write mapping`, `write` or `delete`.
    pub stage: &'static str,
    /// Stable, dotted.
    pub code: String,
    pub message: String,
}

/// The failures of a run, what was skipped and why, and members that could not be resolved.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    pub failures: Vec<Failure>,
    pub failures_omitted: u64,
    /// (system, entity type, entity if known, reason).
    pub skips: Vec<Skip>,
    pub skips_omitted: u64,
    pub unresolved: Vec<Unresolved>,
    pub unresolved_omitted: u64,
    /// Of a simulation only.
    pub changes: Vec<SimulatedChange>,
    pub changes_omitted: u64,
}

/// An entity that was left out on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    pub system: String,
    pub entity_type: String,
    pub entity: String,
    pub reason: String,
}

/// A reference to an entity the target does not have (yet); it was left out of the written document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    pub system: String,
    pub entity_type: String,
    pub entity: String,
    /// Source ids that have no relation.
    pub references: Vec<String>,
}

impl Notes {
    pub fn failure(&mut self, failure: Failure) {
        tracing::info!(system = %failure.system, entity_type = %failure.entity_type, entity = %failure.entity, stage = failure.stage, code = %failure.code, "{}", failure.message);
        keep(&mut self.failures, &mut self.failures_omitted, failure);
    }

    pub fn skip(&mut self, skip: Skip) {
        tracing::debug!(system = %skip.system, entity_type = %skip.entity_type, entity = %skip.entity, "skipped: {}", skip.reason);
        keep(&mut self.skips, &mut self.skips_omitted, skip);
    }

    pub fn unresolved(&mut self, mut unresolved: Unresolved) {
        unresolved.references.truncate(100);
        keep(&mut self.unresolved, &mut self.unresolved_omitted, unresolved);
    }

    pub fn change(&mut self, change: SimulatedChange) {
        keep(&mut self.changes, &mut self.changes_omitted, change);
    }

    /// Take over what another part of the run noted.
    pub fn append(&mut self, other: Self) {
        for failure in other.failures {
            keep(&mut self.failures, &mut self.failures_omitted, failure);
        }
        for skip in other.skips {
            keep(&mut self.skips, &mut self.skips_omitted, skip);
        }
        for unresolved in other.unresolved {
            keep(&mut self.unresolved, &mut self.unresolved_omitted, unresolved);
        }
        for change in other.changes {
            keep(&mut self.changes, &mut self.changes_omitted, change);
        }
        self.changes_omitted += other.changes_omitted;
        self.failures_omitted += other.failures_omitted;
        self.skips_omitted += other.skips_omitted;
        self.unresolved_omitted += other.unresolved_omitted;
    }
}

fn keep<T>(list: &mut Vec<T>, omitted: &mut u64, entry: T) {
    if list.len() < KEPT { list.push(entry) } else { *omitted += 1 }
}
