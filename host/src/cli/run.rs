//! `provisor run`: the read jobs of a manifest's sources, one after the other; and what it shares with the other jobs.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use clap::Args;

use super::{Exit, accept, build, certificates, plan, signals};
use crate::{
    manifest::{self, Problem, System},
    notify::Origin,
    pipeline::{Approval, Job, Mapper, OpenError, Simulation, SourceSpec, TargetSpec, disarm, run_job},
    registry::description::Role,
    report::{JobType, Report, Status, progress::Progress},
    setup::{self, Setup, SetupError},
    state::{SqliteStore, StateStore, TargetLock},
};

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of the command line, one by one")]
pub struct RunArgs {
    /// The manifest
    manifest: PathBuf,
    /// Run the read job of this source only
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// Build the plugins from source first (needs a Rust toolchain) and accept what was built
    #[arg(long)]
    build: bool,
    /// This target is the same backend at another place (a new URL or folder): keep what is known about it
    #[arg(long, value_name = "NAME")]
    moved: Vec<String>,
    /// Read everything, where the source is set to read only what changed (ips.delta.read)
    #[arg(long)]
    full: bool,
    /// A schedule starts this run: it counts for ips.full.read.force.count
    #[arg(long)]
    scheduled: bool,
    /// Carry out the deletions this run held back, exactly those on its list, and read nothing
    #[arg(long, value_name = "RUN", conflicts_with_all = ["system", "full", "scheduled"])]
    accept_deletions: Option<i64>,
    /// Do what this plan of `simulate --out` says, if that is still what a simulation says, and nothing else
    #[arg(long, value_name = "FILE", conflicts_with_all = ["system", "full", "scheduled", "accept_deletions"])]
    plan: Option<PathBuf>,
    /// Print one JSON object per run instead of tables
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: RunArgs, cache: &Path) -> Result<u8, Exit> {
    if args.build {
        let manifest = manifest::read(&args.manifest);
        let problems = manifest.problems();
        if problems.iter().any(Problem::is_error) {
            return Err(SetupError::Manifest { problems }.into());
        }
        let built = build::build(&manifest.plugins())?;
        setup::accept(&args.manifest, cache, |file| built.iter().any(|built| built == file)).await?;
    }
    let setup = Setup::load(&args.manifest, cache).await?;
    if let Some(run) = args.accept_deletions {
        return accept::accept(&setup, cache, run, &args.moved, args.json).await;
    }
    if let Some(path) = &args.plan {
        return Box::pin(plan::run(setup, cache, path, args.moved, args.json)).await;
    }
    carry_out(
        &setup,
        cache,
        &Order {
            job_type: JobType::Read,
            simulation: None,
            approval: None,
            silent: false,
            full: args.full,
            scheduled: args.scheduled,
            system: args.system,
            moved: args.moved,
            json: args.json,
        },
    )
    .await
}

/// What is to be done with the sources of a manifest.
#[expect(clippy::struct_excessive_bools, reason = "switches of the command line, one by one")]
pub(super) struct Order {
    pub job_type: JobType,
    /// Write nothing. One for all sources: what one would create, the next would find.
    pub simulation: Option<Arc<Simulation>>,
    /// What the jobs have to keep to, or what a simulation notes.
    pub approval: Option<Arc<Approval>>,
    /// Print reports only of what failed.
    pub silent: bool,
    /// This source only.
    pub system: Option<String>,
    /// Read everything, whatever is set.
    pub full: bool,
    pub scheduled: bool,
    /// Targets that are the same backend at another place.
    pub moved: Vec<String>,
    /// One JSON object per run instead of tables.
    pub json: bool,
}

/// Run the jobs, print their reports.
pub(super) async fn carry_out(setup: &Setup, cache: &Path, order: &Order) -> Result<u8, Exit> {
    let sources = sources(setup, order.system.as_deref())?;
    check(setup, &order.moved).await?;
    tell_certificates(setup, &sources).await;
    // What a target would be given to write to.
    let simulated = order.simulation.is_some();
    let empty = simulated.then(tempfile::tempdir).transpose();
    let empty = empty.map_err(|error| Exit::environment(format!("error[pipeline.no-space]: no temporary folder can be made: {error}")))?;
    let state = state(setup, simulated)?;
    let stop = signals::stop();
    let _locks = if simulated { Vec::new() } else { locks(setup, cache, &sources)? };
    let mut code = 0;
    for source in sources {
        if stop.is_asked() {
            // The sources that are left out are not where they belong.
            code = worse(code, 1);
            break;
        }
        let targets = setup
            .manifest
            .targets_of(&source.name)
            .map(|target| {
                let spec = setup.target(target, &source.name, state.clone(), order.moved.contains(&target.name));
                let mut spec = TargetSpec { stop: stop.clone(), ..spec };
                if let Some(empty) = &empty {
                    disarm(&mut spec, empty.path());
                }
                spec
            })
            .collect();
        let progress = if order.json { Progress::hidden() } else { Progress::new() };
        let job = Job {
            job_type: order.job_type,
            simulation: order.simulation.clone(),
            approval: order.approval.clone(),
            full: order.full,
            scheduled: order.scheduled,
            source: SourceSpec { stop: stop.clone(), ..setup.source(source) },
            mapping: setup.mapping(source, None),
            targets,
            state: state.clone(),
            trace: source.trace,
            retention: setup.manifest.retention,
            progress,
        };
        let started = SystemTime::now();
        let mut report = Box::pin(run_job(job)).await.map_err(|error| Exit::environment(format!("error[{}]: {error}", error.code())))?;
        notify(setup, source, &*state, started, &mut report).await;
        if !order.silent || report.status == Status::Failed || report.status == Status::Terminated {
            print(&report, order.json);
        }
        code = worse(code, report.status.exit_code());
    }
    Ok(code)
}

/// Tell of a run. What goes wrong here is told and changes nothing else.
async fn notify(setup: &Setup, source: &System, state: &dyn StateStore, started: SystemTime, report: &mut Report) {
    let Some(notifier) = setup.notifier() else { return };
    let origin = Origin { manifest: setup.manifest.path.display().to_string(), connector: source.connector.clone(), started };
    if let Err(error) = notifier.after_run(source.notify, &origin, state, report).await {
        eprintln!("warning[{}]: what was told of run {} is not remembered: {error}", error.code(), report.run);
    }
}

pub(super) fn print(report: &Report, json: bool) {
    if json {
        println!("{}", report.json());
    } else {
        print!("{}", report.text());
    }
}

/// What is told before anything is touched.
pub(super) async fn check(setup: &Setup, moved: &[String]) -> Result<(), Exit> {
    for warning in &setup.warnings {
        eprintln!("{warning}");
    }
    if let Some(name) = moved.iter().find(|name| setup.manifest.system(name).is_none_or(|system| system.role != Role::Target)) {
        return Err(Exit::input(format!("error[run.unknown-system]: --moved {name:?} is not a target of the manifest")));
    }
    for system in setup.manifest.systems.iter().filter(|system| system.enabled) {
        check_transformation(setup, system).await?;
    }
    Ok(())
}

/// Of all systems that take part, each once.
async fn tell_certificates(setup: &Setup, sources: &[&System]) {
    let mut told: Vec<&str> = Vec::new();
    for system in sources.iter().flat_map(|source| std::iter::once(*source).chain(setup.manifest.targets_of(&source.name))) {
        if !told.contains(&system.name.as_str()) {
            certificates::tell(setup, system).await;
            told.push(&system.name);
        }
    }
}

/// Keep other runs of this user away from the targets, those with another state file too.
pub(super) fn locks(setup: &Setup, cache: &Path, sources: &[&System]) -> Result<Vec<TargetLock>, Exit> {
    let mut places: Vec<(String, &str)> = Vec::new();
    for target in sources.iter().flat_map(|source| setup.manifest.targets_of(&source.name)) {
        // Two systems may stand for one backend.
        if let Some(place) = setup.exclusive_place(target).filter(|place| places.iter().all(|(known, _)| known != place)) {
            places.push((place, &target.name));
        }
    }
    let lock = |(place, name): &(String, &str)| match TargetLock::take(cache, place) {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(Exit::environment(format!(
            "error[target.busy]: another run is writing to the target {name:?}, with another manifest or state file; two runs never write to one target at the same time: wait \
             until it has ended"
        ))),
        Err(error) => Err(Exit::environment(format!(
            "error[target.lock]: no lock for the target {name:?} can be made in {}: {error}",
            cache.display()
        ))),
    };
    places.iter().map(lock).collect()
}

/// The state of a run, or a copy of it that is gone afterwards.
pub(super) fn state(setup: &Setup, copy: bool) -> Result<Arc<dyn StateStore>, Exit> {
    let opened = if copy {
        SqliteStore::open_copy(&setup.manifest.state)
    } else {
        setup.pin_new()?;
        if let Some(folder) = setup.manifest.state.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| Exit::environment(format!("error[state.folder]: {} cannot be made: {error}", folder.display())))?;
        }
        SqliteStore::open(&setup.manifest.state)
    };
    Ok(Arc::new(opened.map_err(|error| Exit::environment(format!("error[{}]: {error}", error.code())))?))
}

/// A transformation that cannot be understood is told before anything is touched.
async fn check_transformation(setup: &Setup, system: &System) -> Result<(), Exit> {
    let opened = Mapper::open(setup.mapping(system, None)).await;
    match opened.and_then(|mapper| if system.role == Role::Source { mapper.demand_id() } else { Ok(()) }) {
        Err(error @ OpenError::Text { .. }) => Err(Exit::input(error.to_string())),
        // Anything else is an event of the run.
        Ok(()) | Err(OpenError::Fault(_)) => Ok(()),
    }
}

/// A failed run says more than failed entities.
fn worse(one: u8, other: u8) -> u8 {
    match (one, other) {
        (1, _) | (_, 1) => 1,
        (one, other) => one.max(other),
    }
}

pub(super) fn sources<'s>(setup: &'s Setup, only: Option<&str>) -> Result<Vec<&'s System>, Exit> {
    let feeds = |system: &System| setup.manifest.targets_of(&system.name).next().is_some();
    let Some(name) = only else {
        let sources: Vec<_> = setup.manifest.systems.iter().filter(|s| s.enabled && s.role == Role::Source && feeds(s)).collect();
        return if sources.is_empty() {
            Err(Exit::input("error[run.nothing]: no enabled source feeds an enabled target; add `sources = [...]` to a target"))
        } else {
            Ok(sources)
        };
    };
    match setup.manifest.system(name) {
        Some(system) if system.role == Role::Source && system.enabled && feeds(system) => Ok(vec![system]),
        Some(system) if system.role != Role::Source => {
            Err(Exit::input(format!("error[run.not-a-source]: {name:?} is a {}; name a source that feeds it", system.role)))
        }
        Some(_) => Err(Exit::input(format!("error[run.nothing]: {name:?} is disabled or feeds no enabled target"))),
        None => {
            let names: Vec<_> = setup.manifest.systems.iter().filter(|s| s.role == Role::Source).map(|s| s.name.as_str()).collect();
            Err(Exit::input(format!("error[run.unknown-system]: there is no system {name:?}; sources are {}", names.join(", "))))
        }
    }
}
