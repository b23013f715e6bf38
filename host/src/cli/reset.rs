//! `provisor reset`: forget what is known about a system's entities.

use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
};

use clap::Args;

use super::Exit;
use crate::history::{self, HistoryError, reset};

#[derive(Debug, Args)]
pub struct ResetArgs {
    /// The manifest
    manifest: PathBuf,
    /// The source or target to forget
    #[arg(long, value_name = "NAME")]
    system: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) async fn reset(args: ResetArgs) -> Result<u8, Exit> {
    let system = &args.system;
    match history::look(&args.manifest) {
        Ok(state) => history::runs(&*state, Some(system), 1).await.map(|_| ())?,
        Err(none @ HistoryError::NoState(_)) => {
            eprintln!("{}", none.to_string().replacen("error", "note", 1));
            return Ok(0);
        }
        Err(error) => return Err(error.into()),
    }
    if !args.yes && !confirmed(system)? {
        eprintln!("nothing was removed");
        return Ok(0);
    }
    let removed = reset::reset(&args.manifest, system).await?;
    println!("{removed}");
    Ok(0)
}

fn confirmed(system: &str) -> Result<bool, Exit> {
    if !std::io::stdin().is_terminal() {
        return Err(Exit::input(format!("error[reset.not-confirmed]: to reset {system:?} without being asked, say --yes")));
    }
    eprint!(
        "Everything that is known about the entities of {system:?} is forgotten: who is who, digests, deletions that are due, the log. Backends and the configuration stay. \
         The next run finds entities by their unique attributes and takes them for such that existed before.\nType the system's name to go on: "
    );
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Exit::environment(format!("error[reset.input]: the answer cannot be read: {error}")))?;
    Ok(answer.trim() == system)
}
