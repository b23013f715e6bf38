//! A run that is killed at any moment and started again ends as one that was left alone: nothing lost, nothing twice.
//!
//! The moments are spread over the length of an undisturbed run, which is measured first. One state is killed a few times in a row, so that what a killed run left
//! is itself interrupted, and is then brought to its end and compared.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::export::{self, Export};
use crate::generate::Company;
use crate::place::{Ended, Place};
use crate::scim_sink::{Kept, Sink};
use crate::trials;

trials![
    a_first_load_survives_being_killed,
    changes_survive_being_killed,
    a_server_gets_nothing_twice_from_a_client_that_is_killed,
    whoever_asks_a_run_to_stop_is_told_and_the_next_one_does_the_rest,
];

/// The full size takes minutes.
const FULL: bool = cfg!(feature = "real-servers");
const FIRST_LOAD: (u64, u32) = if FULL { (20_000, 50) } else { (4_000, 10) };
const CHANGES: (u64, u32) = if FULL { (5_000, 20) } else { (2_000, 8) };
const SERVER: (u64, u32) = if FULL { (2_000, 30) } else { (500, 10) };
/// On one state, before it is let come to its end.
const KILLS_IN_A_ROW: u32 = 5;
const SEED: u64 = 20_000;

fn company(users: u64) -> Company {
    Company { seed: SEED, users, groups: 40 }
}

fn a_first_load_survives_being_killed() {
    let (users, kills) = FIRST_LOAD;
    let export = Export::of(company(users));
    let fresh = || {
        let place = Place::with_manifest(&into_folder());
        export.write(&place);
        place
    };
    let alone = Undisturbed::of(&fresh());
    assert_eq!(alone.relations.len() as u64, company(users).active() + export.groups.len() as u64);
    assert_eq!(alone.documents.len(), alone.relations.len(), "a document for each relation");
    Killer::new(alone.took, kills).torment(fresh, |place| place, |_| (), |place| alone.assert_same(place));
}

fn changes_survive_being_killed() {
    let (users, kills) = CHANGES;
    let before = Export::of(company(users));
    let mut after = before.clone();
    for number in before.dismissable().iter().step_by(20) {
        after.dismiss(number);
    }
    for person in after.people.iter_mut().step_by(5) {
        person.title.push_str(" (acting)");
    }
    for _ in 0..users / 20 {
        let number = after.hire();
        after.groups[0].members.push(number);
    }
    let fresh = || {
        let place = Place::with_manifest(&into_folder());
        before.write(&place);
        place.run().assert_code(0);
        after.write(&place);
        place
    };
    let alone = Undisturbed::of(&fresh());
    assert_eq!(alone.relations.len(), after.in_scope().count() + after.groups.len());
    Killer::new(alone.took, kills).torment(fresh, |place| place, |_| (), |place| alone.assert_same(place));
}

fn a_server_gets_nothing_twice_from_a_client_that_is_killed() {
    let (users, kills) = SERVER;
    let export = Export::of(company(users));
    let fresh = || {
        let sink = Sink::start();
        let place = Place::with_manifest(&into_server(&sink));
        export.write(&place);
        (place, sink)
    };
    let alone = fresh();
    let begun = Instant::now();
    alone.0.run().assert_code(0);
    let took = begun.elapsed();
    let expected = by_name(&alone.1.kept());
    assert_eq!(expected.len(), export.in_scope().count() + export.groups.len());
    let check = |(place, sink): &(Place, Sink)| {
        let kept = sink.kept();
        let found = by_name(&kept);
        assert_eq!(found.len(), kept.resources.len(), "two resources of one name: {}", twice(&kept));
        assert_eq!(kept.creates, kept.resources.len(), "something was created and is not there any more");
        assert_same("resource", &expected, &found);
        let relations = relations(&place.path("provisor.db"));
        assert_eq!(relations.len(), kept.resources.len());
        for ((entity_type, source_id), relation) in &relations {
            let path = format!("{}/{}", if entity_type == "user" { "Users" } else { "Groups" }, relation.target_id);
            let resource =
                kept.resources.get(&path).unwrap_or_else(|| panic!("{entity_type} {source_id} is related to {path}, which is not there"));
            assert_eq!(resource["externalId"], source_id.as_str(), "{path}");
            assert!(!relation.existed_before, "{path} was made by a run, whichever it was");
        }
        assert_settled(place);
        assert_eq!(by_name(&sink.kept()), found, "a run with nothing to do changes nothing");
    };
    // What the server has and no run has noted yet: the moments this is about.
    let unnoted = Cell::new(0);
    let after_kill = |(place, sink): &(Place, Sink)| {
        let state = Connection::open_with_flags(place.path("provisor.db"), OpenFlags::SQLITE_OPEN_READ_ONLY);
        let noted = state.and_then(|state| state.query_row("SELECT count(*) FROM relations", [], |row| row.get(0)));
        // Killed early enough, there is no state to look into.
        let noted: i64 = noted.unwrap_or(0);
        unnoted.set(unnoted.get() + i64::try_from(sink.kept().resources.len()).expect("a small number") - noted);
    };
    Killer::new(took, kills).torment(fresh, |(place, _)| place, after_kill, check);
    assert!(unnoted.get() > 0, "no kill came between a create and its note");
}

fn whoever_asks_a_run_to_stop_is_told_and_the_next_one_does_the_rest() {
    let (users, kills) = FIRST_LOAD;
    let export = Export::of(company(users));
    let fresh = || {
        let place = Place::with_manifest(&into_folder());
        export.write(&place);
        place
    };
    let alone = Undisturbed::of(&fresh());
    let (mut stopped, mut part) = (0, 0);
    for number in 1..=kills / 2 {
        let place = fresh();
        let ended = place.run_asked_to_stop_at(alone.took * number / (kills / 2 + 1));
        // Asked before it listened, or when it was done already.
        if ended.code != Some(1) {
            continue;
        }
        stopped += 1;
        assert!(ended.stderr.contains("stopping after the page in hand"), "{}", ended.stderr);
        let report: Value = serde_json::from_str(&ended.stdout).expect("a report");
        assert_eq!((&report["status"], &report["error"]["code"]), (&"terminated".into(), &"run.stopped".into()), "{report}");
        assert!(report["deletions"].as_array().into_iter().flatten().all(|deletion| deletion["deleted"] == 0), "{report}");
        // What the report counts is there, and nothing else is.
        let created: u64 = ["user", "group"].iter().filter_map(|of| report["systems"]["directory"][of]["created"].as_u64()).sum();
        assert_eq!(created, relations(&place.path("provisor.db")).len() as u64, "{report}");
        part += u32::from(created > 0);
        let rest = place.run();
        rest.assert_code(0);
        alone.assert_same(&place);
    }
    assert!(stopped > 0 && part > 0, "{stopped} runs were stopped, {part} of them in the middle");
}

pub(crate) fn into_folder() -> String {
    format!(
        "state = \"provisor.db\"\n{}\n[systems.directory]\nrole = \"target\"\nconnector = \"file\"\nsources = [\"hr\"]\n\
         transformation = \"directory-write.json\"\nproperties = {{ \"file.target.path\" = \"out/\" }}\n",
        export::SOURCE
    )
}

fn into_server(sink: &Sink) -> String {
    format!(
        "state = \"provisor.db\"\n{}\n[systems.directory]\nrole = \"target\"\nconnector = \"scim\"\nsources = [\"hr\"]\n\
         transformation = \"scim-write.json\"\nproperties = {{ URL = \"http://{}\" }}\ngrants = {{ networks = [\"127.0.0.1/32\"] }}\n",
        export::SOURCE,
        sink.address
    )
}

/// Kills runs at random moments, so many times. The same seed draws the same moments, as shares of a run's length.
struct Killer {
    /// Of an undisturbed run, as far as is known.
    length: Duration,
    kills: u32,
    killed: u32,
    runs: u32,
}

impl Killer {
    fn new(length: Duration, kills: u32) -> Self {
        Self { length, kills, killed: 0, runs: 0 }
    }

    /// Until there were kills enough: a fresh state, a few killed runs, one that comes to its end, the check.
    fn torment<S>(mut self, fresh: impl Fn() -> S, place: impl Fn(&S) -> &Place, after_kill: impl Fn(&S), check: impl Fn(&S)) {
        while self.killed < self.kills {
            let state = fresh();
            let place = place(&state);
            let before = self.killed;
            let ended = loop {
                let enough = self.killed - before == KILLS_IN_A_ROW || self.killed == self.kills;
                match if enough { Some(place.run()) } else { self.attempt(place) } {
                    Some(ended) => break ended,
                    None => after_kill(&state),
                }
            };
            ended.assert_code(0);
            check(&state);
        }
    }

    /// Nothing where the run was killed.
    fn attempt(&mut self, place: &Place) -> Option<Ended> {
        self.runs += 1;
        assert!(self.runs < 20 * self.kills, "{} runs, and only {} could be killed before they ended", self.runs, self.killed);
        let mut hasher = DefaultHasher::new();
        (SEED, self.runs).hash(&mut hasher);
        let share = u32::try_from(hasher.finish() >> 48).expect("16 bits");
        let begun = Instant::now();
        let ended = place.run_killed_at(self.length * share / (1 << 16));
        if ended.code.is_some() {
            // The machine is less busy than it was, or little was left to do: the moments are drawn closer together.
            self.length = self.length.min(begun.elapsed().max(self.length / 2));
            return Some(ended);
        }
        self.killed += 1;
        None
    }
}

/// What a run leaves that nobody disturbed.
pub(crate) struct Undisturbed {
    documents: BTreeMap<String, String>,
    relations: BTreeMap<(String, String), Relation>,
    took: Duration,
}

/// A relation without what depends on when and in which order it was made.
#[derive(Debug, PartialEq)]
struct Relation {
    target_id: String,
    existed_before: bool,
    common_digest: Option<String>,
    target_digest: Option<String>,
}

impl Undisturbed {
    pub(crate) fn of(place: &Place) -> Self {
        let begun = Instant::now();
        place.run().assert_code(0);
        let took = begun.elapsed();
        assert_settled(place);
        Self { documents: documents(place), relations: relations(&place.path("provisor.db")), took }
    }

    pub(crate) fn assert_same(&self, place: &Place) {
        // First, because it also fills in digests that a deletion of something else had cleared, in whichever run that was.
        assert_settled(place);
        assert_same("relation", &self.relations, &relations(&place.path("provisor.db")));
        assert_same("document", &self.documents, &documents(place));
    }
}

/// No doubt is left, and a following run has nothing to do.
fn assert_settled(place: &Place) {
    let doubts: i64 = query(&place.path("provisor.db"), "SELECT count(*) FROM intents", |row| row.get(0)).remove(0);
    assert_eq!(doubts, 0, "creates are still in doubt");
    let ended = place.run();
    ended.assert_code(0);
    let report = ended.value();
    for entity_type in ["user", "group"] {
        let counts = &report["systems"]["directory"][entity_type];
        for count in ["created", "updated", "deleted", "failed"] {
            assert_eq!(counts[count], 0, "{entity_type} {count} in a run with nothing to do\n{ended}");
        }
    }
    assert_eq!(report["unresolved"], Value::Array(Vec::new()));
}

/// `user/E0000001.json` -> its text.
fn documents(place: &Place) -> BTreeMap<String, String> {
    // What a killed run was writing is put aside in a folder of its own and was never in its place.
    let listing = place.listing().into_iter().filter(|name| name.starts_with("out/") && !name.starts_with("out/.writing"));
    let names = listing.filter(|name| !["out/user", "out/group"].contains(&name.as_str()));
    names.map(|name| (name.trim_start_matches("out/").to_owned(), place.read(&name))).collect()
}

/// (entity type, source id) -> the rest.
fn relations(state: &Path) -> BTreeMap<(String, String), Relation> {
    let sql = "SELECT entity_type, source_id, target_id, existed_before, common_digest, target_digest FROM relations";
    let rows = query(state, sql, |row| {
        let relation =
            Relation { target_id: row.get(2)?, existed_before: row.get(3)?, common_digest: row.get(4)?, target_digest: row.get(5)? };
        Ok(((row.get(0)?, row.get(1)?), relation))
    });
    let count = rows.len();
    let relations = BTreeMap::from_iter(rows);
    assert_eq!(relations.len(), count, "a source entity is related once");
    let mut targets: Vec<_> = relations.iter().map(|((entity_type, _), relation)| (entity_type, &relation.target_id)).collect();
    targets.sort_unstable();
    targets.dedup();
    assert_eq!(targets.len(), count, "a target entity is related once");
    relations
}

fn query<T>(state: &Path, sql: &str, read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
    let connection = Connection::open_with_flags(state, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the state opens");
    let mut statement = connection.prepare(sql).expect("the views are there");
    statement.query_map([], read).and_then(Iterator::collect).expect("the rows are readable")
}

#[track_caller]
fn assert_same<K: Ord + Debug, V: PartialEq + Debug>(what: &str, expected: &BTreeMap<K, V>, found: &BTreeMap<K, V>) {
    let keys = expected.keys().chain(found.keys().filter(|key| !expected.contains_key(key)));
    let different: Vec<&K> = keys.filter(|key| expected.get(key) != found.get(key)).collect();
    let Some(first) = different.first() else { return };
    panic!(
        "{} of {} are not as an undisturbed run leaves them, first the {what} {first:?}:\n  expected {:?}\n  found    {:?}",
        different.len(),
        expected.len(),
        expected.get(first),
        found.get(first)
    );
}

/// The resources by what people call them, with the server's ids replaced by it: ids differ from one load to the next.
fn by_name(kept: &Kept) -> BTreeMap<String, String> {
    let names: HashMap<&str, String> = kept.resources.iter().map(|(path, resource)| (id_of(resource), name_of(path, resource))).collect();
    let renamed = |(path, resource): (&String, &Value)| {
        let mut resource = resource.clone();
        if let Some(resource) = resource.as_object_mut() {
            resource.remove("id");
        }
        let mut text = resource.to_string();
        for reference in references(&resource) {
            text = text.replace(&format!("\"value\":\"{reference}\""), &format!("\"value\":\"{}\"", names[reference]));
        }
        (names[id_of(&kept.resources[path])].clone(), text)
    };
    kept.resources.iter().map(renamed).collect()
}

fn references(resource: &Value) -> Vec<&str> {
    let manager = resource.pointer("/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager/value");
    let members = resource["members"].as_array().into_iter().flatten().map(|member| &member["value"]);
    members.chain(manager).filter_map(Value::as_str).collect()
}

fn id_of(resource: &Value) -> &str {
    resource["id"].as_str().expect("an id")
}

fn name_of(path: &str, resource: &Value) -> String {
    let attribute = if path.starts_with("Users/") { "userName" } else { "displayName" };
    resource[attribute].as_str().unwrap_or_else(|| panic!("{path} has no {attribute}")).to_owned()
}

fn twice(kept: &Kept) -> String {
    let mut names: Vec<String> = kept.resources.iter().map(|(path, resource)| name_of(path, resource)).collect();
    names.sort_unstable();
    names.chunk_by(|one, other| one == other).filter(|same| same.len() > 1).map(|same| same[0].as_str()).collect::<Vec<_>>().join(", ")
}
