//! Random sequences of commits against a map.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const TYPES: [&str; 2] = ["user", "group"];

/// One change, by positions: which of a few source ids, and what to do with it.
#[derive(Clone, Debug)]
struct Step {
    entity: usize,
    target: u8,
    what: What,
    digests: (bool, bool),
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// Insert if there is none, else update.
    Write,
    /// Insert although there may be one.
    Insert,
    Delete,
}

#[derive(Clone, Debug)]
struct Page {
    entity_type: usize,
    steps: Vec<Step>,
    /// Begin a new run first.
    begin: bool,
    /// Close and open the file first.
    reopen: bool,
    /// Announce the creates and never say they are done.
    forget_intent: bool,
}

fn pages() -> impl Strategy<Value = Vec<Page>> {
    let what = prop_oneof![6 => Just(What::Write), 1 => Just(What::Insert), 2 => Just(What::Delete)];
    let step = (0..12_usize, 0..4_u8, what, any::<(bool, bool)>()).prop_map(|(entity, target, what, digests)| Step {
        entity,
        target,
        what,
        digests,
    });
    let rarely = || prop::bool::weighted(0.1);
    let page = (0..2_usize, prop::collection::vec(step, 0..8), rarely(), rarely(), rarely())
        .prop_map(|(entity_type, steps, begin, reopen, forget_intent)| Page { entity_type, steps, begin, reopen, forget_intent });
    prop::collection::vec(page, 1..25)
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    id: i64,
    target_id: String,
    common_digest: Option<Digest>,
    target_digest: Option<Digest>,
}

/// What must be in the file.
#[derive(Clone, Default)]
struct Model {
    relations: [BTreeMap<String, Known>; 2],
    stale: [bool; 2],
    /// Of the run under way, and of those before.
    intents: [BTreeSet<String>; 2],
    leftover: [BTreeSet<String>; 2],
    counted: u64,
}

impl Model {
    fn clear(&mut self, entity_type: usize) {
        for known in self.relations[entity_type].values_mut() {
            known.common_digest = None;
        }
    }

    fn run_ends(&mut self) {
        for entity_type in 0..2 {
            let intents = std::mem::take(&mut self.intents[entity_type]);
            self.leftover[entity_type].extend(intents);
        }
    }

    fn run_begins(&mut self) {
        self.run_ends();
        self.counted = 0;
        for entity_type in 0..2 {
            if std::mem::take(&mut self.stale[entity_type]) {
                self.clear(entity_type);
            }
        }
    }

    /// The changes a page makes and how many relations it inserts; `None` if it must fail.
    fn apply(&mut self, page: &Page) -> (Vec<RelationChange>, Option<Vec<String>>) {
        let before = self.clone();
        let (mut changes, mut inserted, mut fails) = (vec![], vec![], false);
        let (mut retargeted, mut deleted) = (false, false);
        for step in &page.steps {
            let source_id = format!("s{}", step.entity);
            let relations = &mut self.relations[page.entity_type];
            let target_id = format!("t{}-{}", step.entity, step.target);
            let common_digest = step.digests.0.then_some([step.target; 32]);
            let target_digest = step.digests.1.then_some([step.target + 100; 32]);
            match (step.what, relations.get_mut(&source_id)) {
                (What::Write, Some(known)) => {
                    retargeted |= known.target_id != target_id;
                    *known = Known { id: known.id, target_id: target_id.clone(), common_digest, target_digest };
                    let target_id = Some(target_id);
                    changes.push(RelationChange::Update { id: known.id, target_id, existed_before: None, common_digest, target_digest });
                }
                (What::Write | What::Insert, existing) => {
                    fails |= existing.is_some();
                    relations.insert(source_id.clone(), Known { id: 0, target_id: target_id.clone(), common_digest, target_digest });
                    inserted.push(source_id.clone());
                    changes.push(RelationChange::Insert { source_id, target_id, existed_before: false, common_digest, target_digest });
                }
                (What::Delete, known) => {
                    // One that was inserted by this very page has no id yet: nothing is deleted then.
                    let id = known.map_or(0, |known| known.id);
                    if id > 0 {
                        relations.remove(&source_id);
                        deleted = true;
                    }
                    changes.push(RelationChange::Delete { id });
                }
            }
        }
        // An update of something this page inserted would need the id the commit is going to answer.
        fails |= changes.iter().any(|change| matches!(change, RelationChange::Update { id: 0, .. }));
        if fails {
            *self = before;
            return (changes, None);
        }
        if retargeted || deleted {
            self.clear(1 - page.entity_type);
        }
        self.stale[page.entity_type] |= retargeted || deleted;
        self.counted += page.steps.len() as u64;
        (changes, Some(inserted))
    }
}

async fn check(store: &SqliteStore, model: &Model) {
    for (entity_type, relations) in TYPES.into_iter().zip(&model.relations) {
        let ids: Vec<_> = (0..12).map(|entity| format!("s{entity}")).collect();
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        let found = store.relations(&link(), entity_type, &ids).await.unwrap();
        for (id, found) in ids.iter().zip(found) {
            let found = found.map(|Relation { id, target_id, common_digest, target_digest, .. }| Known {
                id,
                target_id,
                common_digest,
                target_digest,
            });
            assert_eq!(found.as_ref(), relations.get(*id), "{entity_type} {id}");
        }
        assert_eq!(store.count(&link(), entity_type).await.unwrap(), relations.len() as u64);
        let (mut seen, mut odd): (_, BTreeSet<i64>) = (Seen::new(), BTreeSet::new());
        for known in relations.values() {
            if known.id % 2 == 0 {
                seen.insert(known.id);
            } else {
                odd.insert(known.id);
            }
        }
        let unseen = store.unseen(&link(), entity_type, &seen, 0, 100).await.unwrap();
        assert_eq!(unseen.into_iter().map(|relation| relation.id).collect::<Vec<_>>(), odd.iter().copied().collect::<Vec<_>>());
        assert_eq!(store.count_unseen(&link(), entity_type, &seen).await.unwrap(), odd.len() as u64);
    }
    for (entity_type, leftover) in TYPES.into_iter().zip(&model.leftover) {
        let found = store.leftover_intents(&link(), entity_type).await.unwrap();
        assert_eq!(found, leftover.iter().cloned().collect::<Vec<_>>());
    }
    let counted: u64 = store.last_run("hr").await.unwrap().unwrap().counters.iter().map(|of| of.counters.read).sum();
    assert_eq!(counted, model.counted);
}

async fn play(pages: Vec<Page>) {
    let Fixture { mut store, folder, mut run } = Fixture::new().await;
    let mut model = Model::default();
    for page in pages {
        if page.reopen {
            drop(store);
            store = SqliteStore::open(folder.path().join("state.db")).unwrap();
            model.run_ends();
        }
        if page.begin || page.reopen {
            run = store.begin_run("hr", "read", "full", now()).await.unwrap();
            model.run_begins();
        }
        let entity_type = TYPES[page.entity_type];
        let (changes, inserted) = model.apply(&page);
        let creates: Vec<_> = changes
            .iter()
            .filter_map(|change| if let RelationChange::Insert { source_id, .. } = change { Some(source_id.as_str()) } else { None })
            .collect();
        let intent = store.intend(run, &link(), entity_type, &creates).await.unwrap();
        let done = (!page.forget_intent).then_some(intent);
        if inserted.is_none() || page.forget_intent {
            model.intents[page.entity_type].extend(creates.iter().map(|&id| id.to_owned()));
        }
        let read = Counters { read: page.steps.len() as u64, ..Counters::default() };
        let commit = PageCommit { changes, intents_done: done, ..PageCommit::new(run, link(), entity_type, now()) };
        match (store.commit(commit.count("hr", read)).await, inserted) {
            (Ok(committed), Some(inserted)) => {
                assert!(committed.inserted.is_sorted() && committed.inserted.len() == inserted.len());
                for (source_id, id) in inserted.into_iter().zip(committed.inserted) {
                    model.relations[page.entity_type].get_mut(&source_id).unwrap().id = id;
                }
            }
            (Err(error), None) => assert!(matches!(error.code(), "state.already-related" | "state.unknown-relation"), "{error}"),
            (committed, inserted) => panic!("{committed:?} where {inserted:?} was expected"),
        }
        check(&store, &model).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_file_is_what_the_commits_say(pages in pages()) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(play(pages));
    }
}
