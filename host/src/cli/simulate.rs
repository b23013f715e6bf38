//! `provisor simulate`: what a run would do.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, run};
use crate::{report::JobType, setup::Setup};

#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// The manifest
    manifest: PathBuf,
    /// Simulate the job of this source only
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// Simulate a resync instead of a run
    #[arg(long)]
    resync: bool,
    /// This target is the same backend at another place (a new URL or folder): keep what is known about it
    #[arg(long, value_name = "NAME")]
    moved: Vec<String>,
    /// Print one JSON object per source instead of tables
    #[arg(long)]
    json: bool,
}

pub(super) async fn simulate(args: SimulateArgs, cache: &Path) -> Result<u8, Exit> {
    let setup = Setup::load(&args.manifest, cache).await?;
    let job_type = if args.resync { JobType::Resync } else { JobType::Read };
    let order =
        run::Order { job_type, simulated: true, full: true, scheduled: false, system: args.system, moved: args.moved, json: args.json };
    run::carry_out(&setup, cache, &order).await
}
