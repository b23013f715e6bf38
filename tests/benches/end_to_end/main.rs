//! The whole data path on a made-up company: entities a second, peak memory and the time of every stage, at first load and in a second run with nothing to do.
//! `benches/README.md` says how to run it and how to read what it prints.
//!
//! Every run is the real command in a process of its own (this program again), so that sizes do not disturb each other and the peak of memory is the run's.

mod arguments;
mod child;
#[path = "../../src/generate.rs"]
mod generate;
mod place;
mod sink;
mod table;

use std::collections::BTreeMap;
use std::process::ExitCode;

use arguments::{Arguments, Route};
use child::Ran;
use generate::Company;
use place::{Inputs, Place};
use sink::Sink;
use table::Row;

/// Any; the same one always, so that figures can be compared.
const SEED: u64 = 1;

fn main() -> ExitCode {
    if child::is_command() {
        return child::command();
    }
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(help) => {
            eprintln!("{help}");
            return ExitCode::from(2);
        }
    };
    println!("{}", table::header());
    for users in &arguments.sizes {
        let company = Company { seed: SEED, users: *users, groups: users / 100 };
        for route in &arguments.routes {
            if arguments.leaves_out(*route, *users) {
                println!("{:<10} {users:>9}  left out: it takes minutes or many gigabytes of disk; --all includes it", route.name());
                continue;
            }
            let rounds: Vec<[Ran; 3]> = (0..arguments.repeat).map(|_| round(&company, *route)).collect();
            for (index, run) in ["first", "second", "third"].into_iter().enumerate() {
                let row = Row { route: *route, users: *users, run, entities: users + users / 100 };
                println!("{}", row.text(rounds.iter().map(|round| &round[index])));
            }
        }
    }
    ExitCode::SUCCESS
}

/// First load, a run with nothing to do, and one after one person in a hundred has changed, in a fresh place.
fn round(company: &Company, route: Route) -> [Ran; 3] {
    let sink = (route == Route::Scim).then(Sink::start);
    let inputs = Inputs::write(company);
    let place = Place::new(&inputs, route, sink.as_ref());
    let (entities, kept) = (company.users + company.groups, company.active() + company.groups);
    let first = place.run();
    check(&first, &[("read", entities), ("created", kept), ("failed", 0)]);
    let second = place.run();
    check(&second, &[("read", entities), ("created", 0), ("updated", 0), ("unchanged", kept), ("deleted", 0), ("failed", 0)]);
    let (later, changed) = Inputs::write_changed(company);
    inputs.replace_by(&later);
    let third = place.run();
    check(
        &third,
        &[("read", entities), ("created", 0), ("updated", changed), ("unchanged", kept - changed), ("deleted", 0), ("failed", 0)],
    );
    if let Some(sink) = sink {
        assert_eq!(sink.resources(), kept, "resources in the SCIM server");
    }
    [first, second, third]
}

/// A figure of a run that did something else is worth nothing.
fn check(ran: &Ran, expected: &[(&str, u64)]) {
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    for types in ran.report["systems"].as_object().into_iter().flatten().filter_map(|(_, types)| types.as_object()) {
        for (name, count) in types.values().filter_map(|counts| counts.as_object()).flatten() {
            *found.entry(name).or_default() += count.as_u64().unwrap_or_default();
        }
    }
    for (name, count) in expected {
        assert_eq!(found.get(name), Some(count), "{name}\n{}", ran.report);
    }
}
