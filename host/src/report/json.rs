//! The object of `--json`: for scripts, so names here are stable.

use serde_json::{Map, Value, json};

use std::time::Duration;

use super::{Counts, DeletionNote, Failure, Notified, Report, SimulatedChange};

pub(super) fn render(report: &Report) -> Value {
    let systems: Map<String, Value> = report
        .systems
        .iter()
        .map(|(system, types)| {
            let types: Map<String, Value> = types.iter().map(|(name, counts)| (name.clone(), counts_of(counts))).collect();
            (system.clone(), Value::Object(types))
        })
        .collect();
    let deletions: Vec<Value> = report
        .deletions
        .iter()
        .map(|deletion| {
            json!({
                "system": deletion.system, "entity-type": deletion.entity_type, "due": deletion.due, "gone": deletion.gone,
                "left-scope": deletion.left_scope, "deleted": deletion.deleted, "disabled": deletion.disabled, "kept": deletion.kept,
                "decision": deletion.decision.word(), "code": deletion.code, "reason": deletion.reason,
                "entities": deletion.entities.iter().map(deletion_note).collect::<Vec<_>>(), "entities-omitted": deletion.entities_omitted,
            })
        })
        .collect();
    let reads: Vec<Value> = report
        .reads
        .iter()
        .map(|read| json!({ "entity-type": read.entity_type, "mode": read.mode.word(), "reason": read.reason }))
        .collect();
    let skips: Vec<Value> = report
        .notes
        .skips
        .iter()
        .map(|skip| json!({ "entity": skip.entity, "entity-type": skip.entity_type, "system": skip.system, "reason": skip.reason }))
        .collect();
    let unresolved: Vec<Value> = report
        .notes
        .unresolved
        .iter()
        .map(|u| json!({ "entity": u.entity, "entity-type": u.entity_type, "system": u.system, "references": u.references }))
        .collect();
    let stages: Map<String, Value> = report
        .stages
        .iter()
        .map(|(stage, time)| (stage.name().to_owned(), json!({ "busy": seconds(time.busy), "waiting": seconds(time.waiting) })))
        .collect();
    let mut object = json!({
        "run": (!report.simulated).then_some(report.run),
        "job": if report.simulated { "simulate" } else { report.job.word() },
        "source": report.source,
        "read-mode": report.read_mode().word(),
        "reads": reads,
        "status": report.status.word(),
        "error": report.error.as_ref().map(failure),
        "systems": systems,
        "deletions": deletions,
        "failures": report.notes.failures.iter().map(failure).collect::<Vec<_>>(),
        "failures-omitted": report.notes.failures_omitted,
        "skips": skips,
        "skips-omitted": report.notes.skips_omitted,
        "unresolved": unresolved,
        "unresolved-omitted": report.notes.unresolved_omitted,
        "stages": stages,
        "seconds": seconds(report.duration),
    });
    if !report.notifications.is_empty() {
        object["notifications"] = report.notifications.iter().map(Notified::json).collect();
    }
    if report.simulated {
        object["simulates"] = report.job.word().into();
        object["changes"] = report.notes.changes.iter().map(SimulatedChange::json).collect();
        object["changes-omitted"] = report.notes.changes_omitted.into();
    }
    object
}

fn deletion_note(note: &DeletionNote) -> Value {
    json!({ "entity": note.entity, "target-id": note.target_id, "cause": note.cause, "outcome": note.outcome, "reason": note.reason })
}

/// To the millisecond.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

fn counts_of(counts: &Counts) -> Value {
    Value::Object(Counts::COLUMNS.iter().zip(counts.values()).map(|(name, value)| ((*name).to_owned(), value.into())).collect())
}

fn failure(failure: &Failure) -> Value {
    json!({
        "entity": failure.entity, "entity-type": failure.entity_type, "system": failure.system, "stage": failure.stage,
        "code": failure.code, "message": failure.message,
    })
}
