//! What can be wrong with a plugin, and what can happen while one runs.

use std::{fmt, path::PathBuf, time::Duration};

/// A plugin that cannot be used. Raised before anything of it takes part in a run.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("this is not a WebAssembly component: {0}")]
    NotWasm(String),
    #[error("this is a WebAssembly core module, not a component; build it for wasm32-wasip2, or wrap it with `wasm-tools component new`")]
    CoreModule,
    #[error(
        "this component is not a plugin: it must export provisor:connector/descriptor and source, target or transform; it exports {exports}"
    )]
    NotAPlugin { exports: String },
    #[error("{name} is of another version of the contract; this host speaks {speaks}: rebuild the plugin against the host's wit/")]
    ContractVersion { name: String, speaks: String },
    #[error("it imports {import}, which is neither WASI 0.2 nor part of the contract")]
    ImportRefused { import: String },
    #[error("it imports provisor:connector/{interface} without asking for the capability in describe")]
    NotAsked { interface: &'static str },
    #[error("its description is wrong: {message}")]
    Description { message: String },
    #[error("it could not describe itself: {}", .0.event)]
    Describe(Fault),
    #[error("its code could not be compiled: {0}")]
    Compile(String),
    #[error("{}: {message}", path.display())]
    Cache { path: PathBuf, message: String },
    #[error("{0}")]
    Engine(String),
}

impl SandboxError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotWasm(_) => "plugin.not-wasm",
            Self::CoreModule => "plugin.core-module",
            Self::NotAPlugin { .. } => "plugin.not-a-plugin",
            Self::ContractVersion { .. } => "plugin.contract-version",
            Self::ImportRefused { .. } => "plugin.import-refused",
            Self::NotAsked { .. } => "plugin.capability-not-asked",
            Self::Description { .. } => "plugin.description",
            Self::Describe(_) => "plugin.describe",
            Self::Compile(_) => "plugin.compile",
            Self::Cache { .. } => "plugin.cache",
            Self::Engine(_) => "plugin.engine",
        }
    }
}

/// Something that happened to an instance. The instance is gone afterwards; the plugin can be opened again.
#[derive(Clone, Debug, thiserror::Error)]
#[error("plugin {plugin} (system {system}), {call}: {event}")]
pub struct Fault {
    pub plugin: String,
    pub system: String,
    /// The call that was under way, e.g. `read-page`.
    pub call: &'static str,
    pub event: Event,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A panic, an out-of-bounds access, a stack overflow: the trap's own words.
    Trap(String),
    /// The call took longer than the system's limit.
    TimedOut(Duration),
    /// The instance asked for more memory than the system's limit (bytes).
    MemoryLimit(u64),
    /// The plugin ended itself with this exit code.
    Exit(i32),
    /// The answer does not fit the contract, e.g. three outcomes for four changes.
    Contract(String),
    /// The instance could not be made: an import that does not link, or no free slot in the pool.
    Instantiate(String),
}

impl Fault {
    /// The stable code of this event.
    pub fn code(&self) -> &'static str {
        match self.event {
            Event::Trap(_) => "plugin.trap",
            Event::TimedOut(_) => "plugin.timed-out",
            Event::MemoryLimit(_) => "plugin.memory-limit",
            Event::Exit(_) => "plugin.exit",
            Event::Contract(_) => "plugin.contract",
            Event::Instantiate(_) => "plugin.instantiate",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trap(words) => write!(f, "the plugin trapped: {words}"),
            Self::TimedOut(limit) => write!(f, "the call took longer than {} s and was stopped", limit.as_secs()),
            Self::MemoryLimit(bytes) => write!(f, "the plugin needed more than its {} MiB of memory", bytes >> 20),
            Self::Exit(code) => write!(f, "the plugin ended itself with exit code {code}"),
            Self::Contract(words) => write!(f, "the answer breaks the contract: {words}"),
            Self::Instantiate(words) => write!(f, "no instance could be made: {words}"),
        }
    }
}
