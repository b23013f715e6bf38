//! The engine in its sandbox, called as a run calls it.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use provisor::sandbox::contract::{Input, Lookup, Operation, Transformed};
use provisor::sandbox::{Relations, Sandbox, Transformation};
use provisor::setup::mapping_authority;
use tokio::runtime::Runtime;

use crate::Case;

pub(crate) const COMPONENT: &str = concat!(env!("PLUGINS"), "/mapping.wasm");
/// Compiled components, kept from one `cargo bench` to the next.
const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled");

pub(crate) struct Component {
    runtime: Runtime,
    instance: Transformation,
    page: Vec<Input>,
    entity_type: &'static str,
}

/// Everybody is known.
struct Everybody;

#[async_trait]
impl Relations for Everybody {
    async fn find(&self, lookups: Vec<Lookup>) -> Vec<Option<String>> {
        lookups.into_iter().map(|lookup| Some(lookup.source_id)).collect()
    }
}

impl Component {
    pub(crate) fn open(case: &Case) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let instance = runtime.block_on(async {
            let sandbox = Sandbox::new(Path::new(CACHE)).expect("a sandbox");
            let plugin = sandbox.admit("mapping", &std::fs::read(COMPONENT).expect("the mapping was built")).await.expect("a plugin");
            let mut instance = plugin.transformation(mapping_authority("bench", Some(Arc::new(Everybody)))).await.expect("an instance");
            instance.open(case.transformation, &[]).await.expect("no fault").expect("a transformation");
            instance
        });
        let page = case.page.iter().map(|document| Input { document: document.clone(), variables: Vec::new() }).collect();
        Self { runtime, instance, page, entity_type: case.entity_type }
    }

    pub(crate) fn apply(&mut self) {
        black_box(self.outcomes());
    }

    fn outcomes(&mut self) -> Vec<Transformed> {
        self.runtime.block_on(self.instance.apply(self.entity_type, Operation::Read, black_box(&self.page))).expect("no fault")
    }

    /// What comes out; all of it must.
    pub(crate) fn documents(&mut self) -> Vec<String> {
        let document = |outcome| match outcome {
            Transformed::Mapped(mapped) => mapped.document,
            other => panic!("{other:?}"),
        };
        self.outcomes().into_iter().map(document).collect()
    }
}
