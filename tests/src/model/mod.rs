//! The model test: sequences of source edits, target edits, failures, kills, edits of mappings and rules, and jobs of every kind, against a reference that says who must
//! exist where. See `tests/README.md` for how to run more of them and how to run one again.

mod check;
mod course;
mod deletions;
mod found;
mod host;
mod mortal;
mod reference;
mod steps;
mod world;

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::trials;

trials![sequences_of_a_fixed_seed, sequences_of_a_random_seed, sequences_that_were_found];

/// How many sequences each test runs.
const SEQUENCES: &str = "PROVISOR_MODEL_SEQUENCES";
/// The one sequence to run.
const SEED: &str = "PROVISOR_MODEL_SEED";
/// At most, unless the number is asked for.
const PATIENCE: Duration = Duration::from_secs(10);
const THREADS: u64 = 4;

fn sequences_of_a_fixed_seed() {
    run(1_000_000);
}

fn sequences_of_a_random_seed() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    run(now.as_secs() << 20);
}

fn sequences_that_were_found() {
    for (what, plan) in found::all() {
        course::follow(&plan).unwrap_or_else(|why| panic!("{what}: {why}"));
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

fn run(first: u64) {
    if let Some(seed) = number(SEED) {
        return one(seed).unwrap_or_else(|why| panic!("{why}"));
    }
    let asked = number(SEQUENCES);
    let (next, failed, began) = (AtomicU64::new(0), Mutex::new(None), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let enough = asked.map_or_else(|| began.elapsed() > PATIENCE, |asked| number >= asked);
                    if enough || failed.lock().expect("no panic").is_some() {
                        return;
                    }
                    if let Err(why) = one(first + number) {
                        failed.lock().expect("no panic").get_or_insert(why);
                    }
                }
            });
        }
    });
    if let Some(why) = failed.into_inner().expect("no panic") {
        panic!("{why}");
    }
    println!("model: {} sequences from seed {first} in {:?}", next.into_inner().saturating_sub(THREADS), began.elapsed());
}

/// One sequence; where it fails, the shortest that fails too.
fn one(seed: u64) -> Result<(), String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases: 1, failure_persistence: None, max_shrink_iters: 1500, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let outcome = runner.run(&steps::plan(), |plan| {
        let followed = std::panic::catch_unwind(AssertUnwindSafe(|| course::follow(&plan)));
        followed.unwrap_or_else(|_| Err("a panic, see above".into())).map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => Ok(()),
        Err(TestError::Fail(why, plan)) => {
            let steps: Vec<String> = plan.steps.iter().enumerate().map(|(number, step)| format!("{:3}. {step:?}", number + 1)).collect();
            let (setup, steps) = (&plan.setup, steps.join("\n"));
            Err(format!("the host and the reference differ ({SEED}={seed} runs this again):\n{why}\n\n{setup:#?}\n{steps}\n"))
        }
        Err(TestError::Abort(why)) => Err(why.message().to_owned()),
    }
}
