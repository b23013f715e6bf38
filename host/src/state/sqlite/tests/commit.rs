//! What one page's commit does.

use super::*;

#[tokio::test]
async fn relations_are_answered_in_the_order_of_the_ids() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let committed = store.commit(fixture.page("user", vec![insert("a"), insert("b"), insert("c")])).await.unwrap();
    assert_eq!(committed.inserted, [1, 2, 3]);

    let found = store.relations(&link(), "user", &["c", "nobody", "a", "c", ""]).await.unwrap();
    let ids: Vec<_> = found.iter().map(|relation| relation.as_ref().map(|relation| relation.id)).collect();
    assert_eq!(ids, [Some(3), None, Some(1), Some(3), None]);
    let expected = Relation {
        id: 3,
        source_id: "c".to_owned(),
        target_id: "t-c".to_owned(),
        existed_before: false,
        common_digest: Some([1; 32]),
        target_digest: Some([2; 32]),
        disabled: false,
        updated_at: now(),
    };
    assert_eq!(found[0], Some(expected));

    assert_eq!(store.count(&link(), "user").await.unwrap(), 3);
    for (elsewhere, entity_type) in [(link(), "group"), (Link::new("hr", "crm"), "user"), (Link::new("directory", "hr"), "user")] {
        assert_eq!(store.relations(&elsewhere, entity_type, &["a"]).await.unwrap(), [None]);
        assert_eq!(store.count(&elsewhere, entity_type).await.unwrap(), 0);
    }
    assert!(store.relations(&link(), "user", &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn ids_are_any_text_and_case_matters() {
    let fixture = Fixture::new().await;
    let ids = ["É", "É", "e\u{301}", "a'b\"", "a%", "A", "a", " a", "\u{0}x", "\u{0}", "x\u{0}y", "名前", "1", "01"];
    let distinct: std::collections::BTreeSet<_> = ids.into_iter().collect();
    let changes = distinct.iter().map(|id| insert(id)).collect();
    fixture.store.commit(fixture.page("user", changes)).await.unwrap();
    let found = fixture.store.relations(&link(), "user", &ids).await.unwrap();
    for (id, relation) in ids.iter().zip(found) {
        assert_eq!(relation.unwrap().source_id, *id);
    }
    let intent = fixture.store.intend(fixture.run, &link(), "user", &ids).await.unwrap();
    assert_eq!(intent.0, 1);
    fixture.store.begin_run("hr", "read", "full", now()).await.unwrap();
    let leftover = fixture.store.leftover_intents(&link(), "user").await.unwrap();
    assert_eq!(leftover, distinct.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_target_id_leads_back_to_the_oldest_source_entity() {
    let fixture = Fixture::new().await;
    let second = RelationChange::Insert {
        source_id: "0".to_owned(),
        target_id: "t-a".to_owned(),
        existed_before: true,
        common_digest: None,
        target_digest: None,
    };
    fixture.store.commit(fixture.page("user", vec![insert("a"), second])).await.unwrap();
    assert_eq!(fixture.store.related_to(&link(), "user", "t-a").await.unwrap().as_deref(), Some("a"));
    assert_eq!(fixture.store.related_to(&link(), "group", "t-a").await.unwrap(), None);
    assert_eq!(fixture.store.related_to(&Link::new("x", "y"), "user", "t-a").await.unwrap(), None);
    fixture.store.commit(fixture.page("user", vec![RelationChange::Delete { id: 1 }])).await.unwrap();
    assert_eq!(fixture.store.related_to(&link(), "user", "t-a").await.unwrap().as_deref(), Some("0"));
}

#[tokio::test]
async fn references_are_resolved_across_links_and_types() {
    let fixture = Fixture::new().await;
    fixture.store.commit(fixture.page("user", vec![insert("a")])).await.unwrap();
    fixture.store.commit(fixture.page("group", vec![insert("g")])).await.unwrap();
    let other = PageCommit { link: Link::new("payroll", "directory"), ..fixture.page("user", vec![insert("p")]) };
    fixture.store.commit(other).await.unwrap();
    let lookup = |entity_type: &str, id: &str, source: &str, target: &str| Lookup {
        entity_type: entity_type.to_owned(),
        source_id: id.to_owned(),
        source_system: source.to_owned(),
        target_system: target.to_owned(),
    };
    let lookups = vec![
        lookup("user", "p", "payroll", "directory"),
        lookup("user", "g", "hr", "directory"),
        lookup("group", "g", "hr", "directory"),
        lookup("user", "a", "hr", "directory"),
        lookup("user", "a", "hr", "elsewhere"),
        lookup("user", "p", "hr", "directory"),
    ];
    let found = fixture.store.resolve(lookups).await.unwrap();
    assert_eq!(found, [Some("t-p".to_owned()), None, Some("t-g".to_owned()), Some("t-a".to_owned()), None, None]);
}

#[tokio::test]
async fn a_changed_target_id_makes_what_may_name_it_be_mapped_again() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    store.commit(fixture.page("user", vec![insert("a"), insert("b")])).await.unwrap();
    store.commit(fixture.page("group", vec![insert("g")])).await.unwrap();
    store.commit(fixture.page("app", vec![insert("x")])).await.unwrap();
    let elsewhere = Link::new("hr", "crm");
    store.commit(PageCommit { link: elsewhere.clone(), ..fixture.page("group", vec![insert("g")]) }).await.unwrap();

    // The same target id is no change.
    store.commit(fixture.page("user", vec![retarget(1, "t-a")])).await.unwrap();
    assert!(fixture.relation("group", "g").await.unwrap().common_digest.is_some());

    store.commit(fixture.page("user", vec![retarget(1, "new")])).await.unwrap();
    for (entity_type, id) in [("group", "g"), ("app", "x")] {
        let relation = fixture.relation(entity_type, id).await.unwrap();
        assert_eq!((relation.common_digest, relation.target_digest), (None, Some([2; 32])), "{entity_type}");
    }
    let a = fixture.relation("user", "a").await.unwrap();
    assert_eq!((a.target_id.as_str(), a.common_digest, a.target_digest), ("new", Some([3; 32]), Some([4; 32])));
    assert!(fixture.relation("user", "b").await.unwrap().common_digest.is_some(), "not in this run");
    assert!(store.relations(&elsewhere, "group", &["g"]).await.unwrap()[0].as_ref().unwrap().common_digest.is_some());

    // Another source's run does not touch them; the next run of this one does, once.
    store.begin_run("payroll", "read", "full", now()).await.unwrap();
    assert!(fixture.relation("user", "b").await.unwrap().common_digest.is_some());
    store.begin_run("hr", "read", "full", now()).await.unwrap();
    assert_eq!(fixture.relation("user", "b").await.unwrap().common_digest, None);
    store.commit(fixture.page("user", vec![retarget(1, "new")])).await.unwrap();
    store.begin_run("hr", "read", "full", now()).await.unwrap();
    assert!(fixture.relation("user", "a").await.unwrap().common_digest.is_some());
}

#[tokio::test]
async fn a_deleted_relation_makes_groups_be_mapped_again() {
    let fixture = Fixture::new().await;
    fixture.store.commit(fixture.page("user", vec![insert("a"), insert("b")])).await.unwrap();
    fixture.store.commit(fixture.page("group", vec![insert("g")])).await.unwrap();
    // Gone already: nothing changes.
    fixture.store.commit(fixture.page("user", vec![RelationChange::Delete { id: 77 }])).await.unwrap();
    assert!(fixture.relation("group", "g").await.unwrap().common_digest.is_some());
    fixture.store.commit(fixture.page("user", vec![RelationChange::Delete { id: 1 }])).await.unwrap();
    assert_eq!(fixture.relation("user", "a").await, None);
    assert_eq!(fixture.relation("group", "g").await.unwrap().common_digest, None);
    assert!(fixture.relation("user", "b").await.unwrap().common_digest.is_some());
}

#[tokio::test]
async fn an_update_keeps_what_it_does_not_name_and_replaces_digests() {
    let fixture = Fixture::new().await;
    fixture.store.commit(fixture.page("user", vec![insert("a")])).await.unwrap();
    let update = |target_id: Option<&str>, existed_before, common_digest| RelationChange::Update {
        id: 1,
        target_id: target_id.map(str::to_owned),
        existed_before,
        common_digest,
        target_digest: None,
    };
    let later = now() + Duration::from_millis(1);
    let page = PageCommit { at: later, ..fixture.page("user", vec![update(None, None, Some([9; 32]))]) };
    fixture.store.commit(page).await.unwrap();
    let a = fixture.relation("user", "a").await.unwrap();
    assert_eq!((a.target_id.as_str(), a.existed_before, a.common_digest, a.target_digest), ("t-a", false, Some([9; 32]), None));
    assert_eq!(a.updated_at, later);
    fixture.store.commit(fixture.page("user", vec![update(Some("u"), Some(true), None)])).await.unwrap();
    let a = fixture.relation("user", "a").await.unwrap();
    assert_eq!((a.target_id.as_str(), a.existed_before, a.common_digest), ("u", true, None));
}

#[tokio::test]
async fn a_page_that_fails_leaves_nothing_behind() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    store.commit(fixture.page("user", vec![insert("a")])).await.unwrap();
    store.commit(fixture.page("group", vec![insert("g")])).await.unwrap();
    let intent = store.intend(fixture.run, &link(), "user", &["b"]).await.unwrap();
    let full = |changes| {
        let page = PageCommit {
            intents_done: Some(intent),
            checkpoint: Some(Checkpoint { pages: 1, cursor: None }),
            ..fixture.page("user", changes)
        };
        page.count("hr", Counters { read: 2, ..Counters::default() })
    };

    let again = store.commit(full(vec![insert("b"), retarget(1, "new"), insert("a")])).await.unwrap_err();
    assert_eq!(again.code(), "state.already-related");
    assert_eq!(again.to_string(), "user a is already related to new (hr -> directory): two entities of the source have the same id");
    let unknown = store.commit(full(vec![insert("b"), retarget(2, "x")])).await.unwrap_err();
    assert_eq!(unknown.code(), "state.unknown-relation", "2 is a group's");
    let nobody = store.commit(PageCommit { run: RunId(99), ..full(vec![insert("b")]) }).await.unwrap_err();
    assert_eq!(nobody.code(), "state.write");

    assert_eq!(fixture.relation("user", "b").await, None);
    assert_eq!(fixture.relation("user", "a").await.unwrap().target_id, "t-a");
    assert!(fixture.relation("group", "g").await.unwrap().common_digest.is_some());
    let run = store.last_run("hr").await.unwrap().unwrap();
    assert!(run.counters.is_empty() && run.checkpoints.is_empty());
    store.commit(full(vec![insert("b")])).await.unwrap();
    let left: i64 = fixture.shell().query_row("SELECT count(*) FROM intent", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0, "the intent was still there to be removed");
}

#[tokio::test]
async fn a_relation_id_is_never_given_twice() {
    let fixture = Fixture::new().await;
    fixture.store.commit(fixture.page("user", vec![insert("a"), insert("b")])).await.unwrap();
    let swap = vec![RelationChange::Delete { id: 2 }, RelationChange::Delete { id: 1 }, insert("b"), insert("c")];
    assert_eq!(fixture.store.commit(fixture.page("user", swap)).await.unwrap().inserted, [3, 4]);
}

#[tokio::test]
async fn what_was_not_seen_comes_in_pages() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    for chunk in 0..5 {
        // Another type in between, so that the ids of one type have gaps.
        store.commit(fixture.page("group", vec![insert(&format!("g{chunk}"))])).await.unwrap();
        let users = (0..10).map(|index| insert(&format!("{chunk}-{index}"))).collect();
        store.commit(fixture.page("user", users)).await.unwrap();
    }
    let mut seen = Seen::new();
    for relation in store.unseen(&link(), "user", &seen, 0, 1000).await.unwrap() {
        if relation.id % 3 != 0 {
            seen.insert(relation.id);
        }
    }
    let due = store.count_unseen(&link(), "user", &seen).await.unwrap();
    assert_eq!(due, 50 - seen.len());
    let (mut after, mut found) = (0, vec![]);
    loop {
        let page = store.unseen(&link(), "user", &seen, after, 4).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 4);
        after = last.id;
        found.extend(page.into_iter().map(|relation| relation.id));
    }
    assert_eq!(found.len() as u64, due);
    assert!(found.is_sorted() && found.iter().all(|id| id % 3 == 0));
    assert!(store.unseen(&link(), "user", &Seen::new(), 0, 0).await.unwrap().is_empty());
    assert_eq!(store.count_unseen(&Link::new("x", "y"), "user", &seen).await.unwrap(), 0);
}

#[tokio::test]
async fn anyone_can_read_the_file() {
    let fixture = Fixture::new().await;
    fixture.store.commit(fixture.page("user", vec![insert("a")])).await.unwrap();
    fixture.store.intend(fixture.run, &link(), "user", &["b"]).await.unwrap();
    let shell = fixture.shell();
    let text = |sql: &str| shell.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(
        text("SELECT concat_ws(' ', source, target, entity_type, source_id, target_id, existed_before, updated_at) FROM relations"),
        "hr directory user a t-a 0 2026-09-21T14:13:20.123Z"
    );
    assert_eq!(text("SELECT common_digest FROM relations"), "01".repeat(32));
    assert_eq!(
        text("SELECT concat_ws(' ', source, job, read_mode, status, started_at) FROM runs"),
        "hr read full running 2026-09-21T14:13:20.123Z"
    );
    assert_eq!(text("SELECT concat_ws(' ', run, source, target, entity_type, source_id) FROM intents"), "1 hr directory user b");
}
