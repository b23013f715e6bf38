//! What is said of a run: as JSON for programs, as text for people.
//!
//! Both are made of ids, codes and counts. The messages of failures stay out: a backend may quote what it was sent.

use std::{fmt::Write as _, time::SystemTime};

use serde_json::{Value, json};

use super::Event;
use crate::{
    history::moment,
    report::{Counts, Decision, Report, aligned},
};

/// Failures listed one by one; what is more is counted.
const LISTED: usize = 10;

/// Where a run belongs.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The manifest, as the operator knows it.
    pub manifest: String,
    /// The connector of the source.
    pub connector: String,
    /// When the run began.
    pub started: SystemTime,
}

/// A message about a run.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub event: Event,
    /// Failed runs in a row, this one included.
    pub failures: u64,
    pub origin: &'a Origin,
    pub report: &'a Report,
}

impl Message<'_> {
    /// Of a mail.
    pub fn subject(&self) -> String {
        let Self { event, report, .. } = self;
        let what = match event {
            Event::Failed if self.failures > 1 => format!("{} ({} times in a row)", report.status.word(), self.failures),
            Event::Failed => report.status.word().to_owned(),
            Event::DeletionsWithheld => "deletions are withheld".to_owned(),
            Event::Recovered => "back to normal".to_owned(),
            Event::Terminated => "stopped".to_owned(),
        };
        format!("Provisor: {} {}: {what}", report.job.word(), report.source)
    }

    fn targets(&self) -> Vec<&str> {
        self.report.systems.iter().skip(1).map(|(name, _)| name.as_str()).collect()
    }

    /// Where the rest is to be read, a line each.
    fn commands(&self) -> Vec<String> {
        let (manifest, run) = (&self.origin.manifest, self.report.run);
        let mut commands = vec![format!("provisor runs {manifest} {run}")];
        if self.report.deletions.iter().any(|deletion| deletion.decision == Decision::HeldBack) {
            commands.push(format!("provisor run {manifest} --accept-deletions {run}"));
        }
        commands
    }

    /// The body of a webhook. Names here are stable.
    pub fn json(&self) -> Value {
        let Self { event, failures, origin, report } = self;
        let whole = report.json();
        let deletions: Vec<Value> = report
            .deletions
            .iter()
            .filter(|deletion| deletion.decision != Decision::Nothing)
            .map(|deletion| {
                json!({
                    "system": deletion.system, "entity-type": deletion.entity_type, "due": deletion.due, "deleted": deletion.deleted,
                    "disabled": deletion.disabled, "kept": deletion.kept, "decision": deletion.decision.word(), "code": deletion.code,
                })
            })
            .collect();
        let failed = &report.notes.failures;
        let listed: Vec<Value> = failed
            .iter()
            .take(LISTED)
            .map(|failure| {
                json!({
                    "entity": failure.entity, "entity-type": failure.entity_type, "system": failure.system, "stage": failure.stage, "code": failure.code,
                })
            })
            .collect();
        json!({
            "event": event.word(), "run": report.run, "job": report.job.word(), "source": report.source, "connector": origin.connector,
            "targets": self.targets(), "read-mode": report.read_mode().word(), "status": report.status.word(), "started": moment(origin.started),
            "seconds": whole["seconds"], "systems": whole["systems"],
            "error": report.error.as_ref().map(|error| json!({ "system": error.system, "stage": error.stage, "code": error.code })),
            "deletions": deletions, "failures": listed,
            "failures-omitted": failed.len().saturating_sub(LISTED) as u64 + report.notes.failures_omitted,
            "consecutive-failures": failures, "commands": self.commands(),
        })
    }

    /// The text of a mail.
    pub fn text(&self) -> String {
        let Self { origin, report, .. } = self;
        let mut out = format!("{}\n\n", self.subject());
        let lines = [
            ("run", report.run.to_string()),
            ("job", format!("{}, {} read", report.job.word(), report.read_mode().word())),
            ("source", format!("{} ({})", report.source, origin.connector)),
            ("targets", self.targets().join(", ")),
            ("status", report.status.word().to_owned()),
            ("started", format!("{}, {:.1} s", moment(origin.started), report.duration.as_secs_f64())),
        ];
        for (name, value) in lines {
            let _ = writeln!(out, "{name:<10} {value}");
        }
        if let Some(error) = &report.error {
            let _ = writeln!(out, "{:<10} {} ({}, {})", "error", error.code, error.system, error.stage);
        }
        out.push('\n');
        out.push_str(&self.statistics());
        for deletion in report.deletions.iter().filter(|deletion| deletion.decision != Decision::Nothing) {
            let code = deletion.code.map(|code| format!(" [{code}]")).unwrap_or_default();
            let word = deletion.decision.word();
            let _ = writeln!(
                out,
                "deletions  {} {}: {word}, {} due, {} deleted{code}",
                deletion.system, deletion.entity_type, deletion.due, deletion.deleted
            );
        }
        let failures = &report.notes.failures;
        for failure in failures.iter().take(LISTED) {
            // Ids are text of strangers.
            let entity = crate::report::printable(&failure.entity).replace('\n', " ");
            let _ = writeln!(out, "failed     {} {entity} ({}, {}): {}", failure.entity_type, failure.system, failure.stage, failure.code);
        }
        let more = failures.len().saturating_sub(LISTED) as u64 + report.notes.failures_omitted;
        if more > 0 {
            let _ = writeln!(out, "failed     ... and {more} more");
        }
        out.push_str("\nMore, on the machine that runs it:\n");
        for command in self.commands() {
            let _ = writeln!(out, "  {command}");
        }
        out
    }

    fn statistics(&self) -> String {
        let mut rows = vec![["system", "type"].into_iter().chain(Counts::COLUMNS).map(str::to_owned).collect::<Vec<_>>()];
        for (index, (system, types)) in self.report.systems.iter().enumerate() {
            for (entity_type, counts) in types {
                let cells = Counts::COLUMNS.iter().zip(counts.values());
                let cells =
                    cells.map(|(column, value)| if Counts::belongs(column, index == 0) { value.to_string() } else { String::new() });
                rows.push([system.clone(), entity_type.clone()].into_iter().chain(cells).collect());
            }
        }
        aligned(&rows, 2)
    }
}
