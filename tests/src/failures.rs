//! A SCIM server with which things go wrong in every way that passes, and in some that do not: what is there in the end, and nothing twice.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::export::{self, Export};
use crate::generate::Company;
use crate::place::{Ended, Place};
use crate::scim_sink::{Mishap, Sink};
use crate::trials;

trials![
    too_many_requests_are_tried_again_when_the_server_says,
    a_server_that_refuses_some_writes_gets_everything_once,
    creates_without_an_answer_are_looked_for_and_never_sent_twice,
    a_server_that_goes_away_is_waited_for_and_the_run_goes_on,
    a_server_that_stays_away_is_given_up_and_nothing_is_done_twice_later,
    when_everything_fails_the_run_stops_writing,
    without_attempts_every_failure_counts_at_once,
    requests_keep_to_the_pace_the_operator_set,
    a_source_that_stumbles_is_read_to_the_end,
    a_source_that_stays_away_deletes_nobody,
];

const USERS: u64 = 40;

fn export() -> Export {
    Export::of(Company { seed: 11, users: USERS, groups: 3 })
}

/// A place whose target is this server. `more` is added to the target's table.
fn place(sink: &Sink, properties: &str, more: &str) -> Place {
    let place = Place::with_manifest(&format!(
        "state = \"provisor.db\"\n{}\n[systems.directory]\nrole = \"target\"\nconnector = \"scim\"\nsources = [\"hr\"]\n\
         transformation = \"scim-write.json\"\ngrants = {{ networks = [\"127.0.0.1/32\"] }}\n{more}\n\
         [systems.directory.properties]\nURL = \"http://{}\"\n{properties}\n",
        export::SOURCE,
        sink.address
    ));
    export().write(&place);
    place
}

/// At most a second between two attempts.
const SOON: &str = "\"ips.failed.request.retry.attempts\" = 3\n\"ips.failed.request.retry.attempts.interval\" = 1";

fn counts(ended: &Ended, entity_type: &str) -> Value {
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("a report: {}\n{}", ended.stdout, ended.stderr));
    report["systems"]["directory"][entity_type].clone()
}

/// Everybody who should be there is, once, and a run that follows has nothing to do.
fn assert_all_there(place: &Place, sink: &Sink) {
    let (export, kept) = (export(), sink.kept());
    let expected: HashSet<String> = export.in_scope().map(|person| person.employee_number.clone()).collect();
    let found: Vec<&str> = kept.of("Users").filter_map(|(_, user)| user["externalId"].as_str()).collect();
    assert_eq!(found.len(), expected.len(), "one account for each: {found:?}");
    assert_eq!(found.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>(), expected);
    assert_eq!(kept.of("Groups").count(), export.groups.len());
    assert_eq!(kept.creates, kept.resources.len(), "nothing was created twice");
    let again = place.run();
    again.assert_code(0);
    for entity_type in ["user", "group"] {
        let counts = counts(&again, entity_type);
        assert_eq!((&counts["created"], &counts["updated"], &counts["failed"]), (&0.into(), &0.into(), &0.into()), "{counts}");
    }
}

fn too_many_requests_are_tried_again_when_the_server_says() {
    // A date is measured against the answer's own, so it need not be today's.
    let seconds = "retry-after: 2\r\n";
    let date = "date: Wed, 21 Oct 2015 07:27:58 GMT\r\nretry-after: Wed, 21 Oct 2015 07:28:00 GMT\r\n";
    for header in [seconds, date] {
        let refused = AtomicUsize::new(0);
        let sink = Sink::with_mishaps(move |method, _| {
            (method == "POST" && refused.fetch_add(1, Ordering::SeqCst) < 7).then(|| Mishap::Refused(429, header.to_owned()))
        });
        let place = place(&sink, SOON, "");
        let begun = Instant::now();
        let ended = place.run();
        ended.assert_code(0);
        assert!(begun.elapsed() >= Duration::from_secs(2), "the server was not waited for");
        assert_eq!(counts(&ended, "user")["failed"], 0);
        assert_all_there(&place, &sink);
    }
}

fn a_server_that_refuses_some_writes_gets_everything_once() {
    let met = Mutex::new(0_u32);
    // One of four writes is refused before anything is done.
    let sink = Sink::with_mishaps(move |method, _| {
        let mut met = met.lock().expect("no test panics with the lock");
        *met += u32::from(method != "GET");
        (method != "GET" && met.is_multiple_of(4)).then(|| Mishap::Refused(503, String::new()))
    });
    let place = place(&sink, SOON, "");
    // Requests overtake each other, so somebody may be refused every time; the next run, for whom nothing changed, gets them through.
    let mut ended = place.run();
    for _ in 0..5 {
        if ended.code == Some(4) {
            ended = place.run();
        }
    }
    ended.assert_code(0);
    assert_all_there(&place, &sink);
}

fn creates_without_an_answer_are_looked_for_and_never_sent_twice() {
    for torn in [false, true] {
        let posts = AtomicUsize::new(0);
        let sink = Sink::with_mishaps(move |method, _| {
            let third = method == "POST" && posts.fetch_add(1, Ordering::SeqCst).is_multiple_of(3);
            third.then_some(if torn { Mishap::Torn } else { Mishap::DoneUnanswered })
        });
        let place = place(&sink, SOON, "");
        let ended = place.run();
        ended.assert_code(0);
        assert_eq!(counts(&ended, "user")["created"], export().in_scope().count(), "what was found was made by this run");
        assert_all_there(&place, &sink);
    }
}

fn a_server_that_goes_away_is_waited_for_and_the_run_goes_on() {
    let (writes, away) = (AtomicUsize::new(0), Mutex::new(None::<Instant>));
    let sink = Sink::with_mishaps(move |method, _| {
        let mut away = away.lock().expect("no test panics with the lock");
        if method != "GET" && writes.fetch_add(1, Ordering::SeqCst) == 5 {
            *away = Some(Instant::now() + Duration::from_secs(3));
        }
        away.is_some_and(|until| Instant::now() < until).then(|| Mishap::Refused(503, String::new()))
    });
    let place = place(&sink, SOON, "");
    let ended = place.run();
    ended.assert_code(0);
    assert!(ended.stderr.contains("is away") && ended.stderr.contains("is back"), "{}", ended.stderr);
    assert_all_there(&place, &sink);
}

fn a_server_that_stays_away_is_given_up_and_nothing_is_done_twice_later() {
    let (writes, repaired) = (AtomicUsize::new(0), std::sync::Arc::new(AtomicUsize::new(0)));
    let works = repaired.clone();
    let sink = Sink::with_mishaps(move |method, _| {
        let broken = works.load(Ordering::SeqCst) == 0 && (writes.load(Ordering::SeqCst) >= 5);
        if method != "GET" {
            writes.fetch_add(1, Ordering::SeqCst);
        }
        broken.then_some(Mishap::DoneUnanswered)
    });
    let place = place(&sink, SOON, "failures = { max-outage = \"2 s\" }\nlimits = { concurrency = 1 }");
    let ended = place.run();
    ended.assert_code(1);
    let report: Value = serde_json::from_str(&ended.stdout).expect("a report");
    assert_eq!(report["error"]["code"], "target.away", "{report}");
    repaired.store(1, Ordering::SeqCst);
    place.run().assert_code(0);
    assert_all_there(&place, &sink);
}

fn when_everything_fails_the_run_stops_writing() {
    let posts = std::sync::Arc::new(AtomicUsize::new(0));
    let count = posts.clone();
    let sink = Sink::with_mishaps(move |method, _| {
        (method == "POST").then(|| {
            count.fetch_add(1, Ordering::SeqCst);
            Mishap::Refused(400, String::new())
        })
    });
    let place = place(&sink, SOON, "failures = { max-count = 5, max-percent = 20 }\n");
    let page = place.read("provisor.toml").replace("role = \"source\"", "role = \"source\"\npage-size = 4");
    place.write("provisor.toml", &page);
    let ended = place.run();
    ended.assert_code(1);
    let report: Value = serde_json::from_str(&ended.stdout).expect("a report");
    assert_eq!(report["error"]["code"], "target.too-many-failures", "{report}");
    assert!(posts.load(Ordering::SeqCst) < 20, "{} of {USERS} were tried", posts.load(Ordering::SeqCst));
    assert_eq!(sink.kept().creates, 0);
}

fn without_attempts_every_failure_counts_at_once() {
    let refused = AtomicUsize::new(0);
    let sink = Sink::with_mishaps(move |method, _| {
        (method == "POST" && refused.fetch_add(1, Ordering::SeqCst) < 3).then(|| Mishap::Refused(429, "retry-after: 100\r\n".to_owned()))
    });
    let place = place(&sink, "\"ips.failed.request.retry.attempts\" = 0", "");
    let ended = place.run();
    ended.assert_code(4);
    assert_eq!(counts(&ended, "user")["failed"], 3);
    // A failed entity is tried again although nothing changed at the source.
    place.run().assert_code(0);
    assert_all_there(&place, &sink);
}

fn requests_keep_to_the_pace_the_operator_set() {
    let sink = Sink::start();
    let place = place(&sink, SOON, "limits = { requests-per-second = 20, concurrency = 2 }");
    place.run().assert_code(0);
    assert!(sink.most_at_once() <= 2, "{} at once", sink.most_at_once());
    // A second's worth may go at once after a rest, and then one in every twentieth of a second.
    let most = sink.most_within(Duration::from_millis(900));
    assert!(most <= 40, "{most} in less than a second");
    assert_all_there(&place, &sink);
}

/// A place that reads from this server.
fn reading(sink: &Sink, more: &str) -> Place {
    let place = Place::with_manifest(&format!(
        "state = \"provisor.db\"\n[systems.scim]\nrole = \"source\"\nconnector = \"scim\"\ngrants = {{ networks = [\"127.0.0.1/32\"] }}\n{more}\n\
         [systems.scim.properties]\nURL = \"http://{}\"\n{SOON}\n\
         [systems.copy]\nrole = \"target\"\nconnector = \"file\"\nsources = [\"scim\"]\nproperties = {{ \"file.target.path\" = \"out/\" }}\n",
        sink.address
    ));
    place.write("out/.keep", "");
    place
}

fn fill(sink: &Sink) {
    for number in 0..5 {
        let body = format!(r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"u{number}"}}"#);
        crate::http::exchange(sink.address, "POST", "/Users", &[], &body).expect("the sink answers");
    }
}

fn a_source_that_stumbles_is_read_to_the_end() {
    let lists = AtomicUsize::new(0);
    let sink = Sink::with_mishaps(move |method, path| {
        if method != "GET" || !path.starts_with("/Users") {
            return None;
        }
        match lists.fetch_add(1, Ordering::SeqCst) {
            0 => Some(Mishap::Refused(429, "retry-after: 1\r\n".to_owned())),
            1 => Some(Mishap::Refused(503, String::new())),
            2 => Some(Mishap::DoneUnanswered),
            3 => Some(Mishap::Torn),
            _ => None,
        }
    });
    fill(&sink);
    let place = reading(&sink, "");
    let ended = place.run();
    ended.assert_code(0);
    let report: Value = serde_json::from_str(&ended.stdout).expect("a report");
    assert_eq!(report["systems"]["copy"]["user"]["created"], 5, "{report}");
}

fn a_source_that_stays_away_deletes_nobody() {
    let away = std::sync::Arc::new(AtomicUsize::new(0));
    let is_away = away.clone();
    let sink = Sink::with_mishaps(move |_, path| {
        (path.starts_with("/Users") && is_away.load(Ordering::SeqCst) == 1).then(|| Mishap::Refused(503, String::new()))
    });
    fill(&sink);
    let place = reading(&sink, "failures = { max-outage = \"1 s\" }");
    place.run().assert_code(0);
    away.store(1, Ordering::SeqCst);
    place.run().assert_code(1);
    away.store(0, Ordering::SeqCst);
    let ended = place.run();
    ended.assert_code(0);
    let report: Value = serde_json::from_str(&ended.stdout).expect("a report");
    assert_eq!((&report["systems"]["copy"]["user"]["unchanged"], &report["systems"]["copy"]["user"]["deleted"]), (&5.into(), &0.into()));
}
