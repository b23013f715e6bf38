//! LDAP (RFC 4511) as source and target, for the connectors `ldap` and `active-directory`.
//!
//! The protocol does not know WASI: it connects through a [`session::Host`], so all of it is tested natively against a scripted server. Two files are the components:
//! `component` (the contract), which each of them has as a module of its own, and `dial` (the network).
//!
//! Deliberately absent: TLS, certificates, addresses and time limits (the host's, in `dial`) and retries (the host's, by the kind of the failure). Referrals are reported
//! and not followed: another server is another system, with a grant of its own.

pub mod ber;
pub mod binary;
pub mod changes;
pub mod client;
pub mod control;
pub mod description;
pub mod difference;
pub mod dn;
pub mod document;
pub mod entry;
pub mod failure;
pub mod filter;
pub mod flatten;
pub mod members;
pub mod message;
pub mod names;
pub mod probe;
pub mod range;
pub mod read;
#[cfg(test)]
mod scripted;
pub mod session;
pub mod settings;
pub mod write;

#[cfg(target_family = "wasm")]
pub mod dial;
