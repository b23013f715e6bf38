//! What happened: runs, their statistics (spec section 2.14) and the log of single entities (section 2.15), for people and scripts. Only looks, also while a run is
//! going on.

mod export;
mod json;
mod moment;
pub mod reset;
mod text;

use std::{path::Path, sync::Arc};

use crate::{
    manifest::{self, Problem},
    setup::SetupError,
    state::{LogAction, LogQuery, Logged, Run, RunId, SqliteStore, StateError, StateStore},
};

pub use export::{Format, export};
pub(crate) use json::{head, row};
pub(crate) use moment::moment;
pub(crate) use text::line;

/// Failed entities shown of a run unless all are asked for.
const SHOWN: usize = 10;
/// Rows read at once: a content may be long.
const PAGE: usize = 100;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error(transparent)]
    Manifest(#[from] SetupError),
    #[error("error[{code}]: {0}", code = .0.code())]
    State(#[from] StateError),
    #[error("error[history.no-state]: nothing has run yet: there is no state file {0}; `provisor run` makes it")]
    NoState(String),
    #[error("error[history.unknown-run]: there is no run {0}; `provisor runs MANIFEST` lists those that are remembered")]
    UnknownRun(i64),
    #[error("error[history.unknown-system]: nothing is remembered of a system {0:?}")]
    UnknownSystem(String),
    #[error("error[history.output]: the export cannot be written: {0}")]
    Output(std::io::Error),
}

impl HistoryError {
    /// The process's exit code: 2 for what was asked, 3 for the machine.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Manifest(error) => error.exit_code(),
            Self::State(_) | Self::Output(_) => 3,
            Self::NoState(_) | Self::UnknownRun(_) | Self::UnknownSystem(_) => 2,
        }
    }
}

/// The state of a manifest, to look at. Plugins are not needed.
pub fn look(manifest: &Path) -> Result<Arc<dyn StateStore>, HistoryError> {
    let raw = manifest::read(manifest);
    let problems = raw.problems();
    if problems.iter().any(Problem::is_error) {
        return Err(SetupError::Manifest { problems }.into());
    }
    match SqliteStore::look(raw.state())? {
        Some(state) => Ok(Arc::new(state)),
        None => Err(HistoryError::NoState(raw.state().display().to_string())),
    }
}

/// The latest runs, the newest first.
pub struct RunList(pub Vec<Run>);

/// List runs, of one source or of all.
pub async fn runs(state: &dyn StateStore, source: Option<&str>, limit: usize) -> Result<RunList, HistoryError> {
    if let Some(source) = source {
        known(state, source).await?;
    }
    Ok(RunList(state.runs(source, limit).await?))
}

/// One run with the entities that failed in it.
pub struct OneRun {
    pub run: Run,
    pub failed: Vec<Logged>,
    /// There are more of them.
    pub more: bool,
}

/// One run; with `all` every failed entity, else the first ten.
pub async fn one_run(state: &dyn StateStore, id: i64, all: bool) -> Result<OneRun, HistoryError> {
    let run = state.run(RunId(id)).await?.ok_or(HistoryError::UnknownRun(id))?;
    let query = LogQuery { run: Some(run.id), action: Some(LogAction::Failed), ..LogQuery::default() };
    let mut failed = if all { every(state, query).await? } else { state.log(LogQuery { limit: SHOWN + 1, ..query }).await? };
    let more = !all && failed.len() > SHOWN;
    if more {
        failed.truncate(SHOWN);
    }
    Ok(OneRun { run, failed, more })
}

/// What was logged of one entity, the oldest first.
pub struct Entity(pub Vec<Logged>);

/// One entity through all runs: `id` is a source id, or for a target an id there.
pub async fn entity(state: &dyn StateStore, system: &str, id: &str, entity_type: Option<&str>) -> Result<Entity, HistoryError> {
    known(state, system).await?;
    let entity = Some((system.to_owned(), id.to_owned()));
    Ok(Entity(every(state, LogQuery { entity, entity_type: entity_type.map(str::to_owned), ..LogQuery::default() }).await?))
}

/// The rows of one entity, also where nothing is remembered of its system.
pub(crate) async fn entity_log(state: &dyn StateStore, system: &str, id: &str, entity_type: &str) -> Result<Vec<Logged>, HistoryError> {
    let entity = Some((system.to_owned(), id.to_owned()));
    every(state, LogQuery { entity, entity_type: Some(entity_type.to_owned()), ..LogQuery::default() }).await
}

async fn known(state: &dyn StateStore, system: &str) -> Result<(), HistoryError> {
    if state.knows(system).await? { Ok(()) } else { Err(HistoryError::UnknownSystem(system.to_owned())) }
}

async fn every(state: &dyn StateStore, mut query: LogQuery) -> Result<Vec<Logged>, HistoryError> {
    let mut all = Vec::new();
    query.limit = PAGE;
    loop {
        let page = state.log(query.clone()).await?;
        let Some(last) = page.last() else { return Ok(all) };
        query.after = last.id;
        all.extend(page);
    }
}
