//! The plan file of `simulate --out`: one JSON object a line; first what the plan is of, then each change as in the simulation's report, last how many there are.
//!
//! A change says what is there and what it would become, so two simulations that say the same would do the same. Values that nobody should read are hidden in both.

use std::{
    collections::{HashMap, hash_map::Entry},
    fs::File,
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::SimulatedChange;

/// The version of the format.
const FORMAT: u32 = 1;
/// Differences that are told one by one.
const TOLD: usize = 5;

/// What a plan is of. It holds as long as all of this is as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PlanOf {
    provisor_plan: u32,
    /// `read` or `resync`.
    pub job: String,
    /// The one source, if not all.
    pub system: Option<String>,
    /// Milliseconds since 1970 (UTC): `currentDate` of everything that is mapped.
    pub now: u64,
    /// Every system that takes part, by its name.
    pub systems: Vec<SystemOf>,
}

/// What a system was when the plan was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SystemOf {
    pub name: String,
    /// SHA-256 of its transformation.
    pub transformation: String,
    /// Of a target: its connector and where its backend is.
    pub place: Option<String>,
}

impl PlanOf {
    pub fn new(job: &str, system: Option<String>, now: SystemTime, systems: Vec<SystemOf>) -> Self {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        Self { provisor_plan: FORMAT, job: job.to_owned(), system, now: u64::try_from(now).unwrap_or(u64::MAX), systems }
    }

    /// See [`PlanOf::now`].
    pub fn moment(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.now)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    changes: u64,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("{} cannot be read: {error}", path.display())]
    Read { path: PathBuf, error: std::io::Error },
    #[error("{} cannot be written: {error}", path.display())]
    Write { path: PathBuf, error: std::io::Error },
    #[error("{}, line {line}: {message}", path.display())]
    Invalid { path: PathBuf, line: u64, message: String },
}

impl PlanError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "plan.unreadable",
            Self::Write { .. } => "plan.unwritable",
            Self::Invalid { .. } => "plan.invalid",
        }
    }
}

/// One line of a plan: a change, and the source it comes from.
fn line(source: &str, change: &SimulatedChange) -> String {
    let mut object = change.json();
    object["source"] = source.into();
    object.to_string()
}

/// Writes a plan. Nothing is at its path before [`PlanWriter::finish`]; only the user may read what is there then.
pub struct PlanWriter {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    changes: u64,
    failed: Option<std::io::Error>,
}

impl PlanWriter {
    pub fn create(path: &Path, of: &PlanOf) -> Result<Self, PlanError> {
        let failed = |error| PlanError::Write { path: path.to_owned(), error };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = BufWriter::new(NamedTempFile::new_in(folder).map_err(failed)?);
        let head = serde_json::to_string(of).map_err(|error| failed(error.into()))?;
        writeln!(file, "{head}").map_err(failed)?;
        Ok(Self { path: path.to_owned(), file, changes: 0, failed: None })
    }

    /// Add a change. What goes wrong is told in the end.
    pub fn add(&mut self, source: &str, change: &SimulatedChange) {
        self.changes += 1;
        if self.failed.is_none()
            && let Err(error) = writeln!(self.file, "{}", line(source, change))
        {
            self.failed = Some(error);
        }
    }

    /// The plan is whole. Answers how many changes it has.
    pub fn finish(mut self) -> Result<u64, PlanError> {
        let path = self.path.clone();
        let failed = |error| PlanError::Write { path: path.clone(), error };
        if let Some(error) = self.failed {
            return Err(failed(error));
        }
        let end = serde_json::to_string(&End { changes: self.changes }).map_err(|error| failed(error.into()))?;
        writeln!(self.file, "{end}").map_err(failed)?;
        let file = self.file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&self.path).map_err(|error| failed(error.error))?;
        Ok(self.changes)
    }
}

/// A plan that was read: 32 bytes a change.
pub struct Plan {
    pub of: PlanOf,
    /// How often each stands there: a second pass may come to the same change.
    changes: HashMap<[u8; 32], u32>,
}

impl Plan {
    pub fn read(path: &Path) -> Result<Self, PlanError> {
        let unreadable = |error| PlanError::Read { path: path.to_owned(), error };
        let mut lines = BufReader::new(File::open(path).map_err(unreadable)?).lines().zip(1..);
        let invalid = |line: u64, message: String| PlanError::Invalid { path: path.to_owned(), line, message };
        let (head, _) = lines.next().ok_or_else(|| invalid(1, "the file is empty".into()))?;
        let of: PlanOf = serde_json::from_str(&head.map_err(unreadable)?)
            .map_err(|error| invalid(1, format!("this is no plan of `provisor simulate --out`: {error}")))?;
        if of.provisor_plan != FORMAT {
            return Err(invalid(1, format!("a plan of format {}, this Provisor knows {FORMAT}: simulate again", of.provisor_plan)));
        }
        let (mut changes, mut count, mut end) = (HashMap::new(), 0, None);
        for (text, number) in lines {
            let text = text.map_err(unreadable)?;
            if end.is_some() {
                return Err(invalid(number, "there is something behind the end of the plan".into()));
            }
            if let Ok(last) = serde_json::from_str::<End>(&text) {
                end = Some(last);
            } else {
                count += 1;
                *changes.entry(Sha256::digest(text.as_bytes()).into()).or_default() += 1;
            }
        }
        match end {
            Some(End { changes: told }) if told == count => Ok(Self { of, changes }),
            Some(End { changes: told }) => Err(invalid(1, format!("the plan counts {told} changes and has {count}"))),
            None => Err(invalid(1, "the plan has no end: it was cut off".into())),
        }
    }

    pub fn compare(self) -> Comparison {
        Comparison { missing: self.changes, more: 0, told: Vec::new() }
    }
}

/// Compares what a second simulation says with a plan.
pub struct Comparison {
    /// In the plan and not met yet.
    missing: HashMap<[u8; 32], u32>,
    /// Not in the plan.
    more: u64,
    told: Vec<String>,
}

impl Comparison {
    pub fn meet(&mut self, source: &str, change: &SimulatedChange) {
        if let Entry::Occupied(mut entry) = self.missing.entry(Sha256::digest(line(source, change).as_bytes()).into()) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
            return;
        }
        self.more += 1;
        if self.told.len() < TOLD {
            self.told.push(change.line());
        }
    }

    /// In what they differ, if they do; some lines for people.
    pub fn difference(&self) -> Option<String> {
        if self.more == 0 && self.missing.is_empty() {
            return None;
        }
        let mut text = format!(
            "{} changes of the plan would not be made as they stand there, {} others would",
            self.missing.values().sum::<u32>(),
            self.more
        );
        for line in &self.told {
            text.push_str("\n  not in the plan: ");
            text.push_str(line);
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{AttributeChange, Before};

    fn change(entity: &str, title: &str) -> SimulatedChange {
        SimulatedChange {
            system: "directory".into(),
            entity_type: "user".into(),
            entity: entity.into(),
            id: entity.into(),
            operation: "update",
            before: Before::Read,
            attributes: vec![AttributeChange { attribute: "title".into(), before: Some("Dr".into()), after: title.into() }],
        }
    }

    fn of() -> PlanOf {
        let system = SystemOf { name: "directory".into(), transformation: "00".into(), place: None };
        PlanOf::new("read", None, SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_007), vec![system])
    }

    #[test]
    fn a_plan_is_what_was_told_in_any_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plan.ndjson");
        let mut writer = PlanWriter::create(&path, &of()).expect("a plan");
        for one in ["1", "2"] {
            writer.add("hr", &change(one, "Prof\n"));
        }
        assert!(!path.exists(), "not before it is whole");
        assert_eq!(writer.finish().expect("written"), 2);
        let plan = Plan::read(&path).expect("read");
        assert_eq!(plan.of, of());
        assert_eq!(plan.of.moment(), of().moment());
        let mut comparison = plan.compare();
        comparison.meet("hr", &change("2", "Prof\n"));
        assert!(comparison.difference().is_some_and(|text| text.starts_with("1 changes of the plan would not")));
        comparison.meet("hr", &change("1", "Prof\n"));
        assert_eq!(comparison.difference(), None);
        for (source, other) in [("hr", change("1", "Prof")), ("hr", change("3", "Prof\n")), ("hr2", change("2", "Prof\n"))] {
            let mut comparison = Plan::read(&path).expect("read").compare();
            comparison.meet(source, &other);
            assert!(
                comparison.difference().is_some_and(|text| text.contains("1 others would\n  not in the plan: update user")),
                "{other:?}"
            );
        }
    }

    #[test]
    fn what_is_no_whole_plan_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plan.ndjson");
        let mut writer = PlanWriter::create(&path, &of()).expect("a plan");
        writer.add("hr", &change("1", "x"));
        writer.finish().expect("written");
        let whole = std::fs::read_to_string(&path).expect("read");
        let lines: Vec<&str> = whole.lines().collect();
        let newer = whole.replacen("\"provisor-plan\":1", "\"provisor-plan\":2", 1);
        for (text, why) in [
            (String::new(), "the file is empty"),
            ("{}".to_owned(), "this is no plan"),
            (format!("{}\n{}\n", lines[0], lines[1]), "cut off"),
            (format!("{}\n{}\n", lines[0], lines[2]), "counts 1 changes and has 0"),
            (format!("{whole}{}\n", lines[1]), "behind the end"),
            (newer, "format 2"),
        ] {
            std::fs::write(&path, text).expect("written");
            let error = Plan::read(&path).err().expect("refused");
            assert_eq!(error.code(), "plan.invalid");
            assert!(error.to_string().contains(why), "{error}");
        }
        std::fs::write(&path, [0xff, 0xfe]).expect("written");
        assert_eq!(Plan::read(&path).err().expect("refused").code(), "plan.unreadable");
    }
}
