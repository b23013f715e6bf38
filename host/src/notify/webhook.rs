//! A webhook, signed as the specification "Standard Webhooks" says.
//!
//! | header | is |
//! | --- | --- |
//! | `webhook-id` | the name of the notification, the same in every attempt |
//! | `webhook-timestamp` | when this attempt was made, in seconds since 1970 |
//! | `webhook-signature` | `v1,` and the Base64 text of HMAC-SHA256 over `id.timestamp.body` |

use std::time::SystemTime;

use base64::{Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::Full;
use ring::{
    hmac,
    rand::{SecureRandom as _, SystemRandom},
};

use super::{Message, Refused};
use crate::{egress::Door, secret::SecretSource};

/// Where a notification is posted, and what signs it.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub url: Uri,
    pub secret: SecretSource,
}

/// One notification, before it is signed.
pub(super) struct Delivery {
    id: String,
    event: &'static str,
    body: Bytes,
}

impl Delivery {
    pub(super) fn of(message: &Message<'_>) -> Self {
        let mut name = [0; 16];
        // Without randomness the run and its time are name enough: a receiver only tells attempts of one notification from others by it.
        let id = match SystemRandom::new().fill(&mut name) {
            Ok(()) => URL_SAFE_NO_PAD.encode(name),
            Err(_) => format!("{}-{}", message.report.run, seconds()),
        };
        Self { id: format!("msg_{id}"), event: message.event.word(), body: message.json().to_string().into() }
    }
}

impl Webhook {
    /// Without the query, which may hold a key.
    pub(super) fn place(&self) -> String {
        format!(
            "{}://{}{}",
            self.url.scheme_str().unwrap_or_default(),
            self.url.authority().map_or("", http::uri::Authority::as_str),
            self.url.path()
        )
    }

    /// Fetched for each attempt, so that a replaced secret needs no restart.
    pub(super) async fn key(&self) -> Result<hmac::Key, Refused> {
        let secret =
            self.secret.resolve().await.map_err(|error| Refused::finally("notify.secret", format!("the webhook's secret: {error}")))?;
        let bytes = match secret.expose().strip_prefix("whsec_") {
            Some(text) => STANDARD
                .decode(text)
                .map_err(|_| Refused::finally("notify.secret", "the webhook's secret begins with whsec_ and does not go on in Base64"))?,
            None => secret.expose().as_bytes().to_vec(),
        };
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }

    pub(super) async fn send(&self, door: &Door, delivery: &Delivery) -> Result<(), Refused> {
        let key = self.key().await?;
        let Delivery { id, event, body } = delivery;
        let timestamp = seconds();
        let request = Request::post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("provisor/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature(&key, id, timestamp, body))
            .header("provisor-event", *event)
            .body(Full::new(body.clone()))
            .map_err(|error| Refused::finally("notify.webhook", error.to_string()))?;
        let status = door.send(request).await?.status();
        if status.is_success() {
            return Ok(());
        }
        let passes = status.is_server_error() || [408, 429].contains(&status.as_u16());
        Err(Refused { code: "notify.webhook", message: format!("{} answered {status}", self.place()), passes })
    }
}

fn signature(key: &hmac::Key, id: &str, timestamp: u64, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(key);
    context.update(format!("{id}.{timestamp}.").as_bytes());
    context.update(body);
    format!("v1,{}", STANDARD.encode(context.sign()))
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let signature = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
