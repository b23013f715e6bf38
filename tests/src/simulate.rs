//! A simulation says what the run that follows says, and changes no file: seen on every step of every case in `cases/` that runs a manifest.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::cases;
use crate::place::{MANIFEST, Place};

/// Where the answer of the real call is needed: a target that cannot be read by id and is not found by what it was renamed to, that makes its ids of names, or that refuses.
const ONLY_THE_TARGET_KNOWS: [&str; 4] = ["forbidden-is-not-retried", "gone-from-the-target", "names-in-another-order", "renamed-user"];

/// One test a case.
pub(crate) fn trials() -> Vec<Trial> {
    let known = |case: &Path| case.file_name().is_some_and(|name| ONLY_THE_TARGET_KNOWS.iter().any(|one| name == *one));
    // A delta read is not simulated: a simulation reads everything.
    let delta = |case: &Path| fs::read_to_string(case.join(MANIFEST)).is_ok_and(|manifest| manifest.contains("ips.delta.read"));
    let fit = |case: &PathBuf| !case.join("error.txt").exists() && !case.join("command.txt").exists() && !known(case) && !delta(case);
    let cases = cases::all().into_iter().filter(fit);
    let name = |case: &Path| format!("simulate::{}", case.file_name().unwrap_or_default().display());
    cases.map(|case| Trial::test(name(&case), move || follow(&case))).collect()
}

fn follow(case: &Path) -> Result<(), Failed> {
    let place = Place::new();
    for number in 1.. {
        let folder = if number == 1 { case.to_owned() } else { case.join(number.to_string()) };
        if !folder.is_dir() {
            break;
        }
        cases::lay_out(&place, &folder)?;
        let arguments = cases::command(&folder);
        let mut words: Vec<&str> = arguments.split_whitespace().filter(|word| *word != "--json").collect();
        let ends_of_order = match words.first() {
            // It reads nothing, so there is nothing to simulate.
            Some(&"run") if !arguments.contains("--accept-deletions") => ["simulate", "--json"].as_slice(),
            Some(&"resync") => ["simulate", "--resync", "--json"].as_slice(),
            _ => {
                place.command(&arguments.split_whitespace().collect::<Vec<_>>());
                continue;
            }
        };
        words.splice(0..1, ends_of_order.iter().copied());
        let before = contents(place.folder());
        let simulated = place.command(&words);
        if contents(place.folder()) != before {
            return Err(format!("step {number}: the simulation changed a file\n{simulated}").into());
        }
        let run = place.command(&arguments.split_whitespace().collect::<Vec<_>>());
        if simulated.code != run.code {
            return Err(format!("step {number}: the codes differ\nsimulated {simulated}\nrun {run}").into());
        }
        let (said, done): (Vec<_>, Vec<_>) = (simulated.values().iter().map(essence).collect(), run.values().iter().map(essence).collect());
        if said != done {
            return Err(format!("step {number}: simulated\n{said:#?}\nrun\n{done:#?}\n{simulated}\n{run}").into());
        }
    }
    Ok(())
}

/// What both must say: the numbers, what is decided about deletions, who fails and why.
fn essence(report: &Value) -> Value {
    let failures = report["failures"].as_array().into_iter().flatten();
    let mut failures: Vec<String> = failures.map(|failure| format!("{} {}", failure["entity"], failure["code"])).collect();
    failures.sort();
    serde_json::json!({ "systems": report["systems"], "deletions": report["deletions"], "failures": failures, "status": report["status"] })
}

/// Every file with its bytes.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        found.insert(folder.clone(), Vec::new());
        for entry in fs::read_dir(&folder).expect("a folder is listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).expect("a file is read");
                found.insert(path, bytes);
            }
        }
    }
    found
}
