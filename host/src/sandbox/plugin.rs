//! A plugin that was admitted, and the three kinds of instances one can be.

use std::{path::Path, sync::Arc};

use sha2::{Digest as _, Sha256};
use wasmtime::{
    Engine,
    component::{HasSelf, InstancePre, Linker},
};

use super::{
    SandboxError, admission,
    authority::Authority,
    bindings,
    cache::Cache,
    contract::{
        AttributeValue, Change, Diagnostic, Entity, Explained, Failure, Input, Operation, Page, Query, Setting, Transformed, Written,
    },
    describe, engine,
    error::{Event, Fault},
    instance::{Context, Instance},
};
use crate::registry::description::{Description, Role};

/// The engine, the linker and the compiled code: one per process.
pub struct Sandbox {
    engine: Engine,
    linker: Linker<Context>,
    cache: Cache,
}

/// An admitted component: its code, its digest, what it says about itself.
#[derive(Clone)]
pub struct Plugin(Arc<Admitted>);

struct Admitted {
    name: Arc<str>,
    digest: String,
    shape: admission::Shape,
    description: Description,
    pre: InstancePre<Context>,
}

impl Sandbox {
    /// `cache` is a folder of the host's own for compiled code, e.g. `~/.cache/provisor`.
    pub fn new(cache: &Path) -> Result<Self, SandboxError> {
        let engine = engine::engine()?;
        let linker = linker(&engine).map_err(|error| SandboxError::Engine(format!("the sandbox cannot be linked: {error:#}")))?;
        let cache = Cache::open(cache, &engine)?;
        Ok(Self { engine, linker, cache })
    }

    /// Admit a file's bytes: look, compile (or take from the cache), and let the component describe itself with empty hands. Until it has done so, `file` is its
    /// name in messages.
    pub async fn admit(&self, file: &str, bytes: &[u8]) -> Result<Plugin, SandboxError> {
        let shape = admission::inspect(bytes)?;
        let digest = format!("{:x}", Sha256::digest(bytes));
        let component = tokio::task::block_in_place(|| self.cache.component(&self.engine, &digest, bytes))?;
        let pre = self.linker.instantiate_pre(&component).map_err(|error| SandboxError::Compile(format!("it does not link: {error:#}")))?;
        let description = describe::describe(file, &pre).await?;
        admission::check_description(&shape, &description)?;
        Ok(Plugin(Arc::new(Admitted { name: description.id.as_str().into(), digest, shape, description, pre })))
    }
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<Context>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    bindings::imports::Provides::add_to_linker::<_, HasSelf<_>>(&mut linker, |context: &mut Context| context)?;
    Ok(linker)
}

impl Plugin {
    /// What the component says about itself.
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    /// SHA-256 of the file, in hex.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// Top-level imports and exports.
    pub fn shape(&self) -> &admission::Shape {
        &self.0.shape
    }

    fn has(&self, role: Role, authority: &Authority) -> Result<(), Fault> {
        if self.0.shape.roles.contains(&role) {
            return Ok(());
        }
        let event = Event::Contract(format!("the component is not a {role}"));
        Err(Fault { plugin: self.0.name.to_string(), system: authority.system.clone(), call: "instantiate", event })
    }

    /// A fresh instance to read with; `open` it first.
    pub async fn source(&self, authority: Authority) -> Result<Source, Fault> {
        self.has(Role::Source, &authority)?;
        Ok(Source(
            Instance::new(&self.0.name, &self.0.pre, authority, |store, instance| bindings::source::Reads::new(store, instance)).await?,
        ))
    }

    /// A fresh instance to write with; `open` it first.
    pub async fn target(&self, authority: Authority) -> Result<Target, Fault> {
        self.has(Role::Target, &authority)?;
        Ok(Target(
            Instance::new(&self.0.name, &self.0.pre, authority, |store, instance| bindings::target::Writes::new(store, instance)).await?,
        ))
    }

    /// A fresh instance to transform with; `open` it first.
    pub async fn transformation(&self, authority: Authority) -> Result<Transformation, Fault> {
        self.has(Role::Transformation, &authority)?;
        Ok(Transformation(
            Instance::new(&self.0.name, &self.0.pre, authority, |store, instance| bindings::transform::Transforms::new(store, instance))
                .await?,
        ))
    }
}

/// Await a guest call under its time limit and turn its end into an answer or a fault.
macro_rules! call {
    ($instance:expr, $name:literal, $interface:ident . $method:ident ( $($argument:expr),* )) => {{
        let instance = &mut $instance;
        instance.alive($name)?;
        let limit = instance.call_timeout();
        let end = tokio::time::timeout(limit, instance.bound.$interface().$method(&mut instance.store, $($argument),*)).await;
        instance.ended($name, end)
    }};
}

/// An instance of a source connector; see `wit/source.wit`. The outer error is an event (the instance is gone), the inner one the plugin's "no".
pub struct Source(Instance<bindings::source::Reads>);

impl Source {
    /// Hand over the settings.
    pub async fn open(&mut self, settings: &Settings) -> Result<Result<(), Failure>, Fault> {
        call!(self.0, "open", provisor_connector_source.call_open(settings))
    }

    /// Try the connection.
    pub async fn probe(&mut self) -> Result<Result<String, Failure>, Fault> {
        call!(self.0, "probe", provisor_connector_source.call_probe())
    }

    /// The next page of a query; one that is larger than asked for breaks the contract.
    pub async fn read_page(&mut self, query: &Query) -> Result<Result<Page, Failure>, Fault> {
        let page = call!(self.0, "read-page", provisor_connector_source.call_read_page(query))?;
        if let Ok(page) = &page
            && page.entities.len() > query.limit as usize
        {
            let event = Event::Contract(format!("{} entities where at most {} were asked for", page.entities.len(), query.limit));
            return Err(self.0.fault("read-page", event));
        }
        Ok(page)
    }
}

/// An instance of a target connector; see `wit/target.wit`.
pub struct Target(Instance<bindings::target::Writes>);

impl Target {
    /// Hand over the settings.
    pub async fn open(&mut self, settings: &Settings) -> Result<Result<(), Failure>, Fault> {
        call!(self.0, "open", provisor_connector_target.call_open(settings))
    }

    /// Try the connection.
    pub async fn probe(&mut self) -> Result<Result<String, Failure>, Fault> {
        call!(self.0, "probe", provisor_connector_target.call_probe())
    }

    /// Carry out changes; as many outcomes as changes, in order.
    pub async fn write(&mut self, changes: &[Change]) -> Result<Vec<Written>, Fault> {
        let outcomes = call!(self.0, "write", provisor_connector_target.call_write(changes))?;
        if outcomes.len() != changes.len() {
            let event = Event::Contract(format!("{} outcomes for {} changes", outcomes.len(), changes.len()));
            return Err(self.0.fault("write", event));
        }
        Ok(outcomes)
    }

    /// Entities that have all of these values.
    pub async fn find(&mut self, entity_type: &str, attributes: &[AttributeValue]) -> Result<Result<Vec<Entity>, Failure>, Fault> {
        call!(self.0, "find", provisor_connector_target.call_find(entity_type, attributes))
    }
}

/// An instance of a transformation; see `wit/transform.wit`.
pub struct Transformation(Instance<bindings::transform::Transforms>);

impl Transformation {
    /// Hand over the text and the properties. `Ok` holds warnings, `Err` at least one error.
    pub async fn open(&mut self, text: &str, properties: &[Setting]) -> Result<Result<Vec<Diagnostic>, Vec<Diagnostic>>, Fault> {
        call!(self.0, "open", provisor_connector_transform.call_open(text, properties))
    }

    /// Transform a page; as many outcomes as entities, in order.
    pub async fn apply(&mut self, entity_type: &str, operation: Operation, page: &[Input]) -> Result<Vec<Transformed>, Fault> {
        let outcomes = call!(self.0, "apply", provisor_connector_transform.call_apply(entity_type, operation, page))?;
        if outcomes.len() != page.len() {
            let event = Event::Contract(format!("{} outcomes for {} entities", outcomes.len(), page.len()));
            return Err(self.0.fault("apply", event));
        }
        Ok(outcomes)
    }

    /// Transform one entity and tell every step.
    pub async fn explain(&mut self, entity_type: &str, operation: Operation, entity: &Input) -> Result<Explained, Fault> {
        call!(self.0, "explain", provisor_connector_transform.call_explain(entity_type, operation, entity))
    }

    /// The entity types the transformation handles, in the order of its text; nothing: every type.
    pub async fn entity_types(&mut self) -> Result<Option<Vec<String>>, Fault> {
        call!(self.0, "entity-types", provisor_connector_transform.call_entity_types())
    }
}

pub use bindings::imports::provisor::connector::settings::Settings;
