//! Where secrets come from, and a type for them that does not let itself be printed.
//!
//! | source | is | trimmed |
//! | --- | --- | --- |
//! | [`SecretSource::Environment`] | the value of an environment variable of the host | no |
//! | [`SecretSource::File`] | the content of a file, e.g. a mounted secret | one line end |
//! | [`SecretSource::Command`] | what a program prints, e.g. a password manager | one line end |
//!
//! A command is a list of arguments and is started directly; there is no shell, so nothing in it is expanded. It gets no input and is killed
//! after [`COMMAND_TIMEOUT`]. Who keeps a secret that may be replaced (keys, certificates) compares its [`Mark`] before using it again. Absent on purpose: a secret written into the manifest itself, and any way to print one.

use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest a command may take.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest secret. A private key has a few kilobytes; anything larger is the wrong file.
pub const LARGEST_SECRET: usize = 64 * 1024;

/// How long a kept secret of a command passes for the newest one: running a program for every connection would be too often.
const COMMAND_HOLDS: Duration = Duration::from_mins(10);

/// How much of a failed command's error output a message repeats, from its end.
const ERROR_TAIL: usize = 200;

/// A secret's value. It is wiped from memory when dropped and prints as `[redacted]`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// The text of the secret. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        // From a `str`: a `String` could be moved when it shrinks, and leave a copy behind.
        Self(SecretString::new(Box::from(text)))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Where a secret is found.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The name of an environment variable.
    Environment(String),
    /// A file; the manifest has made the path absolute.
    File(PathBuf),
    /// A program and its arguments.
    Command(Vec<String>),
}

impl fmt::Display for SecretSource {
    /// Names the source. The arguments of a command stay out: people put passwords there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Command(arguments) => write!(f, "command {}", arguments.first().map_or("(empty)", String::as_str)),
        }
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretSource({self})")
    }
}

/// Why a secret could not be had. The text names the source and what to do, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("secret.environment: the environment variable {name} is not set; set it for the process that runs provisor")]
    NotSet { name: String },
    #[error("secret.file: {path} cannot be read: {reason}; check the path and that the user running provisor may read it")]
    File { path: PathBuf, reason: String },
    #[error("secret.command: {program} {reason}")]
    Command { program: String, reason: String },
    #[error("secret.value: {source_name} {reason}")]
    Value { source_name: String, reason: String },
}

impl SecretError {
    /// The stable code, which also starts the text.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSet { .. } => "secret.environment",
            Self::File { .. } => "secret.file",
            Self::Command { .. } => "secret.command",
            Self::Value { .. } => "secret.value",
        }
    }
}

/// What tells without fetching it whether a secret may be another than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// It cannot change: an environment variable.
    Fixed,
    /// A file, and what a replaced or edited one differs in.
    File { modified: Option<SystemTime>, length: u64, inode: u64 },
    /// A file that is not there (any more).
    Absent,
    /// A command, and the period of `COMMAND_HOLDS` this is.
    Command(u64),
}

impl Mark {
    /// The mark of a file; links are followed, which is how mounted secrets are replaced.
    pub async fn of_file(path: &std::path::Path) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        match tokio::fs::metadata(path).await {
            Ok(file) => Self::File { modified: file.modified().ok(), length: file.len(), inode: file.ino() },
            Err(_) => Self::Absent,
        }
    }
}

impl SecretSource {
    /// Whether to fetch it again: another mark than last time.
    pub async fn mark(&self) -> Mark {
        match self {
            Self::Environment(_) => Mark::Fixed,
            Self::File(path) => Mark::of_file(path).await,
            Self::Command(_) => {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                Mark::Command(now.as_secs() / COMMAND_HOLDS.as_secs())
            }
        }
    }

    /// Fetch the secret. Nothing is cached here: who asks keeps the answer.
    pub async fn resolve(&self) -> Result<Secret, SecretError> {
        let bytes = match self {
            Self::Environment(name) => {
                let value = std::env::var_os(name).ok_or_else(|| SecretError::NotSet { name: name.clone() })?;
                Zeroizing::new(value.into_encoded_bytes())
            }
            Self::File(path) => {
                read_file(path).await.map_err(|error| SecretError::File { path: path.clone(), reason: error.to_string() })?
            }
            Self::Command(arguments) => run(arguments).await?,
        };
        let wrong = |reason: &str| SecretError::Value { source_name: self.to_string(), reason: reason.to_owned() };
        if bytes.len() > LARGEST_SECRET {
            return Err(wrong("gives more than 64 KiB, which is no secret; check that it is the right one"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| wrong("gives bytes that are not UTF-8 text"))?;
        let text = match self {
            Self::Environment(_) => text,
            Self::File(_) | Self::Command(_) => text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text)),
        };
        if text.is_empty() {
            return Err(wrong("gives an empty text; put the secret there"));
        }
        Ok(Secret::from(text))
    }
}

async fn read_file(path: &std::path::Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    read_bounded(tokio::fs::File::open(path).await?).await
}

/// At most one byte more than the largest secret, in one allocation that is wiped afterwards.
async fn read_bounded(from: impl AsyncRead + Unpin) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST_SECRET + 1));
    from.take(LARGEST_SECRET as u64 + 1).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

async fn run(arguments: &[String]) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let Some((program, rest)) = arguments.split_first() else {
        return Err(SecretError::Command { program: "the command".into(), reason: "is empty; write [\"program\", \"argument\"]".into() });
    };
    let failed = |reason: String| SecretError::Command { program: program.clone(), reason };
    let mut child = tokio::process::Command::new(program)
        .args(rest)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {error}; check the path, it is not looked for by a shell")))?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(failed("cannot be read from".into()));
    };
    let work = async {
        let (output, tail) = tokio::join!(read_bounded(stdout), read_tail(stderr));
        let output = output?;
        // A command that prints without end is not waited for: dropping the child kills it.
        if output.len() > LARGEST_SECRET {
            return Ok((output, None, tail));
        }
        Ok((output, Some(child.wait().await?), tail))
    };
    let (output, status, tail) = tokio::time::timeout(COMMAND_TIMEOUT, work)
        .await
        .map_err(|_| failed(format!("did not finish within {} s; run it by hand, it may be waiting for input", COMMAND_TIMEOUT.as_secs())))?
        .map_err(|error: std::io::Error| failed(format!("cannot be read from: {error}")))?;
    match status {
        Some(status) if !status.success() => Err(failed(format!("failed ({status}){tail}; run it by hand to see why"))),
        _ => Ok(output),
    }
}

/// The end of an error output, as one line that fits into a message.
async fn read_tail(mut from: impl AsyncRead + Unpin) -> String {
    let (mut tail, mut piece) = (Vec::new(), [0; 1024]);
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        tail.extend_from_slice(&piece[..read]);
        tail.drain(..tail.len().saturating_sub(ERROR_TAIL));
    }
    let text = String::from_utf8_lossy(&tail);
    let line = text.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    if line.is_empty() { line } else { format!(": {line}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(arguments: &[&str]) -> SecretSource {
        SecretSource::Command(arguments.iter().map(|&argument| argument.to_owned()).collect())
    }

    async fn refusal(source: &SecretSource) -> String {
        let error = source.resolve().await.expect_err("a refusal");
        assert!(error.to_string().starts_with(error.code()), "{error}");
        error.to_string()
    }

    #[test]
    fn nothing_prints_a_secret() {
        let secret = Secret::from("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
        let source = command(&["pass", "--password=hunter2"]);
        assert_eq!(format!("{source} {source:?}"), "command pass SecretSource(command pass)");
    }

    #[tokio::test]
    async fn from_the_environment() {
        // Cargo sets it for every test it runs.
        let secret = SecretSource::Environment("CARGO_PKG_NAME".into()).resolve().await.unwrap();
        assert_eq!(secret.expose(), env!("CARGO_PKG_NAME"));
        let text = refusal(&SecretSource::Environment("PROVISOR_TEST_ABSENT".into())).await;
        assert!(text.contains("PROVISOR_TEST_ABSENT is not set"), "{text}");
    }

    #[tokio::test]
    async fn from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let source = SecretSource::File(path.clone());
        assert!(refusal(&source).await.contains("cannot be read"));
        for (content, expected) in [("one\n", "one"), ("two\r\n", "two"), ("three", "three"), (" four\n\n", " four\n")] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(source.resolve().await.unwrap().expose(), expected);
        }
        std::fs::write(&path, "\n").unwrap();
        assert!(refusal(&source).await.contains("empty"));
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(refusal(&source).await.contains("UTF-8"));
        std::fs::write(&path, vec![b'x'; LARGEST_SECRET + 1]).unwrap();
        assert!(refusal(&source).await.contains("64 KiB"));
        assert!(refusal(&SecretSource::File(folder.path().into())).await.contains("cannot be read"));
    }

    #[tokio::test]
    async fn a_replaced_file_has_another_mark() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let source = SecretSource::File(path.clone());
        assert_eq!(source.mark().await, Mark::Absent);
        std::fs::write(&path, "one").unwrap();
        let first = source.mark().await;
        assert_eq!(source.mark().await, first);
        std::fs::write(folder.path().join("next"), "two").unwrap();
        std::fs::rename(folder.path().join("next"), &path).unwrap();
        assert_ne!(source.mark().await, first);
        assert_eq!(SecretSource::Environment("X".into()).mark().await, Mark::Fixed);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn from_a_command() {
        assert_eq!(command(&["printf", "%s\n", "it's $HOME"]).resolve().await.unwrap().expose(), "it's $HOME");
        assert!(refusal(&command(&[])).await.contains("is empty"));
        assert!(refusal(&command(&["/no/such/program"])).await.contains("cannot be started"));
        let noise = format!("printf '%s\\n' {} 'wrong token' >&2; exit 3", "x".repeat(1000));
        let text = refusal(&command(&["sh", "-c", &noise])).await;
        assert!(text.contains("exit status: 3") && text.contains("wrong token") && text.len() < 400, "{text}");
        assert!(refusal(&command(&["yes"])).await.contains("64 KiB"));
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn a_command_that_waits_is_ended() {
        let text = refusal(&command(&["sleep", "600"])).await;
        assert!(text.contains("did not finish within 30 s"), "{text}");
    }
}
