//! Between Rust values and columns.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Row;

use super::super::Relation;

/// The columns [`relation`] reads, in its order.
pub(super) const RELATION_COLUMNS: &str = "id, source_id, target_id, existed_before, common_digest, target_digest, updated_at,
     EXISTS (SELECT 1 FROM disabled WHERE disabled.relation = relation.id)";

/// A row of [`RELATION_COLUMNS`].
pub(super) fn relation(row: &Row<'_>) -> rusqlite::Result<Relation> {
    Ok(Relation {
        id: row.get(0)?,
        source_id: row.get(1)?,
        target_id: row.get(2)?,
        existed_before: row.get(3)?,
        common_digest: row.get(4)?,
        target_digest: row.get(5)?,
        updated_at: time(row.get(6)?),
        disabled: row.get(7)?,
    })
}

/// Milliseconds since 1970-01-01 UTC. A time too far away for that, which only a broken clock gives, becomes the farthest there is.
pub(super) fn milliseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |milliseconds| -milliseconds),
    }
}

/// The time so many milliseconds after 1970-01-01 UTC; 1970 itself for a number no clock can show.
pub(super) fn time(milliseconds: i64) -> SystemTime {
    let distance = Duration::from_millis(milliseconds.unsigned_abs());
    let time = if milliseconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    time.unwrap_or(UNIX_EPOCH)
}

/// A JSON array of texts.
pub(super) fn id_list(ids: &[&str]) -> String {
    serde_json::Value::from(ids).to_string()
}

/// A column that counts something.
pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

/// A count as `SQLite` holds it. No count comes near the difference between the two ranges.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
