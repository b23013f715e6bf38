//! What kind of run it was (spec section 2.1).

/// What a job reads and what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobType {
    /// Writes what is new or changed and deletes what is gone.
    Read,
    /// Writes every entity, unchanged ones too, and deletes what is gone: what was changed in a target only is undone.
    Resync,
    /// Carries out deletions that an earlier run held back, and reads nothing.
    AcceptDeletions,
}

impl JobType {
    /// The word in reports and in the state file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Resync => "resync",
            // The state knows this word too, because such a run meets nobody.
            Self::AcceptDeletions => "accept-deletions",
        }
    }
}

/// How much of the source is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadMode {
    /// Everything.
    Full,
    /// What changed since the last successful run.
    Delta,
    /// Nothing.
    None,
}

impl ReadMode {
    /// The word in reports and in the state file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Delta => "delta",
            Self::None => "none",
        }
    }
}

/// How one entity type was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOf {
    pub entity_type: String,
    pub mode: ReadMode,
    /// Why everything was read although the source is set to read changes only.
    pub reason: Option<String>,
}
