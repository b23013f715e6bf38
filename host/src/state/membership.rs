//! What a big group was last sent.

use super::Digest;

/// The members of a group, and what else it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// SHA-256 of the document without its members.
    pub rest: Digest,
    /// Ids in the target, sorted, each once.
    pub members: Vec<String>,
}
