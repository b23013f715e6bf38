//! What a fuzz target is made of: a check that takes bytes, the entry libFuzzer calls, and how the bytes are divided.

#[cfg(fuzzing)]
pub use libfuzzer_sys;

/// The text of an input, divided at U+001F (which JSON, LDIF and TOML do not allow in a text): at most `N` parts, empty where there are fewer. Nothing for bytes
/// that are not UTF-8.
pub fn parts<const N: usize>(data: &[u8]) -> Option<[&str; N]> {
    let mut parts = std::str::from_utf8(data).ok()?.splitn(N, '\u{1f}');
    Some(std::array::from_fn(|_| parts.next().unwrap_or_default()))
}

/// Give every file that is named on the command line to the check, a file of every folder too.
pub fn replay(check: fn(&[u8])) {
    let mut paths: Vec<std::path::PathBuf> = std::env::args_os().skip(1).map(Into::into).collect();
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(std::fs::read_dir(&path).expect("a folder that can be read").map(|entry| entry.expect("an entry").path()));
        } else {
            println!("{}", path.display());
            check(&std::fs::read(&path).expect("a file that can be read"));
        }
    }
}

/// Write the input down before it is checked, where `FUZZ_INPUT` says so: what overflows the stack ends the program before libFuzzer can.
pub fn keep(data: &[u8]) {
    static PLACE: std::sync::LazyLock<Option<std::ffi::OsString>> = std::sync::LazyLock::new(|| std::env::var_os("FUZZ_INPUT"));
    if let Some(place) = &*PLACE {
        std::fs::write(place, data).expect("the input was written");
    }
}

/// A check as a program: a fuzz target under cargo-fuzz, else one that replays the files it is named.
#[macro_export]
macro_rules! target {
    ($check:path) => {
        #[cfg(fuzzing)]
        $crate::target::libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            $crate::target::keep(data);
            $check(data);
        });

        #[cfg(not(fuzzing))]
        fn main() {
            $crate::target::replay($check);
        }
    };
}
