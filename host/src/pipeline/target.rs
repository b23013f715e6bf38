//! One target of a run: what its stages share, and the stages put in a row.
//!
//! ```text
//! common page --> plan + write mapping --> write --> commit
//! ```

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use tokio::sync::mpsc;

use super::{
    PipelineError,
    approval::{Approval, Step},
    clock::StageClock,
    log::{Of, RunLog},
    page::{CommonPage, Digest},
    plan::Planner,
    relations::StateRelations,
    retry::Retry,
    simulate::Simulation,
    spill::Spill,
    stop::Stop,
    transform::MappingSpec,
    write::Writer,
};
use crate::{
    registry::description::Abilities,
    report::{Counts, Failure as EntityFailure, Notes, Skip, Stage, progress::Progress},
    sandbox::{
        Authority, Fault, Plugin, Settings, Target,
        contract::{Failure, failure_code},
    },
    state::{Link, PageCommit, RunId, Seen, StateStore},
};

/// Everything needed to open a target.
#[derive(Clone)]
pub struct ConnectorSpec {
    pub plugin: Plugin,
    pub authority: Authority,
    pub settings: Settings,
}

/// Everything needed to write to a target.
#[derive(Clone)]
pub struct TargetSpec {
    pub name: Arc<str>,
    pub connector: ConnectorSpec,
    /// The connector and where its backend is, as text.
    pub place: String,
    /// The operator says that another place is the same backend.
    pub moved: bool,
    pub mapping: MappingSpec,
    /// What the mapping asks for relations.
    pub relations: Arc<StateRelations>,
    /// Entity type -> attributes that identify an entity (spec section 2.7).
    pub unique_attributes: BTreeMap<String, Vec<String>>,
    pub deletions: crate::manifest::Deletions,
    /// A group with more members than this is sent the difference where that is possible.
    pub members_whole: usize,
    pub retry: Retry,
    pub stop: Stop,
    /// More failed entities than this and than `max_failed_percent` of those handled: no more is written.
    pub max_failed: u64,
    pub max_failed_percent: u8,
}

/// Why a target could not be opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TargetError {
    #[error("{}", .0.message)]
    Refused(Failure),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl TargetError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(failure) => failure_code(&failure.kind),
            Self::Fault(fault) => fault.code(),
        }
    }
}

/// Open an instance of the target.
pub async fn open(spec: &ConnectorSpec) -> Result<Target, TargetError> {
    let mut target = spec.plugin.target(spec.authority.clone()).await?;
    target.open(&spec.settings).await?.map_err(TargetError::Refused)?;
    Ok(target)
}

/// An entity whose way ends here.
#[derive(Clone, Copy)]
pub struct Ended<'a> {
    pub entity_type: &'a str,
    pub source_id: &'a str,
    pub target_id: Option<&'a str>,
    /// For the log, if it asks for contents.
    pub content: Option<&'a str>,
}

/// What the stages of one target share during a run.
pub struct TargetRun {
    pub spec: TargetSpec,
    pub state: Arc<dyn StateStore>,
    pub run: RunId,
    pub link: Link,
    /// Stands for the read mapping and the write mapping together.
    pub version: Digest,
    pub clock: Arc<StageClock>,
    /// A resync: whatever was sent last is sent again.
    pub write_all: bool,
    /// Nothing is written to the target.
    pub simulation: Option<Arc<Simulation>>,
    /// What may be done, or what is noted as what would be done.
    pub approval: Option<Arc<Approval>>,
    pub log: Arc<RunLog>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    counts: BTreeMap<String, Counts>,
    notes: Notes,
    /// Relations whose source entity was met in this run.
    seen: Seen,
    /// Relations whose source entity was met and is out of scope. Who is in `seen` too was met a second time and does belong.
    left_scope: Seen,
    /// Entity type -> entities that belong into the target and had no relation.
    newcomers: BTreeMap<String, u64>,
    /// Entity type -> entities that came once more.
    repeated: BTreeMap<String, u64>,
    /// Source ids in pages that are planned and not yet committed.
    in_flight: HashSet<String>,
}

impl TargetRun {
    pub fn new(
        spec: TargetSpec,
        state: Arc<dyn StateStore>,
        run: RunId,
        link: Link,
        version: Digest,
        clock: Arc<StageClock>,
        log: Arc<RunLog>,
    ) -> Self {
        Self { spec, state, run, link, version, clock, log, write_all: false, simulation: None, approval: None, inner: Mutex::default() }
    }

    /// Whether every entity is written, unchanged ones too; whether that is only simulated; and what it has to keep to.
    #[must_use]
    pub fn writing(self, write_all: bool, simulation: Option<Arc<Simulation>>, approval: Option<Arc<Approval>>) -> Self {
        Self { write_all, simulation, approval, ..self }
    }

    /// Whether this may be done with an entity; a simulation notes that it would be.
    pub fn approves(&self, entity_type: &str, source_id: &str, operation: &'static str, content: Option<&Digest>) -> bool {
        let step = |approval: &Arc<Approval>| {
            approval.takes(&Step { target: &self.spec.name, source: &self.link.source, entity_type, source_id, operation, content })
        };
        self.approval.as_ref().is_none_or(step)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic while counting leaves numbers that are at worst too small; losing the report would be worse.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the target's plugin says it can do this with entities of this type.
    pub fn can(&self, entity_type: &str, ability: impl Fn(&Abilities) -> bool) -> bool {
        self.spec.connector.plugin.description().entity_type(entity_type).is_some_and(|known| ability(&known.abilities))
    }

    pub fn count(&self, entity_type: &str, counts: &Counts) {
        let mut inner = self.inner();
        match inner.counts.get_mut(entity_type) {
            Some(known) => known.add(counts),
            None => {
                inner.counts.insert(entity_type.to_owned(), *counts);
            }
        }
    }

    /// An entity counted as unchanged was changed after all, in the second pass.
    pub fn recount_as_updated(&self, entity_type: &str, entities: u64) {
        let mut inner = self.inner();
        let counts = inner.counts.entry(entity_type.to_owned()).or_default();
        counts.unchanged = counts.unchanged.saturating_sub(entities);
        counts.updated += entities;
    }

    /// Whether so much failed that going on would only do more harm; percentages are of what was handled so far, over all entity types.
    pub fn within_budget(&self) -> Result<(), PipelineError> {
        let inner = self.inner();
        let sum = |of: fn(&Counts) -> u64| inner.counts.values().map(of).sum::<u64>();
        let failed = sum(|counts| counts.failed);
        let handled = failed + sum(|counts| counts.created + counts.updated + counts.unchanged + counts.skipped);
        if failed > self.spec.max_failed && failed.saturating_mul(100) > handled.saturating_mul(u64::from(self.spec.max_failed_percent)) {
            return Err(PipelineError::TooManyFailures { system: self.spec.name.to_string(), failed, handled });
        }
        Ok(())
    }

    pub fn counts(&self) -> BTreeMap<String, Counts> {
        self.inner().counts.clone()
    }

    pub fn note<R>(&self, note: impl FnOnce(&mut Notes) -> R) -> R {
        note(&mut self.inner().notes)
    }

    pub fn take_notes(&self) -> Notes {
        std::mem::take(&mut self.inner().notes)
    }

    pub fn with_seen<R>(&self, look: impl FnOnce(&mut Seen) -> R) -> R {
        look(&mut self.inner().seen)
    }

    pub fn with_left_scope<R>(&self, look: impl FnOnce(&mut Seen) -> R) -> R {
        look(&mut self.inner().left_scope)
    }

    /// Note an entity that belongs into the target and is not known there yet.
    pub fn newcomer(&self, entity_type: &str) {
        *self.inner().newcomers.entry(entity_type.to_owned()).or_default() += 1;
    }

    /// How many such entities there were.
    pub fn newcomers(&self, entity_type: &str) -> u64 {
        self.inner().newcomers.get(entity_type).copied().unwrap_or_default()
    }

    /// Note an entity that came already.
    pub fn repeats(&self, entity_type: &str) {
        *self.inner().repeated.entry(entity_type.to_owned()).or_default() += 1;
    }

    /// How many such entities there were.
    pub fn repeated(&self, entity_type: &str) -> u64 {
        self.inner().repeated.get(entity_type).copied().unwrap_or_default()
    }

    /// A commit of this run and link, now, without changes yet; what the run's log holds goes along.
    pub fn page_commit(&self, entity_type: &str) -> PageCommit {
        let mut commit = PageCommit::new(self.run, self.link.clone(), entity_type, SystemTime::now());
        self.log.ride(&mut commit);
        commit
    }

    /// Note that an entity failed here, in the report and in the log.
    pub fn fail(&self, failed: Ended<'_>, stage: &'static str, code: String, message: String) {
        let Ended { entity_type, source_id, target_id, content } = failed;
        let (system, entity_type, entity) = (self.spec.name.to_string(), entity_type.to_owned(), source_id.to_owned());
        let failure = EntityFailure { entity, entity_type, system, stage, code, message };
        self.log.failed(&failure, target_id, content);
        self.note(|notes| notes.failure(failure));
    }

    /// Note that an entity was left out here, in the report and in the log.
    pub fn skip(&self, skipped: Ended<'_>, reason: String) {
        let Ended { entity_type, source_id, target_id, content } = skipped;
        let (system, entity_type, entity) = (self.spec.name.to_string(), entity_type.to_owned(), source_id.to_owned());
        let skip = Skip { system, entity_type, entity, reason };
        self.log.skipped(&skip, target_id, content);
        self.note(|notes| notes.skip(skip));
    }

    /// An entity of this target, as the log names it.
    pub fn of<'a>(&'a self, entity_type: &'a str, source_id: &'a str, target_id: &'a str) -> Of<'a> {
        Of { system: &self.spec.name, entity_type, source_id, target_id: Some(target_id) }
    }

    /// A copy of the set of met relations: one bit each.
    pub fn seen(&self) -> Seen {
        self.inner().seen.clone()
    }

    /// Note that this id is on its way; false if it already is.
    pub fn depart(&self, source_id: &str) -> bool {
        self.inner().in_flight.insert(source_id.to_owned())
    }

    /// The pages with these ids are committed.
    pub fn arrive<'a>(&self, source_ids: impl Iterator<Item = &'a str>) {
        let mut inner = self.inner();
        for id in source_ids {
            inner.in_flight.remove(id);
        }
    }
}

/// Take all pages of one entity type to the target. Ends when the channel does; an error means that this target can do no more in this run.
pub async fn run_entity_type(
    run: Arc<TargetRun>,
    entity_type: Arc<str>,
    mut pages: mpsc::Receiver<Arc<CommonPage>>,
    bar: Progress,
) -> Result<(), PipelineError> {
    let leftover = run.state.leftover_intents(&run.link, &entity_type).await?;
    let mut planner = Planner::open(run.clone(), entity_type.clone(), leftover.iter().map(|id| (id.clone(), false)).collect()).await?;
    let (plans, mut to_write) = mpsc::channel(2);
    let (page_settled, mut settled) = mpsc::channel(1);
    let writer_run = run.clone();
    let writer = tokio::spawn(async move {
        let clock = writer_run.clock.clone();
        let mut writer = Writer::open(writer_run).await?;
        while let Some(page) = to_write.recv().await {
            bar.advance(clock.time(Stage::Write, writer.write(page)).await?);
            if writer.simulated.is_some() {
                writer.settle_all().await?;
                // Nobody waits any more where planning has failed.
                _ = page_settled.send(()).await;
            }
        }
        clock.time(Stage::Write, writer.settle_all()).await?;
        Ok::<Writer, PipelineError>(writer)
    });
    let mut spill = Spill::default();
    let outcome = async {
        while let Some(page) = pages.recv().await {
            let page = run.clock.time(Stage::Plan, planner.plan(&page, &mut spill)).await?;
            if plans.send(page).await.is_err() {
                break;
            }
            // What a simulation says must not hang on how fast it is: which references are there is settled before the next page is looked at.
            if run.simulation.is_some() && settled.recv().await.is_none() {
                break;
            }
        }
        Ok::<(), PipelineError>(())
    }
    .await;
    // Whatever became of the plan: what was handed on is written and committed before anybody says how it ended.
    drop(plans);
    let mut writer = writer.await.map_err(PipelineError::stage)??;
    outcome?;
    // What an interrupted run may have written is settled once its relation is committed. What failed, was left out or was not met stays in doubt.
    let met: Vec<&str> = leftover.iter().map(String::as_str).filter(|id| planner.has_met(id)).collect();
    let relations = run.state.relations(&run.link, &entity_type, &met).await?;
    let settled: Vec<&str> = met.into_iter().zip(relations).filter_map(|(id, relation)| relation.map(|_| id)).collect();
    run.state.settle(&run.link, &entity_type, &settled).await?;
    if settled.len() < leftover.len() {
        tracing::warn!(system = %run.spec.name, %entity_type, entities = leftover.len() - settled.len(), "what an interrupted run began is still in doubt; the entities are looked for before they are created");
    }
    spill.second_pass(&mut planner, &mut writer).await
}
