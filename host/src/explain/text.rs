//! The same for a person.

use std::fmt::Write as _;

use super::{Explanation, Reading};
use crate::{
    history::{line, moment},
    report::{MappedLine, printable},
};

impl Explanation {
    /// From the source's value to what the next run would do, and what was logged before.
    pub fn text(&self) -> String {
        let mut out = String::new();
        put(&mut out, &format!("{} {} of {}", self.entity_type, self.source_id, self.source));
        match &self.reading {
            Reading::Found(found) => {
                put(&mut out, &format!("source     {}: {}", found.how, found.document));
                way(&mut out, "read", &found.way);
            }
            Reading::Absent { how } => put(&mut out, &format!("source     {how}")),
            Reading::Failed { code, message } => put(&mut out, &format!("source     failed: {message} [{code}]")),
        }
        for at in &self.targets {
            put(&mut out, &format!("\ntarget     {}", at.system));
            match &at.relation {
                Some(relation) => {
                    let whose = if relation.existed_before { "existed before" } else { "created by a run" };
                    put(&mut out, &format!("known as   {}, {whose}, last written {}", relation.target_id, moment(relation.updated_at)));
                }
                None => put(&mut out, "known as   nothing: there is no relation"),
            }
            if let Some(write) = &at.write {
                way(&mut out, write.operation, &write.way);
            }
            put(&mut out, &format!("next run   {}: {}", at.next.word(), at.why));
        }
        out.push('\n');
        match &self.last_run {
            Some(run) => put(&mut out, &format!("last run   {}, {}, began {}", run.id.0, run.status_word(), moment(run.started_at))),
            None => put(&mut out, "last run   none yet"),
        }
        for logged in &self.log {
            put(&mut out, &format!("log        {}  run {}  {}", moment(logged.entry.at), logged.run.0, line(logged)));
        }
        if self.log.is_empty() {
            put(&mut out, "log        nothing: failures and deletions are always logged, the rest with ips.trace.*");
        }
        out
    }
}

fn put(out: &mut String, text: &str) {
    let _ = writeln!(out, "{}", printable(text));
}

/// The way through a transformation, indented below its title.
fn way(out: &mut String, title: &str, way: &MappedLine) {
    put(out, title);
    for line in way.to_string().lines() {
        let _ = if line.is_empty() { writeln!(out) } else { writeln!(out, "    {line}") };
    }
}
