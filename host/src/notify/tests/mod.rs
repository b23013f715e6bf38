//! Notifications against receivers on the loopback interface.

mod mail;
mod series;
mod webhook;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer},
};

use super::*;
use crate::{
    egress::{DoorSettings, Egress, ExtraHeaders, Limits, Policy, TlsSettings, parse_network},
    report::{Counts, Decision, Deletion, Failure, Notes, ReadMode, ReadOf, Stages},
    secret::SecretSource,
};

/// What nobody may read in a notification.
const PRIVATE: &str = "ada@private.example";

/// What receivers have seen.
type Seen = Arc<Mutex<Vec<String>>>;

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn secret(&self, text: &str) -> SecretSource {
        SecretSource::File(self.put("secret", text))
    }
}

/// A server for `localhost`, and its own authority as PEM.
fn tls() -> (String, TlsAcceptor) {
    let pair = rcgen::KeyPair::generate().unwrap();
    let made = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&pair).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.der().clone()], PrivatePkcs8KeyDer::from(pair.serialize_der()).into())
        .unwrap();
    (made.pem(), TlsAcceptor::from(Arc::new(config)))
}

/// A notifier that reaches these places on this machine; attempts follow each other at once.
fn notifier(origins: &[&str], endpoints: &[&str], authorities: Vec<PathBuf>) -> Notifier {
    let policy = Policy {
        origins: origins.iter().map(|origin| origin.parse().unwrap()).collect(),
        endpoints: endpoints.iter().map(|endpoint| endpoint.parse().unwrap()).collect(),
        networks: vec![parse_network("127.0.0.0/8").unwrap(), parse_network("::1").unwrap()],
    };
    let door = Egress::default().door(DoorSettings {
        system: "notifications".into(),
        plugin: "provisor".into(),
        backend: policy.origins.clone(),
        backend_endpoints: policy.endpoints.clone(),
        policy,
        credentials: None,
        tls: TlsSettings { authorities, ..TlsSettings::new("[notifications.tls]") },
        headers: ExtraHeaders::default(),
        limits: Limits::default(),
    });
    let patience = Patience { attempt: Duration::from_secs(5), pauses: [Duration::from_millis(10), Duration::from_millis(20)] };
    Notifier { door, webhook: None, mail: None, patience }
}

fn origin() -> Origin {
    let started = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    Origin { manifest: "/etc/provisor.toml".into(), connector: "file".into(), started }
}

/// A run in which one user failed; in its messages is what must not get out.
fn report(status: Status, withheld: bool) -> Report {
    let failed = status != Status::Success;
    let counts = Counts { read: 3, failed: u64::from(failed), ..Counts::default() };
    let failure = |entity: &str| Failure {
        entity: entity.into(),
        entity_type: "user".into(),
        system: "directory".into(),
        stage: "write",
        code: "failure.rejected".into(),
        message: format!("the backend says: {PRIVATE} is taken"),
    };
    let mut deletion = Deletion::nothing("directory", "user");
    if withheld {
        (deletion.due, deletion.decision, deletion.code) = (80, Decision::HeldBack, Some("deletion.too-many"));
    }
    let types = |counts| BTreeMap::from([("user".to_owned(), counts)]);
    Report {
        run: 7,
        job: JobType::Read,
        simulated: false,
        reads: vec![ReadOf { entity_type: "user".into(), mode: ReadMode::Full, reason: None }],
        source: "hr".into(),
        status,
        error: None,
        systems: vec![("hr".into(), types(Counts { read: 3, ..Counts::default() })), ("directory".into(), types(counts))],
        deletions: vec![deletion],
        notes: Notes { failures: (0..u8::from(failed) * 12).map(|number| failure(&format!("u{number}"))).collect(), ..Notes::default() },
        stages: Stages::default(),
        duration: Duration::from_millis(1500),
        notifications: Vec::new(),
    }
}

fn message<'a>(event: Event, origin: &'a Origin, report: &'a Report) -> Message<'a> {
    Message { event, failures: 1, origin, report }
}

#[test]
fn what_is_said() {
    let (origin, report) = (origin(), report(Status::FinishedWithError, true));
    let message = message(Event::Failed, &origin, &report);
    let json = message.json();
    for (pointer, value) in [
        ("/event", Value::from("failed")),
        ("/run", 7.into()),
        ("/source", "hr".into()),
        ("/targets/0", "directory".into()),
        ("/status", "finished with error".into()),
        ("/started", "2026-09-21T14:13:20Z".into()),
        ("/systems/directory/user/failed", 1.into()),
        ("/deletions/0/decision", "held back".into()),
        ("/deletions/0/code", "deletion.too-many".into()),
        ("/failures/0/entity", "u0".into()),
        ("/failures/0/code", "failure.rejected".into()),
        ("/failures-omitted", 2.into()),
        ("/commands/1", "provisor run /etc/provisor.toml --accept-deletions 7".into()),
    ] {
        assert_eq!(json.pointer(pointer), Some(&value), "{pointer} in {json:#}");
    }
    let text = message.text();
    for line in ["source     hr (file)", "status     finished with error", "failed     user u9 (directory, write): failure.rejected"] {
        assert!(text.lines().any(|known| known == line), "{line} in {text}");
    }
    assert!(text.contains("held back, 80 due, 0 deleted [deletion.too-many]") && text.contains("... and 2 more"), "{text}");
    assert!(!json.to_string().contains(PRIVATE) && !text.contains(PRIVATE));
    assert_eq!(message.subject(), "Provisor: read hr: finished with error");
    assert_eq!(Message { failures: 3, ..message }.subject(), "Provisor: read hr: finished with error (3 times in a row)");
}
