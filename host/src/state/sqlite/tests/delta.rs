//! Tokens of delta reads, and a copy of the state.

use super::*;

fn token(entity_type: &str, token: &str) -> DeltaToken {
    DeltaToken { entity_type: entity_type.into(), token: token.into(), basis: [7; 32] }
}

#[tokio::test]
async fn tokens_are_replaced_as_a_whole_and_belong_to_one_source() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    store.set_delta_tokens("hr", vec![token("user", "1"), token("group", "2")]).await.unwrap();
    store.set_delta_tokens("other", vec![token("user", "9")]).await.unwrap();
    store.set_delta_tokens("hr", vec![token("user", "3")]).await.unwrap();
    assert_eq!(store.delta_tokens("hr").await.unwrap(), [token("user", "3")]);
    assert_eq!(store.delta_tokens("nobody").await.unwrap(), []);
    store.set_delta_runs("hr", 2).await.unwrap();
    assert_eq!((store.delta_runs("hr").await.unwrap(), store.delta_runs("other").await.unwrap()), (2, 0));
}

#[tokio::test]
async fn a_copy_has_what_was_committed_and_changes_nothing() {
    let fixture = Fixture::new().await;
    let page = fixture.page("user", vec![insert("ada")]);
    fixture.store.commit(page).await.unwrap();
    let path = fixture.folder.path().join("state.db");
    // The state is open and locked; what is committed is still in the log.
    let copy = SqliteStore::open_copy(&path).unwrap();
    let run = copy.begin_run("hr", "read", "full", now()).await.unwrap();
    copy.commit(PageCommit { changes: vec![insert("bob")], ..PageCommit::new(run, link(), "user", now()) }).await.unwrap();
    assert_eq!(copy.count(&link(), "user").await.unwrap(), 2);
    drop(copy);
    assert_eq!(fixture.store.count(&link(), "user").await.unwrap(), 1);
    assert_eq!(fixture.store.last_run("hr").await.unwrap().unwrap().id, fixture.run);
}

#[tokio::test]
async fn a_copy_of_nothing_is_empty_and_no_file_is_made() {
    let folder = TempDir::new().unwrap();
    let copy = SqliteStore::open_copy(folder.path().join("missing/state.db")).unwrap();
    assert_eq!(copy.count(&link(), "user").await.unwrap(), 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
