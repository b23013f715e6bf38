//! The sandbox: everything that touches WebAssembly. No other room names the engine.
//!
//! A file goes through [`admission`] (what it is, before anything of it is compiled), is compiled or taken from the cache, describes itself with empty hands, and
//! then serves as [`Source`], [`Target`] or [`Transformation`] instances, each bounded by an [`Authority`]. A guest's own "no" is data
//! ([`contract::Failure`]); a trap, a time limit or a memory limit is a [`Fault`], after which the instance is gone and the plugin can be opened again.
//!
//! Deliberately absent: sharing anything between two instances, and any knowledge of what a job is.

pub mod admission;
mod authority;
mod bindings;
mod cache;
pub mod contract;
mod describe;
mod engine;
mod error;
mod http;
mod imports;
mod instance;
mod limits;
mod output;
mod plugin;

pub use authority::{Authority, Folder, Relations};
pub use error::{Event, Fault, SandboxError};
pub use plugin::{Plugin, Sandbox, Settings, Source, Target, Transformation};
