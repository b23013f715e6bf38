//! Moments, as people and scripts read them.

use std::time::SystemTime;

use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// RFC 3339 in UTC, to the second. A moment no calendar has (a damaged state file) is `?`.
pub(crate) fn moment(time: SystemTime) -> String {
    let Ok(since) = time.duration_since(SystemTime::UNIX_EPOCH) else { return "?".to_owned() };
    let seconds = i64::try_from(since.as_secs()).ok();
    let moment = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    moment.and_then(|moment| moment.to_offset(UtcOffset::UTC).format(&Rfc3339).ok()).unwrap_or_else(|| "?".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_are_rfc_3339() {
        assert_eq!(moment(SystemTime::UNIX_EPOCH + Duration::from_millis(1_790_000_000_123)), "2026-09-21T14:13:20Z");
        assert_eq!(moment(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "?");
        assert_eq!(moment(SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 60)), "?");
    }
}
