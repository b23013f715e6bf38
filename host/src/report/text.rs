//! The report for a person: a table of counts, then what needs attention.

use std::fmt::Write as _;

use super::{Counts, Decision, JobType, ReadMode, Report, SimulatedChange};

/// Entries shown of each list; `--json` has more.
const SHOWN: usize = 10;

pub(super) fn render(report: &Report) -> String {
    let mut out = String::new();
    table(&mut out, report);
    for read in &report.reads {
        if let Some(reason) = &read.reason {
            let _ = writeln!(out, "read       all {}s: {}", read.entity_type, printable(reason));
        }
    }
    for deletion in &report.deletions {
        if deletion.decision == Decision::Nothing {
            continue;
        }
        let _ = writeln!(out, "deletions  {} {}: {}, {}", deletion.system, deletion.entity_type, deletion.decision.word(), deletion.reason);
        list(&mut out, "", &deletion.entities, deletion.entities_omitted, |e| {
            format!("{} {} ({}, {}): {}, {}", deletion.entity_type, e.entity, e.target_id, e.cause, e.outcome, e.reason)
        });
    }
    if !report.simulated && report.deletions.iter().any(|deletion| deletion.entities.iter().any(|e| e.outcome == "held back")) {
        let _ = writeln!(
            out,
            "to accept  provisor run --accept-deletions {} MANIFEST carries out what is held back, and nothing else",
            report.run
        );
    }
    let notes = &report.notes;
    list(&mut out, "would", &notes.changes, notes.changes_omitted, SimulatedChange::line);
    list(&mut out, "failed", &notes.failures, notes.failures_omitted, |f| {
        format!("{} {} ({}, {}): {} [{}]", f.entity_type, f.entity, f.system, f.stage, f.message, f.code)
    });
    list(&mut out, "unresolved", &notes.unresolved, notes.unresolved_omitted, |u| {
        format!("{} {} ({}): {}", u.entity_type, u.entity, u.system, u.references.join(", "))
    });
    for notified in &report.notifications {
        let _ = writeln!(out, "notified   {}", printable(&notified.line()));
    }
    if let Some(error) = &report.error {
        let _ = writeln!(out, "error      {} [{}]", printable(&error.message).replace('\n', "\n           "), error.code);
    }
    let job = if report.job == JobType::Read { "run" } else { report.job.word() };
    let (job, end) =
        if report.simulated { (format!("simulated {job}"), ", nothing was written") } else { (format!("{job} {}", report.run), "") };
    let read = match report.read_mode() {
        ReadMode::None => String::new(),
        mode => format!(", {} read", mode.word()),
    };
    let (status, seconds) = (report.status.word(), report.duration.as_secs_f64());
    let _ = writeln!(out, "{status}: {job} of {}{read}, {seconds:.1} s{end}", report.source);
    out
}

fn table(out: &mut String, report: &Report) {
    let mut rows = vec![["system", "type"].into_iter().chain(Counts::COLUMNS).map(str::to_owned).collect::<Vec<_>>()];
    for (index, (system, types)) in report.systems.iter().enumerate() {
        for (entity_type, counts) in types {
            let mut row = vec![system.clone(), entity_type.clone()];
            row.extend(Counts::COLUMNS.iter().zip(counts.values()).map(|(column, value)| {
                // An empty cell says more than a zero.
                if Counts::belongs(column, index == 0) { value.to_string() } else { String::new() }
            }));
            rows.push(row);
        }
    }
    out.push_str(&aligned(&rows, 2));
}

/// A table: the first `texts` columns to the left, the numbers behind them to the right.
pub(crate) fn aligned(rows: &[Vec<String>], texts: usize) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if column < texts { write!(line, "{cell:<width$}  ") } else { write!(line, "{cell:>width$}  ") };
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// Ids and messages are text of strangers: control characters could repaint the operator's terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

fn list<T>(out: &mut String, title: &str, entries: &[T], omitted: u64, line: impl Fn(&T) -> String) {
    for entry in entries.iter().take(SHOWN) {
        let _ = writeln!(out, "{title:<10} {}", printable(&line(entry)));
    }
    let more = entries.len().saturating_sub(SHOWN) as u64 + omitted;
    if more > 0 {
        let _ = writeln!(out, "{title:<10} ... and {more} more (--json lists the first {})", entries.len());
    }
}
