//! What is remembered between runs, and that a run stays what it was.

use super::*;
use crate::state::{NotificationStore as _, RunStatus, Series, SqliteStore, StateStore as _};

/// A webhook that takes everything, or nothing.
async fn webhook(takes: bool, files: &Files) -> Notifier {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let _ = tcp.read(&mut vec![0; 64 * 1024]).await;
            let status = if takes { 200 } else { 410 };
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            tcp.write_all(answer.as_bytes()).await.unwrap_or_default();
        }
    });
    let webhook = Webhook { url: origin.parse().unwrap(), secret: files.secret("x") };
    Notifier { webhook: Some(webhook), ..notifier(&[&origin], &[], vec![]) }
}

#[tokio::test]
async fn a_series_goes_on_over_runs() {
    let files = Files::new();
    let (deaf, hearing) = (webhook(false, &files).await, webhook(true, &files).await);
    let store = SqliteStore::open(files.0.path().join("state.db")).unwrap();
    let rules = NotificationRules::default();
    for (notifier, status, withheld, event, expected) in [
        (&hearing, Status::Success, false, None, Series::default()),
        (&deaf, Status::Failed, false, Some("failed"), Series { failures: 1, told: false, withheld: false }),
        (&hearing, Status::Failed, false, Some("failed"), Series { failures: 2, told: true, withheld: false }),
        (&hearing, Status::FinishedWithError, false, None, Series { failures: 3, told: true, withheld: false }),
        (&hearing, Status::FinishedWithError, true, Some("deletions-withheld"), Series { failures: 4, told: true, withheld: true }),
        (&hearing, Status::Success, false, Some("recovered"), Series::default()),
        (&hearing, Status::Success, false, None, Series::default()),
    ] {
        let run = store.begin_run("hr", "read", "full", SystemTime::now()).await.unwrap();
        store.finish_run(run, RunStatus::Failed, SystemTime::now(), "{}").await.unwrap();
        let mut report = Report { run: run.0, ..report(status, withheld) };
        notifier.after_run(rules, &origin(), &store, &mut report).await.unwrap();
        assert_eq!(report.status, status);
        assert_eq!(report.notifications.first().map(|notified| notified.event), event);
        assert_eq!(store.series("hr").await.unwrap(), expected);
        // What came of it is in the report that is remembered.
        let kept: Value = serde_json::from_str(&store.run(run).await.unwrap().unwrap().report.unwrap()).unwrap();
        assert_eq!(kept.pointer("/notifications/0/event").and_then(Value::as_str), event);
        let sent = kept.pointer("/notifications/0/sent");
        assert_eq!(sent, event.map(|_| Value::Bool(std::ptr::eq(notifier, &raw const hearing))).as_ref());
        if let Some(false) = sent.and_then(Value::as_bool) {
            assert!(
                report.text().contains("notified   webhook: failed could not be told, 1 attempts: http://127.0.0.1:"),
                "{}",
                report.text()
            );
        }
    }
}

#[tokio::test]
async fn nobody_is_told_of_simulations() {
    let files = Files::new();
    let hearing = webhook(true, &files).await;
    let store = SqliteStore::open(files.0.path().join("state.db")).unwrap();
    let mut report = Report { simulated: true, ..report(Status::Failed, false) };
    hearing.after_run(NotificationRules::default(), &origin(), &store, &mut report).await.unwrap();
    assert!(report.notifications.is_empty());
    assert_eq!(store.series("hr").await.unwrap(), Series::default());
}
