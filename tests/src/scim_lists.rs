//! SCIM services whose lists change, or come in pieces, while they are read: whole runs into a folder.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::place::{Ended, Place};
use crate::scim_kept::parameter;
use crate::scim_sink::{Mishap, Sink, refused};
use crate::trials;

trials![
    pages_that_shift_lose_nobody,
    pages_in_no_order_delete_nobody,
    cursors_are_followed_where_they_are_offered,
    slow_and_torn_answers_are_read_whole_or_again,
];

/// A place that reads from this server into a folder.
fn reading(sink: &Sink, properties: &str) -> Place {
    Place::with_manifest(&format!(
        "state = \"provisor.db\"\n[systems.scim]\nrole = \"source\"\nconnector = \"scim\"\ngrants = {{ networks = [\"127.0.0.1/32\"] }}\n\
         [systems.scim.properties]\nURL = \"http://{}\"\n\"ips.failed.request.retry.attempts.interval\" = 1\n{properties}\n\
         [systems.copy]\nrole = \"target\"\nconnector = \"file\"\nsources = [\"scim\"]\nproperties = {{ \"file.target.path\" = \"out/\" }}\n",
        sink.address
    ))
}

fn fill(sink: &Sink, users: usize) {
    sink.change(|kept| (0..users).for_each(|number| _ = kept.create("Users", json!({ "userName": format!("u{number}") }))));
}

/// [created, updated, deleted] of users in the copy.
fn copied(ended: &Ended) -> [u64; 3] {
    let counts = &ended.value()["systems"]["copy"]["user"];
    ["created", "updated", "deleted"].map(|name| counts[name].as_u64().unwrap_or_else(|| panic!("{ended}")))
}

fn pages_that_shift_lose_nobody() {
    // The first user goes whenever a page was sent, and a new one comes at the end, so that the total stays.
    let pages = AtomicUsize::new(0);
    let sink = Sink::with_manners(move |asked, kept| {
        (asked.method == "GET" && asked.path == "Users").then(|| {
            let page = kept.page(asked, 10);
            if pages.fetch_add(1, Ordering::SeqCst) < 5 {
                kept.resources.pop_first();
                let number = pages.load(Ordering::SeqCst);
                let _ = kept.create("Users", json!({ "userName": format!("new{number}") }));
            }
            page
        })
    });
    fill(&sink, 45);
    let place = reading(&sink, "");
    let ended = place.run();
    ended.assert_code(0);
    let there: BTreeSet<String> =
        place.listing().into_iter().filter(|path| path.starts_with("out/user/")).map(|path| place.read(&path)).collect();
    for (_, user) in sink.kept().of("Users") {
        let name = user["userName"].as_str().expect("a name");
        assert!(there.iter().any(|document| document.contains(&format!("\"{name}\""))), "{name} is missing");
    }
    // Who went meanwhile is found to be gone by the next read, and nobody else.
    let again = place.run();
    again.assert_code(0);
    let [created, updated, deleted] = copied(&again);
    assert_eq!((created, updated), (0, 0), "{again}");
    assert_eq!(there.len() as u64 - deleted, 45, "{again}");
}

fn pages_in_no_order_delete_nobody() {
    let (turn, orderly) = (AtomicUsize::new(0), Arc::new(Mutex::new(true)));
    let keeps = orderly.clone();
    let sink = Sink::with_manners(move |asked, kept| {
        (asked.method == "GET" && asked.path == "Users").then(|| {
            let (status, fields, list) = kept.page(asked, 10);
            if *keeps.lock().expect("no test panics with the lock") {
                return (status, fields, list);
            }
            // Each page is ten others, who were perhaps sent before.
            let mut list = list.expect("a list");
            let all: Vec<Value> = kept.list("Users", "")["Resources"].as_array().expect("resources").clone();
            let first = turn.fetch_add(1, Ordering::SeqCst) * 17;
            let length = list["Resources"].as_array().expect("resources").len();
            list["Resources"] = (0..length).map(|number| all[(first + number * 3) % all.len()].clone()).collect();
            (status, fields, Some(list))
        })
    });
    fill(&sink, 60);
    let place = reading(&sink, "");
    assert_eq!(copied(place.run().assert_code(0)), [60, 0, 0]);
    *orderly.lock().expect("no test panics with the lock") = false;
    let ended = place.run();
    assert_eq!(copied(&ended)[2], 0, "{ended}");
    assert!(ended.stdout.contains("the list may not be complete"), "{ended}");
    *orderly.lock().expect("no test panics with the lock") = true;
    assert_eq!(copied(place.run().assert_code(0)), [0, 0, 0]);
}

fn cursors_are_followed_where_they_are_offered() {
    let sink = Sink::with_manners(|asked, kept| match (asked.method, asked.path) {
        ("GET", "ServiceProviderConfig") => {
            let config = json!({ "patch": { "supported": false }, "filter": { "supported": true }, "pagination": { "cursor": true, "index": false } });
            Some((200, String::new(), Some(config)))
        }
        ("GET", "Users" | "Groups") if parameter(asked.query, "cursor").is_none() => refused(400, "pages have cursors"),
        ("GET", "Users") => {
            let page = kept.page(asked, 10);
            kept.resources.pop_first();
            Some(page)
        }
        _ => None,
    });
    fill(&sink, 45);
    let place = reading(&sink, "");
    assert_eq!(copied(place.run().assert_code(0)), [45, 0, 0]);
}

fn slow_and_torn_answers_are_read_whole_or_again() {
    let lists = AtomicUsize::new(0);
    let sink = Sink::with_mishaps(move |method, path| {
        (method == "GET" && path.starts_with("/Users")).then(|| lists.fetch_add(1, Ordering::SeqCst)).and_then(|number| match number {
            0 => Some(Mishap::Torn),
            1 => Some(Mishap::Slow(Duration::from_millis(1500))),
            _ => None,
        })
    });
    fill(&sink, 45);
    let place = reading(&sink, "");
    assert_eq!(copied(place.run().assert_code(0)), [45, 0, 0]);
}
