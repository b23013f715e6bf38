//! One run of the command in a process of its own.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use serde_json::Value;

/// Set: this process is the command and not the benchmark.
const AS_COMMAND: &str = "PROVISOR_BENCH_AS_COMMAND";
/// Compiled components, kept from one `cargo bench` to the next.
const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled");
/// Clock ticks a second in `/proc`; the same on every Linux.
const TICKS: f64 = 100.0;

/// What became of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The object of `--json`.
    pub report: Value,
    /// The most memory the process had at a time (`VmHWM`), where the system tells it.
    pub peak_mib: Option<f64>,
    /// The most of it that the state had: its caches of the known relations.
    pub state_mib: Option<f64>,
    /// Time on all processors, where the system tells it.
    pub cpu_seconds: Option<f64>,
}

impl Ran {
    pub(crate) fn seconds(&self) -> f64 {
        self.report["seconds"].as_f64().unwrap_or(f64::NAN)
    }
}

pub(crate) fn is_command() -> bool {
    std::env::var_os(AS_COMMAND).is_some()
}

/// Be the command, and say at the end what it took.
pub(crate) fn command() -> ExitCode {
    let code = provisor::cli::main_with_args(std::env::args_os());
    let text = |path| std::fs::read_to_string(path).unwrap_or_default();
    let peak = text("/proc/self/status")
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    // Past the name, which is in parentheses, the eleventh and the twelfth field are the ticks in the program and in the kernel.
    let ticks: Option<u64> = text("/proc/self/stat").rsplit_once(')').and_then(|(_, fields)| {
        let mut fields = fields.split_whitespace().skip(11);
        Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
    });
    // SAFETY: a function that only reads a number of the library this program is linked with.
    let state = unsafe { rusqlite::ffi::sqlite3_memory_highwater(0) } / 1024;
    eprintln!("{}", serde_json::json!({ "peak-kib": peak, "state-kib": state, "ticks": ticks }));
    code
}

/// `provisor run --json` in a folder.
pub(crate) fn run(folder: &Path) -> Ran {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    let ended = command
        .args(["run", "--json", "provisor.toml"])
        .current_dir(folder)
        .env(AS_COMMAND, "1")
        .env("PROVISOR_CACHE", CACHE)
        .stdin(Stdio::null())
        .output()
        .expect("the command starts");
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "the run failed: {}\n{errors}{}", ended.status, String::from_utf8_lossy(&ended.stdout));
    let took: Value = errors.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let number = |name: &str| took[name].as_u64().map(|number| number as f64);
    Ran {
        report: serde_json::from_slice(&ended.stdout).expect("a report"),
        peak_mib: number("peak-kib").map(|kib| kib / 1024.0),
        state_mib: number("state-kib").map(|kib| kib / 1024.0),
        cpu_seconds: number("ticks").map(|ticks| ticks / TICKS),
    }
}
