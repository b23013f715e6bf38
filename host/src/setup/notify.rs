//! Who is told of runs: what the manifest says, as the notifier takes it.

use std::{sync::Arc, time::Duration};

use super::{SetupError, door};
use crate::{
    egress::{DoorSettings, Egress, Endpoint, ExtraHeaders, Limits, Origin, Policy, parse_network},
    manifest::{self, MailSecurity, Manifest},
    notify::{self, Notifier, Patience, Webhook},
};

pub(super) fn notifier(egress: &Egress, manifest: &Manifest) -> Result<Option<Notifier>, SetupError> {
    let Some(told) = &manifest.notifications else { return Ok(None) };
    let wrong = |message: String| SetupError::Grant { system: "notifications".into(), message };
    let webhook = told.webhook.as_ref().map(webhook).transpose().map_err(wrong)?;
    let mail = told.mail.as_ref().map(mail).transpose().map_err(wrong)?;
    let mut policy = Policy::default();
    if let Some(webhook) = &told.webhook {
        policy.origins.push(Origin::of_url(webhook.url.as_str()).map_err(|error| wrong(error.to_string()))?);
    }
    if let Some(mail) = &told.mail {
        policy.endpoints.push(mail.server.parse::<Endpoint>().map_err(|error| wrong(error.to_string()))?);
    }
    for network in &told.networks {
        policy.networks.push(parse_network(network).map_err(|error| wrong(error.to_string()))?);
    }
    let limits = Limits { first_byte: Duration::from_secs(15), between_bytes: Duration::from_secs(15), ..Limits::default() };
    let door = egress.door(DoorSettings {
        system: "notifications".into(),
        plugin: "provisor".into(),
        backend: policy.origins.clone(),
        backend_endpoints: policy.endpoints.clone(),
        policy,
        credentials: None,
        tls: door::tls("[notifications.tls]", &told.tls),
        headers: ExtraHeaders::default(),
        limits,
    });
    Ok(Some(Notifier { door: Arc::clone(&door), webhook, mail, patience: Patience::default() }))
}

fn webhook(webhook: &manifest::Webhook) -> Result<Webhook, String> {
    let url = webhook.url.as_str().parse().map_err(|error| format!("the webhook's URL cannot be used: {error}"))?;
    Ok(Webhook { url, secret: webhook.secret.clone() })
}

fn mail(mail: &manifest::Mail) -> Result<notify::Mail, String> {
    let address = |text: &String| text.parse().map_err(|error| format!("the mail address {text} cannot be used: {error}"));
    Ok(notify::Mail {
        server: mail.server.clone(),
        security: match mail.security {
            MailSecurity::StartTls => notify::MailSecurity::StartTls,
            MailSecurity::Tls => notify::MailSecurity::Tls,
            MailSecurity::None => notify::MailSecurity::None,
        },
        from: address(&mail.from)?,
        to: mail.to.iter().map(address).collect::<Result<_, _>>()?,
        login: mail.login.clone(),
    })
}
