//! What was told about the runs of a source.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    super::{NotificationStore, RunId, Series, StateError},
    SqliteStore, row,
    writer::Fault,
};

#[async_trait]
impl NotificationStore for SqliteStore {
    async fn series(&self, source: &str) -> Result<Series, StateError> {
        let source = source.to_owned();
        self.readers.read(move |connection| series(connection, &source)).await
    }

    async fn set_series(&self, source: &str, series: Series, run: RunId, report: &str) -> Result<(), StateError> {
        let (source, report) = (source.to_owned(), report.to_owned());
        self.writer.write(1, move |connection| set(connection, &source, series, run, &report)).await
    }
}

fn series(connection: &Connection, source: &str) -> rusqlite::Result<Series> {
    let mut statement = connection.prepare_cached("SELECT failures, told, withheld FROM notification WHERE source = ?1")?;
    let found =
        statement.query_row([source], |found| Ok(Series { failures: row::count(found, 0)?, told: found.get(1)?, withheld: found.get(2)? }));
    Ok(found.optional()?.unwrap_or_default())
}

fn set(connection: &Connection, source: &str, series: Series, run: RunId, report: &str) -> Result<(), Fault> {
    let Series { failures, told, withheld } = series;
    let sql = "INSERT INTO notification (source, failures, told, withheld) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET failures = excluded.failures, told = excluded.told, withheld = excluded.withheld";
    connection.prepare_cached(sql)?.execute(params![source, row::signed(failures), told, withheld])?;
    connection.prepare_cached("UPDATE run SET report = ?2 WHERE id = ?1")?.execute(params![run.0, report])?;
    Ok(())
}
