//! The log of single entities as NDJSON or CSV, row by row: it may be of any length.

use std::io::Write;

use super::{
    HistoryError, PAGE,
    json::{content, row},
    moment::moment,
};
use crate::state::{LogQuery, StateStore};

/// The columns of the CSV, in their order; the same names as in NDJSON.
const COLUMNS: [&str; 12] =
    ["run", "source", "time", "system", "entity-type", "source-id", "target-id", "action", "stage", "code", "message", "content"];

/// How the rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line
    Ndjson,
    /// RFC 4180 with a header row
    Csv,
}

/// Write the rows of a query (its `after` and `limit` do not count), the oldest first.
pub async fn export(state: &dyn StateStore, mut query: LogQuery, format: Format, out: &mut (dyn Write + Send)) -> Result<(), HistoryError> {
    if format == Format::Csv {
        out.write_all(&record(COLUMNS.map(Into::into))?).map_err(HistoryError::Output)?;
    }
    (query.after, query.limit) = (0, PAGE);
    loop {
        let page = state.log(query.clone()).await?;
        let Some(last) = page.last() else { return out.flush().map_err(HistoryError::Output) };
        query.after = last.id;
        for logged in &page {
            let line = match format {
                Format::Ndjson => format!("{}\n", row(logged)).into_bytes(),
                Format::Csv => {
                    let entry = &logged.entry;
                    let text = |text: &Option<String>| text.clone().unwrap_or_default();
                    record([
                        logged.run.0.to_string(),
                        logged.source.clone(),
                        moment(entry.at),
                        entry.system.clone(),
                        entry.entity_type.clone(),
                        entry.source_id.clone(),
                        text(&entry.target_id),
                        entry.action.word().to_owned(),
                        text(&entry.stage),
                        text(&entry.code),
                        text(&entry.message),
                        content(logged).unwrap_or_default().to_owned(),
                    ])?
                }
            };
            out.write_all(&line).map_err(HistoryError::Output)?;
        }
    }
}

fn record(fields: [String; 12]) -> Result<Vec<u8>, HistoryError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields).map_err(|error| HistoryError::Output(error.into()))?;
    writer.into_inner().map_err(|error| HistoryError::Output(error.into_error()))
}
