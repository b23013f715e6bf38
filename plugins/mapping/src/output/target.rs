//! Target paths: where a value goes.

use super::arena::{Arena, Docs, Id, Key, Shape};
use crate::condition::Filter;
use crate::json::text::push_quoted;
use crate::json::{Source, fingerprint};
use crate::path::{Constants, Path, Token};

/// The highest index a target path may name: a bound on the holes it can make.
const INDEX: i32 = 9_999;

/// A compiled target path.
#[derive(Debug)]
pub(crate) struct Target {
    pub segments: Vec<Segment>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Segment {
    Key(Key),
    Index(u32),
    /// `[*]`: every element that is there.
    Each,
    /// `[?(@.key)]`: a list of objects with this key, one for each value.
    Build(Key),
}

impl Constants {
    /// A key name, quoted once and for all.
    pub(crate) fn key(&mut self, name: &str) -> Key {
        let place = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX);
        let start = place(&self.text);
        push_quoted(&mut self.text, name);
        let end = place(&self.text);
        // Behind the key, so that it is written together with its colon.
        self.text.push(':');
        let inside = &self.text[start as usize + 1..end as usize - 1];
        Key { source: Source::Constants, start, end, fingerprint: fingerprint(inside.as_bytes()), escaped: inside.contains('\\') }
    }
}

impl Target {
    /// Not every path can be written to; the error says why this one cannot.
    pub fn compile(path: &Path, constants: &mut Constants) -> Result<Self, String> {
        let mut segments = Vec::with_capacity(path.steps.len());
        for (at, step) in path.steps.iter().enumerate() {
            let last = at + 1 == path.steps.len();
            segments.push(match &step.token {
                Token::Key(name) => Segment::Key(constants.key(&name.text)),
                Token::Index(index @ 0..=INDEX) => Segment::Index(index.unsigned_abs()),
                Token::Index(_) => return Err(format!("the index must lie between 0 and {INDEX}")),
                Token::Wildcard => Segment::Each,
                Token::Filter(filter) => match &**filter {
                    Filter::Exists(inner, true) if last && !inner.from_root => match &inner.steps[..] {
                        [step] if let Token::Key(name) = &step.token => Segment::Build(constants.key(&name.text)),
                        _ => return Err("a list of objects is written [?(@.key)] with one key".to_owned()),
                    },
                    _ => {
                        return Err(
                            "the only filter a target path may have is [?(@.key)] at its end, which makes a list of objects".to_owned()
                        );
                    }
                },
                Token::Keys(_) | Token::Indexes(_) | Token::Slice(..) | Token::Scan | Token::Function(_) => {
                    return Err("a target path consists of names, indexes, [*] and at its end [?(@.key)]".to_owned());
                }
            });
        }
        Ok(Self { segments })
    }
}

impl Arena {
    /// Write a value; the node must not be used afterwards.
    pub fn set(&mut self, root: Id, target: &Target, value: Id, docs: &Docs<'_>) {
        if target.segments.is_empty() {
            self.merge(root, value, docs);
        } else {
            self.set_at(root, &target.segments, value, docs);
        }
    }

    fn set_at(&mut self, at: Id, segments: &[Segment], value: Id, docs: &Docs<'_>) {
        let Some((segment, rest)) = segments.split_first() else {
            self.replace(at, value);
            return;
        };
        match *segment {
            Segment::Key(key) if rest.is_empty() => self.set_member(at, key, value, docs),
            Segment::Key(key) => {
                let member = self.member_or_new(at, key, docs);
                self.set_at(member, rest, value, docs);
            }
            Segment::Index(index) => {
                let element = self.element_or_new(at, index, docs);
                self.set_at(element, rest, value, docs);
            }
            Segment::Each => {
                for element in self.elements(at, docs).unwrap_or_default() {
                    let value = self.copy(value);
                    self.set_at(element, rest, value, docs);
                }
            }
            Segment::Build(key) => self.build(at, key, value, docs),
        }
    }

    /// A list of the same length gets the key element by element; anything else is replaced (section 10.2).
    fn build(&mut self, at: Id, key: Key, value: Id, docs: &Docs<'_>) {
        let values = self.elements(value, docs).unwrap_or_else(|| vec![value]);
        let standing = if self.shape(at, docs) == Shape::Array { self.elements(at, docs) } else { None };
        if let Some(standing) = standing
            && standing.len() == values.len()
        {
            for (element, value) in standing.into_iter().zip(values) {
                self.set_member(element, key, value, docs);
            }
            return;
        }
        let list = self.empty_array();
        for value in values {
            let element = self.empty_object();
            // `value` may be the node whose place the list takes.
            let value = self.copy(value);
            self.set_member(element, key, value, docs);
            self.push(list, element);
        }
        self.replace(at, list);
    }

    /// Take out what the target leads to, if it is there.
    pub fn remove(&mut self, root: Id, target: &Target, docs: &Docs<'_>) {
        let Some((last, before)) = target.segments.split_last() else {
            let empty = self.empty_object();
            self.replace(root, empty);
            return;
        };
        for parent in self.reach(root, before, docs) {
            match *last {
                Segment::Key(key) => self.remove_member(parent, key, docs),
                Segment::Index(index) => self.remove_element(parent, index, docs),
                Segment::Each => {
                    if self.elements(parent, docs).is_some() {
                        let empty = self.empty_array();
                        self.replace(parent, empty);
                    }
                }
                Segment::Build(key) => {
                    for element in self.elements(parent, docs).unwrap_or_default() {
                        self.remove_member(element, key, docs);
                    }
                }
            }
        }
    }

    /// Give the last name of the target another name, wherever it is.
    pub fn rename(&mut self, root: Id, target: &Target, to: Key, docs: &Docs<'_>) {
        if let Some((Segment::Key(from), before)) = target.segments.split_last() {
            for parent in self.reach(root, before, docs) {
                self.rename_member(parent, *from, to, docs);
            }
        }
    }

    /// All nodes the segments lead to. Nothing is made on the way.
    fn reach(&mut self, root: Id, segments: &[Segment], docs: &Docs<'_>) -> Vec<Id> {
        let mut nodes = vec![root];
        for segment in segments {
            let mut next = Vec::new();
            for node in nodes {
                match *segment {
                    Segment::Key(key) => next.extend(self.member(node, key, docs)),
                    Segment::Index(index) => next.extend(self.elements(node, docs).unwrap_or_default().get(index as usize)),
                    Segment::Each | Segment::Build(_) => next.extend(self.elements(node, docs).unwrap_or_default()),
                }
            }
            nodes = next;
        }
        nodes
    }
}
