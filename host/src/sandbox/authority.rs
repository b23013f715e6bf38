//! What one instance may do: the part of a plugin's wishes the operator granted. Empty means nothing at all.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::contract::Lookup;
use crate::{egress::Door, secret::SecretSource};

/// A folder the guest sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The name under which the guest sees it.
    pub guest: String,
    pub host: PathBuf,
    /// Create, change and delete; else read only.
    pub write: bool,
}

/// The id relations, as a transformation may ask for them.
#[async_trait]
pub trait Relations: Send + Sync {
    /// One answer per question, in the same order.
    async fn find(&self, lookups: Vec<Lookup>) -> Vec<Option<String>>;
}

/// Everything an instance can reach, and its bounds.
#[derive(Clone)]
pub struct Authority {
    /// The system's name, for the log and for messages.
    pub system: String,
    pub folders: Vec<Folder>,
    /// The way to the network: `wasi:http` and `dial`. Absent: every request is refused.
    pub door: Option<Arc<Door>>,
    /// Secrets the component asked for and the operator granted.
    pub secrets: BTreeMap<String, SecretSource>,
    pub relations: Option<Arc<dyn Relations>>,
    /// Bytes of linear memory.
    pub memory: u64,
    /// The longest one call may take, waiting included.
    pub call_timeout: Duration,
}

impl Authority {
    /// What the network door refused so far: each with the manifest's lines that would grant it. The plugin only heard a "no".
    pub fn refusals(&self) -> Vec<String> {
        self.door.iter().flat_map(|door| door.refusals()).map(|refusal| refusal.message).collect()
    }

    /// Nothing: the sandbox in which a component describes itself.
    pub fn none(system: &str) -> Self {
        Self {
            system: system.to_owned(),
            folders: Vec::new(),
            door: None,
            secrets: BTreeMap::new(),
            relations: None,
            memory: 256 << 20,
            call_timeout: Duration::from_secs(10),
        }
    }
}
