//! The tests that are folders: `cases/<name>/`. `tests/README.md` says what may be in one.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};

use crate::guests;
use crate::matching::{Matches, difference};
use crate::place::{Ended, MANIFEST, Place};
use crate::template;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");

/// What a step says about its run. Everything else in its folder is input.
const EXPECTED_JSON: &str = "expected.json";
const EXPECTED_TEXT: &str = "expected.txt";
const EXPECTED_FILES: &str = "expected";
const ERROR: &str = "error.txt";
const EXIT: &str = "exit.txt";
const COMMAND: &str = "command.txt";
const INPUT: &str = "stdin.txt";
const REMOVE: &str = "remove.txt";
const GUESTS: &str = "guests.txt";
/// Written into the place under the name without it.
const TEMPLATE: &str = "template";

/// One test a folder.
pub(crate) fn trials() -> Vec<Trial> {
    let name = |case: &Path| format!("cases::{}", case.file_name().unwrap_or_default().display());
    all().into_iter().map(|case| Trial::test(name(&case), move || run(&case))).collect()
}

/// The folders of all cases.
pub(crate) fn all() -> Vec<PathBuf> {
    let mut cases = folders(Path::new(CASES));
    cases.sort();
    cases
}

fn folders(of: &Path) -> Vec<PathBuf> {
    entries(of).into_iter().filter(|path| path.is_dir()).collect()
}

fn entries(of: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(of).unwrap_or_else(|error| panic!("{}: {error}", of.display()));
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn run(case: &Path) -> Result<(), Failed> {
    let place = Place::new();
    step(&place, case).map_err(|why| format!("first step: {why}"))?;
    for number in 2.. {
        let folder = case.join(number.to_string());
        if !folder.is_dir() {
            return Ok(());
        }
        step(&place, &folder).map_err(|why| format!("step {number}: {why}"))?;
    }
    Ok(())
}

fn step(place: &Place, folder: &Path) -> Result<(), String> {
    lay_out(place, folder)?;
    let before = place.listing();
    let command = command(folder);
    let arguments: Vec<&str> = command.split_whitespace().collect();
    let ended = place.command_with_input(&arguments, &fs::read(folder.join(INPUT)).unwrap_or_default());
    check(place, folder, &before, &ended).map_err(|why| format!("{why}\n{ended}"))
}

/// Put what a step brings into the place.
pub(crate) fn lay_out(place: &Place, folder: &Path) -> Result<(), String> {
    for name in lines(&folder.join(GUESTS)) {
        let guest = guests::named(&name).ok_or_else(|| format!("there is no guest {name}"))?;
        place.plugin(guest.name, &guest.bytes());
    }
    for path in lines(&folder.join(REMOVE)) {
        fs::remove_file(place.path(&path)).map_err(|error| format!("{path}: {error}"))?;
    }
    for entry in entries(folder) {
        if is_input(&entry) {
            lay(&entry, &place.folder().join(entry.file_name().unwrap_or_default()));
        }
    }
    Ok(())
}

/// The arguments of a step.
pub(crate) fn command(folder: &Path) -> String {
    fs::read_to_string(folder.join(COMMAND)).unwrap_or_else(|_| format!("run --json {MANIFEST}"))
}

fn is_input(entry: &Path) -> bool {
    let name = entry.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_step = name.parse::<u32>().is_ok();
    !is_step && ![EXPECTED_JSON, EXPECTED_TEXT, EXPECTED_FILES, ERROR, EXIT, COMMAND, INPUT, REMOVE, GUESTS].contains(&name)
}

/// Put a file or a folder of the case into the place, over what is there.
fn lay(from: &Path, to: &Path) {
    if from.is_dir() {
        if to.is_file() {
            fs::remove_file(to).expect("a file gives way");
        }
        fs::create_dir_all(to).expect("a folder was made");
        for entry in entries(from) {
            lay(&entry, &to.join(entry.file_name().unwrap_or_default()));
        }
    } else if from.extension().is_some_and(|extension| extension == TEMPLATE) {
        let text = fs::read_to_string(from).expect("a template is text");
        fs::write(to.with_extension(""), template::fill(&text)).expect("a file was written");
    } else {
        fs::copy(from, to).expect("a file was copied");
    }
}

fn check(place: &Place, folder: &Path, before: &[String], ended: &Ended) -> Result<(), String> {
    let errors = lines(&folder.join(ERROR));
    let code = match fs::read_to_string(folder.join(EXIT)) {
        Ok(code) => code.trim().parse().map_err(|_| format!("{EXIT} holds no number"))?,
        Err(_) if errors.is_empty() => 0,
        Err(_) => 2,
    };
    if ended.code != Some(code) {
        return Err(format!("it should have ended with code {code}"));
    }
    for (stream, name, expected) in [(&ended.stderr, "error", errors), (&ended.stdout, "output", lines(&folder.join(EXPECTED_TEXT)))] {
        if let Some(line) = expected.iter().find(|line| !stream.contains(line.as_str())) {
            return Err(format!("not on standard {name}: {line}"));
        }
    }
    // Wrong input is refused before anything is done.
    if code == 2 && place.listing() != before {
        return Err(format!("something was written: before {before:?}, now {:?}", place.listing()));
    }
    if let Ok(text) = fs::read_to_string(folder.join(EXPECTED_JSON)) {
        let expected = serde_json::from_str(&text).map_err(|error| format!("{EXPECTED_JSON}: {error}"))?;
        Matches::stream(&expected, &ended.values())?;
    }
    let expected = folder.join(EXPECTED_FILES);
    if expected.is_dir() {
        for entry in entries(&expected) {
            difference(&entry, &place.folder().join(entry.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}

/// The lines of a file that say something; none where there is no file.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}
