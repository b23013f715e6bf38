//! Carrying out what was planned, and remembering it: changes to the target in batches, their outcomes into the state, a page at a time.
//!
//! Before the first create of a page goes out, its ids are durably noted (`intend`); the page's commit takes the note away. A process killed in between
//! therefore knows on its next start which entities it may already have created, looks for them first, and creates none twice.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use tokio::task::JoinHandle;

use super::{
    PipelineError,
    assign::digest_of,
    outcome::{Settled, code_of},
    page::text_variable,
    plan::{PlannedChange, PlannedPage, PlannedStep},
    retry::Away,
    simulate::Simulated,
    target::{self, Ended, TargetRun},
    transform::Mapper,
};
use crate::{
    report::{Counts, Stage},
    sandbox::{
        Fault, Target,
        contract::{Action, Change, Input, Kind, Operation, Transformed, Update, Written},
    },
    state::{Committed, Counters, PageCommit, RelationChange, StateError},
};

/// Changes per call: enough to keep many requests in flight, few enough to stay far from the time limit of a call.
const BATCH: usize = 100;
/// Commits that may be on their way to the disk while the next page is written.
const COMMITS: usize = 4;
/// Faults in a row, each on a single entity, after which the target is given up.
const MAX_FAULTS: u32 = 20;

type Commit = JoinHandle<Result<Committed, StateError>>;

/// What is free again once a page is committed.
struct OnItsWay {
    source_ids: Vec<String>,
    target_ids: Vec<String>,
}

/// Writes the pages of one entity type to one target.
pub struct Writer {
    pub(super) run: Arc<TargetRun>,
    pub(super) instance: Option<Target>,
    /// For an update that turns out to be a create, and for what an update of a new entity would send.
    pub(super) mapper: Mapper,
    commits: VecDeque<(Commit, OnItsWay)>,
    /// Target id -> source id of everything written and not yet committed: the state does not know these relations.
    claims: HashMap<String, String>,
    faults: u32,
    /// Of a run that writes nothing.
    pub(super) simulated: Option<Simulated>,
    /// It did not come back in time; nothing more is tried.
    pub(super) away: Option<Away>,
}

impl Writer {
    pub async fn open(run: Arc<TargetRun>) -> Result<Self, PipelineError> {
        let instance = Some(target::open(&run.spec.connector).await?);
        let mapper = Mapper::lazy(run.spec.mapping.clone());
        let simulated = run.simulation.clone().map(Simulated::new);
        Ok(Self { run, instance, mapper, commits: VecDeque::new(), claims: HashMap::new(), faults: 0, simulated, away: None })
    }

    /// Write a page and send its commit on the way. Answers how many entities of the source are done with it.
    pub async fn write(&mut self, page: PlannedPage) -> Result<u64, PipelineError> {
        let entities = page.entities;
        self.carry_out(page, None).await?;
        Ok(entities)
    }

    /// Write a page of the second pass: its entities are counted already, except that those in `unchanged` are now updated.
    pub async fn write_again(&mut self, page: PlannedPage, unchanged: &HashSet<String>) -> Result<(), PipelineError> {
        self.carry_out(page, Some(unchanged)).await
    }

    async fn carry_out(&mut self, mut page: PlannedPage, second_pass: Option<&HashSet<String>>) -> Result<(), PipelineError> {
        let intent = match page.intent.take() {
            Some(pending) => Some(self.run.clock.time(Stage::Commit, pending).await.map_err(PipelineError::stage)??),
            None => None,
        };
        let mut counts = page.counts;
        let mut changes = std::mem::take(&mut page.noted);
        let mut in_doubt = Vec::new();
        let mut settled = Vec::with_capacity(page.changes.len());
        let mut end = self.settle(&page.entity_type, page.changes, &mut settled).await;
        if end.is_ok() {
            end = self.look_ahead(&page.entity_type, &mut settled).await;
        }
        if end.is_ok() {
            end = self.enable(&page.entity_type, &mut settled).await;
        }
        // Until then whoever was disabled is written again.
        let enables = end.is_ok();
        if end.is_ok() {
            end = self.assign(&mut settled).await;
        }
        let (mut updated_after_all, mut target_ids, mut memberships) = (0, Vec::new(), Vec::new());
        let differs = self.run.can(&page.entity_type, |abilities| abilities.members);
        for (planned, settled) in settled {
            let source_id = planned.entity.source_id.clone();
            memberships.extend(planned.memory(differs, matches!(settled, Settled::Written { .. })));
            match settled {
                Settled::Written { target_id, existed_before, created } => {
                    if created {
                        counts.created += 1;
                    } else {
                        counts.updated += 1;
                    }
                    let after_all = second_pass.is_some_and(|unchanged| unchanged.contains(&source_id));
                    updated_after_all += u64::from(after_all);
                    // The second pass writes again what the first one logged.
                    if second_pass.is_none() || after_all {
                        self.run.log.written(&self.run.of(&page.entity_type, &source_id, &target_id), created, &planned.document);
                    }
                    self.note_simulated(&source_id, &target_id, planned.groups.as_deref());
                    target_ids.push(target_id.clone());
                    changes.extend(enabled(&planned.step).filter(|_| enables));
                    changes.push(relation_change(planned, target_id, existed_before));
                }
                Settled::Unfinished { target_id, existed_before, code, message } => {
                    counts.failed += 1;
                    let content = Some(planned.document.as_str());
                    let failed = Ended { entity_type: &page.entity_type, source_id: &source_id, target_id: Some(&target_id), content };
                    self.run.fail(failed, "write", code, message);
                    target_ids.push(target_id.clone());
                    changes.extend(enabled(&planned.step).filter(|_| enables));
                    changes.push(relation_change(planned.unfinished(), target_id, existed_before));
                }
                Settled::Failed { code, message, in_doubt: doubt } => {
                    counts.failed += 1;
                    if doubt {
                        in_doubt.push(source_id.clone());
                    }
                    // What an update left behind is not known: it is written again even if the source goes back to what it was.
                    changes.extend(forget(&planned.step));
                    let target_id = match &planned.step {
                        PlannedStep::Update(relation) => Some(relation.target_id.as_str()),
                        PlannedStep::Create { .. } => None,
                    };
                    let content = Some(planned.document.as_str());
                    let failed = Ended { entity_type: &page.entity_type, source_id: &source_id, target_id, content };
                    self.run.fail(failed, "write", code, message);
                }
            }
        }
        let counted = if second_pass.is_none() {
            counts
        } else {
            self.run.recount_as_updated(&page.entity_type, updated_after_all);
            Counts { failed: counts.failed, ..Counts::default() }
        };
        self.run.count(&page.entity_type, &counted);
        // If the target was given up in the middle of the page, the note of what was to be done stays: nobody knows what became of the rest.
        let intents_done = intent.filter(|_| end.is_ok());
        if !in_doubt.is_empty() && intents_done.is_some() {
            // The backend may have created these although no answer came: the next run looks before it creates.
            let in_doubt: Vec<&str> = in_doubt.iter().map(String::as_str).collect();
            self.run.state.intend(self.run.run, &self.run.link, &page.entity_type, &in_doubt).await?;
        }
        let commit = PageCommit { changes, memberships, intents_done, checkpoint: page.place, ..self.run.page_commit(&page.entity_type) };
        let on_its_way = OnItsWay { source_ids: page.departed, target_ids };
        self.commit(commit.count(&*self.run.spec.name, counters(&counted)), on_its_way).await?;
        let end = end.and_then(|()| self.away.as_ref().map_or(Ok(()), |away| Err(away.error(&self.run.spec.name))));
        let end = end.and_then(|()| self.run.within_budget());
        if end.is_err() {
            self.settle_all().await?;
        }
        end
    }

    /// Replace the digests of what was just created by those of what an update would send. A create is mapped without the target's id and with mappings of its
    /// own scope (spec section 4.6): compared with it, the next update would look different and be sent for nothing.
    async fn look_ahead(&mut self, entity_type: &str, settled: &mut [(PlannedChange, Settled)]) -> Result<(), PipelineError> {
        if !self.run.spec.mapping.tells_updates_from_creates() {
            return Ok(());
        }
        let (mut created, mut inputs) = (Vec::new(), Vec::new());
        for (planned, settled) in settled {
            // While a reference is open, what an update would send may already have more than what was sent: the second pass writes it.
            if let (PlannedStep::Create { .. }, Some(_), Settled::Written { target_id, .. }) =
                (&planned.step, planned.common_digest, settled)
            {
                let variables = vec![text_variable("entityIdTargetSystem", target_id)];
                inputs.push(Input { document: planned.entity.document.clone(), variables });
                created.push(planned);
            }
        }
        if created.is_empty() {
            return Ok(());
        }
        let outcomes = self.mapper.apply(entity_type, Operation::Update, &inputs).await;
        self.run.spec.relations.check()?;
        for (planned, outcome) in created.into_iter().zip(outcomes) {
            if let Transformed::Mapped(mapped) = outcome {
                planned.target_digest = digest_of(&mapped);
            }
        }
        Ok(())
    }

    /// Send a commit on its way; waits only while too many are.
    async fn commit(&mut self, commit: PageCommit, on_its_way: OnItsWay) -> Result<(), PipelineError> {
        let state = self.run.state.clone();
        self.commits.push_back((tokio::spawn(async move { state.commit(commit).await }), on_its_way));
        while self.commits.len() > COMMITS {
            self.settle_oldest().await?;
        }
        Ok(())
    }

    async fn settle_oldest(&mut self) -> Result<(), PipelineError> {
        if let Some((commit, on_its_way)) = self.commits.pop_front() {
            let Committed { inserted } = self.run.clock.time(Stage::Commit, commit).await.map_err(PipelineError::stage)??;
            self.run.with_seen(|seen| inserted.iter().for_each(|id| _ = seen.insert(*id)));
            self.run.arrive(on_its_way.source_ids.iter().map(String::as_str));
            for id in on_its_way.target_ids {
                self.claims.remove(&id);
            }
        }
        Ok(())
    }

    /// Wait until everything written is remembered.
    pub async fn settle_all(&mut self) -> Result<(), PipelineError> {
        while !self.commits.is_empty() {
            self.settle_oldest().await?;
        }
        Ok(())
    }

    /// Note that this target entity is this source entity's until the state knows; the source id it belongs to already, if it is another one.
    pub(super) fn claim(&mut self, target_id: &str, source_id: &str) -> Option<String> {
        let owner = self.claims.entry(target_id.to_owned()).or_insert_with(|| source_id.to_owned());
        (owner != source_id).then(|| owner.clone())
    }

    /// The target entity was not taken after all.
    pub(super) fn release(&mut self, target_id: &str) {
        self.claims.remove(target_id);
    }

    /// Carry out the changes. An error means that the target can do no more; what was done until then is in `settled`.
    async fn settle(
        &mut self,
        entity_type: &str,
        planned: Vec<PlannedChange>,
        settled: &mut Vec<(PlannedChange, Settled)>,
    ) -> Result<(), PipelineError> {
        let (doubtful, certain): (Vec<_>, Vec<_>) =
            planned.into_iter().partition(|change| matches!(change.step, PlannedStep::Create { uncertain: true }));
        for mut planned in doubtful {
            if self.run.spec.stop.is_asked() {
                return Err(PipelineError::Asked);
            }
            let outcome = self.create_in_doubt(entity_type, &mut planned).await?;
            settled.push((planned, outcome));
        }
        let mut certain = certain.into_iter().peekable();
        while certain.peek().is_some() {
            let batch: Vec<PlannedChange> = certain.by_ref().take(BATCH).collect();
            let before = settled.len();
            Box::pin(self.settle_batch(entity_type, batch, settled)).await?;
            Box::pin(self.settle_doubtful(entity_type, &mut settled[before..])).await?;
        }
        Ok(())
    }

    async fn settle_batch(
        &mut self,
        entity_type: &str,
        batch: Vec<PlannedChange>,
        settled: &mut Vec<(PlannedChange, Settled)>,
    ) -> Result<(), PipelineError> {
        let (mut batch, changes): (Vec<PlannedChange>, Vec<Change>) =
            batch.into_iter().map(|planned| as_change(entity_type, planned)).unzip();
        match self.call(&changes).await? {
            Ok(outcomes) => {
                // What was written is claimed before any conflict is looked at: the entity a conflict finds may be one of this very batch.
                for (planned, outcome) in batch.iter().zip(&outcomes) {
                    if let Written::Written(written) = outcome {
                        self.claim(&written.id, &planned.entity.source_id);
                    }
                }
                let mut end = Ok(());
                for ((mut planned, change), outcome) in batch.into_iter().zip(changes).zip(outcomes) {
                    give_back(&mut planned, change);
                    // Whatever ends the batch, what was written in it is remembered.
                    if end.is_err() && matches!(outcome, Written::Failed(_)) {
                        continue;
                    }
                    match self.settle_one(entity_type, &mut planned, outcome).await {
                        Ok(outcome) => settled.push((planned, outcome)),
                        Err(error) => end = Err(error),
                    }
                }
                end?;
            }
            // Nobody knows how far the call came. One by one, each create looking first, finds the change that does it.
            Err(fault) => {
                for (planned, change) in batch.iter_mut().zip(changes) {
                    give_back(planned, change);
                }
                for mut planned in batch {
                    let outcome = match (&fault.event, &planned.step) {
                        (crate::sandbox::Event::TimedOut(_), step) => Settled::fault(&fault, matches!(step, PlannedStep::Create { .. })),
                        (_, PlannedStep::Create { .. }) => self.create_in_doubt(entity_type, &mut planned).await?,
                        (_, PlannedStep::Update(_)) => self.one(entity_type, &mut planned).await?,
                    };
                    settled.push((planned, outcome));
                }
            }
        }
        Ok(())
    }

    /// One change in a call of its own, once: whoever asks for it is trying again already.
    pub(super) async fn one(&mut self, entity_type: &str, planned: &mut PlannedChange) -> Result<Settled, PipelineError> {
        let changes = [change_of(entity_type, planned)];
        let outcome = self.call_once(&changes).await?;
        let [change] = changes;
        give_back(planned, change);
        match outcome {
            Ok(outcomes) => match outcomes.into_iter().next() {
                Some(outcome) => Box::pin(self.settle_one(entity_type, planned, outcome)).await,
                None => Ok(Settled::failed("plugin.contract", "no outcome for one change")),
            },
            Err(fault) => Ok(Settled::fault(&fault, matches!(planned.step, PlannedStep::Create { .. }))),
        }
    }

    async fn settle_one(&mut self, entity_type: &str, planned: &mut PlannedChange, outcome: Written) -> Result<Settled, PipelineError> {
        let failure = match (outcome, &planned.step) {
            (Written::Written(written), _) if written.id.is_empty() => {
                return Ok(Settled::failed("plugin.contract", "the plugin answered a write with an empty id"));
            }
            (Written::Written(written), PlannedStep::Create { .. }) => {
                return Ok(match self.claim(&written.id, &planned.entity.source_id) {
                    None => Settled::created(written.id),
                    Some(other) => Settled::already_related(&written.id, &other, &planned.entity.source_id),
                });
            }
            (Written::Written(written), PlannedStep::Update(relation)) => {
                return Ok(Settled::Written { target_id: written.id, existed_before: relation.existed_before, created: false });
            }
            (Written::Failed(failure), _) => failure,
        };
        match (&failure.kind, &planned.step) {
            (Kind::AlreadyExists, PlannedStep::Create { .. }) => self.resolve_conflict(entity_type, planned, &failure).await,
            (Kind::NotFound, PlannedStep::Update(_)) => Box::pin(self.create_again(entity_type, planned)).await,
            // What cannot be done in pieces may be done as a whole.
            (Kind::Unsupported | Kind::Rejected | Kind::Conflict, PlannedStep::Update(_)) if planned.difference.take().is_some() => {
                Box::pin(self.one(entity_type, planned)).await
            }
            (kind, step) => {
                let unknown = matches!(kind, Kind::TimedOut | Kind::Unavailable) && matches!(step, PlannedStep::Create { .. });
                Ok(Settled::Failed { code: code_of(&failure), message: failure.message, in_doubt: unknown })
            }
        }
    }

    /// Call the target, and again with what failed for a reason that passes.
    pub(super) async fn call(&mut self, changes: &[Change]) -> Result<Result<Vec<Written>, Fault>, PipelineError> {
        Ok(match self.call_once(changes).await? {
            Ok(mut outcomes) => {
                self.call_again(changes, &mut outcomes).await;
                Ok(outcomes)
            }
            Err(fault) => Err(fault),
        })
    }

    /// Call the target; after a fault it is opened anew for the next call, until it has failed too often.
    pub(super) async fn call_once(&mut self, changes: &[Change]) -> Result<Result<Vec<Written>, Fault>, PipelineError> {
        if self.simulated.is_some() {
            return self.simulate(changes).await;
        }
        let outcome = self.instance().await?.write(changes).await;
        match &outcome {
            Ok(_) => self.faults = 0,
            // A batch of several tells nothing about the plugin yet: one bad entity is enough for it.
            Err(_) if changes.len() > 1 => self.instance = None,
            Err(_) => self.faulted(),
        }
        Ok(outcome)
    }

    pub(super) async fn instance(&mut self) -> Result<&mut Target, PipelineError> {
        if let Some(away) = &self.away {
            return Err(away.error(&self.run.spec.name));
        }
        if self.faults >= MAX_FAULTS {
            return Err(PipelineError::GivenUp { system: self.run.spec.name.to_string(), faults: self.faults });
        }
        let instance = match self.instance.take() {
            Some(instance) => instance,
            None => target::open(&self.run.spec.connector).await?,
        };
        Ok(self.instance.insert(instance))
    }

    pub(super) fn faulted(&mut self) {
        self.instance = None;
        self.faults += 1;
    }
}

/// The numbers of a page, as the state keeps them.
pub(super) fn counters(counts: &Counts) -> Counters {
    let Counts { read, created, updated, unchanged, deleted, skipped, failed } = *counts;
    Counters { read, created, updated, unchanged, deleted, skipped, failed }
}

fn as_change(entity_type: &str, mut planned: PlannedChange) -> (PlannedChange, Change) {
    let change = change_of(entity_type, &mut planned);
    (planned, change)
}

/// Takes the document out of the plan, where it is sent.
fn change_of(entity_type: &str, planned: &mut PlannedChange) -> Change {
    let action = match (&planned.step, &planned.difference) {
        (PlannedStep::Create { .. }, _) => Action::Create(std::mem::take(&mut planned.document)),
        (PlannedStep::Update(_), Some(difference)) => Action::Members(difference.clone()),
        (PlannedStep::Update(relation), None) => {
            Action::Update(Update { id: relation.target_id.clone(), document: std::mem::take(&mut planned.document) })
        }
    };
    Change { entity_type: entity_type.to_owned(), action }
}

/// Gives it back.
fn give_back(planned: &mut PlannedChange, change: Change) {
    if let Action::Create(document) | Action::Update(Update { document, .. }) = change.action {
        planned.document = document;
    }
}

/// After a failed update: the digests of what was sent last say nothing any more.
fn forget(step: &PlannedStep) -> Option<RelationChange> {
    let PlannedStep::Update(relation) = step else { return None };
    Some(RelationChange::Update { id: relation.id, target_id: None, existed_before: None, common_digest: None, target_digest: None })
}

/// Who was disabled and is written again is not disabled any more.
fn enabled(step: &PlannedStep) -> Option<RelationChange> {
    match step {
        PlannedStep::Update(relation) if relation.disabled => Some(RelationChange::Enable { id: relation.id }),
        PlannedStep::Update(_) | PlannedStep::Create { .. } => None,
    }
}

fn relation_change(planned: PlannedChange, target_id: String, existed_before: bool) -> RelationChange {
    let target_digest = Some(planned.target_digest).filter(|_| !planned.unfinished);
    match planned.step {
        PlannedStep::Create { .. } => RelationChange::Insert {
            source_id: planned.entity.source_id,
            target_id,
            existed_before,
            common_digest: planned.common_digest,
            target_digest,
        },
        PlannedStep::Update(relation) => RelationChange::Update {
            id: relation.id,
            target_id: Some(target_id).filter(|id| *id != relation.target_id),
            existed_before: Some(existed_before).filter(|existed| *existed != relation.existed_before),
            common_digest: planned.common_digest,
            target_digest,
        },
    }
}
