//! A state that cannot be written, because the disk is full or somebody holds it: the run says so and ends, what was committed stays, and the next run does the rest.

use std::fs;
use std::time::Duration;

use rusqlite::Connection;

use crate::export::Export;
use crate::generate::Company;
use crate::kill::{Undisturbed, into_folder};
use crate::place::{Ended, Place};
use crate::trials;

trials![
    a_disk_that_fills_costs_nothing_that_was_committed,
    a_state_that_somebody_holds_is_refused,
    a_state_that_is_taken_away_ends_the_run
];

/// Of the company; enough for the state to be many times as large as when it is empty.
const USERS: u64 = 600;

const STATE: &str = "provisor.db";

fn fresh() -> Place {
    let place = Place::with_manifest(&into_folder());
    Export::of(Company { seed: 31, users: USERS, groups: 12 }).write(&place);
    place
}

/// It ended with an error of the state, and said which.
#[track_caller]
fn assert_state_failed(ended: &Ended, codes: &[&str]) {
    assert!(matches!(ended.code, Some(1 | 3)), "{ended}");
    let said = |code: &&str| ended.stderr.contains(*code) || ended.stdout.contains(*code);
    assert!(codes.iter().any(said), "none of {codes:?} was said\n{ended}");
}

/// The next run, undisturbed, does the rest.
#[track_caller]
fn assert_nothing_lost(alone: &Undisturbed, place: &Place) {
    place.run().assert_code(0);
    alone.assert_same(place);
}

fn a_disk_that_fills_costs_nothing_that_was_committed() {
    let whole = fresh();
    let alone = Undisturbed::of(&whole);
    let blocks = fs::metadata(whole.path(STATE)).expect("a state").len() / 512;
    let mut failed = 0;
    // From a disk on which the state can hardly be made to one on which it nearly fits.
    for eighth in [1, 3, 5, 7] {
        let place = fresh();
        for _ in 0..2 {
            let ended = place.run_with_files_up_to(blocks * eighth / 8);
            if ended.code == Some(0) {
                break;
            }
            failed += 1;
            assert_state_failed(&ended, &["state.full", "state.write", "state.open", "state.read"]);
        }
        assert_nothing_lost(&alone, &place);
    }
    assert!(failed > 2, "the disk was full {failed} times only");
}

fn a_state_that_somebody_holds_is_refused() {
    let alone = Undisturbed::of(&fresh());
    let place = fresh();
    place.run().assert_code(0);
    let shell = Connection::open(place.path(STATE)).expect("the state opens");
    shell.execute_batch("BEGIN IMMEDIATE").expect("it is free");
    let ended = place.run();
    ended.assert_code(3);
    assert_state_failed(&ended, &["state.write"]);
    ended.assert_error(&["another program"]);
    shell.execute_batch("ROLLBACK").expect("it was held");
    drop(shell);
    assert_nothing_lost(&alone, &place);
}

fn a_state_that_is_taken_away_ends_the_run() {
    let alone = Undisturbed::of(&fresh());
    let place = fresh();
    let ended = std::thread::scope(|scope| {
        let run = scope.spawn(|| place.run());
        // As soon as something is committed.
        let shell = loop {
            assert!(!run.is_finished(), "the run ended before it could be disturbed");
            let committed = |state: &Connection| state.query_row("SELECT count(*) FROM relations", [], |row| row.get::<_, i64>(0));
            if let Ok(state) = Connection::open(place.path(STATE))
                && committed(&state).is_ok_and(|count| count > 0)
            {
                break state;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        shell.busy_timeout(Duration::from_secs(30)).expect("a timeout");
        shell.execute_batch("BEGIN IMMEDIATE").expect("the run leaves gaps");
        let ended = run.join().expect("no panic");
        shell.execute_batch("ROLLBACK").expect("it was held");
        ended
    });
    assert_state_failed(&ended, &["state.write"]);
    assert_nothing_lost(&alone, &place);
}
