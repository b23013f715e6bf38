//! What can be wrong with the state.

use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

/// The state cannot be used, or a page could not be committed. What failed has changed nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StateError {
    /// `state.open`
    #[error("the state file {} cannot be opened: {reason}", path.display())]
    Open { path: PathBuf, reason: String },
    /// `state.locked`
    #[error(
        "the state file {} is in use by {holder}; wait until that run has ended, or name another state file: two runs never share one",
        path.display()
    )]
    Locked { path: PathBuf, holder: String },
    /// `state.version`
    #[error(
        "the state file {} was written by a newer Provisor (schema version {found}; this one knows up to {known}): use that version, or a copy \
         of the file from before the upgrade",
        path.display()
    )]
    Version { path: PathBuf, found: i64, known: i64 },
    /// `state.corrupt`
    #[error(
        "the state file {} is damaged ({detail}): restore it from a backup together with its -wal file, or try `sqlite3 FILE .recover`; without a \
         state the next run takes what it finds in the target for entities that existed before",
        path.display()
    )]
    Corrupt { path: PathBuf, detail: String },
    /// `state.full`
    #[error("there is no room left for the state file {} ({detail}): free some space and start the run again; what was committed before stays", path.display())]
    Full { path: PathBuf, detail: String },
    /// `state.read`
    #[error("the state file {} cannot be read: {reason}", path.display())]
    Read { path: PathBuf, reason: String },
    /// `state.write`
    #[error("the state file {} cannot be written: {reason}; nothing of this page was kept", path.display())]
    Write { path: PathBuf, reason: String },
    /// `state.already-related`
    #[error("{entity_type} {source_id} is already related to {target_id} ({link}): two entities of the source have the same id")]
    AlreadyRelated { link: super::Link, entity_type: String, source_id: String, target_id: String },
    /// `state.unknown-relation`
    #[error("there is no relation {id} of {entity_type} ({link}): it was deleted while the run was under way")]
    UnknownRelation { link: super::Link, entity_type: String, id: i64 },
}

impl StateError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => "state.open",
            Self::Locked { .. } => "state.locked",
            Self::Version { .. } => "state.version",
            Self::Corrupt { .. } => "state.corrupt",
            Self::Full { .. } => "state.full",
            Self::Read { .. } => "state.read",
            Self::Write { .. } => "state.write",
            Self::AlreadyRelated { .. } => "state.already-related",
            Self::UnknownRelation { .. } => "state.unknown-relation",
        }
    }

    pub(super) fn open(path: &Path, reason: impl Into<String>) -> Self {
        Self::Open { path: path.to_owned(), reason: reason.into() }
    }

    pub(super) fn write(path: &Path, reason: impl Into<String>) -> Self {
        Self::Write { path: path.to_owned(), reason: reason.into() }
    }

    /// An operating-system error met while opening.
    pub(super) fn open_io(path: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path: path.to_owned(), detail: error.to_string() },
            io::ErrorKind::NotFound => Self::open(path, "its folder does not exist; create it, or name another state file"),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::open(
                path,
                format!(
                    "{error}; the user that runs this needs to write the file and its folder, because SQLite keeps its log beside the file"
                ),
            ),
            _ => Self::open(path, error.to_string()),
        }
    }

    /// What `SQLite` said while `doing` something.
    pub(super) fn sqlite(path: &Path, doing: Doing, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let said = error.to_string();
        let reason = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => return Self::Full { path, detail: said },
            Some(ErrorCode::NotADatabase) if doing == Doing::Open => {
                "it is not an SQLite database; name another state file, or move this one away".to_owned()
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => return Self::Corrupt { path, detail: said },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                format!("another program, such as an open `sqlite3` shell, has been holding it ({said}); close that program")
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                format!(
                    "{said}; the user that runs this needs to write the file and its folder, because SQLite keeps its log beside the file"
                )
            }
            // What SQLite returns does not fit what was stored: somebody has edited the file.
            None if matches!(
                error,
                rusqlite::Error::FromSqlConversionFailure(..)
                    | rusqlite::Error::IntegralValueOutOfRange(..)
                    | rusqlite::Error::InvalidColumnType(..)
                    | rusqlite::Error::Utf8Error(..)
            ) =>
            {
                return Self::Corrupt { path, detail: said };
            }
            _ => said,
        };
        match doing {
            Doing::Open => Self::Open { path, reason },
            Doing::Read => Self::Read { path, reason },
            Doing::Write => Self::Write { path, reason },
        }
    }
}

/// What was being done when `SQLite` failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    Open,
    Read,
    Write,
}
