//! One process at a time: an operating-system lock on `<state file>.lock`, which ends with the process, however it ends.
//!
//! The lock is not on the state file itself, because `SQLite` locks that one in its own way and closing any handle of it would drop `SQLite`'s locks.
//! The lock file is never removed: removing it would let two processes hold locks on two files of the same name.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use super::super::StateError;

/// Held as long as it lives.
pub(super) struct StateLock {
    file: File,
}

impl StateLock {
    /// Take the lock or say who has it.
    pub(super) fn take(state: &Path) -> Result<Self, StateError> {
        let path = lock_path(state);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| StateError::open_io(&path, &error))?;
        match try_lock_patiently(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::Locked { path: state.to_owned(), holder: holder(&mut file) }),
            Err(TryLockError::Error(error)) => {
                return Err(StateError::open(&path, format!("it cannot be locked: {error}; keep the state on a local disk")));
            }
        }
        // The name in the file only serves the message of whoever comes second.
        let named = file.set_len(0).and_then(|()| write!(file, "process {}", std::process::id()));
        named.map_err(|error| StateError::open_io(&path, &error))?;
        Ok(Self { file })
    }
}

/// Somebody who only looks holds a shared lock for a moment ([`is_held`]): that must not turn a run away.
fn try_lock_patiently(file: &File) -> Result<(), TryLockError> {
    for _ in 0..5 {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            done => return done,
        }
    }
    file.try_lock()
}

/// Whether a process works on this state file. Where that cannot be told, one does.
pub(super) fn is_held(state: &Path) -> bool {
    match File::open(lock_path(state)) {
        Ok(file) => {
            let free = file.try_lock_shared().is_ok();
            let _ = file.unlock();
            !free
        }
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

impl Drop for StateLock {
    fn drop(&mut self) {
        // Failures cost nothing: a stale name, or a lock that ends with the process.
        let _ = self.file.set_len(0);
        // Closing alone would not do: a child process that another thread is just starting shares the open file until it has become its program.
        let _ = self.file.unlock();
    }
}

fn lock_path(state: &Path) -> PathBuf {
    let mut name = state.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// Who wrote its name into the file. Where a locked file cannot be read (Windows) the name stays unknown.
fn holder(file: &mut File) -> String {
    let mut name = String::new();
    let read = file.rewind().and_then(|()| file.take(64).read_to_string(&mut name));
    match name.strip_prefix("process ") {
        Some(id) if read.is_ok() && id == std::process::id().to_string() => "this very process".to_owned(),
        Some(id) if read.is_ok() && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) => format!("the process with id {id}"),
        _ => "another process".to_owned(),
    }
}
