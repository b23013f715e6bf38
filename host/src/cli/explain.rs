//! `provisor explain`: why an entity is as it is.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Exit;
use crate::explain;

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The manifest
    manifest: PathBuf,
    /// The source or target that knows the entity
    #[arg(long, value_name = "NAME")]
    system: String,
    /// The entity's id in that system
    #[arg(long, value_name = "ID")]
    id: String,
    /// Its type
    #[arg(long, value_name = "TYPE", default_value = "user")]
    entity_type: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn explain(args: ExplainArgs, cache: &Path) -> Result<u8, Exit> {
    let answer = explain::explain(&args.manifest, cache, &args.system, &args.id, &args.entity_type).await?;
    if args.json {
        println!("{}", answer.json());
    } else {
        print!("{}", answer.text());
    }
    Ok(0)
}
