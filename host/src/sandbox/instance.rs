//! One running instance: its store, its bounds, and what becomes of a call that does not come back.

use std::{collections::HashMap, sync::Arc, time::Duration};

use wasmtime::{
    Store, Trap,
    component::{InstancePre, ResourceTable},
};
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::{
    authority::Authority,
    error::{Event, Fault},
    http::Hooks,
    imports::log::Level,
    limits::Memory,
    output::{Output, PluginLog},
};
use crate::egress;

/// What the host keeps for one instance.
pub(super) struct Context {
    wasi: WasiCtx,
    table: ResourceTable,
    http: WasiHttpCtx,
    hooks: Hooks,
    memory: Memory,
    pub(super) authority: Authority,
    pub(super) log: PluginLog,
    pub(super) connections: HashMap<u32, egress::Stream>,
    pub(super) next_connection: u32,
}

impl WasiView for Context {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Context {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

impl Context {
    fn new(plugin: &str, authority: Authority) -> Result<Self, Event> {
        let log = PluginLog::new(plugin, &authority.system);
        // No environment, no arguments, no network: everything the builder does not say is refused.
        let mut wasi = WasiCtx::builder();
        wasi.stdout(Output { log: log.clone(), level: Level::Info });
        wasi.stderr(Output { log: log.clone(), level: Level::Warn });
        // File calls run on the thread of the call: handing each to another thread costs more than most of them take.
        wasi.allow_blocking_current_thread(true);
        for folder in &authority.folders {
            if folder.write {
                std::fs::create_dir_all(&folder.host)
                    .map_err(|error| Event::Instantiate(format!("the folder {} cannot be made: {error}", folder.host.display())))?;
            }
            let perms = if folder.write { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            wasi.preopened_dir(&folder.host, &folder.guest, perms)
                .map_err(|error| Event::Instantiate(format!("the folder {} cannot be opened: {error}", folder.host.display())))?;
        }
        Ok(Self {
            wasi: wasi.build(),
            table: ResourceTable::new(),
            http: WasiHttpCtx::new(),
            hooks: Hooks { door: authority.door.clone() },
            memory: Memory::new(authority.memory),
            log,
            connections: HashMap::new(),
            next_connection: 0,
            authority,
        })
    }
}

/// An instance with one interface bound.
pub(super) struct Instance<B> {
    pub(super) store: Store<Context>,
    pub(super) bound: B,
    plugin: Arc<str>,
    dead: bool,
}

impl<B> Instance<B> {
    /// Make an instance; `bind` picks the interface.
    pub(super) async fn new(
        plugin: &Arc<str>,
        pre: &InstancePre<Context>,
        authority: Authority,
        bind: impl FnOnce(&mut Store<Context>, &wasmtime::component::Instance) -> wasmtime::Result<B>,
    ) -> Result<Self, Fault> {
        let system = authority.system.clone();
        let fault = |event| Fault { plugin: plugin.to_string(), system: system.clone(), call: "instantiate", event };
        let limit = authority.call_timeout;
        let context = Context::new(plugin, authority).map_err(fault)?;
        let mut store = Store::new(pre.engine(), context);
        store.limiter(|context| &mut context.memory);
        // Every tick the call yields, so that others run and its time limit is looked at.
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let made = tokio::time::timeout(limit, pre.instantiate_async(&mut store)).await;
        let instance = match made {
            Ok(Ok(instance)) => instance,
            Ok(Err(error)) => {
                let event = if error.is::<Trap>() { trapped(&store, &error) } else { Event::Instantiate(format!("{error:#}")) };
                return Err(fault(event));
            }
            Err(_) => return Err(fault(Event::TimedOut(limit))),
        };
        let bound = bind(&mut store, &instance).map_err(|error| fault(Event::Instantiate(format!("{error:#}"))))?;
        Ok(Self { store, bound, plugin: plugin.clone(), dead: false })
    }

    pub(super) fn call_timeout(&self) -> Duration {
        self.store.data().authority.call_timeout
    }

    pub(super) fn fault(&self, call: &'static str, event: Event) -> Fault {
        Fault { plugin: self.plugin.to_string(), system: self.store.data().authority.system.clone(), call, event }
    }

    /// Refuse a call to an instance that trapped before: its memory is in an unknown state.
    pub(super) fn alive(&self, call: &'static str) -> Result<(), Fault> {
        if self.dead { Err(self.fault(call, Event::Contract("the instance ended in an earlier call".into()))) } else { Ok(()) }
    }

    /// Turn the end of a call, whatever it was, into an answer or a fault.
    pub(super) fn ended<T>(
        &mut self,
        call: &'static str,
        end: Result<wasmtime::Result<T>, tokio::time::error::Elapsed>,
    ) -> Result<T, Fault> {
        self.store.data().log.end_of_call();
        let event = match end {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => trapped(&self.store, &error),
            Err(_) => Event::TimedOut(self.call_timeout()),
        };
        self.dead = true;
        let fault = self.fault(call, event);
        tracing::error!(target: "provisor::plugin", plugin = %fault.plugin, system = %fault.system, code = fault.code(), call, "{}", fault.event);
        Err(fault)
    }
}

fn trapped(store: &Store<Context>, error: &wasmtime::Error) -> Event {
    let memory = &store.data().memory;
    if memory.refused {
        return Event::MemoryLimit(store.data().authority.memory);
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return Event::Exit(exit.0);
    }
    match error.downcast_ref::<Trap>() {
        Some(trap) => Event::Trap(trap.to_string()),
        None => Event::Trap(error.root_cause().to_string()),
    }
}
