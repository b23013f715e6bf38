//! The same for a person.

use std::fmt::Write as _;

use super::{
    Entity, OneRun, RunList,
    json::{content, report, sum},
    moment::moment,
};
use crate::{
    report::{Counts, ReadMode, aligned, printable},
    state::{Logged, Run},
};

impl RunList {
    /// A table, the newest run first.
    pub fn text(&self) -> String {
        let mut rows = vec![["run", "source", "job", "read mode", "status", "started", "ended"].map(str::to_owned).to_vec()];
        rows[0].extend(Counts::COLUMNS.map(str::to_owned));
        for run in &self.0 {
            let ended = run.ended_at.map(moment).unwrap_or_default();
            let (started, status) = (moment(run.started_at), run.status_word().to_owned());
            let mut row = vec![run.id.0.to_string(), run.source.clone(), run.job.clone(), run.read_mode.clone(), status, started, ended];
            let sum = sum(run);
            let values = [sum.read, sum.created, sum.updated, sum.unchanged, sum.deleted, sum.skipped, sum.failed];
            row.extend(values.map(|value| value.to_string()));
            rows.push(row);
        }
        aligned(&rows, 7)
    }
}

impl OneRun {
    /// Its head, its statistics, what became of deletions, who failed.
    pub fn text(&self) -> String {
        let Run { id, source, job, read_mode, started_at, ended_at, .. } = &self.run;
        let read_mode = if read_mode == ReadMode::None.word() { "nothing" } else { read_mode };
        let ended = ended_at.map_or_else(String::new, |at| format!(", ended {}", moment(at)));
        let mut out = format!(
            "run {} of {source}: {job}, {read_mode} read, {}, started {}{ended}\n",
            id.0,
            self.run.status_word(),
            moment(*started_at)
        );
        out.push_str(&self.statistics());
        let report = report(&self.run);
        let text = |value: &serde_json::Value, name: &str| printable(value[name].as_str().unwrap_or_default());
        for deletion in report["deletions"].as_array().into_iter().flatten() {
            let (system, entity_type) = (text(deletion, "system"), text(deletion, "entity-type"));
            let _ = writeln!(out, "deletions  {system} {entity_type}: {}, {}", text(deletion, "decision"), text(deletion, "reason"));
        }
        if report.is_null() {
            out.push_str("deletions  the run did not come to its end\n");
        }
        for logged in &self.failed {
            let _ = writeln!(out, "failed     {}", line(logged));
        }
        if self.more {
            out.push_str("failed     ... and more: --all shows them\n");
        }
        if !report["error"].is_null() {
            let _ = writeln!(out, "error      {} [{}]", text(&report["error"], "message"), text(&report["error"], "code"));
        }
        out
    }

    fn statistics(&self) -> String {
        let mut rows = vec![["system", "type"].into_iter().chain(Counts::COLUMNS).map(str::to_owned).collect::<Vec<_>>()];
        let (source, targets): (Vec<_>, Vec<_>) = self.run.counters.iter().partition(|of| of.system == self.run.source);
        for of in source.iter().chain(&targets) {
            let c = of.counters;
            let values = [c.read, c.created, c.updated, c.unchanged, c.deleted, c.skipped, c.failed];
            let is_source = of.system == self.run.source;
            let cells = Counts::COLUMNS.iter().zip(values);
            let cells = cells.map(|(name, value)| if Counts::belongs(name, is_source) { value.to_string() } else { String::new() });
            rows.push([of.system.clone(), of.entity_type.clone()].into_iter().chain(cells).collect());
        }
        aligned(&rows, 2)
    }
}

impl Entity {
    /// A line a row, the oldest first.
    pub fn text(&self) -> String {
        if self.0.is_empty() {
            return "nothing was logged of this entity; failures and deletions always are, the rest with ips.trace.* (`provisor explain` says how it stands)\n"
                .to_owned();
        }
        let mut out = String::new();
        for logged in &self.0 {
            let _ = writeln!(out, "{}  run {:<5} {}", moment(logged.entry.at), logged.run.0, line(logged));
        }
        out
    }
}

/// A row of the log in one line: `failed user 7 -> t-7 in directory (write): ... [backend.rejected]`.
pub(crate) fn line(logged: &Logged) -> String {
    let entry = &logged.entry;
    let target = entry.target_id.as_ref().map_or_else(String::new, |id| format!(" -> {id}"));
    let stage = entry.stage.as_ref().map_or_else(String::new, |stage| format!(" ({stage})"));
    let message = entry.message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
    let code = entry.code.as_ref().map_or_else(String::new, |code| format!(" [{code}]"));
    let content = content(logged).filter(|_| entry.content.is_some()).map_or_else(String::new, |content| format!(" content={content}"));
    let head = format!("{} {} {}{target} in {}", entry.action.word(), entry.entity_type, entry.source_id, entry.system);
    printable(&format!("{head}{stage}{message}{code}{content}")).replace('\n', " ")
}
