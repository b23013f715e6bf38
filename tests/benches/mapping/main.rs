//! The mapping side by side, over the same users and the same page: natively, as a component in the host's sandbox, as a component without interruption checks, and
//! the same work by hand over `serde_json::Value`. `benches/README.md` says how to read the figures.

mod component;
mod group;
mod naive;
mod native;
mod unchecked;
#[path = "../../../plugins/mapping/benches/fixture/mod.rs"]
mod users;

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};

use component::Component;
use native::Native;
use serde_json::Value;
use unchecked::Unchecked;

/// Entities of a page.
const PAGE: usize = 128;
/// Measurements of either kind, one after the other in turn, so that whatever else the machine does meets both.
const ROUNDS: usize = 61;

/// One thing to measure: a transformation and a page.
struct Case {
    name: &'static str,
    entity_type: &'static str,
    transformation: &'static str,
    page: Vec<String>,
    /// How often the page is mapped in one measurement.
    times: u32,
}

fn main() {
    // With a filter or an option it is criterion's figures that are wanted, or a profile: the ratio would only be in the way.
    let all = std::env::args().skip(1).all(|argument| argument == "--bench");
    let mut criterion = Criterion::default().configure_from_args();
    let cases = [
        Case {
            name: "users",
            entity_type: "user",
            transformation: users::TRANSFORMATION,
            page: (0..PAGE).map(users::user).collect(),
            times: 16,
        },
        Case {
            name: "group of 10000 members",
            entity_type: "group",
            transformation: group::TRANSFORMATION,
            page: vec![group::group(10_000)],
            times: 4,
        },
    ];
    for case in &cases {
        let (mut native, mut component) = (Native::open(case), Component::open(case));
        let mut unchecked = Unchecked::open(case);
        assert_eq!(native.documents(), component.documents(), "both are the same code");
        assert_eq!(native.documents(), unchecked.documents(), "all are the same code");
        let values =
            |documents: Vec<String>| -> Vec<Value> { documents.iter().map(|text| serde_json::from_str(text).expect("JSON")).collect() };
        assert_eq!(values(native.documents()), values(naive::documents(case.entity_type, &case.page)), "the same is computed");
        let mut group = criterion.benchmark_group(case.name);
        group.throughput(Throughput::Elements(case.page.len() as u64));
        group.bench_function("native", |bencher| bencher.iter(|| native.apply()));
        group.bench_function("component", |bencher| bencher.iter(|| component.apply()));
        group.bench_function("component without interruption checks", |bencher| bencher.iter(|| unchecked.apply()));
        group.bench_function("by hand over serde_json::Value", |bencher| bencher.iter(|| naive::apply(case.entity_type, &case.page)));
        group.finish();
        if all {
            side_by_side(case, &mut native, &mut component, &mut unchecked);
        }
    }
    criterion.final_summary();
}

/// Measure all in turn and print the medians and their ratios to the first.
fn side_by_side(case: &Case, native: &mut Native, component: &mut Component, unchecked: &mut Unchecked) {
    let mut times: [Vec<Duration>; 4] = Default::default();
    for _ in 0..ROUNDS {
        times[0].push(took(case, || native.apply()));
        times[1].push(took(case, || component.apply()));
        times[2].push(took(case, || unchecked.apply()));
        times[3].push(took(case, || naive::apply(case.entity_type, &case.page)));
    }
    let each =
        |time: Duration| time.as_secs_f64() * 1e6 / f64::from(u32::try_from(case.page.len()).unwrap_or(u32::MAX)) / f64::from(case.times);
    let medians = times.map(median);
    println!("{}:", case.name);
    for (name, time) in ["native", "component", "component without checks", "by hand over serde_json"].into_iter().zip(medians) {
        let ratio = time.as_secs_f64() / medians[0].as_secs_f64();
        println!("  {name:<24} {:>10.2} us an entity {:>9.0}/s  {ratio:.2} of native", each(time), 1e6 / each(time));
    }
    println!();
}

fn took(case: &Case, mut apply: impl FnMut()) -> Duration {
    let begun = Instant::now();
    (0..case.times).for_each(|_| apply());
    begun.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
