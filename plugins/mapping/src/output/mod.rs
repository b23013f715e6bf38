//! What a mapping writes: a small tree whose leaves are spans of the input, opened only where something in it is changed.

mod arena;
mod edit;
mod target;
mod write;

pub(crate) use arena::{Arena, Docs, Id, Key, Shape};
pub(crate) use target::{Segment, Target};
