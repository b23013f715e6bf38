//! `provisor validate`: a few rows through the transformations.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::Exit;
use crate::{
    pipeline::{Import, NoRelations, OpenError, Trace, Validated, validate as through},
    registry::description::Role,
    setup::Setup,
};

/// Written beside the tables where a row did not come through.
const TRACE: &str = "trace.log";

#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// The manifest
    manifest: PathBuf,
    /// The source whose transformation reads the rows
    #[arg(long, value_name = "SOURCE")]
    system: String,
    /// A CSV file with entities as the source would give them, e.g. user=people.csv. Headers are paths such as emails[0].value; the first 10 rows are used
    #[arg(long, value_name = "TYPE=FILE", required = true, value_parser = entity_type)]
    entity_type: Vec<(String, PathBuf)>,
    /// Folder for the results: a CSV file for each entity type and target with what each target would be sent, trace.log with what failed or was skipped
    #[arg(long, value_name = "DIR", default_value = "validated")]
    out: PathBuf,
}

fn entity_type(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file))
            if !file.is_empty() && !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) =>
        {
            Ok((name.to_owned(), file.into()))
        }
        _ => Err("write TYPE=FILE, such as user=people.csv".to_owned()),
    }
}

pub(super) async fn validate(args: ValidateArgs, cache: &Path) -> Result<u8, Exit> {
    let setup = Setup::load(&args.manifest, cache).await?;
    let source = match setup.manifest.system(&args.system) {
        Some(system) if system.role == Role::Source => system,
        Some(system) => {
            return Err(Exit::input(format!("error[run.not-a-source]: {:?} is a {}; name a source", args.system, system.role)));
        }
        None => return Err(Exit::input(format!("error[run.unknown-system]: there is no system {:?}", args.system))),
    };
    // Everything is read before anything is written.
    let mut imports = Vec::new();
    for (number, (entity_type, file)) in args.entity_type.iter().enumerate() {
        if args.entity_type[..number].iter().any(|(other, _)| other == entity_type) {
            return Err(Exit::input(format!("error[validate.twice]: --entity-type {entity_type} is given twice; one file a type")));
        }
        let opened = File::open(file).map_err(|error| Exit::input(format!("error[validate.file]: {}: {error}", file.display())))?;
        let import = Import::read(opened).map_err(|error| Exit::input(format!("error[{}]: {}: {error}", error.code(), file.display())))?;
        if import.more {
            println!("{}: the first {} rows are used", file.display(), import.rows.len());
        }
        imports.push((entity_type.as_str(), import));
    }
    let mut results = Vec::new();
    for (entity_type, import) in imports {
        let mapping = |system| setup.mapping(system, Some(Arc::new(NoRelations)));
        let targets = setup.manifest.targets_of(&source.name).map(|target| (target.name.clone(), mapping(target))).collect();
        let validated = through(entity_type, import, (&source.name, mapping(source)), targets).await.map_err(|error| match error {
            error @ OpenError::Text { .. } => Exit::input(error.to_string()),
            OpenError::Fault(fault) => Exit { code: 1, message: format!("error[{}]: {fault}", fault.code()) },
        })?;
        results.push((entity_type, validated));
    }
    write(&args.out, &results)
        .map_err(|error| Exit::environment(format!("error[validate.out]: {} cannot be written: {error}", args.out.display())))?;
    let failed = results.iter().any(|(_, validated)| validated.traces.iter().any(|trace| trace.failed));
    Ok(if failed { 4 } else { 0 })
}

fn write(folder: &Path, results: &[(&str, Validated)]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    for (entity_type, validated) in results {
        for (target, table) in &validated.tables {
            let file = folder.join(format!("{entity_type}_{target}.csv"));
            fs::write(&file, table.csv())?;
            println!("{}", file.display());
        }
    }
    let lines: String = results.iter().flat_map(|(_, validated)| &validated.traces).map(Trace::line).map(|line| line + "\n").collect();
    let trace = folder.join(TRACE);
    if lines.is_empty() {
        // One of an earlier time would be taken for this one's.
        return fs::remove_file(trace).or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) });
    }
    fs::write(&trace, lines)?;
    println!("{}: rows failed or were skipped", trace.display());
    Ok(())
}
