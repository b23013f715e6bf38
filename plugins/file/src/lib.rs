//! The connector `file`: people and groups from CSV, JSON, NDJSON and LDIF files, and a folder of JSON documents as a target.
//!
//! Everything but `component` builds and is tested natively; `component` only converts between the contract's types and the ones here.

#[cfg(target_family = "wasm")]
sdk::world!("connector");

pub mod attribute;
#[cfg(target_family = "wasm")]
mod component;
pub mod description;
pub mod failure;
pub mod properties;
pub mod source;
pub mod target;
