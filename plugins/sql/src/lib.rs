//! A relational database as source and target; PostgreSQL, over its own protocol (version 3).
//!
//! The protocol does not know WASI: it speaks over a [`wire::Stream`], so all of it is tested natively against a scripted server. Two files are the component: `component` (the contract) and
//! `dialled` (the network and the password).
//!
//! Deliberately absent: values in the text of a statement (they are bound, always), TLS and time limits of the network (the host's), retries (the host's, by the kind of the failure).

pub mod array;
pub mod connection;
pub mod cursor;
pub mod description;
pub mod document;
pub mod entity;
pub mod failure;
pub mod find;
pub mod identifier;
mod login;
pub mod membership;
pub mod memberships;
pub mod named;
pub mod path;
pub mod probe;
pub mod read;
pub mod role;
#[cfg(test)]
mod scripted;
pub mod session;
pub mod since;
mod single;
pub mod source;
pub mod table;
pub mod target;
pub mod types;
mod update;
pub mod value;
pub mod wire;
pub mod work;
pub mod write;
mod write_members;
mod write_roles;

#[cfg(target_family = "wasm")]
mod component;
#[cfg(target_family = "wasm")]
mod dialled;

#[cfg(target_family = "wasm")]
sdk::world!("connector");
#[cfg(target_family = "wasm")]
export!(Sql);
#[cfg(target_family = "wasm")]
use component::Sql;
