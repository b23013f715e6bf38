//! The verbs. Each calls one function of the library; nothing is decided here.

mod accept;
mod build;
mod certificates;
mod check;
mod explain;
mod identities;
mod map;
mod plan;
mod plugins;
mod reset;
mod resync;
mod run;
mod runs;
mod serve;
mod signals;
mod simulate;
mod validate;

use std::{ffi::OsString, io::IsTerminal as _, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Reads users and groups from source systems, maps them, and keeps target systems in step.
#[derive(Debug, Parser)]
#[command(name = "provisor", version, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

#[derive(Clone, Debug, Args)]
struct Global {
    /// What is logged to standard error: error, warn, info, debug, or a filter such as `warn,provisor::audit=info`
    #[arg(long, global = true, env = "PROVISOR_LOG", default_value = "warn", value_name = "FILTER")]
    log: String,
    /// How the log is written: lines for people, or a JSON object a line
    #[arg(long, global = true, env = "PROVISOR_LOG_FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
    /// Folder for compiled plugins; it must belong to this user alone
    #[arg(long, global = true, env = "PROVISOR_CACHE", value_name = "DIR")]
    cache: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the read jobs of a manifest: read, map, plan, write, delete, report
    Run(run::RunArgs),
    /// Write every entity of a manifest's sources anew, also what did not change, and delete what is gone
    Resync(resync::ResyncArgs),
    /// Say what `run` or `resync` would do, entity by entity, and write nothing
    Simulate(simulate::SimulateArgs),
    /// Put a few rows of a CSV file through the transformations of a source and its targets; nothing is read from and written to any system
    Validate(validate::ValidateArgs),
    /// Check a manifest, its plugins and its grants, and try every connection; nothing is written
    Check(check::CheckArgs),
    /// Transform documents from standard input, one JSON document a line
    Map(map::MapArgs),
    /// Why an entity is as it is: from the source's value to what the next run would do; nothing is written
    Explain(explain::ExplainArgs),
    /// How many people the sources know, by the attributes marked with correlationAttribute; nothing is written
    Identities(identities::IdentitiesArgs),
    /// What happened: the runs, one run with its statistics, one entity through all runs; nothing is written
    Runs(runs::RunsArgs),
    /// Forget what is known about the entities of a system; backends and the configuration stay
    Reset(reset::ResetArgs),
    /// Serve a manifest's directories and proxy systems over SCIM until the process is told to stop
    Serve(serve::ServeArgs),
    /// Make a token for a client of `serve`, and the lines for the manifest
    Token(serve::TokenArgs),
    /// What plugins there are, what they say about themselves, and accepting changed ones
    #[command(subcommand)]
    Plugins(plugins::PluginsCommand),
}

/// What went wrong, for standard error, and the exit code.
#[derive(Debug)]
struct Exit {
    code: u8,
    message: String,
}

impl Exit {
    fn input(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    fn environment(message: impl Into<String>) -> Self {
        Self { code: 3, message: message.into() }
    }
}

impl From<crate::setup::SetupError> for Exit {
    fn from(error: crate::setup::SetupError) -> Self {
        Self { code: error.exit_code(), message: error.to_string() }
    }
}

impl From<crate::explain::ExplainError> for Exit {
    fn from(error: crate::explain::ExplainError) -> Self {
        Self { code: error.exit_code(), message: error.to_string() }
    }
}

impl From<crate::identities::IdentitiesError> for Exit {
    fn from(error: crate::identities::IdentitiesError) -> Self {
        Self { code: error.exit_code(), message: error.to_string() }
    }
}

impl From<crate::history::HistoryError> for Exit {
    fn from(error: crate::history::HistoryError) -> Self {
        Self { code: error.exit_code(), message: error.to_string() }
    }
}

impl From<crate::sandbox::SandboxError> for Exit {
    fn from(error: crate::sandbox::SandboxError) -> Self {
        Self::environment(format!("error[{}]: {error}", error.code()))
    }
}

impl From<crate::registry::RegistryError> for Exit {
    fn from(error: crate::registry::RegistryError) -> Self {
        Self::input(format!("error[{}]: {error}", error.code()))
    }
}

/// The whole command: arguments in (the program's name first), exit code out.
pub fn main_with_args(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let exit = match prepare(&cli) {
        Ok(runtime) => runtime.block_on(cli.carry_out()),
        Err(exit) => Err(exit),
    };
    match exit {
        Ok(code) => ExitCode::from(code),
        Err(exit) => {
            eprintln!("{}", exit.message);
            ExitCode::from(exit.code)
        }
    }
}

/// Logging to standard error, and threads to run on.
fn prepare(cli: &Cli) -> Result<tokio::runtime::Runtime, Exit> {
    let filter = &cli.global.log;
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Exit::input(format!("error[cli.log]: the log filter {filter:?} is not understood: {error}")))?;
    let lines = fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    match cli.global.log_format {
        LogFormat::Text => tracing_subscriber::registry().with(filter).with(lines).init(),
        LogFormat::Json => tracing_subscriber::registry().with(filter).with(lines.json()).init(),
    }
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Exit::environment(format!("error[cli.runtime]: no threads to run on: {error}")))
}

impl Cli {
    /// Carry out the command. `Ok` is the exit code of a command that did its work.
    async fn carry_out(self) -> Result<u8, Exit> {
        let cache = self.global.cache.map_or_else(default_cache, Ok)?;
        match self.command {
            Command::Run(args) => Box::pin(run::run(args, &cache)).await,
            Command::Resync(args) => Box::pin(resync::resync(args, &cache)).await,
            Command::Simulate(args) => Box::pin(simulate::simulate(args, &cache)).await,
            Command::Validate(args) => validate::validate(args, &cache).await,
            Command::Check(args) => check::check(args, &cache).await,
            Command::Map(args) => map::map(args, &cache).await,
            Command::Explain(args) => explain::explain(args, &cache).await,
            Command::Identities(args) => identities::identities(args, &cache).await,
            Command::Runs(args) => runs::runs(args).await,
            Command::Reset(args) => reset::reset(args).await,
            Command::Serve(args) => serve::serve(args, &cache).await,
            Command::Token(args) => serve::token(&args),
            Command::Plugins(command) => plugins::plugins(command, &cache).await,
        }
    }
}

/// `$XDG_CACHE_HOME/provisor`, `~/.cache/provisor`.
fn default_cache() -> Result<PathBuf, Exit> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache"))).map(|root| root.join("provisor")).ok_or_else(
        || Exit::environment("error[cli.no-home]: neither HOME nor XDG_CACHE_HOME is set; say where compiled plugins go with --cache"),
    )
}
