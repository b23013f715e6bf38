//! The tree as text.

use super::arena::{Arena, Docs, Id, Node};
use crate::json::Source;
use crate::json::text::push;

impl Arena {
    /// Append a node as JSON text. Recursion is as deep as the tree has been opened, which the length of paths bounds.
    pub fn write(&self, id: Id, docs: &Docs<'_>, out: &mut String) {
        match self.node(id) {
            Node::Hole => out.push_str("null"),
            Node::Raw { slot, start, end } => push(out, self.span(slot.source, start, end, docs)),
            Node::Text { start, end } => push(out, self.span(Source::Made, start, end, docs)),
            Node::Object(list) => {
                out.push('{');
                let mut first = true;
                for entry in self.entries_of(list) {
                    if !first {
                        out.push(',');
                    }
                    first = false;
                    if entry.key.source == Source::Constants {
                        push(out, self.span(Source::Constants, entry.key.start, entry.key.end + 1, docs));
                    } else {
                        push(out, self.span(entry.key.source, entry.key.start, entry.key.end, docs));
                        out.push(':');
                    }
                    self.write(entry.value, docs, out);
                }
                out.push('}');
            }
            Node::Array(list) => {
                out.push('[');
                let mut first = true;
                for entry in self.entries_of(list) {
                    if matches!(self.node(entry.value), Node::Hole) {
                        continue;
                    }
                    if !first {
                        out.push(',');
                    }
                    first = false;
                    self.write(entry.value, docs, out);
                }
                out.push(']');
            }
        }
    }
}
