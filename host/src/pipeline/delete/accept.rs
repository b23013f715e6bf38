//! Carrying out what a run held back: exactly the entities on its list, and of them only those that nothing has become of since. Nothing is read from the source.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Instant, SystemTime},
};

use super::{
    super::{
        PipelineError,
        clock::StageClock,
        job::{failure, recognise, remembered},
        log::RunLog,
        target::{TargetRun, TargetSpec},
        transform::{Mapper, MappingSpec},
        write::Writer,
    },
    BATCH, IDS_CHANGED,
    batch::{Judged, carry_out},
    verdict::{Rules, Verdict},
};
use crate::{
    manifest::Trace,
    report::{Deletion, DeletionNote, Failure, JobType, Notes, ReadMode, Report, Stage, Status},
    state::{HeldDeletion, HeldList, HeldOutcome, HeldRun, Link, Relation, RunId, StateError, StateStore},
};

/// An operator accepted the list this entity is on.
#[derive(Debug)]
pub struct Accepted {
    _only_made_here: (),
}

/// Why a list cannot be accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error("there is no run {0} in this state")]
    UnknownRun(i64),
    #[error("run {run} is of {what}, which is not in this manifest (or not enabled)")]
    OtherManifest { run: i64, what: String },
    #[error("run {0} held nothing back, or its list is no longer kept: lists of the latest ten runs are")]
    NothingHeld(i64),
    #[error("the list of run {0} is carried out already: nothing on it is open")]
    AlreadyAccepted(i64),
    #[error("run {later} did not come to its end after run {run} had made its list: whom it met in the source nobody knows")]
    InterruptedSince { run: i64, later: i64 },
    #[error(transparent)]
    State(#[from] StateError),
}

impl AcceptError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownRun(_) => "deletions.unknown-run",
            Self::OtherManifest { .. } => "deletions.other-manifest",
            Self::NothingHeld(_) => "deletions.nothing-held",
            Self::AlreadyAccepted(_) => "deletions.already-accepted",
            Self::InterruptedSince { .. } => "deletions.interrupted-since",
            Self::State(error) => error.code(),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::UnknownRun(_) | Self::NothingHeld(_) => "a run that held deletions back says its number at the end of its report",
            Self::OtherManifest { .. } => "accept it with the manifest of that run",
            Self::AlreadyAccepted(_) => "if more deletions are due, the next run lists them anew",
            Self::InterruptedSince { .. } => "run the job again first, and accept then",
            Self::State(_) => "see whether the state file can be used",
        }
    }
}

/// The lists of a run that can be accepted.
#[derive(Debug)]
pub struct Acceptable {
    held: RunId,
    run: HeldRun,
    lists: Vec<HeldList>,
}

impl Acceptable {
    /// Find the lists of a run. `links` says whether a link is one of the manifest.
    pub async fn find(state: &dyn StateStore, run: i64, links: impl Fn(&Link) -> bool) -> Result<Self, AcceptError> {
        let held = RunId(run);
        let found = state.held_run(held).await?.ok_or(AcceptError::UnknownRun(run))?;
        let lists = state.held_lists(held).await?;
        if lists.is_empty() {
            return Err(AcceptError::NothingHeld(run));
        }
        if let Some(list) = lists.iter().find(|list| !links(&list.link)) {
            return Err(AcceptError::OtherManifest { run, what: list.link.to_string() });
        }
        if lists.iter().all(|list| list.open == 0) {
            return Err(AcceptError::AlreadyAccepted(run));
        }
        if let Some(later) = lists.iter().filter(|list| list.open > 0).find_map(|list| list.in_doubt) {
            return Err(AcceptError::InterruptedSince { run, later: later.0 });
        }
        Ok(Self { held, run: found, lists })
    }

    /// The source system of the run.
    pub fn source(&self) -> &str {
        &self.run.source
    }

    /// Whether this target is on a list.
    pub fn concerns(&self, target: &str) -> bool {
        self.lists.iter().any(|list| list.link.target == target)
    }
}

/// Carry out the lists. `mapping` is the source's, `targets` those that are on a list.
pub async fn accept_deletions(
    acceptable: Acceptable,
    mapping: &MappingSpec,
    targets: Vec<TargetSpec>,
    state: Arc<dyn StateStore>,
) -> Result<Report, PipelineError> {
    let started = Instant::now();
    let source = acceptable.run.source.clone();
    let run = state.begin_run(&source, JobType::AcceptDeletions.word(), ReadMode::None.word(), SystemTime::now()).await?;
    let clock = Arc::new(StageClock::default());
    // Whom a list names is always logged.
    let log = Arc::new(RunLog::new(Trace::default()));
    let (mut deletions, mut notes, mut error) = (Vec::new(), Notes::default(), None::<Failure>);
    let mut systems = vec![(source.clone(), BTreeMap::new())];
    for spec in targets {
        let link = Link::new(&*source, &*spec.name);
        // The version only marks what is written, and nothing of it is here.
        let target = Arc::new(TargetRun::new(spec, state.clone(), run, link, [0; 32], clock.clone(), log.clone()));
        if let Err(broken) = target_lists(&acceptable, mapping, &target, &mut deletions).await {
            let failure = failure(&target.spec.name, "", &broken, &target.spec.connector.authority);
            match error {
                Some(_) => notes.failure(failure),
                None => error = Some(failure),
            }
        }
        systems.push((target.spec.name.to_string(), target.counts()));
        notes.append(target.take_notes());
    }
    let failed = systems.iter().flat_map(|(_, types)| types.values()).any(|counts| counts.failed > 0);
    let status = match (&error, failed) {
        (Some(error), _) if error.code == PipelineError::Asked.code() => Status::Terminated,
        (Some(_), _) => Status::Failed,
        (None, true) => Status::FinishedWithError,
        (None, false) => Status::Success,
    };
    let report = Report {
        run: run.0,
        job: JobType::AcceptDeletions,
        simulated: false,
        reads: Vec::new(),
        source,
        status,
        error,
        systems,
        deletions,
        notes,
        stages: clock.stages(),
        duration: started.elapsed(),
        notifications: Vec::new(),
    };
    state.record(run, report.counters(), log.rest()).await?;
    state.finish_run(run, remembered(report.status), SystemTime::now(), &report.json().to_string()).await?;
    Ok(report)
}

/// All lists of one target, groups before users: nothing points at what is deleted.
async fn target_lists(
    acceptable: &Acceptable,
    mapping: &MappingSpec,
    target: &Arc<TargetRun>,
    deletions: &mut Vec<Deletion>,
) -> Result<(), PipelineError> {
    recognise(&*target.state, &target.spec).await?;
    let mut lists: Vec<&HeldList> = acceptable.lists.iter().filter(|list| list.link == target.link).collect();
    lists.sort_by_key(|list| match list.entity_type.as_str() {
        "user" => 2,
        "group" => 1,
        _ => 0,
    });
    let mut writer = Writer::open(target.clone()).await?;
    for list in lists {
        let clock = target.clock.clone();
        let mut deletion = Deletion::nothing(&target.spec.name, &list.entity_type);
        let end = clock.time(Stage::Delete, carry_out_list(acceptable, list, &mut writer, &mut deletion)).await;
        deletions.push(deletion);
        end?;
        if list.code == IDS_CHANGED {
            // What the operator has seen and accepted is no surprise any more.
            target.state.set_identity(&list.link, &list.entity_type, mapping.identity(&list.entity_type)).await?;
        }
    }
    Ok(())
}

/// What was done is in `deletion`, also when it came to no end.
async fn carry_out_list(
    acceptable: &Acceptable,
    list: &HeldList,
    writer: &mut Writer,
    deletion: &mut Deletion,
) -> Result<(), PipelineError> {
    let run = writer.run.clone();
    let HeldList { link, entity_type, .. } = list;
    let mut mapper = Mapper::lazy(run.spec.mapping.clone());
    let accepted = Accepted { _only_made_here: () };
    let (mut after, mut left_out, mut end) = (0, 0, Ok(()));
    loop {
        if run.spec.stop.is_asked() {
            end = Err(PipelineError::Asked);
            break;
        }
        let page = run.state.held(acceptable.held, link, entity_type, after, BATCH).await?;
        let Some(end) = page.last() else { break };
        after = end.relation;
        let ids: Vec<&str> = page.iter().map(|held| held.source_id.as_str()).collect();
        let relations = run.state.relations(link, entity_type, &ids).await?;
        let (mut batch, mut settled) = (Vec::new(), Vec::new());
        for (held, relation) in page.into_iter().zip(relations) {
            let mut leave = |held: &HeldDeletion, outcome: HeldOutcome, reason: &str| {
                left_out += 1;
                let HeldDeletion { source_id, target_id, cause, .. } = held.clone();
                let note =
                    DeletionNote { entity: source_id, target_id, cause: cause.word(), outcome: outcome.word(), reason: reason.to_owned() };
                deletion.note(note);
            };
            match held.outcome {
                None => {}
                Some(HeldOutcome::Returned) => {
                    leave(&held, HeldOutcome::Returned, "a later run met it in its source again");
                    continue;
                }
                // Carried out by an earlier acceptance.
                Some(_) => continue,
            }
            if let Some(relation) = relation.filter(|relation| is_as_it_was(relation, &held, &acceptable.run)) {
                batch.push(judge(relation, &held, writer, entity_type));
            } else {
                settled.push((held.relation, HeldOutcome::Changed));
                leave(&held, HeldOutcome::Changed, "another run has written or deleted it since");
            }
        }
        deletion.due += batch.len() as u64;
        for judged in &batch {
            *(if judged.cause == crate::state::Cause::Gone { &mut deletion.gone } else { &mut deletion.left_scope }) += 1;
        }
        if !batch.is_empty() {
            carry_out(writer, &mut mapper, entity_type, (&accepted).into(), batch, Some(acceptable.held), deletion).await?;
        }
        run.state.settle_held(acceptable.held, link, entity_type, settled).await?;
    }
    deletion.conclude();
    deletion.reason = format!("the list of run {} was accepted: {}", acceptable.held.0, deletion.reason);
    if left_out > 0 {
        deletion.reason = format!("{}, {left_out} left out because they came back or have changed", deletion.reason);
    }
    end
}

/// Neither met and written nor disabled since; an id of a relation is never given twice. A deletion that failed leaves a relation without digests behind, as does
/// disabling, which is no reason not to delete.
fn is_as_it_was(relation: &Relation, held: &HeldDeletion, run: &HeldRun) -> bool {
    let tried_only = relation.common_digest.is_none() && relation.target_digest.is_none() && !(held.disable && relation.disabled);
    relation.id == held.relation && relation.target_id == held.target_id && (relation.updated_at <= run.started_at || tried_only)
}

/// By the rules of now, and never severer than the list says.
fn judge(relation: Relation, held: &HeldDeletion, writer: &Writer, entity_type: &str) -> Judged {
    let rules = Rules::of(&writer.run.spec.deletions, entity_type);
    let rules = if held.disable { rules.at_most_disable() } else { rules };
    let verdict: Verdict = rules.judge(&relation, held.cause);
    Judged { cause: held.cause, verdict, relation }
}
