//! Provisor: an identity-provisioning host. See the README for what it does; the modules are the rooms of the data path:
//!
//! ```text
//! cli --> setup --> manifest, registry, egress --> pipeline --> sandbox (plugins), state --> report --> notify
//!                                             \-> serve --> scim --> directory, proxy --> sandbox (plugins)
//! ```

pub mod cli;
pub mod directory;
pub mod egress;
pub mod explain;
pub mod history;
pub mod identities;
pub mod manifest;
pub mod notify;
pub mod pipeline;
pub mod proxy;
pub mod registry;
pub mod report;
pub mod sandbox;
pub mod scim;
pub mod secret;
pub mod serve;
pub mod setup;
pub mod state;
