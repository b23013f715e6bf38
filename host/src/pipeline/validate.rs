//! A few rows through the transformations of a source and its targets, as if they were read and created. No system takes part (spec section 2.1, VALIDATE).

use serde_json::Value;

use super::{
    page::id_variable,
    table::{Import, Table},
    transform::{Mapper, MappingSpec, OpenError},
};
use crate::sandbox::contract::{Input, Operation, Skip, Transformed};

/// A row that did not come through, or not whole.
#[derive(Debug)]
pub struct Trace {
    pub entity_type: String,
    /// Where the row stands in its file.
    pub line: u64,
    /// The system whose transformation said it.
    pub system: String,
    pub failed: bool,
    pub message: String,
}

impl Trace {
    /// A line of `trace.log`.
    pub fn line(&self) -> String {
        let Self { entity_type, line, system, failed, message } = self;
        format!("{entity_type}:line {line}, system={system}, {}={message}", if *failed { "error" } else { "skip reason" })
    }
}

/// What came of the rows of one entity type.
#[derive(Debug, Default)]
pub struct Validated {
    /// By target: what it would be sent.
    pub tables: Vec<(String, Table)>,
    pub traces: Vec<Trace>,
}

/// A row on its way.
struct Row {
    line: u64,
    document: String,
}

/// Put the rows of one entity type through the read transformation, and what comes out through the write transformation of each target.
pub async fn validate(
    entity_type: &str,
    import: Import,
    source: (&str, MappingSpec),
    targets: Vec<(String, MappingSpec)>,
) -> Result<Validated, OpenError> {
    let mut validated = Validated::default();
    let rows = import.rows.into_iter().map(|(line, document)| Row { line, document }).collect();
    let read = validated.map(entity_type, source.0, Mapper::open(source.1).await?, Operation::Read, rows).await;
    for (target, mapping) in targets {
        let rows = read.iter().map(|row| Row { line: row.line, document: row.document.clone() }).collect();
        let mut mapper = Mapper::open(mapping).await?;
        if mapper.entity_types().await?.is_some_and(|types| types.iter().all(|name| name != entity_type)) {
            continue;
        }
        let sent = validated.map(entity_type, &target, mapper, Operation::Create, rows).await;
        let mut table = Table::default();
        for row in sent {
            table.push(&serde_json::from_str::<Value>(&row.document).unwrap_or_default());
        }
        validated.tables.push((target, table));
    }
    Ok(validated)
}

impl Validated {
    /// The rows that came through; the others are traced.
    async fn map(&mut self, entity_type: &str, system: &str, mut mapper: Mapper, operation: Operation, rows: Vec<Row>) -> Vec<Row> {
        let input = |row: &Row| Input { document: row.document.clone(), variables: Vec::new() };
        let inputs: Vec<Input> = rows.iter().map(input).collect();
        let outcomes = mapper.apply(entity_type, operation, &inputs).await;
        let mut through = Vec::new();
        for (Row { line, .. }, outcome) in rows.into_iter().zip(outcomes) {
            let mut trace = |failed, message| {
                let (entity_type, system) = (entity_type.to_owned(), system.to_owned());
                self.traces.push(Trace { entity_type, line, system, failed, message });
            };
            match outcome {
                Transformed::Mapped(common) => {
                    if operation == Operation::Read && id_variable(&common.variables, "entityIdSourceSystem").is_none() {
                        trace(true, "the read transformation sets no entityIdSourceSystem for this entity [mapping.no-id]".into());
                        continue;
                    }
                    if !common.unresolved.is_empty() {
                        trace(false, format!("references are not resolved here: {}", common.unresolved.join(", ")));
                    }
                    through.push(Row { line, document: common.document });
                }
                Transformed::Skipped(Skip::OutOfScope(left_out) | Skip::Operation(left_out)) => trace(false, left_out.reason),
                Transformed::Failed(fault) => {
                    let at = if fault.at.is_empty() { String::new() } else { format!(" (at {})", fault.at) };
                    trace(true, format!("{}{at} [{}]", fault.message, fault.code));
                }
                Transformed::Unmapped => trace(true, "the transformation has nothing for this entity type [plugin.contract]".into()),
            }
        }
        through
    }
}
