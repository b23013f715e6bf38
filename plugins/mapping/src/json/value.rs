//! Reading a parsed text: documents, values and where they come from.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU32, Ordering};

use super::text::{same, unescape};

/// What a JSON value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    False,
    True,
    Number,
    String,
    Array,
    Object,
}

/// One value (or one object key) of a tape: its span in the text, quotes and brackets included.
///
/// The members of an object follow it as key, value, key, value; the elements of an array follow it one by one. `next` is the index behind the whole subtree,
/// so a sibling is one step away; that of a key is the index behind its value, so the next key is.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    pub start: u32,
    pub end: u32,
    pub next: u32,
    /// Elements or members. Of a key: its [`fingerprint`].
    pub count: u32,
    pub kind: Kind,
    /// A string with at least one backslash: its content must be decoded before it can be compared.
    pub escaped: bool,
    /// Of an object or array: how deep it is nested. Of a key: that of its object. Tells an object's own keys from those of the objects in it.
    pub level: u8,
}

/// Tells most keys apart without looking at their text: the length and three of the bytes.
#[inline]
pub fn fingerprint(name: &[u8]) -> u32 {
    let [Some(first), Some(middle), Some(last)] = [name.first(), name.get(name.len() / 2), name.last()] else { return 0 };
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    u32::from_le_bytes([length, *first, *middle, *last])
}

/// The name of a member, ready to be looked for.
#[derive(Debug)]
pub struct Name {
    pub text: Box<str>,
    fingerprint: u32,
    /// Where the key stood in the object it was found in last, counted in nodes from the object. Entities of one source mostly look alike, so it is looked for
    /// there first. A guess and nothing more: it is checked, and the answer is the same without it.
    guess: AtomicU32,
}

impl Name {
    pub fn new(text: Box<str>) -> Self {
        let fingerprint = fingerprint(text.as_bytes());
        Self { text, fingerprint, guess: AtomicU32::new(1) }
    }
}

/// Which text a span belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The entity's document.
    Input,
    /// Constants, default values and key names of the transformation.
    Constants,
    /// Values that came up on the way: input variables, results of functions that a path has to look into.
    Extra,
    /// Texts the output has made itself. They have no tape.
    Made,
}

/// A value's address; survives the borrow of the text.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    pub source: Source,
    pub at: u32,
}

/// A text with its tape.
#[derive(Clone, Copy, Debug)]
pub struct Doc<'d> {
    pub source: Source,
    pub text: &'d str,
    pub nodes: &'d [Node],
}

/// One value of a document. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Value<'d> {
    pub doc: &'d Doc<'d>,
    pub at: u32,
}

impl<'d> Value<'d> {
    pub fn slot(self) -> Slot {
        Slot { source: self.doc.source, at: self.at }
    }

    pub fn node(self) -> Node {
        self.doc.nodes[self.at as usize]
    }

    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// The value's JSON text, as it stands in the source.
    pub fn raw(self) -> &'d str {
        let node = self.node();
        &self.doc.text[node.start as usize..node.end as usize]
    }

    /// The same for a value whose address is known.
    pub fn of(doc: &'d Doc<'d>, slot: Slot) -> Self {
        Self { doc, at: slot.at }
    }

    /// A string's content without quotes, not decoded.
    fn inner(self) -> &'d str {
        let node = self.node();
        &self.doc.text[node.start as usize + 1..node.end as usize - 1]
    }

    /// A string's (or key's) decoded content. Call it on strings only.
    pub fn string(self) -> Cow<'d, str> {
        if self.node().escaped { Cow::Owned(unescape(self.inner())) } else { Cow::Borrowed(self.inner()) }
    }

    /// A string's content, if nothing in it has to be decoded. Call it on strings only.
    pub fn plain(self) -> Option<&'d str> {
        if self.node().escaped { None } else { Some(self.inner()) }
    }

    /// Elements of an array, members of an object.
    pub fn count(self) -> usize {
        self.node().count as usize
    }

    /// The elements of an array.
    pub fn elements(self) -> impl Iterator<Item = Value<'d>> {
        let node = self.node();
        let mut at = self.at + 1;
        (0..if node.kind == Kind::Array { node.count } else { 0 }).map(move |_| {
            let element = Value { doc: self.doc, at };
            at = element.node().next;
            element
        })
    }

    /// The members of an object, each as key and value.
    pub fn members(self) -> impl Iterator<Item = (Value<'d>, Value<'d>)> {
        let node = self.node();
        let mut at = self.at + 1;
        (0..if node.kind == Kind::Object { node.count } else { 0 }).map(move |_| {
            let key = Value { doc: self.doc, at };
            let value = Value { doc: self.doc, at: at + 1 };
            at = key.node().next;
            (key, value)
        })
    }

    /// The member of this name, if this is an object and has one. Keys are unique: see [`super::without_duplicates`].
    pub fn member(self, name: &str) -> Option<Value<'d>> {
        self.find(name, fingerprint(name.as_bytes()))
    }

    /// The same for a name that is looked for again and again.
    #[inline]
    pub fn member_named(self, name: &Name) -> Option<Value<'d>> {
        let nodes = self.doc.nodes;
        let object = &nodes[self.at as usize];
        let guess = self.at.wrapping_add(name.guess.load(Ordering::Relaxed));
        // It is a key of this very object if it lies in it, is on its level, and is a string with that fingerprint: a list or object may have as many elements,
        // but is no string; a string that is a value has the fingerprint of the empty name.
        if guess < object.next
            && let Some(key) = nodes.get(guess as usize)
            && key.count == name.fingerprint
            && key.kind == Kind::String
            && object.kind == Kind::Object
            && key.level == object.level
            && name.fingerprint != 0
            && !key.escaped
            && same(&self.doc.text.as_bytes()[key.start as usize + 1..key.end as usize - 1], name.text.as_bytes())
        {
            return Some(Value { doc: self.doc, at: guess + 1 });
        }
        let found = self.find(&name.text, name.fingerprint)?;
        name.guess.store(found.at - 1 - self.at, Ordering::Relaxed);
        Some(found)
    }

    fn find(self, name: &str, fingerprint: u32) -> Option<Value<'d>> {
        let nodes = self.doc.nodes;
        let node = nodes[self.at as usize];
        if node.kind != Kind::Object {
            return None;
        }
        let end = node.next as usize;
        let mut at = self.at as usize + 1;
        while at < end {
            let key = &nodes[at];
            let hit = if key.escaped {
                Value { doc: self.doc, at: at_u32(at) }.string() == name
            } else {
                key.count == fingerprint && same(&self.doc.text.as_bytes()[key.start as usize + 1..key.end as usize - 1], name.as_bytes())
            };
            if hit {
                return Some(Value { doc: self.doc, at: at_u32(at + 1) });
            }
            at = key.next as usize;
        }
        None
    }

    /// The element at this index; negative counts from the end.
    pub fn element(self, index: i32) -> Option<Value<'d>> {
        let node = self.node();
        if node.kind != Kind::Array {
            return None;
        }
        let index = if index < 0 { i64::from(node.count) + i64::from(index) } else { i64::from(index) };
        if index < 0 || index >= i64::from(node.count) {
            return None;
        }
        let mut at = self.at + 1;
        for _ in 0..index {
            at = self.doc.nodes[at as usize].next;
        }
        Some(Value { doc: self.doc, at })
    }
}

/// A tape has fewer than 2^32 nodes.
#[expect(clippy::cast_possible_truncation, reason = "bounded by the length of the text")]
fn at_u32(at: usize) -> u32 {
    at as u32
}
