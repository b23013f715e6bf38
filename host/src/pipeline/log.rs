//! What a run says about single entities for the log in the state, and what the source counted: kept here until the next page's commit takes it along.
//!
//! Failures and deletions always leave a row, everything else only where `ips.trace.*` asks for it: a run in which nothing fails, without tracing, touches nothing
//! here but one number a page.

use std::{
    borrow::Cow,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use crate::{
    manifest::Trace,
    report::{Failure, Skip},
    state::{CountersOf, LogAction, LogEntry, PageCommit},
};

/// The most characters of a content (spec section 2.15).
const MOST_CONTENT: usize = 150_000;

/// The log of one run, shared by the source's side and all targets.
#[derive(Default)]
pub struct RunLog {
    trace: Trace,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    counters: Vec<CountersOf>,
    entries: Vec<LogEntry>,
}

/// The entity a row is about.
pub struct Of<'a> {
    pub system: &'a str,
    pub entity_type: &'a str,
    pub source_id: &'a str,
    pub target_id: Option<&'a str>,
}

impl RunLog {
    /// What is to be logged in this run.
    pub fn new(trace: Trace) -> Self {
        Self { trace, waiting: Mutex::default() }
    }

    /// The switches of this run.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // A panic while a row is added leaves at worst one row less.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An entity failed.
    pub fn failed(&self, failure: &Failure, target_id: Option<&str>, content: Option<&str>) {
        let of = Of { system: &failure.system, entity_type: &failure.entity_type, source_id: &failure.entity, target_id };
        let entry = self.entry(LogAction::Failed, &of, content.filter(|_| self.trace.failed_content));
        let (stage, code) = (Some(failure.stage.to_owned()), Some(failure.code.clone()));
        self.push(LogEntry { stage, code, message: Some(failure.message.clone()), ..entry });
    }

    /// An entity was left out.
    pub fn skipped(&self, skip: &Skip, target_id: Option<&str>, content: Option<&str>) {
        if self.trace.skipped {
            let of = Of { system: &skip.system, entity_type: &skip.entity_type, source_id: &skip.entity, target_id };
            let entry = self.entry(LogAction::Skipped, &of, content.filter(|_| self.trace.skipped_content));
            self.push(LogEntry { message: Some(skip.reason.clone()), ..entry });
        }
    }

    /// An entity was created or updated.
    pub fn written(&self, of: &Of<'_>, created: bool, content: &str) {
        let (wanted, with_content, action) = if created {
            (self.trace.created, self.trace.created_content, LogAction::Created)
        } else {
            (self.trace.updated, self.trace.updated_content, LogAction::Updated)
        };
        if wanted {
            self.push(self.entry(action, of, Some(content).filter(|_| with_content)));
        }
    }

    /// An entity was deleted. Always logged: its relation, which could answer for it, is gone.
    pub fn deleted(&self, of: &Of<'_>) {
        self.push(self.entry(LogAction::Deleted, of, None));
    }

    /// A relation was dropped although its entity stays in the target. Always logged, as a deletion is.
    pub fn kept(&self, of: &Of<'_>, reason: &str) {
        self.push(LogEntry { message: Some(reason.to_owned()), ..self.entry(LogAction::Kept, of, None) });
    }

    /// An entity was disabled instead of deleted. Always logged, as a deletion is.
    pub fn disabled(&self, of: &Of<'_>, cause: &str) {
        self.push(LogEntry { message: Some(cause.to_owned()), ..self.entry(LogAction::Disabled, of, None) });
    }

    /// A deletion was held back. Always logged: an operator decides about it.
    pub fn held_back(&self, of: &Of<'_>, code: &str, why: &str) {
        self.push(LogEntry { code: Some(code.to_owned()), message: Some(why.to_owned()), ..self.entry(LogAction::HeldBack, of, None) });
    }

    /// What the source's side counted.
    pub fn count(&self, counters: CountersOf) {
        self.waiting().counters.push(counters);
    }

    fn entry(&self, action: LogAction, of: &Of<'_>, content: Option<&str>) -> LogEntry {
        LogEntry {
            at: SystemTime::now(),
            system: of.system.to_owned(),
            entity_type: of.entity_type.to_owned(),
            source_id: of.source_id.to_owned(),
            target_id: of.target_id.map(str::to_owned),
            action,
            stage: None,
            code: None,
            message: None,
            content: content.map(|content| self.cut(content).into_owned()),
        }
    }

    fn cut<'a>(&self, content: &'a str) -> Cow<'a, str> {
        match content.char_indices().nth(MOST_CONTENT) {
            Some((end, _)) if !self.trace.unlimited => Cow::Owned(format!("{}…", &content[..end])),
            _ => Cow::Borrowed(content),
        }
    }

    fn push(&self, entry: LogEntry) {
        self.waiting().entries.push(entry);
    }

    /// Hand what waits to a commit.
    pub fn ride(&self, commit: &mut PageCommit) {
        let Waiting { counters, entries } = std::mem::take(&mut *self.waiting());
        commit.counters.extend(counters);
        commit.log.extend(entries);
    }

    /// What no commit took along.
    pub fn rest(&self) -> Vec<LogEntry> {
        std::mem::take(&mut *self.waiting()).entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_cut_by_characters_unless_that_is_lifted() {
        let document = "ä".repeat(MOST_CONTENT + 5);
        let of = Of { system: "hr", entity_type: "user", source_id: "7", target_id: None };
        let content = |trace| {
            let log = RunLog::new(Trace { created: true, created_content: true, ..trace });
            log.written(&of, true, &document);
            log.written(&of, false, &document);
            let rows = log.rest();
            assert_eq!(rows.len(), 1, "updates are not traced");
            rows[0].content.as_ref().map(|content| content.chars().count())
        };
        assert_eq!(content(Trace::default()), Some(MOST_CONTENT + 1));
        assert_eq!(content(Trace { unlimited: true, ..Trace::default() }), Some(MOST_CONTENT + 5));
    }
}
