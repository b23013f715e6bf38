//! A job of one source: every entity type through the stages to every target, then the deletions, then the report.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    PipelineError,
    approval::Approval,
    clock::StageClock,
    common::{ReadMapping, SourceSide},
    delete::delete,
    delta::ReadPlan,
    log::RunLog,
    page::{CommonPage, combine},
    read::{ReadError, SourceSpec, TypeRead, Unproven, certify, open as open_source, read, unreadable_failure},
    simulate::Simulation,
    target::{self, TargetError, TargetRun, TargetSpec, run_entity_type},
    transform::{Mapper, MappingSpec},
    write::Writer,
};
use crate::{
    manifest::Trace,
    report::{Counts, Failure, JobType, Notes, ReadOf, Report, Stage, Status, progress::Progress},
    sandbox::{Authority, Plugin, Source},
    state::{Link, Met, RunId, RunStatus, Seen, StateStore},
};

/// Pages between two stages.
const PAGES_BETWEEN_STAGES: usize = 2;

/// Ids of deleted entities looked up at once.
const DELETED_AT_ONCE: usize = 500;

/// What to do with a source and its targets, and where to remember.
pub struct Job {
    pub job_type: JobType,
    /// Write nothing; `state` is then a copy that nobody keeps.
    pub simulation: Option<Arc<Simulation>>,
    /// What the run has to keep to, or what a simulation notes.
    pub approval: Option<Arc<Approval>>,
    /// Read everything, whatever is set.
    pub full: bool,
    /// A schedule started it and not a person: it counts for `ips.full.read.force.count`.
    pub scheduled: bool,
    pub source: SourceSpec,
    pub mapping: MappingSpec,
    pub targets: Vec<TargetSpec>,
    pub state: Arc<dyn StateStore>,
    /// What is logged of single entities.
    pub trace: Trace,
    /// How long runs are remembered.
    pub retention: Duration,
    pub progress: Progress,
}

/// Run the job. The error is for what kept it from starting at all (the state file); everything else is in the report.
pub async fn run_job(job: Job) -> Result<Report, PipelineError> {
    let started = Instant::now();
    let plan = ReadPlan::of(&job).await?;
    let run = job.state.begin_run(&job.source.name, job.job_type.word(), plan.mode().word(), SystemTime::now()).await?;
    let switches = job.trace.once().map(|(name, on)| (name.to_owned(), on));
    let fresh = job.state.use_once(&job.source.name, switches.into()).await?;
    let log = Arc::new(RunLog::new(job.trace.only(|name| fresh.iter().any(|fresh| fresh == name))));
    let mut course = Course { log: log.clone(), ..Course::default() };
    let mut targets = Vec::new();
    if let Err(error) = course.follow(&job, &plan, run, &mut targets).await {
        course.fail(&job.source.name, "", &error, &job.source.authority);
    }
    job.progress.finish();
    let reads = std::mem::take(&mut course.reads);
    let report = course.report(&job, run, plan.told(&job, &reads), &targets, started);
    job.state.record(run, report.counters(), log.rest()).await?;
    job.state.finish_run(run, remembered(report.status), SystemTime::now(), &report.json().to_string()).await?;
    plan.keep(&job, reads, report.status).await?;
    if let Some(before) = SystemTime::now().checked_sub(job.retention) {
        job.state.forget_runs(before).await?;
    }
    Ok(report)
}

pub(super) fn remembered(status: Status) -> RunStatus {
    match status {
        Status::Success => RunStatus::Success,
        Status::FinishedWithError => RunStatus::FinishedWithError,
        Status::Failed => RunStatus::Failed,
        Status::Terminated => RunStatus::Terminated,
    }
}

/// A target of this run, until it breaks.
struct TargetSide {
    run: Arc<TargetRun>,
    entity_types: Vec<String>,
    broken: bool,
}

/// What has come of the run so far.
#[derive(Default)]
struct Course {
    source: BTreeMap<String, Counts>,
    reads: Vec<TypeRead>,
    notes: Notes,
    deletions: Vec<crate::report::Deletion>,
    error: Option<Failure>,
    clock: Arc<StageClock>,
    log: Arc<RunLog>,
}

impl Course {
    async fn follow(&mut self, job: &Job, plan: &ReadPlan, run: RunId, targets: &mut Vec<TargetSide>) -> Result<(), PipelineError> {
        let mut mapper = Mapper::open(job.mapping.clone()).await?;
        mapper.demand_id()?;
        let read_types = entity_types(handled(&mut mapper, &job.source.plugin).await?, |name| {
            job.source.plugin.description().entity_type(name).is_some_and(|known| known.abilities.read_all)
        });
        let read_version = job.mapping.version();
        for spec in &job.targets {
            let link = Link::new(&*job.source.name, &*spec.name);
            let version = combine(&read_version, &spec.mapping.version());
            let target_run = TargetRun::new(spec.clone(), job.state.clone(), run, link, version, self.clock.clone(), self.log.clone());
            let target_run = Arc::new(target_run.writing(job.job_type == JobType::Resync, job.simulation.clone(), job.approval.clone()));
            // Opened once before anything is read: what cannot be written to is told at once.
            let opened = match recognise(&*job.state, spec).await {
                Ok(()) => prepare(spec).await,
                Err(error) => Err(error),
            };
            let broken = opened.is_err();
            let written = opened.unwrap_or_else(|error| {
                self.fail(&spec.name, "", &error, &spec.connector.authority);
                Vec::new()
            });
            let types = entity_types(written, |name| read_types.iter().any(|read| read == name));
            targets.push(TargetSide { run: target_run, entity_types: types, broken });
        }
        if targets.iter().all(|target| target.broken) {
            return Ok(());
        }
        let mut source = Some(open_source(&job.source).await?);
        for entity_type in &read_types {
            if job.source.stop.is_asked() {
                if self.error.is_none() {
                    return Err(PipelineError::Asked);
                }
                break;
            }
            let (read, back) = self.take_type(job, plan, entity_type.as_str().into(), source.take(), mapper, targets).await?;
            mapper = back.1;
            source = back.0;
            self.reads.extend(read);
        }
        // Groups before users: nothing points at what is deleted.
        let reads = std::mem::take(&mut self.reads);
        for read in reads.iter().rev() {
            self.delete_type(job, read, &reads, targets).await;
        }
        self.reads = reads;
        if job.source.stop.is_asked() && self.error.is_none() {
            // Pages were finished, and deletions or late references left to the next run.
            return Err(PipelineError::Asked);
        }
        Ok(())
    }

    async fn take_type(
        &mut self,
        job: &Job,
        plan: &ReadPlan,
        entity_type: Arc<str>,
        source: Option<Source>,
        mapper: Mapper,
        targets: &mut [TargetSide],
    ) -> Result<(Option<TypeRead>, (Option<Source>, Mapper)), PipelineError> {
        // Until the source says how many there are, as many as last time are expected.
        let mut known = 0;
        for target in targets.iter().filter(|target| !target.broken) {
            known = known.max(job.state.count(&target.run.link, &entity_type).await?);
        }
        job.progress.begin(&entity_type, (known > 0).then_some(known));
        let mut source = match source {
            Some(source) => source,
            None => open_source(&job.source).await?,
        };
        let side = Arc::new(Mutex::new(SourceSide::default()));
        let (raw_pages, raw) = mpsc::channel(PAGES_BETWEEN_STAGES);
        let mut senders: Vec<mpsc::Sender<Arc<CommonPage>>> = Vec::new();
        let mut running: Vec<(usize, JoinHandle<Result<(), PipelineError>>)> = Vec::new();
        for (index, target) in targets.iter().enumerate() {
            if target.broken || !target.entity_types.iter().any(|name| **name == *entity_type) {
                continue;
            }
            let (sender, pages) = mpsc::channel(PAGES_BETWEEN_STAGES);
            // One bar for one source: the first target moves it.
            let progress = if senders.is_empty() { job.progress.clone() } else { Progress::hidden() };
            senders.push(sender);
            running.push((index, tokio::spawn(run_entity_type(target.run.clone(), entity_type.clone(), pages, progress))));
        }
        if running.is_empty() {
            // No target takes this type.
            return Ok((None, (Some(source), mapper)));
        }
        let (name, type_name, spec) = (job.source.name.clone(), entity_type.clone(), job.source.clone());
        let (noted, clock, log, since) = (side.clone(), self.clock.clone(), self.log.clone(), plan.since(job, &entity_type));
        let reading = tokio::spawn(async move {
            let end = read(&mut source, &spec, &type_name, since, raw_pages, &clock, |unreadable| {
                let mut side = noted.lock().unwrap_or_else(PoisonError::into_inner);
                side.counts.failed += unreadable.len() as u64;
                side.counts.read += unreadable.len() as u64;
                side.unreadable += unreadable.len() as u64;
                for one in unreadable {
                    let failure = unreadable_failure(&name, &type_name, one);
                    log.failed(&failure, None, None);
                    side.notes.failure(failure);
                }
            })
            .await;
            (source, end)
        });
        let mapping = ReadMapping {
            mapper,
            system: job.source.name.clone(),
            entity_type: entity_type.clone(),
            side: side.clone(),
            progress: job.progress.clone(),
            clock: self.clock.clone(),
            log: self.log.clone(),
        };
        let mapping = tokio::spawn(mapping.run(raw, senders));
        let (source, end) = reading.await.map_err(PipelineError::stage)?;
        let mapper = mapping.await.map_err(PipelineError::stage)?;
        for (index, target) in running {
            if let Err(error) = target.await.map_err(PipelineError::stage).flatten() {
                targets[index].broken = true;
                let spec = &targets[index].run.spec;
                self.fail(&spec.name, &entity_type, &error, &spec.connector.authority);
            }
        }
        let SourceSide { counts, notes, unidentified, .. } = std::mem::take(&mut *side.lock().unwrap_or_else(PoisonError::into_inner));
        self.source.insert(entity_type.to_string(), counts);
        self.notes.append(notes);
        let (pages, source) = match end {
            Ok(pages) => (Some(pages), Some(source)),
            // The targets said why they stopped.
            Err(ReadError::Stopped) => (None, Some(source)),
            Err(error) => {
                self.fail(&job.source.name, &entity_type, &PipelineError::Read(error), &job.source.authority);
                (None, None)
            }
        };
        Ok((Some(TypeRead { entity_type, pages, counts, unidentified }), (source, mapper)))
    }

    async fn delete_type(&mut self, job: &Job, read: &TypeRead, all: &[TypeRead], targets: &mut [TargetSide]) {
        for target in targets.iter_mut() {
            if !target.entity_types.iter().any(|name| **name == *read.entity_type) {
                continue;
            }
            let done = match met(read, all, target).await {
                Ok(()) if target.broken => Ok(()),
                Ok(()) => self.delete_from(job, read, all, target).await,
                Err(error) => Err(error),
            };
            if let Err(error) = done {
                target.broken = true;
                let spec = &target.run.spec;
                self.fail(&spec.name, &read.entity_type, &error, &spec.connector.authority);
            }
        }
    }

    async fn delete_from(&mut self, job: &Job, read: &TypeRead, all: &[TypeRead], target: &TargetSide) -> Result<(), PipelineError> {
        let run = &target.run;
        let known = run.state.count(&run.link, &read.entity_type).await?;
        let proof = certify(read, all, known, |entity_type| run.repeated(entity_type));
        let mut writer = Writer::open(target.run.clone()).await?;
        let met = run.seen();
        if read.is_delta() {
            let gone = gone(read, run, &met).await?;
            if gone.is_empty() {
                return Ok(());
            }
            run.with_seen(|seen| *seen = Seen::all_but(gone));
        }
        let identity = job.mapping.identity(&read.entity_type);
        let decided = self.clock.time(Stage::Delete, delete(&mut writer, read, proof.as_ref(), identity)).await;
        writer.note_simulated_deletions();
        run.with_seen(|seen| *seen = met);
        self.deletions.push(decided?);
        Ok(())
    }

    fn fail(&mut self, system: &str, entity_type: &str, error: &PipelineError, authority: &Authority) {
        let failure = failure(system, entity_type, error, authority);
        if self.error.is_some() {
            self.notes.failure(failure);
        } else {
            self.error = Some(failure);
        }
    }

    fn report(self, job: &Job, run: RunId, reads: Vec<ReadOf>, targets: &[TargetSide], started: Instant) -> Report {
        let mut systems = vec![(job.source.name.to_string(), self.source)];
        let mut notes = self.notes;
        for target in targets {
            systems.push((target.run.spec.name.to_string(), target.run.counts()));
            notes.append(target.run.take_notes());
        }
        let failed = systems.iter().flat_map(|(_, types)| types.values()).any(|counts| counts.failed > 0);
        let withheld = self.deletions.iter().any(|deletion| deletion.decision.is_withheld());
        let status = match (&self.error, failed || withheld) {
            (Some(error), _) if error.code == PipelineError::Asked.code() => Status::Terminated,
            (Some(_), _) => Status::Failed,
            (None, true) => Status::FinishedWithError,
            (None, false) => Status::Success,
        };
        Report {
            run: run.0,
            job: job.job_type,
            simulated: job.simulation.is_some(),
            reads,
            source: job.source.name.to_string(),
            status,
            error: self.error,
            systems,
            deletions: self.deletions,
            notes,
            stages: self.clock.stages(),
            duration: started.elapsed(),
            notifications: Vec::new(),
        }
    }
}

/// Whom the run met must not be deleted by an older list, whatever became of the target since.
async fn met(read: &TypeRead, all: &[TypeRead], target: &TargetSide) -> Result<(), PipelineError> {
    let run = &target.run;
    let known = run.state.count(&run.link, &read.entity_type).await?;
    let met = match certify(read, all, known, |entity_type| run.repeated(entity_type)) {
        _ if target.broken => Met::Some,
        Err(Unproven::Incomplete(_)) => Met::Some,
        _ if read.is_delta() => Met::Changed,
        Ok(_) | Err(Unproven::Empty { .. }) => Met::Everybody,
    };
    let left_scope = run.with_left_scope(|left| left.clone());
    run.state.returned(run.run, &run.link, &read.entity_type, &run.seen(), &left_scope, met).await?;
    Ok(())
}

/// The relations of what a delta read reports as deleted, and of what came and was left out. What came with a page all the same is there.
async fn gone(read: &TypeRead, run: &TargetRun, met: &Seen) -> Result<Vec<i64>, PipelineError> {
    let mut gone = Vec::new();
    for deleted in read.pages.iter().flat_map(|pages| pages.deleted.chunks(DELETED_AT_ONCE)) {
        let ids: Vec<&str> = deleted.iter().map(String::as_str).collect();
        let relations = run.state.relations(&run.link, &read.entity_type, &ids).await?;
        gone.extend(relations.into_iter().flatten().map(|relation| relation.id).filter(|id| !met.contains(*id)));
    }
    gone.extend(run.with_left_scope(|left| left.iter().filter(|id| !met.contains(*id)).collect::<Vec<_>>()));
    Ok(gone)
}

/// What kept a system from going on, as the report shows it.
pub(super) fn failure(system: &str, entity_type: &str, error: &PipelineError, authority: &Authority) -> Failure {
    // What the host refused says more than what the plugin made of it.
    let refusals: String = authority.refusals().iter().flat_map(|refusal| ["\n", refusal]).collect();
    let failure = Failure {
        entity: String::new(),
        entity_type: entity_type.to_owned(),
        system: system.to_owned(),
        stage: "run",
        code: error.code().to_owned(),
        message: format!("system {system}: {error}{refusals}"),
    };
    tracing::info!(system, entity_type, code = %failure.code, "{error}");
    failure
}

/// Make sure that a target is where it was when its relations were made.
pub(super) async fn recognise(state: &dyn StateStore, spec: &TargetSpec) -> Result<(), PipelineError> {
    match state.place(&spec.name).await? {
        Some(before) if before == spec.place => Ok(()),
        Some(before) if !spec.moved => Err(PipelineError::Moved { system: spec.name.to_string(), before, now: spec.place.clone() }),
        _ => Ok(state.set_place(&spec.name, &spec.place).await?),
    }
}

/// Open a target once, try its connection and learn which entity types its transformation writes.
async fn prepare(spec: &TargetSpec) -> Result<Vec<String>, PipelineError> {
    let mut mapper = Mapper::open(spec.mapping.clone()).await?;
    let types = handled(&mut mapper, &spec.connector.plugin).await?;
    let mut target = target::open(&spec.connector).await?;
    // A backend that is away, or does not let us in, is one failure of the run and not one of every entity.
    target.probe().await.map_err(TargetError::from)?.map_err(TargetError::Refused)?;
    Ok(types.into_iter().filter(|name| spec.connector.plugin.description().entity_type(name).is_some()).collect())
}

/// The entity types a transformation handles; where it takes every type, those of the system's plugin.
async fn handled(mapper: &mut Mapper, connector: &Plugin) -> Result<Vec<String>, PipelineError> {
    let types = mapper.entity_types().await?;
    Ok(types.unwrap_or_else(|| connector.description().entity_types.iter().map(|known| known.name.clone()).collect()))
}

/// Users first, then groups, then the others in the order given (spec section 2.5, step 1).
fn entity_types(mut names: Vec<String>, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    names.retain(|name| wanted(name));
    names.sort_by_key(|name| match name.as_str() {
        "user" => 0,
        "group" => 1,
        _ => 2,
    });
    names
}
