//! Delta reads: where the next one begins.

use super::Digest;

/// The token a source gave with the last page of a successful run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeltaToken {
    /// The entity type that was read.
    pub entity_type: String,
    /// As the connector gave it.
    pub token: String,
    /// Stands for what must be the same for changes alone to be enough. Another one: everything is read.
    pub basis: Digest,
}
