//! `provisor identities`: how many people the sources know.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Exit;
use crate::identities;

#[derive(Debug, Args)]
pub struct IdentitiesArgs {
    /// The manifest
    manifest: PathBuf,
    /// Count this source only
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn identities(args: IdentitiesArgs, cache: &Path) -> Result<u8, Exit> {
    let counted = identities::count(&args.manifest, cache, args.system.as_deref()).await?;
    if args.json {
        println!("{}", counted.json());
    } else {
        print!("{}", counted.text());
    }
    Ok(if counted.is_partial() { 4 } else { 0 })
}
