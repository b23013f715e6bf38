//! A place to run in: a folder of its own with a manifest, the plugins and the inputs, and the command.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::guests::Guest;

/// Set: this process is the command and not the tests.
pub(crate) const AS_COMMAND: &str = "PROVISOR_TESTS_AS_COMMAND";
/// The manifest's name in every place.
pub(crate) const MANIFEST: &str = "provisor.toml";
/// Compiled components, shared by all tests. The folder is the build's, so the next `cargo test` finds them too.
const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled");
/// Longer than any command here takes on a slow machine; what takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(10);

pub(crate) struct Place {
    folder: TempDir,
    /// Standard input, output and error of the command; apart, so that the place holds only what the command made.
    streams: TempDir,
    cache: PathBuf,
    environment: Vec<(String, String)>,
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    /// A place with all plugins and no manifest.
    pub(crate) fn new() -> Self {
        static WARM: OnceLock<()> = OnceLock::new();
        let place = Self::cold();
        // Once, so that not every test compiles the same plugins at the same time.
        WARM.get_or_init(|| _ = place.command(&["plugins", "list"]));
        place
    }

    fn cold() -> Self {
        let temporary = || TempDir::new().expect("a temporary folder");
        let place = Self { folder: temporary(), streams: temporary(), cache: CACHE.into(), environment: Vec::new() };
        fs::create_dir(place.path("plugins")).expect("a folder for plugins");
        for plugin in fs::read_dir(env!("PLUGINS")).expect("the plugins were built") {
            let plugin = plugin.expect("a plugin").path();
            let name = plugin.file_name().expect("a name");
            fs::copy(&plugin, place.path("plugins").join(name)).expect("the plugin was copied");
        }
        place
    }

    /// A place with all plugins and this manifest.
    pub(crate) fn with_manifest(manifest: &str) -> Self {
        let place = Self::new();
        place.write(MANIFEST, manifest);
        place
    }

    /// Add a guest to the plugins.
    pub(crate) fn guest(self, guest: Guest) -> Self {
        self.plugin(guest.name, &guest.bytes());
        self
    }

    /// Keep compiled code apart from the other tests'.
    pub(crate) fn with_cache(mut self, cache: PathBuf) -> Self {
        self.cache = cache;
        self
    }

    /// Set an environment variable of the command.
    pub(crate) fn with_environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Put bytes into the plugins folder as `<name>.wasm`.
    pub(crate) fn plugin(&self, name: &str, bytes: &[u8]) {
        self.write(&format!("plugins/{name}.wasm"), bytes);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Write a file, and the folders it is in.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder was made");
        fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Every file and folder in the place, by its path in it, sorted.
    pub(crate) fn listing(&self) -> Vec<String> {
        let mut found = Vec::new();
        list(self.folder.path(), Path::new(""), &mut found);
        found.sort();
        found
    }

    /// Run the command in the place.
    pub(crate) fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Ended {
        self.command_with_input(arguments, b"")
    }

    /// Run the command in the place with this on standard input.
    pub(crate) fn command_with_input(&self, arguments: &[impl AsRef<OsStr>], input: &[u8]) -> Ended {
        self.carry_out(arguments, input, wait)
    }

    /// `provisor run --json`, killed (SIGKILL) at this moment after its start; then its code is absent. It may have ended by then.
    pub(crate) fn run_killed_at(&self, moment: Duration) -> Ended {
        self.carry_out(&["run", "--json", MANIFEST], b"", |command| kill_at(command, moment))
    }

    /// `provisor run --json`, asked to stop (SIGTERM) at this moment after its start, and then waited for.
    pub(crate) fn run_asked_to_stop_at(&self, moment: Duration) -> Ended {
        self.carry_out(&["run", "--json", MANIFEST], b"", |command| terminate_at(command, moment))
    }

    /// `provisor run --json` in which no file grows beyond so many blocks of 512 bytes: to it, the disk is full.
    pub(crate) fn run_with_files_up_to(&self, blocks: u64) -> Ended {
        let mut shell = Command::new("sh");
        // Ignored, the signal becomes an error of the write, in the program that the shell turns into as well.
        shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
        shell.arg(std::env::current_exe().expect("this program has a path"));
        self.carry_out_by(shell, &["run", "--json", MANIFEST], b"", wait)
    }

    fn carry_out(&self, arguments: &[impl AsRef<OsStr>], input: &[u8], wait: impl FnOnce(&mut Command) -> ExitStatus) -> Ended {
        self.carry_out_by(itself(), arguments, input, wait)
    }

    fn carry_out_by(
        &self,
        command: Command,
        arguments: &[impl AsRef<OsStr>],
        input: &[u8],
        wait: impl FnOnce(&mut Command) -> ExitStatus,
    ) -> Ended {
        let stream = |name| self.streams.path().join(name);
        fs::write(stream("in"), input).expect("standard input was written");
        let create = |name| File::create(stream(name)).expect("a file for a stream");
        let mut command = self.placed(command, arguments);
        command.stdin(File::open(stream("in")).map(Stdio::from).expect("standard input")).stdout(create("out")).stderr(create("err"));
        let status = wait(&mut command);
        let read = |name| String::from_utf8_lossy(&fs::read(stream(name)).expect("a stream")).into_owned();
        Ended { code: status.code(), stdout: read("out"), stderr: read("err") }
    }

    /// The command in the place, to be started.
    pub(crate) fn process(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        self.placed(itself(), arguments)
    }

    fn placed(&self, mut command: Command, arguments: &[impl AsRef<OsStr>]) -> Command {
        command
            .args(arguments)
            .current_dir(self.folder.path())
            // What a developer's shell sets is not what is tested.
            .env_clear()
            .envs(["PATH", "TMPDIR"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .env(AS_COMMAND, "1")
            .env("PROVISOR_CACHE", &self.cache)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// `provisor run --json`.
    pub(crate) fn run(&self) -> Ended {
        self.command(&["run", "--json", MANIFEST])
    }
}

/// This program as the command it tests.
fn itself() -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.arg0("provisor");
    command
}

/// A CSV file with this header and a row for each number.
pub(crate) fn rows(header: &str, numbers: std::ops::RangeInclusive<u32>, row: impl Fn(u32) -> String) -> String {
    std::iter::once(header.to_owned()).chain(numbers.map(row)).map(|line| line + "\n").collect()
}

fn wait(command: &mut Command) -> ExitStatus {
    let mut child = command.spawn().expect("the command starts");
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("the command can be waited for") {
            return status;
        }
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("the command did not end in {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn kill_at(command: &mut Command, moment: Duration) -> ExitStatus {
    let begun = Instant::now();
    let mut child = command.spawn().expect("the command starts");
    loop {
        let left = moment.saturating_sub(begun.elapsed());
        if left.is_zero() {
            child.kill().expect("the command can be killed");
            return child.wait().expect("the command can be waited for");
        }
        if let Some(status) = child.try_wait().expect("the command can be waited for") {
            return status;
        }
        std::thread::sleep(left.min(Duration::from_millis(5)));
    }
}

fn terminate_at(command: &mut Command, moment: Duration) -> ExitStatus {
    let mut child = command.spawn().expect("the command starts");
    std::thread::sleep(moment);
    // It may have ended by itself; until it is waited for, its number is nobody else's.
    let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).stderr(Stdio::null()).status().expect("kill is there");
    child.wait().expect("the command can be waited for")
}

fn list(folder: &Path, inside: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder to list") {
        let entry = entry.expect("an entry");
        let name = inside.join(entry.file_name());
        found.push(name.display().to_string());
        if entry.file_type().expect("a type").is_dir() {
            list(&entry.path(), &name, found);
        }
    }
}

impl Ended {
    /// The JSON values on standard output.
    pub(crate) fn values(&self) -> Vec<Value> {
        let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&self.stdout).into_iter().collect();
        values.unwrap_or_else(|error| panic!("standard output is not JSON: {error}\n{self}"))
    }

    /// The one JSON value on standard output.
    pub(crate) fn value(&self) -> Value {
        let mut values = self.values();
        assert_eq!(values.len(), 1, "one JSON value was expected\n{self}");
        values.remove(0)
    }

    /// It ended with this code; else everything it said is shown.
    #[track_caller]
    pub(crate) fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "the exit code is not right\n{self}");
        self
    }

    /// All of these texts are on standard error.
    #[track_caller]
    pub(crate) fn assert_error(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(self.stderr.contains(text), "{text:?} is not on standard error\n{self}");
        }
        self
    }

    /// All of these texts are on standard output.
    #[track_caller]
    pub(crate) fn assert_output(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(self.stdout.contains(text), "{text:?} is not on standard output\n{self}");
        }
        self
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
        write!(f, "ended with {code}\n--- standard output\n{}\n--- standard error\n{}", self.stdout, self.stderr)
    }
}
