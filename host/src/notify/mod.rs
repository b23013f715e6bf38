//! Who is told when a run fails, and when its source is back to normal (spec/provisioning.md section 2.16).
//!
//! ```text
//! report of a run --> does it need telling? --> what is said --> webhook, mail --> what came of it: report, state
//!                     rules                     message          webhook, mail
//! ```
//!
//! What must hold:
//! - A notification changes nothing about a run: not its status, not its exit code.
//! - It holds ids, codes and counts, and no attribute of anybody: no text of a backend or a transformation goes along.
//! - A series of failures is told once. Told means that one channel at least took it; what nobody took is told after the next run.
//! - It is over after a bounded time, however slow the other side is.

mod mail;
mod message;
mod rules;
#[cfg(test)]
mod tests;
mod webhook;

use std::{future::Future, sync::Arc, time::Duration};

use crate::{
    egress::{Door, EgressError},
    manifest::NotificationRules,
    report::{JobType, Notified, Report, Status},
    state::{RunId, StateError, StateStore},
};

pub use mail::{Mail, MailSecurity};
pub use message::{Message, Origin};
pub use rules::Event;
pub use webhook::Webhook;

/// How patient the host is with those who are told.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Of one attempt.
    pub attempt: Duration,
    /// Before each further attempt; as many as there are pauses.
    pub pauses: [Duration; 2],
}

impl Default for Patience {
    fn default() -> Self {
        Self { attempt: Duration::from_secs(20), pauses: [Duration::from_secs(1), Duration::from_secs(5)] }
    }
}

/// Those who are told.
pub struct Notifier {
    /// The way to their servers, and no others.
    pub door: Arc<Door>,
    pub webhook: Option<Webhook>,
    pub mail: Option<Mail>,
    pub patience: Patience,
}

/// Why an attempt failed.
#[derive(Debug)]
struct Refused {
    /// Stable, dotted.
    code: &'static str,
    message: String,
    /// Another attempt may do better.
    passes: bool,
}

impl Refused {
    fn finally(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), passes: false }
    }
}

impl From<EgressError> for Refused {
    fn from(error: EgressError) -> Self {
        use EgressError::{Connect, Protocol, Resolve, TimedOut};
        let code = error.code();
        let passes = matches!(error, Connect { .. } | Protocol { .. } | Resolve { .. } | TimedOut { .. });
        let message = match error {
            EgressError::AddressRefused { host, address, class, .. } => format!(
                "the address {address} of {host} is {class}; to allow it add networks = [\"{}\"] to [notifications]",
                ipnet::IpNet::from(address)
            ),
            error => {
                let text = error.to_string();
                text.strip_prefix(code).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&text).to_owned()
            }
        };
        Self { code, message, passes }
    }
}

impl Notifier {
    /// After a run: tell of it if it needs telling, put into the report what came of that, and remember both. Simulations and accepted deletions are not told of.
    pub async fn after_run(
        &self,
        rules: NotificationRules,
        origin: &Origin,
        state: &dyn StateStore,
        report: &mut Report,
    ) -> Result<(), StateError> {
        if report.simulated || report.job == JobType::AcceptDeletions {
            return Ok(());
        }
        let before = state.series(&report.source).await?;
        let withheld = report.deletions.iter().any(|deletion| deletion.decision.is_withheld());
        let verdict = rules::judge(before, report.status, withheld, rules);
        let mut next = verdict.untold;
        if let Some(event) = verdict.event {
            let message = Message { event, failures: verdict.told.failures, origin, report };
            let outcomes = self.tell(&message).await;
            for failed in outcomes.iter().filter(|outcome| outcome.error.is_some()) {
                tracing::warn!(source = %report.source, "{}", failed.line());
            }
            if outcomes.iter().any(|outcome| outcome.error.is_none()) {
                next = verdict.told;
            }
            report.notifications = outcomes;
        }
        if next != before || !report.notifications.is_empty() {
            state.set_series(&report.source, next, RunId(report.run), &report.json().to_string()).await?;
        }
        Ok(())
    }

    /// Send a message over every channel, at the same time.
    pub async fn tell(&self, message: &Message<'_>) -> Vec<Notified> {
        let event = message.event.word();
        let webhook = async {
            let webhook = self.webhook.as_ref()?;
            let delivery = webhook::Delivery::of(message);
            Some(self.insist("webhook", event, || webhook.send(&self.door, &delivery)).await)
        };
        let mail = async {
            let mail = self.mail.as_ref()?;
            let delivery = mail::Delivery::of(mail, message);
            Some(self.insist("mail", event, || mail.send(&self.door, &delivery)).await)
        };
        let (webhook, mail) = tokio::join!(webhook, mail);
        webhook.into_iter().chain(mail).collect()
    }

    async fn insist<F>(&self, channel: &'static str, event: &'static str, send: impl Fn() -> F) -> Notified
    where
        F: Future<Output = Result<(), Refused>>,
    {
        let mut pauses = self.patience.pauses.into_iter();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let after = self.patience.attempt;
            let late =
                || Refused { code: "notify.timed-out", message: format!("not finished after {} s", after.as_secs_f32()), passes: true };
            let refused = match tokio::time::timeout(after, send()).await.unwrap_or_else(|_| Err(late())) {
                Ok(()) => return Notified { channel, event, attempts, error: None },
                Err(refused) => refused,
            };
            match pauses.next().filter(|_| refused.passes) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Notified { channel, event, attempts, error: Some((refused.code, refused.message)) },
            }
        }
    }

    /// Whether secrets and certificates are there; nothing is sent. Answers who would be told.
    pub async fn check(&self) -> Result<String, (&'static str, String)> {
        let (_, wrong) = self.door.check_certificates(std::time::SystemTime::now()).await;
        if let Some(error) = wrong.into_iter().next() {
            let refused = Refused::from(error);
            return Err((refused.code, refused.message));
        }
        let mut told = Vec::new();
        if let Some(webhook) = &self.webhook {
            webhook.key().await.map_err(|refused| (refused.code, refused.message))?;
            told.push(format!("webhook {}", webhook.place()));
        }
        if let Some(mail) = &self.mail {
            mail.password().await.map_err(|refused| (refused.code, refused.message))?;
            told.push(format!("mail to {}", mail.to.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")));
        }
        Ok(told.join("; "))
    }
}

/// Whether a run of this status counts as failed.
fn is_failure(status: Status) -> bool {
    matches!(status, Status::Failed | Status::FinishedWithError)
}
