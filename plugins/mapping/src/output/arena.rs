//! The tree and its nodes.

use std::borrow::Cow;

use crate::json::text::{push_quoted, unescape};
use crate::json::{Doc, Kind, Slot, Source, Value};
use crate::path::{Hit, Made};

/// A node's place in the arena.
pub(crate) type Id = u32;

/// No entry: the end of a list.
pub(super) const NONE: u32 = u32::MAX;

/// The texts spans point into.
#[derive(Clone, Copy)]
pub(crate) struct Docs<'a> {
    pub input: &'a Doc<'a>,
    pub constants: &'a Doc<'a>,
    pub extra: &'a Doc<'a>,
}

impl<'a> Docs<'a> {
    /// The document of a slot. Made texts have no tape and no slot.
    pub fn doc(&self, source: Source) -> &'a Doc<'a> {
        match source {
            Source::Input => self.input,
            Source::Constants => self.constants,
            Source::Extra | Source::Made => self.extra,
        }
    }

    pub fn value(&self, slot: Slot) -> Value<'a> {
        Value::of(self.doc(slot.source), slot)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Node {
    /// A place in an array nothing was written to; it is left out of the text.
    Hole,
    /// A value as it stands in its source.
    Raw {
        slot: Slot,
        start: u32,
        end: u32,
    },
    /// JSON text of a scalar in the arena's own text.
    Text {
        start: u32,
        end: u32,
    },
    Object(List),
    Array(List),
}

/// A linked list of entries, in order of first write.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub first: u32,
    pub last: u32,
    pub count: u32,
    /// A bit for each key's fingerprint: a key whose bit is not set is not there. All bits once a key has an escape.
    pub keys: u64,
}

impl List {
    pub const EMPTY: Self = Self { first: NONE, last: NONE, count: 0, keys: 0 };
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub key: Key,
    pub value: Id,
    pub next: u32,
}

/// An object's key: a span of quoted text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub source: Source,
    pub start: u32,
    pub end: u32,
    /// That of the text between the quotes.
    pub fingerprint: u32,
    pub escaped: bool,
}

impl Key {
    /// The key a tape names.
    fn of(source: Source, node: crate::json::Node) -> Self {
        Self { source, start: node.start, end: node.end, fingerprint: node.count, escaped: node.escaped }
    }

    /// Its bit in [`List::keys`].
    pub(super) fn bit(self) -> u64 {
        if self.escaped { u64::MAX } else { 1 << (self.fingerprint.wrapping_mul(0x9e37_79b1) >> 26) }
    }

    /// The key of nothing, for the entries of arrays.
    pub(super) const NOTHING: Self = Self { source: Source::Made, start: 0, end: 0, fingerprint: 0, escaped: false };
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl Shape {
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a text",
            Self::Array => "a list",
            Self::Object => "an object",
        }
    }
}

/// The tree of one entity. Cleared and used again for the next.
#[derive(Default)]
pub(crate) struct Arena {
    pub(super) nodes: Vec<Node>,
    pub(super) entries: Vec<Entry>,
    pub(super) text: String,
    /// Where in the text the values begin that stand for bytes, in order.
    bytes: Vec<u32>,
}

/// An arena holds at most a few nodes per byte of input and of the transformation, so its places fit in 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "bounded by texts shorter than 4 GiB")]
fn place(at: usize) -> u32 {
    at as u32
}

impl Arena {
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.entries.clear();
        self.text.clear();
        self.bytes.clear();
    }

    pub(super) fn add(&mut self, node: Node) -> Id {
        self.nodes.push(node);
        place(self.nodes.len() - 1)
    }

    pub(super) fn node(&self, id: Id) -> Node {
        self.nodes[id as usize]
    }

    pub fn raw(&mut self, value: Value<'_>) -> Id {
        let node = value.node();
        self.add(Node::Raw { slot: value.slot(), start: node.start, end: node.end })
    }

    pub fn empty_object(&mut self) -> Id {
        self.add(Node::Object(List::EMPTY))
    }

    pub fn empty_array(&mut self) -> Id {
        self.add(Node::Array(List::EMPTY))
    }

    /// A text, as a JSON string.
    pub fn string(&mut self, content: &str) -> Id {
        let start = place(self.text.len());
        push_quoted(&mut self.text, content);
        let end = place(self.text.len());
        self.add(Node::Text { start, end })
    }

    /// Bytes, as the text they are written as. Copies of the value are bytes as well.
    pub fn bytes(&mut self, written: &str) -> Id {
        self.bytes.push(place(self.text.len()));
        self.string(written)
    }

    pub fn is_bytes(&self, id: Id) -> bool {
        matches!(self.node(id), Node::Text { start, .. } if self.bytes.binary_search(&start).is_ok())
    }

    /// A scalar that is JSON text already: a number, `true`, `false`, `null`.
    pub fn scalar(&mut self, json: &str) -> Id {
        let start = place(self.text.len());
        self.text.push_str(json);
        let end = place(self.text.len());
        self.add(Node::Text { start, end })
    }

    pub fn hit(&mut self, hit: &Hit<'_>) -> Id {
        match hit {
            Hit::Value(value) => self.raw(*value),
            Hit::Made(Made::Null) => self.scalar("null"),
            Hit::Made(Made::Number(number)) => self.scalar(number),
            Hit::Made(Made::Text(text)) => self.string(text),
            Hit::Made(Made::Projection(value, names)) => {
                let mut list = List::EMPTY;
                for (at, name) in names.iter().enumerate() {
                    if names[..at].contains(name) {
                        continue;
                    }
                    if let Some(member) = value.member(name) {
                        let key = Key::of(value.doc.source, Value { doc: value.doc, at: member.at - 1 }.node());
                        let child = self.raw(member);
                        self.append(&mut list, key, child);
                    }
                }
                self.add(Node::Object(list))
            }
            Hit::Made(Made::Keys(value)) => {
                let mut list = List::EMPTY;
                for (key, _) in value.members() {
                    let child = self.raw(key);
                    self.append(&mut list, Key::NOTHING, child);
                }
                self.add(Node::Array(list))
            }
        }
    }

    pub(super) fn append(&mut self, list: &mut List, key: Key, value: Id) {
        let entry = place(self.entries.len());
        self.entries.push(Entry { key, value, next: NONE });
        if list.first == NONE {
            list.first = entry;
        } else {
            self.entries[list.last as usize].next = entry;
        }
        list.last = entry;
        list.count += 1;
        list.keys |= key.bit();
    }

    /// Append to an array.
    pub fn push(&mut self, array: Id, element: Id) {
        if let Node::Array(mut list) = self.node(array) {
            self.append(&mut list, Key::NOTHING, element);
            self.nodes[array as usize] = Node::Array(list);
        }
    }

    /// Open a raw array or object by one level.
    #[inline]
    pub fn open(&mut self, id: Id, docs: &Docs<'_>) {
        if let Node::Raw { slot, .. } = self.nodes[id as usize] {
            self.open_slot(id, slot, docs);
        }
    }

    fn open_slot(&mut self, id: Id, slot: Slot, docs: &Docs<'_>) {
        let value = docs.value(slot);
        let mut list = List::EMPTY;
        match value.kind() {
            Kind::Array => {
                for element in value.elements() {
                    let child = self.raw(element);
                    self.append(&mut list, Key::NOTHING, child);
                }
                self.nodes[id as usize] = Node::Array(list);
            }
            Kind::Object => {
                for (key, member) in value.members() {
                    let child = self.raw(member);
                    self.append(&mut list, Key::of(slot.source, key.node()), child);
                }
                self.nodes[id as usize] = Node::Object(list);
            }
            _ => {}
        }
    }

    pub(super) fn span<'a>(&'a self, source: Source, start: u32, end: u32, docs: &Docs<'a>) -> &'a str {
        let text = if source == Source::Made { &self.text } else { docs.doc(source).text };
        &text[start as usize..end as usize]
    }

    /// The JSON text of a raw value or scalar; nothing for what has been opened.
    pub fn leaf_text<'a>(&'a self, id: Id, docs: &Docs<'a>) -> Option<&'a str> {
        match self.node(id) {
            Node::Raw { slot, start, end } => Some(self.span(slot.source, start, end, docs)),
            Node::Text { start, end } => Some(self.span(Source::Made, start, end, docs)),
            Node::Hole => Some("null"),
            Node::Object(_) | Node::Array(_) => None,
        }
    }

    pub fn shape(&self, id: Id, docs: &Docs<'_>) -> Shape {
        match self.node(id) {
            Node::Object(_) => Shape::Object,
            Node::Array(_) => Shape::Array,
            Node::Hole => Shape::Null,
            Node::Raw { slot, .. } => match docs.value(slot).kind() {
                Kind::Null => Shape::Null,
                Kind::False | Kind::True => Shape::Bool,
                Kind::Number => Shape::Number,
                Kind::String => Shape::String,
                Kind::Array => Shape::Array,
                Kind::Object => Shape::Object,
            },
            Node::Text { start, .. } => match self.text.as_bytes().get(start as usize) {
                Some(b'"') => Shape::String,
                Some(b't' | b'f') => Shape::Bool,
                Some(b'n') | None => Shape::Null,
                Some(_) => Shape::Number,
            },
        }
    }

    /// A scalar as text: a string's content, a number or boolean as it is written. Nothing for null, lists and objects.
    pub fn content<'a>(&'a self, id: Id, docs: &Docs<'a>) -> Option<Cow<'a, str>> {
        let text = self.leaf_text(id, docs)?;
        match text.as_bytes().first()? {
            b'"' => {
                let inner = &text[1..text.len() - 1];
                Some(if inner.contains('\\') { Cow::Owned(unescape(inner)) } else { Cow::Borrowed(inner) })
            }
            b'{' | b'[' | b'n' => None,
            _ => Some(Cow::Borrowed(text)),
        }
    }

    /// The address of a value that is still as it was in its source.
    pub fn slot(&self, id: Id) -> Option<Slot> {
        if let Node::Raw { slot, .. } = self.node(id) { Some(slot) } else { None }
    }

    /// The element of an array that has one. Others are not opened for it: most lists have more elements or none.
    pub fn only_element(&mut self, id: Id, docs: &Docs<'_>) -> Option<Id> {
        if let Node::Raw { slot, .. } = self.node(id) {
            let value = docs.value(slot);
            if value.kind() != Kind::Array || value.count() != 1 {
                return None;
            }
            self.open_slot(id, slot, docs);
        }
        match self.node(id) {
            Node::Array(List { first, count: 1, .. }) => Some(self.entries[first as usize].value),
            _ => None,
        }
    }

    /// The elements of an array, opened; nothing for anything else.
    pub fn elements(&mut self, id: Id, docs: &Docs<'_>) -> Option<Vec<Id>> {
        self.open(id, docs);
        let Node::Array(list) = self.node(id) else { return None };
        Some(self.entries_of(list).map(|entry| entry.value).collect())
    }

    pub(super) fn entries_of(&self, list: List) -> impl Iterator<Item = &Entry> {
        let mut at = list.first;
        std::iter::from_fn(move || {
            let entry = self.entries.get(at as usize)?;
            at = entry.next;
            Some(entry)
        })
    }
}
