//! Which part of a source a run reads: everything, or what changed since the last successful run (spec section 2.3).
//!
//! | what is read | when |
//! | --- | --- |
//! | everything | in a resync and a simulation; on the first run; with `--full`; where `ips.delta.read` is not on or the connector cannot read changes; after a change of the source's settings, of a transformation or of the set of targets; in a scheduled run, after `ips.full.read.force.count` delta reads; when the source refuses the token |
//! | changes | otherwise |
//!
//! A token is kept only once everything of a run is committed and nothing of it failed: what failed comes again with the next run.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::{
    PipelineError,
    job::Job,
    page::Digest,
    read::{AllPages, TypeRead},
};
use crate::{
    report::{JobType, ReadMode, ReadOf, Status},
    state::DeltaToken,
};

/// What is configured for a source.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeltaReads {
    /// `ips.delta.read`.
    pub enabled: bool,
    /// `ips.full.read.force.count`.
    pub full_after: Option<u64>,
}

/// How a run reads, decided before it begins.
#[derive(Debug)]
pub struct ReadPlan {
    enabled: bool,
    /// Entity type -> since when.
    tokens: BTreeMap<String, String>,
    /// Why everything is read although changes might do.
    reason: Option<String>,
    basis: Digest,
    runs: u64,
}

impl ReadPlan {
    pub async fn of(job: &Job) -> Result<Self, PipelineError> {
        let DeltaReads { enabled, full_after } = job.source.delta;
        let mut plan = Self { enabled, tokens: BTreeMap::new(), reason: None, basis: basis(job), runs: 0 };
        if !enabled {
            return Ok(plan);
        }
        plan.runs = job.state.delta_runs(&job.source.name).await?;
        let known = job.state.delta_tokens(&job.source.name).await?;
        let forced = full_after.filter(|most| job.scheduled && plan.runs >= *most);
        plan.reason = if job.job_type == JobType::Resync {
            Some("a resync reads everything".into())
        } else if job.simulation.is_some() {
            Some("a simulation reads everything".into())
        } else if job.full {
            Some("--full".into())
        } else if let Some(most) = forced {
            Some(format!("{} delta reads were made since the last full one, ips.full.read.force.count = {most}", plan.runs))
        } else if known.is_empty() {
            Some("no run before this one left a delta token".into())
        } else if known.iter().any(|token| token.basis != plan.basis) {
            Some("the source's settings, a transformation or the targets changed since the last successful run".into())
        } else {
            plan.tokens = known.into_iter().map(|token| (token.entity_type, token.token)).collect();
            None
        };
        Ok(plan)
    }

    pub fn mode(&self) -> ReadMode {
        if self.tokens.is_empty() { ReadMode::Full } else { ReadMode::Delta }
    }

    /// Since when changes of this entity type are read; nothing: it is read as a whole.
    pub fn since(&self, job: &Job, entity_type: &str) -> Option<String> {
        let able = job.source.plugin.description().entity_type(entity_type).is_some_and(|known| known.abilities.read_changes);
        self.tokens.get(entity_type).filter(|_| able).cloned()
    }

    /// How each entity type was read.
    pub fn told(&self, job: &Job, reads: &[TypeRead]) -> Vec<ReadOf> {
        let of = |read: &TypeRead| {
            let entity_type = read.entity_type.to_string();
            let mode = if read.is_delta() { ReadMode::Delta } else { ReadMode::Full };
            let able = job.source.plugin.description().entity_type(&entity_type).is_some_and(|known| known.abilities.read_changes);
            let refused = read.pages.as_ref().and_then(|pages| pages.refused.clone());
            let reason = match (mode, refused) {
                (ReadMode::Delta, _) => None,
                _ if !self.enabled => None,
                (ReadMode::Full, Some(refused)) => Some(format!("the source refused the delta token: {refused}")),
                _ if !able => Some("the connector cannot read changes of this entity type".into()),
                _ => self.reason.clone().or_else(|| Some("no run before this one left a delta token for this entity type".into())),
            };
            ReadOf { entity_type, mode, reason }
        };
        reads.iter().map(of).collect()
    }

    /// Remember where the next run begins, if this one succeeded.
    pub async fn keep(mut self, job: &Job, reads: Vec<TypeRead>, status: Status) -> Result<(), PipelineError> {
        if !self.enabled || job.simulation.is_some() {
            return Ok(());
        }
        let delta = reads.iter().any(TypeRead::is_delta);
        if job.scheduled && job.job_type == JobType::Read {
            match (delta, status) {
                (true, _) => job.state.set_delta_runs(&job.source.name, self.runs + 1).await?,
                (false, Status::Success) => job.state.set_delta_runs(&job.source.name, 0).await?,
                (false, _) => {}
            }
        }
        if status != Status::Success {
            return Ok(());
        }
        let mut tokens = Vec::new();
        for TypeRead { entity_type, pages, .. } in reads {
            let Some(AllPages { token, since, .. }) = pages else { continue };
            // A delta read that says nothing new leaves its own beginning.
            let token = token.or_else(|| since.and_then(|_| self.tokens.remove(&*entity_type)));
            tokens.extend(token.map(|token| DeltaToken { entity_type: entity_type.to_string(), token, basis: self.basis }));
        }
        Ok(job.state.set_delta_tokens(&job.source.name, tokens).await?)
    }
}

/// Stands for everything that makes an unchanged entity come out differently.
fn basis(job: &Job) -> Digest {
    let mut hasher = Sha256::new();
    let mut text = |text: &str| {
        hasher.update(text.len().to_le_bytes());
        hasher.update(text);
    };
    text(job.source.plugin.digest());
    for setting in &job.source.settings.properties {
        text(&setting.name);
        text(&setting.value);
    }
    for target in &job.targets {
        text(&target.name);
        text(&target.place);
    }
    hasher.update(job.mapping.version());
    for target in &job.targets {
        hasher.update(target.mapping.version());
    }
    hasher.finalize().into()
}
