//! OAuth 2.0 tokens: one per system, fetched by one request at a time, renewed before it expires. What is sent for it: `token_request`.
//!
//! A token is used until a tenth of its life, at most a minute, is left, or until the backend answers 401. A thousand entities must not
//! become a thousand token requests: a failure is remembered for [`FAILURE_HOLDS`], and a backend that refuses a fresh token too is
//! believed for [`USELESS_HOLDS`].

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use http_body_util::{BodyExt, Limited};
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::audit::{Audit, AuditLine, place};
use super::body::Upload;
use super::client::Client;
use super::credentials::{Authorization, bearer};
use super::error::{EgressError, Phase, quoted, root_cause};
use super::limits::Limits;
use super::pace::Pace;
use super::token_request::{OAuth2, TokenRequest};
use crate::secret::Secret;

/// How long a failed token request is answered from memory.
const FAILURE_HOLDS: Duration = Duration::from_secs(10);

/// How long a 401 renews nothing after a renewal that did not help.
const USELESS_HOLDS: Duration = Duration::from_mins(1);

/// Where the server does not say how long a token lives, which RFC 6749 section 5.1 allows.
const ASSUMED_LIFE: Duration = Duration::from_mins(5);

/// No server's token answer comes near this.
const LARGEST_ANSWER: usize = 256 * 1024;

/// What it takes to ask for a token.
pub(super) struct TokenFetch<'a> {
    pub(super) client: &'a Client,
    pub(super) audit: &'a Arc<Audit>,
    pub(super) limits: &'a Limits,
    pub(super) pace: &'a Pace,
}

pub(super) struct TokenCache {
    system: String,
    settings: OAuth2,
    /// Held during a fetch: those who come meanwhile wait and find its result.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Counts the tokens, so that one bad token is renewed once however many requests carried it.
    generation: u64,
    token: Option<Token>,
    failure: Option<(Instant, EgressError)>,
    /// When a new token was refused as well.
    useless: Option<Instant>,
}

struct Token {
    header: HeaderValue,
    good_until: Instant,
}

/// RFC 6749 section 5.1 and 5.2. Some servers write `expires_in` as text.
#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<serde_json::Value>,
    error: Option<String>,
    error_description: Option<String>,
}

impl TokenCache {
    pub(super) fn new(system: &str, settings: OAuth2) -> Self {
        Self { system: system.to_owned(), settings, state: Mutex::default() }
    }

    pub(super) async fn authorization(&self, fetch: &TokenFetch<'_>) -> Result<Authorization, EgressError> {
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some(token) = state.token.as_ref().filter(|token| now < token.good_until) {
            return Ok(Authorization { header: token.header.clone(), generation: Some(state.generation) });
        }
        if let Some((_, error)) = state.failure.as_ref().filter(|(since, _)| now < *since + FAILURE_HOLDS) {
            return Err(error.clone());
        }
        match self.fetch(fetch).await {
            Ok(token) => {
                let header = token.header.clone();
                *state = State { generation: state.generation + 1, token: Some(token), failure: None, useless: state.useless };
                Ok(Authorization { header, generation: Some(state.generation) })
            }
            Err(error) => {
                state.token = None;
                state.failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Forget the token of this generation; false if that has proved useless lately.
    pub(super) async fn renew(&self, generation: u64) -> bool {
        let mut state = self.state.lock().await;
        if state.useless.is_some_and(|since| Instant::now() < since + USELESS_HOLDS) {
            return false;
        }
        if state.generation == generation {
            state.token = None;
        }
        true
    }

    pub(super) fn settings(&self) -> &OAuth2 {
        &self.settings
    }

    pub(super) async fn renewal_was_useless(&self) {
        self.state.lock().await.useless = Some(Instant::now());
    }

    async fn fetch(&self, fetch: &TokenFetch<'_>) -> Result<Token, EgressError> {
        let request = TokenRequest::make(&self.system, &self.settings, SystemTime::now()).await?;
        fetch.pace.next().await;
        let mut line = fetch.audit.line_of_host("POST", place(&self.settings.token_url));
        let result = self.ask(fetch, &request, &mut line).await;
        if let Err(error) = &result {
            line.failed(error);
        }
        result
    }

    async fn ask(&self, fetch: &TokenFetch<'_>, request: &TokenRequest, line: &mut AuditLine) -> Result<Token, EgressError> {
        let to = place(&self.settings.token_url);
        let asked = Instant::now();
        let upload = Arc::new(Upload::new(to.clone(), u64::MAX, None, line.sent.clone(), 0));
        let composed = request.compose(&self.settings.token_url, upload.clone());
        let response = fetch.client.request(composed, &to, &upload, fetch.limits.first_byte).await?;
        let status = response.status();
        line.answered(status);
        let body = match timeout(fetch.limits.between_bytes, Limited::new(response.into_body(), LARGEST_ANSWER).collect()).await {
            Ok(Ok(body)) => Zeroizing::new(Vec::from(body.to_bytes())),
            Ok(Err(error)) => return Err(EgressError::Protocol { place: to, reason: root_cause(&*error) }),
            Err(_) => return Err(EgressError::TimedOut { place: to, phase: Phase::BetweenBytes, after: fetch.limits.between_bytes }),
        };
        line.received = body.len() as u64;
        let answer: Option<Answer> = serde_json::from_slice(&body).ok();
        if !status.is_success() {
            let said = answer.map(|answer| said_by_server(&answer, request.secret.as_ref())).unwrap_or_default();
            return Err(self.failed(&format!("OAuth request failed with status: {}{said} ({to})", status.as_u16())));
        }
        let answer = answer.ok_or_else(|| self.failed(&format!("{to} answered something that is not a token answer")))?;
        if let Some(kind) = answer.token_type.as_deref().filter(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(self.failed(&format!("{to} gives tokens of type {}; only bearer tokens are supported", quoted(kind))));
        }
        let token = answer.access_token.filter(|token| !token.is_empty()).map(Zeroizing::new);
        let token = token.ok_or_else(|| self.failed(&format!("{to} answered without an access_token")))?;
        let lifetime = life(answer.expires_in.as_ref());
        let margin = (lifetime / 10).min(Duration::from_mins(1));
        Ok(Token { header: bearer(&self.system, &token)?, good_until: asked + lifetime.saturating_sub(margin) })
    }

    fn failed(&self, reason: &str) -> EgressError {
        EgressError::Credentials { system: self.system.clone(), reason: reason.to_owned() }
    }
}

/// The server's own words, without the secret should it repeat it.
fn said_by_server(answer: &Answer, secret: Option<&Secret>) -> String {
    let redacted = |text: &String| secret.map_or_else(|| text.clone(), |secret| text.replace(secret.expose(), "[redacted]"));
    let parts: Vec<String> = [&answer.error, &answer.error_description].into_iter().flatten().map(|text| quoted(&redacted(text))).collect();
    if parts.is_empty() { String::new() } else { format!(", {}", parts.join(": ")) }
}

fn life(expires_in: Option<&serde_json::Value>) -> Duration {
    /// Longer is not believed: an `Instant` so far away may not exist.
    const MOST: u64 = 30 * 24 * 3600;
    let seconds = expires_in.and_then(|value| value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()));
    seconds.map_or(ASSUMED_LIFE, |seconds| Duration::from_secs(seconds.min(MOST)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn how_long_a_token_lives() {
        for (value, seconds) in [(json!(3600), 3600), (json!("120"), 120), (json!(u64::MAX), 2_592_000), (json!(-1), 300), (json!([]), 300)]
        {
            assert_eq!(life(Some(&value)).as_secs(), seconds, "{value}");
        }
        assert_eq!(life(None), ASSUMED_LIFE);
    }
}
