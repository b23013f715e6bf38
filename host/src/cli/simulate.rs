//! `provisor simulate`: what a run would do.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::{Exit, plan, run};
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
    /// Write all changes to this file, for `run --plan`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON object per source instead of tables
    #[arg(long)]
    json: bool,
}

pub(super) async fn simulate(args: SimulateArgs, cache: &Path) -> Result<u8, Exit> {
    let setup = Setup::load(&args.manifest, cache).await?;
    let job_type = if args.resync { JobType::Resync } else { JobType::Read };
    let order = run::Order {
        job_type,
        simulation: Some(Arc::default()),
        approval: None,
        silent: false,
        full: true,
        scheduled: false,
        system: args.system,
        moved: args.moved,
        json: args.json,
    };
    if let Some(path) = &args.out {
        return plan::write(&setup, cache, order, path).await;
    }
    run::carry_out(&setup, cache, &order).await
}
