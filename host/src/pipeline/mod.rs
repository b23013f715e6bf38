//! Read, transform, plan, write, delete: the data path, in files of those names.
//!
//! A page of entities travels as a unit through bounded channels, so memory depends on the page size and never on how many identities there are. Users go before
//! groups, one entity type at a time; what cannot be resolved yet is done again at the end of its type. The room knows neither WebAssembly nor SQL.

mod approval;
mod assign;
mod clock;
mod common;
mod conflict;
mod delete;
mod delta;
mod diff;
mod job;
mod log;
mod members;
mod outcome;
mod page;
mod plan;
mod read;
mod relations;
mod retry;
mod simulate;
mod spill;
mod stop;
mod table;
mod target;
mod transform;
mod validate;
mod write;

pub use approval::Approval;
pub(crate) use assign::digest_of;
pub use delete::accept::{AcceptError, Acceptable, accept_deletions};
pub(crate) use delete::verdict::{Rules, Verdict};
pub use delta::DeltaReads;
pub use job::{Job, run_job};
pub(crate) use page::{combine, digest, id_of, id_variable, text_variable};
pub(crate) use read::page as read_page;
pub use read::{ReadError, SourceSpec, open as open_source};
pub use relations::{NoRelations, StateRelations};
pub use retry::Retry;
pub use simulate::{Listener, Simulation, disarm};
pub use stop::{Stop, Stopper};
pub use table::{Import, Table, TableError};
pub use target::{ConnectorSpec, TargetError, TargetSpec, open as open_target};
pub(crate) use transform::identity::without_comments;
pub use transform::{ElementSpec, Mapper, MappingSpec, OpenError, diagnostic_line};
pub use validate::{Trace, Validated, validate};

use crate::state::StateError;

/// Why a system's part of a run could not go on. What was committed until then stays.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{0}")]
    Target(#[from] TargetError),
    #[error(transparent)]
    Mapping(#[from] OpenError),
    #[error("no place for entities set aside: {0}; free space in the folder for temporary files (TMPDIR)")]
    Spill(std::io::Error),
    #[error(
        "target {system} was at `{before}` when its entities were written and is at `{now}` now: ids of one place mean nothing in another. If it is the same backend \
         under a new name, run with --moved {system:?}; if it is another one, give the system another name"
    )]
    Moved { system: String, before: String, now: String },
    #[error("system {system} was given up after {faults} faults of its plugin")]
    GivenUp { system: String, faults: u32 },
    #[error("system {system} did not answer for {seconds} s and was given up: {last}")]
    Away { system: String, seconds: u64, last: String },
    #[error(
        "{failed} of {handled} entities failed in system {system}, more than failures.max-count and failures.max-percent allow: something is wrong with all of them, and no \
         more was written"
    )]
    TooManyFailures { system: String, failed: u64, handled: u64 },
    #[error("the run was asked to stop, and has; what is committed stays, and the next run does the rest")]
    Asked,
    #[error("a stage of the run ended by itself: {0}")]
    Stage(String),
}

impl PipelineError {
    #[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
    fn stage(error: tokio::task::JoinError) -> Self {
        Self::Stage(error.to_string())
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::State(error) => error.code(),
            Self::Read(error) => error.code(),
            Self::Target(error) => error.code(),
            Self::Mapping(error) => error.code(),
            Self::Spill(_) => "pipeline.no-space",
            Self::Moved { .. } => "target.moved",
            Self::GivenUp { .. } => "plugin.given-up",
            Self::Away { .. } => "target.away",
            Self::TooManyFailures { .. } => "target.too-many-failures",
            Self::Asked => "run.stopped",
            Self::Stage(_) => "pipeline.stage",
        }
    }
}
