//! What came of telling somebody of a run.

use serde_json::{Value, json};

/// One channel's try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notified {
    /// `webhook` or `mail`.
    pub channel: &'static str,
    /// What was told: `failed`, `recovered`...
    pub event: &'static str,
    pub attempts: u32,
    /// Code and message, where nobody took it.
    pub error: Option<(&'static str, String)>,
}

impl Notified {
    /// For a person.
    pub fn line(&self) -> String {
        let Self { channel, event, attempts, error } = self;
        match error {
            None => format!("{channel}: {event}"),
            Some((code, message)) => format!("{channel}: {event} could not be told, {attempts} attempts: {message} [{code}]"),
        }
    }

    pub(super) fn json(&self) -> Value {
        let Self { channel, event, attempts, error } = self;
        let error = error.as_ref().map(|(code, message)| json!({ "code": code, "message": message }));
        json!({ "channel": channel, "event": event, "attempts": attempts, "sent": error.is_none(), "error": error })
    }
}
