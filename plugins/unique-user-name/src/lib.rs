//! The transformation `unique-user-name`: derives a user name from parts of a person's name, unique within the run.
//!
//! [`Pattern`] makes a name of one document, [`Names`] sees to it that nobody else has it, and `component` puts both behind the contract. Everything but
//! `component` builds and is tested natively.

#[cfg(target_family = "wasm")]
mod component;
mod document;
mod names;
mod pattern;
mod settings;

#[cfg(target_family = "wasm")]
sdk::world!("transformation");

pub use document::{Document, Failure};
pub use names::Names;
pub use pattern::{Part, Pattern};
pub use settings::{DEFAULTS, Settings};
