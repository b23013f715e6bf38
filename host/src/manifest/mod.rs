//! What the operator wrote, in one TOML file, to typed configuration. Every stage is a type:
//!
//! ```text
//! text --document--> Node --check--> Fields (inside Raw) --resolve--> Manifest
//!        TOML, places       keys.rs        plugins' descriptions
//! ```
//!
//! [`read`] never fails: it answers a [`Raw`] that knows the plugins folder, so that plugins can be scanned even when other things are wrong, and
//! [`Raw::resolve`] reports the problems of all stages at once. Nothing that is written is silently ignored: a name nobody knows is an error, a
//! name that means nothing here or not yet is an error or a warning that says so.
//!
//! Deliberately absent: the values of secrets (only where they come from, [`crate::secret::SecretSource`]), anything that speaks to a network, and
//! the language of transformations (their text is handed on unread, but for the `%name%` in it).

mod auth;
mod authority;
mod check;
mod connection;
mod deletions;
mod document;
mod fields;
mod folders;
mod forms;
mod keys;
mod model;
mod nearest;
mod notifications;
mod problem;
mod properties;
mod proxy;
mod quantity;
mod raw;
mod reference;
mod resolve;
pub mod schema;
mod secret_reference;
mod serve;
#[cfg(test)]
mod tests;
mod tls;
mod trace;
mod transformation;

pub use auth::{Assertion, Auth, ClientAuthentication, Grant, OAuth2};
pub use deletions::{Deletions, Disable, Policies, Policy, Threshold};
pub use model::{Delta, Element, Failures, GrantedFolder, Grants, Limits, MAPPING, Manifest, System};
pub use notifications::{Mail, MailSecurity, NotificationRules, Notifications, Webhook};
pub use problem::{Place, Problem, Severity};
pub use proxy::{Proxy, TotalResults};
pub use raw::{Raw, read};
pub use serve::{Directory, Serve, ServeTls, Token, TokenRole};
pub use tls::{ClientCertificate, Tls};
pub use trace::Trace;
