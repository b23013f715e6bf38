//! The component without interruption checks, on an engine of the benchmark's own: what they cost. The host never runs anything without them.

use std::hint::black_box;

use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Engine, Inlining, OptLevel, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::Case;
use crate::component::COMPONENT;
use bindings::Transformation;
use bindings::exports::provisor::connector::transform::{Input, Operation, Outcome};
use bindings::provisor::connector::{log, relations, settings};

mod bindings {
    #![allow(clippy::all, clippy::pedantic, reason = "generated")]
    wasmtime::component::bindgen!({ path: "../wit", world: "transformation" });
}

pub(crate) struct Unchecked {
    store: Store<Hands>,
    instance: Transformation,
    page: Vec<Input>,
    entity_type: &'static str,
}

/// What the component is given: nothing of WASI, and everybody is known.
struct Hands {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Hands {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl log::Host for Hands {
    fn write(&mut self, _: log::Level, _: String, _: Option<String>) {}
}

impl settings::Host for Hands {}

impl relations::Host for Hands {
    fn find(&mut self, lookups: Vec<relations::Lookup>) -> Vec<Option<String>> {
        lookups.into_iter().map(|lookup| Some(lookup.source_id)).collect()
    }
}

impl Unchecked {
    /// The engine is set up like the host's, but for the checks.
    pub(crate) fn open(case: &Case) -> Self {
        let mut config = Config::new();
        config.cranelift_opt_level(OptLevel::Speed);
        config.compiler_inlining(Inlining::Yes);
        let engine = Engine::new(&config).expect("an engine");
        let component = Component::from_file(&engine, COMPONENT).expect("a component");
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker).expect("WASI is linked");
        Transformation::add_to_linker::<_, HasSelf<_>>(&mut linker, |hands: &mut Hands| hands).expect("the contract is linked");
        let mut store = Store::new(&engine, Hands { wasi: WasiCtxBuilder::new().build(), table: ResourceTable::new() });
        let instance = Transformation::instantiate(&mut store, &component, &linker).expect("an instance");
        let opened = instance.provisor_connector_transform().call_open(&mut store, case.transformation, &[]);
        opened.expect("no trap").expect("a transformation");
        let page = case.page.iter().map(|document| Input { document: document.clone(), variables: Vec::new() }).collect();
        Self { store, instance, page, entity_type: case.entity_type }
    }

    pub(crate) fn apply(&mut self) {
        black_box(self.outcomes());
    }

    fn outcomes(&mut self) -> Vec<Outcome> {
        let interface = self.instance.provisor_connector_transform();
        interface.call_apply(&mut self.store, self.entity_type, Operation::Read, black_box(&self.page)).expect("no trap")
    }

    /// What comes out; all of it must.
    pub(crate) fn documents(&mut self) -> Vec<String> {
        let document = |outcome| match outcome {
            Outcome::Mapped(mapped) => mapped.document,
            other => panic!("{other:?}"),
        };
        self.outcomes().into_iter().map(document).collect()
    }
}
