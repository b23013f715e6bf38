//! What was told.

use super::*;

#[tokio::test]
async fn a_series_is_remembered_with_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let failed = Series { failures: 3, told: true, withheld: false };
    {
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.series("hr").await.unwrap(), Series::default());
        let run = store.begin_run("hr", "read", "full", SystemTime::now()).await.unwrap();
        store.finish_run(run, RunStatus::Failed, SystemTime::now(), "{}").await.unwrap();
        store.set_series("hr", Series { failures: 2, ..Series::default() }, run, "{\"notifications\":[]}").await.unwrap();
        store.set_series("hr", failed, run, "{\"notifications\":[1]}").await.unwrap();
        assert_eq!(store.run(run).await.unwrap().unwrap().report.as_deref(), Some("{\"notifications\":[1]}"));
    }
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!((store.series("hr").await.unwrap(), store.series("other").await.unwrap()), (failed, Series::default()));
    store.reset("hr").await.unwrap();
    assert_eq!(store.series("hr").await.unwrap(), Series::default());
}
