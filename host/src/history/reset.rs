//! Forgetting a system (spec section 2.4): relations, digests, what is due or in doubt, the log. Backends, the configuration and the list of runs stay.

use std::path::Path;

use super::HistoryError;
use crate::{
    manifest,
    state::{ResetCounts, SqliteStore, StateStore as _},
};

/// What was removed; as text the sentences for a person.
#[derive(Debug)]
pub struct Removed {
    pub system: String,
    pub counts: ResetCounts,
}

impl std::fmt::Display for Removed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ResetCounts { relations, intents, log } = self.counts;
        write!(
            f,
            "{:?} was reset: {relations} relations with their digests, {intents} notes of interrupted writes and {log} rows of the log were removed.\n\
             The next run looks for what is in the targets; what it finds counts as existing before and is deleted later only with ips.delete.existedbefore.entities = true.",
            self.system
        )
    }
}

/// Reset a system. Refused (`state.locked`) while a run is going on.
pub async fn reset(manifest: &Path, system: &str) -> Result<Removed, HistoryError> {
    let state = SqliteStore::open(manifest::read(manifest).state())?;
    Ok(Removed { system: system.to_owned(), counts: state.reset(system).await? })
}
