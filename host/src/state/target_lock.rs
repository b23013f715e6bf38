//! One run at a time on one target: an operating-system lock in a folder of this user, named after where the target is.
//!
//! The lock of a state file keeps two runs apart that share it; this one keeps those apart that do not. It ends with the process, however that ends. Runs of other users
//! and on other machines do not see it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::Path,
};

use sha2::{Digest as _, Sha256};

/// Held as long as it lives. The file stays: removing it would let two processes hold locks on two files of one name.
#[derive(Debug)]
pub struct TargetLock {
    _file: File,
}

impl TargetLock {
    /// Take the lock of the target at this place; nothing if another run has it.
    pub fn take(folder: &Path, place: &str) -> io::Result<Option<Self>> {
        let folder = folder.join("targets");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{:x}.lock", Sha256::digest(place)));
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_one_lock() {
        let folder = tempfile::tempdir().unwrap();
        let held = TargetLock::take(folder.path(), "scim https://a").unwrap();
        assert!(held.is_some());
        assert!(TargetLock::take(folder.path(), "scim https://a").unwrap().is_none());
        assert!(TargetLock::take(folder.path(), "scim https://b").unwrap().is_some());
        drop(held);
        assert!(TargetLock::take(folder.path(), "scim https://a").unwrap().is_some());
    }
}
