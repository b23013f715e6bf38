//! Who is told of runs, from `[notifications]`, and of which ones, from the sources' `ips.job.notification.*`.

use std::collections::BTreeMap;

use url::Url;

use super::fields::Fields;
use super::forms;
use super::problem::Problems;
use super::raw::Raw;
use super::reference;
use super::secret_reference::anchored;
use super::tls::{self, Tls};
use crate::secret::SecretSource;

/// Who is told. At least one of webhook and mail is there.
#[derive(Clone, Debug)]
pub struct Notifications {
    pub webhook: Option<Webhook>,
    pub mail: Option<Mail>,
    /// Ranges in CIDR notation that the servers' names may resolve to although they are not public.
    pub networks: Vec<String>,
    pub tls: Tls,
}

#[derive(Clone, Debug)]
pub struct Webhook {
    pub url: Url,
    /// What signs.
    pub secret: SecretSource,
}

#[derive(Clone, Debug)]
pub struct Mail {
    /// `host:port`.
    pub server: String,
    pub security: MailSecurity,
    pub from: String,
    pub to: Vec<String>,
    /// User and password; none without security.
    pub login: Option<(String, SecretSource)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSecurity {
    StartTls,
    Tls,
    None,
}

/// Which runs of a source are told of (spec/provisioning.md section 2.16).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotificationRules {
    /// `ips.job.notification.repeat.on.failure`: every failed run.
    pub repeat: bool,
    /// `ips.job.notification.ignored.consecutive.failures`: so many failed runs in a row are no news.
    pub ignored: u64,
}

impl NotificationRules {
    pub(super) fn of(host: &BTreeMap<&'static str, String>) -> Self {
        Self {
            repeat: host.get(reference::NOTIFICATION_REPEAT).is_some_and(|text| text == "true"),
            ignored: host.get(reference::NOTIFICATION_IGNORED).and_then(|text| text.parse().ok()).unwrap_or(0),
        }
    }
}

/// Nothing where there is no such table, or where something about it is wrong; then there is a problem.
pub(super) fn notifications(raw: &Raw, problems: &mut Problems) -> Option<Notifications> {
    let table = raw.fields.table("notifications")?;
    let wanted = ["webhook", "mail"];
    if wanted.iter().all(|name| table.table(name).is_none() && !table.is_wrong(name)) {
        let message = format!("{} names nobody to tell", table.title);
        problems.error("manifest.missing-key", table.at, message, "add [notifications.webhook] or [notifications.mail]");
    }
    Some(Notifications {
        webhook: table.table("webhook").and_then(|webhook| self::webhook(raw, webhook, problems)),
        mail: table.table("mail").and_then(|mail| self::mail(raw, mail, problems)),
        networks: table.texts("networks").iter().filter_map(|item| forms::network(&item.text)).map(|network| network.to_string()).collect(),
        tls: tls::of_table(raw, table, problems),
    })
}

fn webhook(raw: &Raw, table: &Fields, problems: &mut Problems) -> Option<Webhook> {
    let url = forms::http_url(table.text("url")?).ok()?;
    if url.scheme() == "http" {
        let message = format!("url in {} is not https: whoever is on the way can read the notifications", table.title);
        problems.warning("manifest.plain-http", table.place("url"), message, "write an https URL");
    }
    Some(Webhook { url, secret: anchored(table.secret("secret")?, &raw.directory) })
}

fn mail(raw: &Raw, table: &Fields, problems: &mut Problems) -> Option<Mail> {
    let security = match table.text("security")? {
        "tls" => MailSecurity::Tls,
        "none" => MailSecurity::None,
        _ => MailSecurity::StartTls,
    };
    let (user, password) = (table.text("user"), table.secret("password"));
    for (name, other, missing) in
        [("user", "password", user.is_some() && password.is_none()), ("password", "user", password.is_some() && user.is_none())]
    {
        if missing && !table.is_wrong(other) {
            let message = format!("key \"{other}\" is missing in {}: {name} alone is no login", table.title);
            problems.error("manifest.missing-key", table.place(name), message, "write both, or neither");
        }
    }
    if security == MailSecurity::None && user.is_some() {
        let message = format!("security = \"none\" in {} would send the password in the clear", table.title);
        problems.error(
            "manifest.wrong-value",
            table.place("security"),
            message,
            "write \"starttls\" or \"tls\", or leave user and password out",
        );
    }
    Some(Mail {
        server: forms::endpoint(table.text("server")?).ok()?,
        security,
        from: table.text("from")?.to_owned(),
        to: table.texts("to").iter().map(|item| item.text.clone()).collect(),
        login: user.zip(password).map(|(user, password)| (user.to_owned(), anchored(password, &raw.directory))),
    })
}
