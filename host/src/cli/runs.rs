//! `provisor runs`: what happened.

use std::{io::BufWriter, path::PathBuf};

use clap::Args;

use super::Exit;
use crate::{
    history::{self, Format, HistoryError},
    state::{LogAction, LogQuery, RunId},
};

#[derive(Debug, Args)]
pub struct RunsArgs {
    /// The manifest
    manifest: PathBuf,
    /// This run: its statistics, what became of deletions, the entities that failed
    run: Option<i64>,
    /// The runs of this source only; with --id the system the entity is looked for in
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// One entity through all runs: its id in the system
    #[arg(long, value_name = "ID", requires = "system", conflicts_with = "run")]
    id: Option<String>,
    /// Entities of this type only
    #[arg(long, value_name = "TYPE")]
    entity_type: Option<String>,
    /// How many runs are listed
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// All entities that failed, not only the first ten
    #[arg(long, requires = "run")]
    all: bool,
    /// The log of single entities, of the run or of all runs
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "json")]
    export: Option<Format>,
    /// Only these rows: failed, skipped, created, updated, deleted or kept
    #[arg(long, requires = "export", value_parser = action)]
    action: Option<LogAction>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn action(word: &str) -> Result<LogAction, String> {
    LogAction::from_word(word).ok_or_else(|| format!("it is one of {}", LogAction::ALL.map(LogAction::word).join(", ")))
}

pub(super) async fn runs(args: RunsArgs) -> Result<u8, Exit> {
    let state = match history::look(&args.manifest) {
        Ok(state) => state,
        // A list of runs before the first one is empty; whatever asks for more is told why there is none.
        Err(none @ HistoryError::NoState(_)) if args.run.is_none() && args.id.is_none() => {
            eprintln!("{}", none.to_string().replacen("error", "note", 1));
            if args.json {
                println!("[]");
            }
            return Ok(0);
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(format) = args.export {
        if let Some(run) = args.run {
            history::one_run(&*state, run, false).await?;
        }
        let query = LogQuery {
            run: args.run.map(RunId),
            entity: args.system.clone().zip(args.id),
            entity_type: args.entity_type,
            action: args.action,
            ..LogQuery::default()
        };
        history::export(&*state, query, format, &mut BufWriter::new(std::io::stdout())).await?;
        return Ok(0);
    }
    let (json, text) = if let Some(run) = args.run {
        let run = history::one_run(&*state, run, args.all).await?;
        (run.json(), run.text())
    } else if let (Some(system), Some(id)) = (&args.system, &args.id) {
        let entity = history::entity(&*state, system, id, args.entity_type.as_deref()).await?;
        (entity.json(), entity.text())
    } else {
        let list = history::runs(&*state, args.system.as_deref(), args.limit).await?;
        (list.json(), list.text())
    };
    if args.json {
        println!("{json}");
    } else {
        print!("{text}");
    }
    Ok(0)
}
