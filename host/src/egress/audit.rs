//! One line per request and per connection, and the refusals for the report.
//!
//! A line is a `tracing` event with the target `provisor::audit` and these fields:
//!
//! | field | is |
//! | --- | --- |
//! | `system`, `plugin` | who; the plugin is `provisor` where the host itself asks for a token |
//! | `method`, `to` | what; origin and path without the query, because queries carry filters with personal data; `DIAL` and an endpoint |
//! | `status` | the answer's HTTP status, if there was one |
//! | `code` | the stable code of what went wrong, if something did; such a line is a warning and its message is the error's text |
//! | `bytes_out`, `bytes_in`, `ms` | bodies, and the time until the last byte was read |
//!
//! Headers and bodies are absent on purpose.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::error::EgressError;

/// The `tracing` target of the audit lines.
pub const AUDIT_TARGET: &str = "provisor::audit";

/// How many different refusals one door remembers.
const MOST_REFUSALS: usize = 64;

/// Something a component wanted and was not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    /// The whole text, the lines to add included.
    pub message: String,
    /// The lines of the manifest that would grant it.
    pub manifest_lines: String,
    /// How often it was asked for.
    pub count: u64,
}

/// Whose lines these are, and what was refused so far.
pub(super) struct Audit {
    system: Arc<str>,
    plugin: Arc<str>,
    refusals: Mutex<VecDeque<Refusal>>,
}

impl Audit {
    pub(super) fn new(system: Arc<str>, plugin: Arc<str>) -> Self {
        Self { system, plugin, refusals: Mutex::default() }
    }

    /// Open the line of a component's request or connection.
    pub(super) fn line(self: &Arc<Self>, method: &str, to: String) -> AuditLine {
        self.line_of(self.plugin.clone(), method, to)
    }

    /// Open the line of a request the host makes by itself.
    pub(super) fn line_of_host(self: &Arc<Self>, method: &str, to: String) -> AuditLine {
        self.line_of("provisor".into(), method, to)
    }

    fn line_of(self: &Arc<Self>, plugin: Arc<str>, method: &str, to: String) -> AuditLine {
        AuditLine {
            audit: self.clone(),
            plugin,
            method: method.to_owned(),
            to,
            started: Instant::now(),
            status: None,
            error: None,
            reached: false,
            sent: Arc::default(),
            received: 0,
        }
    }

    pub(super) fn refusals(&self) -> Vec<Refusal> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn remember(&self, code: &'static str, message: &str, manifest_lines: String) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = refusals.iter_mut().find(|refusal| refusal.message == message) {
            known.count += 1;
            return;
        }
        if refusals.len() == MOST_REFUSALS {
            refusals.pop_front();
        }
        refusals.push_back(Refusal { code, message: message.to_owned(), manifest_lines, count: 1 });
    }
}

/// An audit line that is still being written. It is emitted when dropped, so that no way out of a request is without one.
pub(super) struct AuditLine {
    audit: Arc<Audit>,
    plugin: Arc<str>,
    method: String,
    to: String,
    started: Instant,
    status: Option<u16>,
    error: Option<EgressError>,
    /// Whether there was an answer or a connection.
    reached: bool,
    /// Counted where the bytes are written, possibly in another task.
    pub(super) sent: Arc<AtomicU64>,
    pub(super) received: u64,
}

impl AuditLine {
    pub(super) fn answered(&mut self, status: http::StatusCode) {
        self.status = Some(status.as_u16());
        self.reached = true;
    }

    pub(super) fn connected(&mut self) {
        self.reached = true;
    }

    pub(super) fn failed(&mut self, error: &EgressError) {
        self.error = Some(error.clone());
    }
}

impl Drop for AuditLine {
    fn drop(&mut self) {
        let Self { audit, plugin, method, to, status, received, .. } = self;
        let (system, plugin) = (&*audit.system, &**plugin);
        let (bytes_out, bytes_in) = (self.sent.load(Ordering::Relaxed), *received);
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Some(error) = &self.error {
            let (code, message) = (error.code(), error.to_string());
            tracing::warn!(target: AUDIT_TARGET, system, plugin, method, to, status, code, bytes_out, bytes_in, ms, "{message}");
            if let Some(lines) = error.manifest_lines() {
                audit.remember(code, &message, lines);
            }
        } else {
            let message = if self.reached { "done" } else { "abandoned" };
            tracing::info!(target: AUDIT_TARGET, system, plugin, method, to, status, bytes_out, bytes_in, ms, "{message}");
        }
    }
}

/// Origin and path of a URI, at most 500 characters of it. The query stays out, and so does user information.
pub(super) fn place(uri: &http::Uri) -> String {
    const MOST: usize = 500;
    let scheme = uri.scheme_str().unwrap_or("");
    let host = uri.host().unwrap_or("");
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    let mut text = format!("{scheme}://{host}{port}{}", uri.path());
    if let Some((end, _)) = text.char_indices().nth(MOST) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_no_query_and_no_user() {
        let uri: http::Uri = "https://anna:pw@host:8443/scim/Users?filter=userName%20eq%20x".parse().unwrap();
        assert_eq!(place(&uri), "https://host:8443/scim/Users");
    }

    #[test]
    fn refusals_are_counted_and_bounded() {
        let audit = Arc::new(Audit::new("hr".into(), "scim".into()));
        for port in (1..=100).chain([100, 100]) {
            let origin = format!("https://host:{port}").parse().unwrap();
            audit.line("GET", String::new()).failed(&EgressError::OriginNotGranted { system: "hr".into(), origin });
        }
        let refusals = audit.refusals();
        assert_eq!(refusals.len(), MOST_REFUSALS);
        assert_eq!((refusals[0].count, refusals[63].count), (1, 3));
        assert!(refusals[63].manifest_lines.contains("https://host:100"));
    }
}
