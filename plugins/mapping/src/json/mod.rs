//! JSON as the engine sees it: a text and a flat tape of spans over it. There is no owned tree.

mod duplicates;
pub mod number;
mod parse;
#[cfg(test)]
pub(crate) mod tests;
pub mod text;
mod value;

pub use duplicates::without_duplicates;
pub use parse::{Error, parse};
pub use value::{Doc, Kind, Name, Node, Slot, Source, Value, fingerprint};
