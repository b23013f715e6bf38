//! The engine compiled natively; `fixture` serves the same measurement of the component.

mod fixture;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use mapping::{Input, NoRelations, Operation, Scratch, Transformation};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let users: Vec<String> = (0..128).map(fixture::user).collect();
    let page: Vec<Input<'_>> = users.iter().map(|document| Input { document, variables: &[] }).collect();
    let (transformation, _) = Transformation::compile(fixture::TRANSFORMATION, &[]).expect("a transformation");
    let mut scratch = Scratch::default();
    let mut group = criterion.benchmark_group("native");
    group.throughput(Throughput::Elements(128));
    group.bench_function("parse a page of 128 users", |bencher| {
        let mut nodes = Vec::new();
        bencher.iter(|| {
            for user in &users {
                nodes.clear();
                black_box(mapping::json::parse(user, 0, &mut nodes)).expect("JSON");
            }
        });
    });
    group.bench_function("apply to a page of 128 users", |bencher| {
        bencher.iter(|| black_box(transformation.apply(&mut scratch, "user", Operation::Read, &page, &mut NoRelations)));
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("compile 32 mappings", |bencher| {
        bencher.iter_batched(|| fixture::TRANSFORMATION, |text| Transformation::compile(black_box(text), &[]), BatchSize::SmallInput);
    });
    group.finish();
    criterion.final_summary();
}
