//! `provisor map`: one JSON document a line in, one outcome a line out, through the same component as in a run.

use std::{
    io::{BufRead as _, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args, ValueEnum};
use serde_json::{Value, value::RawValue};

use super::Exit;
use crate::{
    pipeline::{ElementSpec, Mapper, MappingSpec, NoRelations, OpenError},
    registry::Registry,
    report::MappedLine,
    sandbox::{
        Sandbox,
        contract::{Input, Operation, Setting, Variable},
    },
    setup::{MAPPING, Setup, mapping_authority, refused_lines},
};

/// Lines mapped at once.
const PAGE: usize = 256;
/// A longer line is not a document.
const MAX_LINE: u64 = 64 << 20;

#[derive(Debug, Args)]
pub struct MapArgs {
    /// The transformation: a JSON file in the mapping language
    #[arg(required_unless_present = "manifest")]
    transformation: Option<PathBuf>,
    /// Instead of a file: the manifest whose system is meant
    #[arg(long, requires = "system", conflicts_with_all = ["transformation", "properties", "plugins"])]
    manifest: Option<PathBuf>,
    /// The system of the manifest: its whole transformation is applied, with all elements and properties
    #[arg(long, value_name = "NAME", requires = "manifest")]
    system: Option<String>,
    /// The part of the transformation to apply: user, group, ...
    #[arg(long, value_name = "TYPE")]
    entity_type: String,
    /// The operation whose scopes apply; without it only mappings without scope run, as when reading
    #[arg(long, value_enum)]
    operation: Option<OperationArg>,
    /// A property for %NAME%
    #[arg(long = "property", value_name = "NAME=VALUE", value_parser = pair)]
    properties: Vec<(String, String)>,
    /// A variable that is set beforehand, e.g. entityIdTargetSystem; a value that is JSON is taken as such, any other as text
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = pair)]
    variables: Vec<(String, String)>,
    /// Tell every step: what each mapping read, what its functions made of it and what it wrote, or why it did not
    #[arg(long)]
    explain: bool,
    /// With --explain: one JSON object a line, as without it
    #[arg(long, requires = "explain")]
    json: bool,
    /// The folder of plugins
    #[arg(long, default_value = "plugins", value_name = "DIR")]
    plugins: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OperationArg {
    Create,
    Update,
    Delete,
    Patch,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    if name.is_empty() { Err("the name is missing in front of `=`".into()) } else { Ok((name.to_owned(), value.to_owned())) }
}

/// The transformation of a system of a manifest.
async fn of_system(manifest: &Path, system: &str, cache: &Path) -> Result<MappingSpec, Exit> {
    let setup = Setup::load(manifest, cache).await?;
    let Some(found) = setup.manifest.system(system) else {
        let names: Vec<&str> = setup.manifest.systems.iter().map(|system| system.name.as_str()).collect();
        let message =
            format!("error[map.system]: there is no system {system:?} in {}; there are: {}", manifest.display(), names.join(", "));
        return Err(Exit::input(message));
    };
    Ok(setup.mapping(found, Some(Arc::new(NoRelations))))
}

/// The transformation of a file.
async fn of_file(transformation: &Path, args: &MapArgs, cache: &Path) -> Result<MappingSpec, Exit> {
    let text = std::fs::read_to_string(transformation)
        .map_err(|error| Exit::input(format!("error[map.transformation]: {} cannot be read: {error}", transformation.display())))?;
    let sandbox = Sandbox::new(cache)?;
    let registry = Registry::scan(&sandbox, &args.plugins).await?;
    let Some(found) = registry.get(MAPPING) else {
        let refused = refused_lines(&registry);
        return Err(Exit::input(format!(
            "error[registry.no-mapping]: there is no plugin {MAPPING:?} in {}; say where with --plugins{refused}",
            args.plugins.display()
        )));
    };
    let element = ElementSpec {
        plugin: found.plugin.clone(),
        authority: mapping_authority("map", Some(Arc::new(NoRelations))),
        text: text.into(),
        origin: transformation.display().to_string(),
        properties: args.properties.iter().map(|(name, value)| Setting { name: name.clone(), value: value.clone() }).collect(),
    };
    Ok(MappingSpec { elements: vec![element], now: std::time::SystemTime::now() })
}

pub(super) async fn map(args: MapArgs, cache: &Path) -> Result<u8, Exit> {
    let spec = match (&args.transformation, &args.manifest, &args.system) {
        (_, Some(manifest), Some(system)) => of_system(manifest, system, cache).await?,
        (Some(transformation), _, _) => of_file(transformation, &args, cache).await?,
        // The arguments are declared so that there is one or the other.
        (None, _, _) => return Err(Exit::input("error[map.transformation]: name a file, or a manifest and a system")),
    };
    let mut mapper = Mapper::open(spec).await.map_err(|error| match error {
        OpenError::Text { .. } => Exit::input(error.to_string()),
        OpenError::Fault(fault) => Exit { code: 1, message: format!("error[{}]: {fault}", fault.code()) },
    })?;
    for warning in mapper.warnings() {
        eprintln!("{warning}");
    }
    let operation = match args.operation {
        None => Operation::Read,
        Some(OperationArg::Create) => Operation::Create,
        Some(OperationArg::Update) => Operation::Update,
        Some(OperationArg::Delete) => Operation::Delete,
        Some(OperationArg::Patch) => Operation::Patch,
    };
    let variables: Vec<Variable> = args
        .variables
        .into_iter()
        .map(|(name, value)| {
            let is_json = serde_json::from_str::<&RawValue>(&value).is_ok();
            Variable { name, value: if is_json { value } else { Value::from(value).to_string() } }
        })
        .collect();
    let mut lines = Lines { input: std::io::stdin().lock(), ended: false };
    let mut output = BufWriter::new(std::io::stdout().lock());
    let mut failed = false;
    loop {
        let page = lines.page()?;
        if page.is_empty() {
            break;
        }
        failed |= map_page(&mut mapper, &args.entity_type, operation, &variables, (args.explain, args.json), page, &mut output).await?;
        output.flush().map_err(broken_pipe)?;
    }
    Ok(if failed { 4 } else { 0 })
}

/// Map the lines of one page; true if any failed. A line that is no document has its outcome too, in its place.
async fn map_page(
    mapper: &mut Mapper,
    entity_type: &str,
    operation: Operation,
    variables: &[Variable],
    (explain, json): (bool, bool),
    page: Vec<Result<String, String>>,
    output: &mut impl std::io::Write,
) -> Result<bool, Exit> {
    let mut inputs = Vec::with_capacity(page.len());
    let mut bad = Vec::new();
    for (index, line) in page.into_iter().enumerate() {
        match line {
            Ok(document) => inputs.push(Input { document, variables: variables.to_vec() }),
            Err(message) => bad.push((index, message)),
        }
    }
    let mut lines: Vec<MappedLine> = Vec::with_capacity(inputs.len() + bad.len());
    if explain {
        for input in &inputs {
            lines.push(MappedLine::explained(mapper.explain(entity_type, operation, input).await));
        }
    } else {
        lines.extend(mapper.apply(entity_type, operation, &inputs).await.into_iter().map(MappedLine::of));
    }
    for (index, message) in bad {
        lines.insert(index, MappedLine::failed("map.not-a-document".into(), message, String::new()));
    }
    for line in &lines {
        if explain && !json {
            writeln!(output, "{line}").map_err(broken_pipe)?;
            continue;
        }
        serde_json::to_writer(&mut *output, line).map_err(|error| broken_pipe(error.into()))?;
        output.write_all(b"\n").map_err(broken_pipe)?;
    }
    Ok(lines.iter().any(|line| line.outcome == "failed"))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn broken_pipe(error: std::io::Error) -> Exit {
    Exit::environment(format!("error[map.output]: standard output cannot be written: {error}"))
}

/// The lines of standard input, a page at a time. Blank lines are not documents and are passed over.
struct Lines<R> {
    input: R,
    ended: bool,
}

impl<R: std::io::BufRead> Lines<R> {
    fn page(&mut self) -> Result<Vec<Result<String, String>>, Exit> {
        let mut page = Vec::new();
        while page.len() < PAGE && !self.ended {
            let mut line = Vec::new();
            let read = std::io::Read::take(&mut self.input, MAX_LINE)
                .read_until(b'\n', &mut line)
                .map_err(|error| Exit::environment(format!("error[map.input]: standard input cannot be read: {error}")))?;
            if read == 0 {
                self.ended = true;
            } else if read as u64 == MAX_LINE {
                return Err(Exit::input(format!("error[map.input]: a line is longer than {} MiB", MAX_LINE >> 20)));
            } else if !line.trim_ascii().is_empty() {
                page.push(document(line));
            }
        }
        Ok(page)
    }
}

fn document(line: Vec<u8>) -> Result<String, String> {
    let line = String::from_utf8(line).map_err(|error| format!("the line is not UTF-8: {error}"))?;
    match serde_json::from_str::<&RawValue>(&line) {
        Ok(value) if value.get().starts_with('{') => Ok(line),
        Ok(_) => Err("the line is JSON, but not an object".into()),
        Err(error) => Err(format!("the line is not JSON: {error}")),
    }
}
