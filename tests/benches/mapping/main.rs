//! The mapping, natively and as a component, side by side: the same engine, the same users, the same page. `benches/README.md` says how to read the figures.

mod component;
mod group;
mod native;
#[path = "../../../plugins/mapping/benches/fixture/mod.rs"]
mod users;

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};

use component::Component;
use native::Native;

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
        assert_eq!(native.documents(), component.documents(), "both are the same code");
        let mut group = criterion.benchmark_group(case.name);
        group.throughput(Throughput::Elements(case.page.len() as u64));
        group.bench_function("native", |bencher| bencher.iter(|| native.apply()));
        group.bench_function("component", |bencher| bencher.iter(|| component.apply()));
        group.finish();
        if all {
            side_by_side(case, &mut native, &mut component);
        }
    }
    criterion.final_summary();
}

/// Measure both in turn and print the medians and their ratio.
fn side_by_side(case: &Case, native: &mut Native, component: &mut Component) {
    let (mut natives, mut components) = (Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        natives.push(took(case, || native.apply()));
        components.push(took(case, || component.apply()));
    }
    let (native, component) = (median(natives), median(components));
    let each =
        |time: Duration| time.as_secs_f64() * 1e6 / f64::from(u32::try_from(case.page.len()).unwrap_or(u32::MAX)) / f64::from(case.times);
    println!(
        "{}: native {:.2} us an entity ({:.0}/s), component {:.2} us ({:.0}/s), component/native {:.2}\n",
        case.name,
        each(native),
        1e6 / each(native),
        each(component),
        1e6 / each(component),
        component.as_secs_f64() / native.as_secs_f64(),
    );
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
