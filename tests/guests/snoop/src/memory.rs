//! The plugin's own memory, byte by byte: what the host never puts there cannot be found there.

const PAGE: usize = 64 << 10;

/// All bytes of linear memory.
pub(crate) fn size() -> usize {
    core::arch::wasm32::memory_size(0) * PAGE
}

/// How often the bytes occur. They are given backwards, so that this search does not find its own question.
pub(crate) fn find_reversed(reversed: &[u8]) -> usize {
    let wanted = reversed.len();
    let byte = |at: usize| {
        // SAFETY: below `size`, so inside this instance's memory; a byte has no wrong values. Volatile, because the bytes belong to others.
        unsafe { std::ptr::with_exposed_provenance::<u8>(at).read_volatile() }
    };
    // The byte at zero cannot be asked for: a null pointer.
    (1..size().saturating_sub(wanted)).filter(|at| (0..wanted).all(|index| byte(at + index) == reversed[wanted - 1 - index])).count()
}
