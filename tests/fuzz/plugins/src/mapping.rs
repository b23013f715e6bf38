//! The text of a transformation, and behind it a document: compiled and applied.

use crate::document::{GROUP, USER};
use crate::target::parts;
use crate::twice::twice;

pub fn check(data: &[u8]) {
    let Some([text, document]) = parts(data) else { return };
    twice(text, &[USER, GROUP, document]);
}
