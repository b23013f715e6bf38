//! Deletions that are held back, and entities that are disabled.

use super::*;

fn held(relation: i64, cause: Cause) -> HeldDeletion {
    HeldDeletion {
        relation,
        source_id: format!("s{relation}"),
        target_id: format!("t{relation}"),
        cause,
        disable: relation % 2 == 0,
        outcome: None,
    }
}

#[tokio::test]
async fn a_list_is_kept_paged_and_settled() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    assert!(store.held_lists(fixture.run).await.unwrap().is_empty());
    let list = vec![held(1, Cause::Gone), held(2, Cause::LeftScope), held(3, Cause::Gone)];
    store.hold(fixture.run, &link(), "user", "deletions.too-many", list.clone()).await.unwrap();
    store.hold(fixture.run, &link(), "user", "deletions.too-many", vec![held(4, Cause::Gone)]).await.unwrap();
    assert_eq!(store.held(fixture.run, &link(), "user", 0, 3).await.unwrap(), list);
    assert_eq!(store.held(fixture.run, &link(), "user", 3, 3).await.unwrap(), [held(4, Cause::Gone)]);
    store.settle_held(fixture.run, &link(), "user", vec![(1, HeldOutcome::Deleted), (9, HeldOutcome::Kept)]).await.unwrap();
    store.settle_held(fixture.run, &link(), "user", vec![(1, HeldOutcome::Changed)]).await.unwrap();
    let lists = store.held_lists(fixture.run).await.unwrap();
    let expected =
        HeldList { link: link(), entity_type: "user".into(), code: "deletions.too-many".into(), total: 4, open: 3, in_doubt: None };
    assert_eq!(lists, [expected]);
    let first = store.held(fixture.run, &link(), "user", 0, 1).await.unwrap().remove(0);
    assert_eq!(first.outcome, Some(HeldOutcome::Deleted), "what has become of one stays");
    let readable: String =
        fixture.shell().query_row("SELECT action FROM held_deletions WHERE source_id = 's2'", [], |row| row.get(0)).unwrap();
    assert_eq!(readable, "disable");
}

#[tokio::test]
async fn who_is_met_again_is_returned() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let list = (1..=4).map(|id| held(id, if id < 3 { Cause::Gone } else { Cause::LeftScope })).collect();
    store.hold(fixture.run, &link(), "user", "deletions.too-many", list).await.unwrap();
    let (mut seen, mut left) = (Seen::new(), Seen::new());
    seen.insert(1);
    seen.insert(3);
    left.insert(2);
    left.insert(4);
    store.returned(fixture.run, &Link::new("hr", "other"), "user", &seen, &left, Met::Everybody).await.unwrap();
    assert_eq!(store.held_lists(fixture.run).await.unwrap()[0].open, 4);
    store.returned(fixture.run, &link(), "user", &seen, &left, Met::Everybody).await.unwrap();
    let outcomes: Vec<_> = store.held(fixture.run, &link(), "user", 0, 9).await.unwrap().into_iter().map(|held| held.outcome).collect();
    let returned = Some(HeldOutcome::Returned);
    assert_eq!(outcomes, [returned, returned, returned, None], "who had left the scope and still has is due as before");
}

#[tokio::test]
async fn lists_of_the_latest_ten_runs_are_kept() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let mut runs = vec![fixture.run];
    store.hold(fixture.run, &link(), "user", "deletions.too-many", vec![held(1, Cause::Gone)]).await.unwrap();
    for _ in 0..11 {
        let run = store.begin_run("hr", "read", "full", now()).await.unwrap();
        store.hold(run, &link(), "user", "deletions.too-many", vec![held(1, Cause::Gone)]).await.unwrap();
        runs.push(run);
    }
    let mut kept = Vec::new();
    for run in &runs {
        kept.push(!store.held_lists(*run).await.unwrap().is_empty());
    }
    assert_eq!(kept.iter().filter(|kept| **kept).count(), 10);
    assert!(!kept[0] && !kept[1]);
}

#[tokio::test]
async fn a_list_is_in_doubt_until_a_later_read_has_come_to_its_end() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    assert_eq!(store.held_run(RunId(99)).await.unwrap(), None);
    let doubt = async |store: &SqliteStore| store.held_lists(fixture.run).await.unwrap()[0].in_doubt;
    store.hold(fixture.run, &link(), "user", "deletions.too-many", vec![held(1, Cause::Gone)]).await.unwrap();
    assert_eq!(doubt(store).await, None);
    // One that carries out a list reads nothing, and another source's run has nothing to do with it.
    store.begin_run("hr", "accept-deletions", "none", now()).await.unwrap();
    store.begin_run("other", "read", "full", now()).await.unwrap();
    assert_eq!(doubt(store).await, None);
    let nobody = Seen::new();
    let first = store.begin_run("hr", "read", "full", now()).await.unwrap();
    store.returned(first, &link(), "group", &nobody, &nobody, Met::Everybody).await.unwrap();
    store.returned(first, &link(), "user", &nobody, &nobody, Met::Some).await.unwrap();
    assert_eq!(doubt(store).await, Some(first), "whatever it met, somebody may be missing");
    let second = store.begin_run("hr", "read", "delta", now()).await.unwrap();
    store.returned(second, &link(), "user", &nobody, &nobody, Met::Changed).await.unwrap();
    assert_eq!(doubt(store).await, Some(first), "who did not change since was met by the first alone");
    let third = store.begin_run("hr", "read", "full", now()).await.unwrap();
    store.returned(third, &link(), "user", &nobody, &nobody, Met::Everybody).await.unwrap();
    assert_eq!(doubt(store).await, None);
    let fourth = store.begin_run("hr", "read", "delta", now()).await.unwrap();
    assert_eq!(doubt(store).await, Some(fourth));
    store.returned(fourth, &link(), "user", &nobody, &nobody, Met::Changed).await.unwrap();
    assert_eq!(doubt(store).await, None);
}

#[tokio::test]
async fn a_disabled_entity_is_marked_until_it_is_enabled_or_gone() {
    let fixture = Fixture::new().await;
    fixture.store.commit(fixture.page("user", vec![insert("a"), insert("b")])).await.unwrap();
    let disable = |id| RelationChange::Disable { id };
    fixture.store.commit(fixture.page("user", vec![disable(1), disable(2), disable(1)])).await.unwrap();
    let relation = fixture.relation("user", "a").await.unwrap();
    assert_eq!((relation.disabled, relation.common_digest, relation.target_digest), (true, None, None));
    fixture.store.commit(fixture.page("user", vec![RelationChange::Enable { id: 1 }, RelationChange::Delete { id: 2 }])).await.unwrap();
    assert!(!fixture.relation("user", "a").await.unwrap().disabled);
    let marks: i64 = fixture.shell().query_row("SELECT count(*) FROM disabled", [], |row| row.get(0)).unwrap();
    assert_eq!(marks, 0, "the mark goes with the relation");
    assert!(fixture.store.commit(fixture.page("user", vec![disable(9)])).await.is_err());
}

#[tokio::test]
async fn what_makes_ids_is_remembered() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    assert_eq!(store.identity(&link(), "user").await.unwrap(), None);
    store.set_identity(&link(), "user", [1; 32]).await.unwrap();
    store.set_identity(&link(), "user", [2; 32]).await.unwrap();
    assert_eq!(store.identity(&link(), "user").await.unwrap(), Some([2; 32]));
    assert_eq!(store.identity(&link(), "group").await.unwrap(), None);
}
