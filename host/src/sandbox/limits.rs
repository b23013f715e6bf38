//! How much memory an instance may have, and the memory of having refused it: the guest only sees a failed allocation and usually panics.

use wasmtime::ResourceLimiter;

/// Elements of one table; a Python runtime needs some ten thousand.
const TABLE_ELEMENTS: usize = 100_000;

#[derive(Debug)]
pub(super) struct Memory {
    limit: usize,
    /// Set when a growth was refused, so that the trap that follows is told as what it is.
    pub(super) refused: bool,
}

impl Memory {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), refused: false }
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let granted = desired <= self.limit;
        self.refused |= !granted;
        Ok(granted)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }
}
