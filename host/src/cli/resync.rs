//! `provisor resync`: as `run`, and every entity is written.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, run};
use crate::{report::JobType, setup::Setup};

#[derive(Debug, Args)]
pub struct ResyncArgs {
    /// The manifest
    manifest: PathBuf,
    /// Resync this source only
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// This target is the same backend at another place (a new URL or folder): keep what is known about it
    #[arg(long, value_name = "NAME")]
    moved: Vec<String>,
    /// Print one JSON object per run instead of tables
    #[arg(long)]
    json: bool,
}

pub(super) async fn resync(args: ResyncArgs, cache: &Path) -> Result<u8, Exit> {
    let setup = Setup::load(&args.manifest, cache).await?;
    let order = run::Order {
        job_type: JobType::Resync,
        simulation: None,
        approval: None,
        silent: false,
        full: true,
        scheduled: false,
        system: args.system,
        moved: args.moved,
        json: args.json,
    };
    run::carry_out(&setup, cache, &order).await
}
