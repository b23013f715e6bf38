//! SCIM 2.0 (RFC 7643, RFC 7644) as source and target.
//!
//! The protocol does not know WASI: it starts requests on an [`http::Http`] and takes answers in whatever order they arrive, so all of it is tested natively
//! against a scripted server. Two files are the component: `component` (the contract) and `wasi_http` (the network).
//!
//! Deliberately absent: credentials and time limits (the host's, on the way out) and retries (the host's, by the kind of the failure).

pub mod address;
pub mod body;
pub mod bulk;
mod change;
pub mod config;
pub mod connection;
pub mod cursor;
pub mod description;
pub mod exchange;
pub mod failure;
pub mod filter;
pub mod find;
pub mod http;
pub mod list;
pub mod members;
pub mod probe;
pub mod profile;
pub mod read;
pub mod resource;
#[cfg(test)]
mod scripted;
pub mod session;
pub mod since;
pub mod write;

#[cfg(target_family = "wasm")]
mod component;
#[cfg(target_family = "wasm")]
mod wasi_http;

#[cfg(target_family = "wasm")]
sdk::world!("connector");
#[cfg(target_family = "wasm")]
export!(Scim);
#[cfg(target_family = "wasm")]
use component::Scim;
