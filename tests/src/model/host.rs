//! The host under test: its library in this process, on a state file, with the ledger as source and target. Plugins are compiled once.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use provisor::{
    manifest::Trace,
    pipeline::{
        Acceptable, ConnectorSpec, DeltaReads, ElementSpec, Job, MappingSpec, PipelineError, Retry, Simulation, SourceSpec, StateRelations,
        Stop, Stopper, TargetSpec, accept_deletions, disarm, run_job,
    },
    report::{JobType, Report, progress::Progress},
    sandbox::{Authority, Folder, Plugin, Sandbox, Settings, contract::Setting},
    state::{DeletionStore as _, DeltaToken, HeldDeletion, Link, Relation, RunId, Seen, SqliteStore, StateStore},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::{
    mortal::{End, Mortal},
    world::{Backend, Call, Kind, Mappings, Rules, Source, SourceFault, TargetFault},
};
use crate::guests;

pub(super) const SOURCE: &str = "hr";
const GUEST: &str = "data";
/// Longer than any call of the ledger takes, but for the one that hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// How a job ended.
pub(super) enum Outcome {
    Reported(Box<Report>),
    /// It did not start, or its end could not be remembered.
    Refused(String),
    Killed,
}

impl Outcome {
    pub(super) fn report(self) -> Result<Box<Report>, String> {
        match self {
            Self::Reported(report) => Ok(report),
            Self::Refused(code) => Err(format!("the job was refused: {code}")),
            Self::Killed => Err("the job was killed".into()),
        }
    }
}

/// What runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Read,
    /// All of it, whatever tokens there are.
    Full,
    Resync,
    Simulate,
    SimulateResync,
}

/// Everything about a job that may go wrong, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trouble {
    pub source: Vec<SourceFault>,
    /// Entities the source counts and does not give.
    pub short: u64,
    pub targets: Vec<Vec<TargetFault>>,
    pub end: Option<End>,
}

impl Trouble {
    pub(super) fn is_none(&self) -> bool {
        self.source.is_empty() && self.short == 0 && self.targets.iter().all(Vec::is_empty) && self.end.is_none()
    }
}

impl Trouble {
    /// The read does not come to its end, whatever is tried.
    pub(super) fn certainly_stops_the_read(&self, delta: bool) -> bool {
        self.source.iter().any(|fault| fault.page == 0 && fault.what == "trap") || (self.short > 0 && !delta)
    }
}

/// What the state says of one target and kind.
pub(super) struct Remembered {
    pub relations: Vec<Relation>,
    pub doubts: Vec<String>,
    pub identity: Option<[u8; 32]>,
}

pub(super) struct Host {
    folder: TempDir,
    state: Option<Arc<SqliteStore>>,
    pub page_size: u32,
    pub attempts: u32,
    pub delta: bool,
    pub members_whole: usize,
}

struct Plugins {
    ledger: Plugin,
    mapping: Plugin,
}

/// Compiled by the first sequence that needs them.
fn plugins() -> &'static Plugins {
    static PLUGINS: OnceLock<Plugins> = OnceLock::new();
    PLUGINS.get_or_init(|| {
        let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        let sandbox = Sandbox::new(&cache).expect("a sandbox");
        let admit = |name: &str, bytes: &[u8]| runtime.block_on(async { sandbox.admit(name, bytes).await }).expect("a plugin");
        // On a worker, where compiling may block.
        let mapping = fs::read(Path::new(env!("PLUGINS")).join("mapping.wasm")).expect("the mapping was built");
        Plugins { ledger: admit("ledger.wasm", &guests::LEDGER.bytes()), mapping: admit("mapping.wasm", &mapping) }
    })
}

impl Host {
    pub(super) fn new(page_size: u32, attempts: u32, delta: bool, members_whole: usize) -> Self {
        plugins();
        // In memory, where there is such a folder: what is tested here is not the disk.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        let folder = folder.expect("a temporary folder");
        fs::create_dir(folder.path().join(SOURCE)).expect("a folder for the source");
        Self { folder, state: None, page_size, attempts, delta, members_whole }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn target_name(number: usize) -> String {
        format!("target{number}")
    }

    fn link(number: usize) -> Link {
        Link::new(SOURCE, Self::target_name(number))
    }

    fn state(&mut self) -> Arc<SqliteStore> {
        if self.state.is_none() {
            self.state = Some(Arc::new(SqliteStore::open(self.path("state.db")).expect("the state opens")));
        }
        self.state.clone().expect("it is open")
    }

    fn lay_out(&self, source: &Source, backends: &[Backend], trouble: &Trouble) {
        fs::write(self.path(SOURCE).join("source.json"), source.json(&trouble.source, trouble.short).to_string()).expect("a source");
        for (number, backend) in backends.iter().enumerate() {
            let folder = self.path(&Self::target_name(number));
            fs::create_dir_all(&folder).expect("a folder for the target");
            // Of a guest that hung when another one had already ended the job.
            let _ = fs::remove_file(folder.join("hangs"));
            let faults = trouble.targets.get(number).map(Vec::as_slice).unwrap_or_default();
            fs::write(folder.join("target.json"), backend.json(faults).to_string()).expect("a target");
        }
    }

    /// What the targets have, and what was asked of them since they were laid out.
    pub(super) fn backends(&self, count: usize) -> Vec<(Backend, Vec<Call>)> {
        let of = |number| {
            let text = fs::read_to_string(self.path(&Self::target_name(number)).join("target.json")).expect("a target");
            Backend::of(&serde_json::from_str::<Value>(&text).expect("the ledger writes JSON"))
        };
        (0..count).map(of).collect()
    }

    /// Run a job until it ends or is killed.
    pub(super) fn job(
        &mut self,
        work: Work,
        source: &Source,
        backends: &[Backend],
        mappings: &Mappings,
        rules: &[Rules],
        trouble: &Trouble,
    ) -> Outcome {
        self.lay_out(source, backends, trouble);
        let simulated = matches!(work, Work::Simulate | Work::SimulateResync);
        let state = if simulated {
            // What was answered is in the file, the one that is open included.
            Arc::new(SqliteStore::open_copy(self.path("state.db")).expect("a copy of the state"))
        } else {
            self.state()
        };
        let (stopper, stop) = Stopper::new();
        let mortal = Arc::new(Mortal::new(state, trouble.end, stopper));
        let died = mortal.died.clone();
        let empty = self.path("empty");
        let targets = rules.iter().enumerate().map(|(number, rules)| {
            let mut spec = self.target(number, mappings, rules, &stop, mortal.clone());
            if simulated {
                disarm(&mut spec, &empty);
            }
            spec
        });
        let job = Job {
            job_type: if matches!(work, Work::Resync | Work::SimulateResync) { JobType::Resync } else { JobType::Read },
            simulation: simulated.then(Arc::<Simulation>::default),
            approval: None,
            full: simulated || work == Work::Full,
            scheduled: false,
            source: self.source(&stop),
            mapping: mapping(SOURCE, &mappings.read_text(), None),
            targets: targets.collect(),
            state: mortal,
            trace: Trace::default(),
            retention: Duration::from_hours(24),
            progress: Progress::hidden(),
        };
        self.until_end(&died, run_job(job))
    }

    /// Carry out what a run held back. The error is the code of what refused it.
    pub(super) fn accept(
        &mut self,
        run: i64,
        backends: &[Backend],
        mappings: &Mappings,
        rules: &[Rules],
        trouble: &Trouble,
    ) -> Result<Outcome, &'static str> {
        self.lay_out(&Source::default(), backends, trouble);
        let state = self.state();
        let (stopper, stop) = Stopper::new();
        let mortal = Arc::new(Mortal::new(state.clone(), trouble.end, stopper));
        let found = runtime().block_on(Acceptable::find(&*state, run, |_| true));
        drop(state);
        let acceptable = found.map_err(|error| error.code())?;
        let concerned = (0..rules.len()).filter(|number| acceptable.concerns(&Self::target_name(*number)));
        let targets = concerned.map(|number| self.target(number, mappings, &rules[number], &stop, mortal.clone())).collect();
        let (died, source) = (mortal.died.clone(), mapping(SOURCE, &mappings.read_text(), None));
        Ok(self.until_end(&died, async move { accept_deletions(acceptable, &source, targets, mortal).await }))
    }

    /// Forget a system; the targets' names, or the source's.
    pub(super) fn reset(&mut self, system: &str) {
        let state = self.state();
        runtime().block_on(state.reset(system)).expect("the state is reset");
    }

    pub(super) fn remembered(&mut self, number: usize, kind: Kind) -> Remembered {
        let (state, link) = (self.state(), Self::link(number));
        runtime().block_on(async {
            Remembered {
                relations: state.unseen(&link, kind.word(), &Seen::new(), 0, 10_000).await.expect("relations"),
                doubts: state.leftover_intents(&link, kind.word()).await.expect("notes"),
                identity: state.identity(&link, kind.word()).await.expect("an identity"),
            }
        })
    }

    /// The latest run.
    pub(super) fn last_run(&mut self) -> i64 {
        let state = self.state();
        runtime().block_on(state.last_run(SOURCE)).expect("a run").map_or(0, |run| run.id.0)
    }

    pub(super) fn tokens(&mut self) -> Vec<DeltaToken> {
        let state = self.state();
        runtime().block_on(state.delta_tokens(SOURCE)).expect("tokens")
    }

    pub(super) fn held(&mut self, run: i64, number: usize, kind: Kind) -> Vec<HeldDeletion> {
        let state = self.state();
        runtime().block_on(state.held(RunId(run), &Self::link(number), kind.word(), 0, 10_000)).expect("a list")
    }

    pub(super) fn identity_of(mappings: &Mappings, kind: Kind) -> [u8; 32] {
        mapping(SOURCE, &mappings.read_text(), None).identity(kind.word())
    }

    fn until_end(&mut self, died: &tokio::sync::Notify, job: impl Future<Output = Result<Report, PipelineError>>) -> Outcome {
        let runtime = runtime();
        let hangs: Vec<PathBuf> = (0..2).map(|number| self.path(&Self::target_name(number)).join("hangs")).collect();
        let hang = async {
            while hangs.iter().all(|path| fs::remove_file(path).is_err()) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let outcome = runtime.block_on(async {
            tokio::select! {
                biased;
                () = died.notified() => Outcome::Killed,
                ended = job => ended.map_or_else(|error| Outcome::Refused(error.code().to_owned()), |report| Outcome::Reported(Box::new(report))),
                () = hang => Outcome::Killed,
            }
        });
        // All tasks end where they are, as they would with the process.
        drop(runtime);
        if !matches!(outcome, Outcome::Reported(_)) {
            // The process has ended.
            self.state = None;
        }
        outcome
    }

    fn source(&self, stop: &Stop) -> SourceSpec {
        let ConnectorSpec { plugin, authority, settings } = self.connector(SOURCE, false);
        SourceSpec {
            name: SOURCE.into(),
            plugin,
            authority,
            settings,
            page_size: self.page_size,
            retry: self.retry(),
            stop: stop.clone(),
            delta: DeltaReads { enabled: self.delta, full_after: None },
        }
    }

    fn retry(&self) -> Retry {
        Retry { attempts: self.attempts, interval: Duration::ZERO, max_outage: Duration::from_millis(2) }
    }

    fn connector(&self, system: &str, write: bool) -> ConnectorSpec {
        let folder = Folder { guest: GUEST.to_owned(), host: self.path(system), write };
        ConnectorSpec {
            plugin: plugins().ledger.clone(),
            authority: Authority { folders: vec![folder], call_timeout: PATIENCE, ..Authority::none(system) },
            settings: Settings {
                system: system.to_owned(),
                properties: vec![Setting { name: "ledger.path".to_owned(), value: GUEST.to_owned() }],
            },
        }
    }

    fn target(&self, number: usize, mappings: &Mappings, rules: &Rules, stop: &Stop, state: Arc<dyn StateStore>) -> TargetSpec {
        let name = Self::target_name(number);
        let relations = Arc::new(StateRelations::new(state, Self::link(number)));
        let connector = self.connector(&name, true);
        let types = &connector.plugin.description().entity_types;
        TargetSpec {
            name: name.as_str().into(),
            place: name.clone(),
            moved: false,
            unique_attributes: types.iter().map(|known| (known.name.clone(), known.unique_attributes.clone())).collect(),
            mapping: mapping(&name, &mappings.write_text(), Some(relations.clone())),
            relations,
            deletions: rules.deletions(),
            members_whole: self.members_whole,
            retry: self.retry(),
            stop: stop.clone(),
            max_failed: 1000,
            max_failed_percent: 100,
            connector,
        }
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn mapping(system: &str, text: &str, relations: Option<Arc<StateRelations>>) -> MappingSpec {
    let relations = relations.map(|relations| relations as Arc<dyn provisor::sandbox::Relations>);
    let element = ElementSpec {
        plugin: plugins().mapping.clone(),
        authority: provisor::setup::mapping_authority(system, relations),
        text: text.into(),
        origin: system.to_owned(),
        properties: Arc::default(),
    };
    MappingSpec { elements: vec![element], now: std::time::SystemTime::UNIX_EPOCH }
}
