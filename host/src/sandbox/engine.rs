//! The engine every plugin runs on: what code is compiled to, where instances live, and the ticker that makes long calls yield.

use std::time::Duration;

use wasmtime::{Config, Engine, Inlining, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use super::SandboxError;

/// How often running code looks up: a call is stopped, or lets others run, within this time.
const TICK: Duration = Duration::from_millis(10);
/// Instances that may exist at once in one process: a few per system of a run.
const INSTANCES: u32 = 128;

/// An engine with a bounded pool of instances. Address space is reserved for the whole pool; memory is taken only where an instance uses it. Where
/// the reservation is refused (a tight `ulimit -v`), instances are made on demand instead.
pub(super) fn engine() -> Result<Engine, SandboxError> {
    let engine = Engine::new(&config(Some(pool()))).or_else(|refused| {
        tracing::debug!(%refused, "no address space for a pool of instances; they are made on demand");
        Engine::new(&config(None))
    });
    let engine = engine.map_err(|error| SandboxError::Engine(format!("the WebAssembly engine does not start: {error:#}")))?;
    let ticker = engine.weak();
    std::thread::Builder::new()
        .name("epoch".into())
        .spawn(move || {
            while let Some(engine) = ticker.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        })
        .map_err(|error| SandboxError::Engine(format!("no thread for the engine's clock: {error}")))?;
    Ok(engine)
}

fn config(pool: Option<PoolingAllocationConfig>) -> Config {
    let mut config = Config::new();
    config.cranelift_opt_level(OptLevel::Speed);
    // Measured: 1 to 9 % less time in the mapping.
    config.compiler_inlining(Inlining::Yes);
    // Costs about a quarter of a tight guest's time and is what stops an endless loop.
    config.epoch_interruption(true);
    if let Some(pool) = pool {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * 8)
        .total_memories(INSTANCES)
        .total_tables(INSTANCES * 8)
        .total_stacks(INSTANCES)
        // Large enough for the runtimes of Python and JavaScript.
        .max_component_instance_size(8 << 20)
        .max_core_instance_size(4 << 20)
        .max_core_instances_per_component(64)
        .max_memories_per_component(4)
        .max_tables_per_component(64)
        .table_elements(100_000)
        .max_memory_size(4 << 30);
    pool
}
