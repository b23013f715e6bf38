//! The objects of `provisor runs --json`: for scripts, so names here are stable.

use serde_json::{Map, Value, json};

use super::{Entity, OneRun, RunList, moment::moment};
use crate::{
    report::Counts,
    state::{Counters, LogAction, Logged, Run},
};

/// In place of a content nobody asked for (spec section 2.15).
pub(super) const HIDDEN: &str = "<hidden content>";

impl RunList {
    /// An array, the newest run first.
    pub fn json(&self) -> Value {
        self.0.iter().map(|run| with(head(run), "counts", counts(&sum(run), None))).collect()
    }
}

impl OneRun {
    /// The run with statistics as in spec section 2.14.
    pub fn json(&self) -> Value {
        let report = report(&self.run);
        let mut systems: Map<String, Value> = Map::new();
        for of in &self.run.counters {
            let is_source = of.system == self.run.source;
            let entry = systems.entry(of.system.clone()).or_insert_with(|| json!({}));
            entry[&of.entity_type] = counts(&of.counters, Some(is_source));
        }
        let mut object = head(&self.run);
        for (name, value) in [
            ("error", report["error"].clone()),
            ("systems", systems.into()),
            ("deletions", report["deletions"].clone()),
            ("failed", self.failed.iter().map(row).collect()),
            ("more-failed", self.more.into()),
        ] {
            object = with(object, name, value);
        }
        object
    }
}

impl Entity {
    /// An array, the oldest row first.
    pub fn json(&self) -> Value {
        self.0.iter().map(row).collect()
    }
}

/// The report the run ended with; `null` for one that did not.
pub(super) fn report(run: &Run) -> Value {
    run.report.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Over all entity types: what the source read, and what became of it in all targets.
pub(super) fn sum(run: &Run) -> Counters {
    let mut sum = Counters::default();
    run.counters.iter().for_each(|of| sum += of.counters);
    sum
}

/// What every object about a run begins with.
pub(crate) fn head(run: &Run) -> Value {
    json!({
        "run": run.id.0, "source": run.source, "job": run.job, "read-mode": run.read_mode, "status": run.status_word(),
        "started": moment(run.started_at), "ended": run.ended_at.map(moment),
    })
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

/// A source reads, skips and fails; a target does everything but read.
fn counts(counters: &Counters, is_source: Option<bool>) -> Value {
    let Counters { read, created, updated, unchanged, deleted, skipped, failed } = *counters;
    let counts = Counts { read, created, updated, unchanged, deleted, skipped, failed };
    let columns = Counts::COLUMNS.iter().zip(counts.values());
    let columns = columns.filter(|(name, _)| is_source.is_none_or(|is_source| Counts::belongs(name, is_source)));
    Value::Object(columns.map(|(name, value)| ((*name).to_owned(), value.into())).collect())
}

/// A row of the log.
pub(crate) fn row(logged: &Logged) -> Value {
    let entry = &logged.entry;
    json!({
        "run": logged.run.0, "source": logged.source, "time": moment(entry.at), "system": entry.system, "entity-type": entry.entity_type,
        "source-id": entry.source_id, "target-id": entry.target_id, "action": entry.action.word(), "stage": entry.stage, "code": entry.code,
        "message": entry.message, "content": content(logged),
    })
}

/// What was decided about a deletion has no content; of everything else it is there, or hidden.
pub(super) fn content(logged: &Logged) -> Option<&str> {
    match logged.entry.action {
        LogAction::Deleted | LogAction::Kept | LogAction::Disabled | LogAction::HeldBack => None,
        _ => Some(logged.entry.content.as_deref().unwrap_or(HIDDEN)),
    }
}
