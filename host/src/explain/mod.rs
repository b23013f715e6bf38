//! Why an entity is as it is: from the source's value through every step to the call a run would make, or the reason why there would be none. Reads the source and
//! the state, calls no target, writes nothing.
//!
//! The decisions are those of `pipeline::plan` and `pipeline::delete`, looked at for one entity.

mod deletion;
mod find;
mod json;
mod text;
mod verdict;

use std::{path::Path, sync::Arc};

use crate::{
    history::{self, HistoryError},
    manifest::System,
    pipeline::{MappingSpec, OpenError, SourceSpec, TargetSpec},
    registry::description::Role,
    report::MappedLine,
    sandbox::contract::Transformed,
    setup::{Setup, SetupError},
    state::{Link, LogAction, Logged, Relation, Run, SqliteStore, StateError, StateStore},
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error("error[{code}]: {0}", code = .0.code())]
    State(#[from] StateError),
    #[error("error[{code}]: {0}", code = .0.code())]
    Mapping(#[from] OpenError),
    #[error("error[explain.unknown-system]: there is no enabled system {name:?} that takes part in runs; there are: {names}")]
    UnknownSystem { name: String, names: String },
    #[error(
        "error[explain.unknown-entity]: nothing is known of {entity_type} {id:?} in target {system:?}: no source entity stands behind it, and the log does not name it"
    )]
    UnknownEntity { system: String, entity_type: String, id: String },
    #[error("error[explain.folder]: no temporary folder can be made: {0}")]
    Folder(std::io::Error),
}

impl ExplainError {
    /// The process's exit code: 2 for what was asked, 3 for the machine.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Setup(error) => error.exit_code(),
            Self::History(error) => error.exit_code(),
            Self::Mapping(OpenError::Text { .. }) | Self::UnknownSystem { .. } | Self::UnknownEntity { .. } => 2,
            Self::State(_) | Self::Folder(_) | Self::Mapping(OpenError::Fault(_)) => 3,
        }
    }
}

/// The answer.
pub struct Explanation {
    pub entity_type: String,
    /// The source system.
    pub source: String,
    /// `entityIdSourceSystem`, as far as it is known; else the id that was asked for.
    pub source_id: String,
    pub reading: Reading,
    pub targets: Vec<AtTarget>,
    /// The source's latest run.
    pub last_run: Option<Run>,
    /// What was logged of the entity, the oldest first.
    pub log: Vec<Logged>,
}

/// What the source has.
pub enum Reading {
    Found(Box<Found>),
    /// Everything was read and it was not there.
    Absent {
        how: String,
    },
    /// The source could not be read, or could not read this entity.
    Failed {
        code: String,
        message: String,
    },
}

/// An entity of the source, and what the read transformation makes of it.
pub struct Found {
    /// How it was looked for, in a sentence.
    pub how: String,
    /// As the source gave it.
    pub document: String,
    pub outcome: Transformed,
    /// The same outcome, and the way to it.
    pub way: MappedLine,
}

/// One target.
pub struct AtTarget {
    pub system: String,
    pub relation: Option<Relation>,
    /// The write transformation: the operation, and what it makes of the entity.
    pub write: Option<Write>,
    pub next: Next,
    /// Why, in a sentence.
    pub why: String,
}

/// A write transformation's way.
pub struct Write {
    /// `create`, `update` or `delete`.
    pub operation: &'static str,
    pub way: MappedLine,
}

/// What the next run would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Create,
    Update,
    Unchanged,
    Skip,
    Fail,
    Delete,
    /// One attribute would say that it is disabled.
    Disable,
    /// It stays in the target, by a rule or because it is not the host's to delete.
    Keep,
    HoldBack,
    /// Nothing, because the target has nothing to do with the entity.
    Nothing,
}

impl Next {
    /// In a word or two, stable.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Unchanged => "unchanged",
            Self::Skip => "skip",
            Self::Fail => "fail",
            Self::Delete => "delete",
            Self::Disable => "disable",
            Self::Keep => "keep",
            Self::HoldBack => "hold back",
            Self::Nothing => "nothing",
        }
    }
}

/// Everything that is looked at for one entity.
struct Case {
    source: SourceSpec,
    mapping: MappingSpec,
    targets: Vec<TargetSpec>,
    state: Arc<dyn StateStore>,
    entity_type: String,
    last_run: Option<Run>,
}

/// Explain one entity: `id` is a source id, or an id in the target `system`.
pub async fn explain(manifest: &Path, cache: &Path, system: &str, id: &str, entity_type: &str) -> Result<Explanation, ExplainError> {
    let setup = Setup::load(manifest, cache).await?;
    // Before the first run an empty state stands in, where nobody sees it.
    let empty = tempfile::tempdir().map_err(ExplainError::Folder)?;
    let state: Arc<dyn StateStore> = match history::look(manifest) {
        Ok(state) => state,
        Err(HistoryError::NoState(_)) => Arc::new(SqliteStore::open(empty.path().join("state.db"))?),
        Err(error) => return Err(error.into()),
    };
    let meant = setup.manifest.system(system).filter(|system| takes_part(&setup, system));
    let Some(meant) = meant else {
        let names = setup.manifest.systems.iter().filter(|system| takes_part(&setup, system)).map(|system| system.name.as_str());
        return Err(ExplainError::UnknownSystem { name: system.to_owned(), names: names.collect::<Vec<_>>().join(", ") });
    };
    let (source, id) =
        if meant.role == Role::Source { (meant, id.to_owned()) } else { behind(&setup, &*state, meant, entity_type, id).await? };
    let targets = setup
        .manifest
        .targets_of(&source.name)
        .filter(|target| meant.role == Role::Source || target.name == meant.name)
        .map(|target| setup.target(target, &source.name, state.clone(), false))
        .collect();
    let case = Case {
        source: setup.source(source),
        mapping: setup.mapping(source, None),
        targets,
        last_run: state.last_run(&source.name).await?,
        state,
        entity_type: entity_type.to_owned(),
    };
    case.explain(id).await
}

fn takes_part(setup: &Setup, system: &System) -> bool {
    system.enabled && (system.role == Role::Target || setup.manifest.targets_of(&system.name).next().is_some())
}

/// The source entity behind an entity of a target: by its relation, else by the log; an id that is none in the target may be one of a source.
async fn behind<'s>(
    setup: &'s Setup,
    state: &dyn StateStore,
    target: &System,
    entity_type: &str,
    id: &str,
) -> Result<(&'s System, String), ExplainError> {
    let sources: Vec<&System> =
        target.sources.iter().filter_map(|name| setup.manifest.system(name)).filter(|source| source.enabled).collect();
    for source in &sources {
        if let Some(source_id) = state.related_to(&Link::new(&*source.name, &*target.name), entity_type, id).await? {
            return Ok((source, source_id));
        }
    }
    for source in &sources {
        let known = state.relations(&Link::new(&*source.name, &*target.name), entity_type, &[id]).await?;
        if known.iter().any(Option::is_some) {
            return Ok((source, id.to_owned()));
        }
    }
    let logged = history::entity_log(state, &target.name, id, entity_type).await?;
    let last = logged.last().and_then(|last| Some((*sources.iter().find(|source| source.name == last.source)?, last)));
    match last {
        Some((source, last)) => Ok((source, last.entry.source_id.clone())),
        None => Err(ExplainError::UnknownEntity { system: target.name.clone(), entity_type: entity_type.to_owned(), id: id.to_owned() }),
    }
}

impl Case {
    async fn explain(self, id: String) -> Result<Explanation, ExplainError> {
        let (source_id, reading, scan) = self.find(id).await?;
        let log = history::entity_log(&*self.state, &self.source.name, &source_id, &self.entity_type).await?;
        let mut targets = Vec::with_capacity(self.targets.len());
        for target in &self.targets {
            let mut at = self.at_target(target, &source_id, &reading, &scan).await?;
            let last = log.iter().rev().find(|logged| logged.entry.system == at.system);
            if let (None, Some(last)) = (&at.relation, last.filter(|last| last.entry.action == LogAction::Deleted)) {
                at.why = format!("{}; run {} deleted it", at.why, last.run.0);
            }
            targets.push(at);
        }
        Ok(Explanation {
            entity_type: self.entity_type,
            source: self.source.name.to_string(),
            source_id,
            reading,
            targets,
            last_run: self.last_run,
            log,
        })
    }
}
