//! Changing the tree: finding, setting, removing and renaming members and elements.

use super::arena::{Arena, Docs, Id, Key, List, NONE, Node, Shape};
use crate::json::text::{same, unescape};

impl Arena {
    fn same_key(&self, a: Key, b: Key, docs: &Docs<'_>) -> bool {
        let (x, y) = (self.span(a.source, a.start, a.end, docs), self.span(b.source, b.start, b.end, docs));
        if same(x.as_bytes(), y.as_bytes()) {
            return true;
        }
        (a.escaped || b.escaped) && unescape(&x[1..x.len() - 1]) == unescape(&y[1..y.len() - 1])
    }

    /// The place of an object's entry with this key, and of the entry before it.
    #[inline]
    fn entry(&self, list: List, key: Key, docs: &Docs<'_>) -> Option<(u32, u32)> {
        if list.keys & key.bit() == 0 { None } else { self.look_for(list, key, docs) }
    }

    fn look_for(&self, list: List, key: Key, docs: &Docs<'_>) -> Option<(u32, u32)> {
        let (mut before, mut at) = (NONE, list.first);
        while at != NONE {
            let entry = &self.entries[at as usize];
            if (entry.key.fingerprint == key.fingerprint || entry.key.escaped || key.escaped) && self.same_key(entry.key, key, docs) {
                return Some((before, at));
            }
            before = at;
            at = entry.next;
        }
        None
    }

    /// The member of an object, opened; nothing if there is none or this is no object.
    pub fn member(&mut self, id: Id, key: Key, docs: &Docs<'_>) -> Option<Id> {
        self.open(id, docs);
        let Node::Object(list) = self.node(id) else { return None };
        self.entry(list, key, docs).map(|(_, at)| self.entries[at as usize].value)
    }

    /// The member of an object, made (as a hole) if it is not there. What is no object becomes one.
    pub fn member_or_new(&mut self, id: Id, key: Key, docs: &Docs<'_>) -> Id {
        self.open(id, docs);
        let mut list = if let Node::Object(list) = self.node(id) { list } else { List::EMPTY };
        if let Some((_, at)) = self.entry(list, key, docs) {
            return self.entries[at as usize].value;
        }
        let member = self.add(Node::Hole);
        self.append(&mut list, key, member);
        self.nodes[id as usize] = Node::Object(list);
        member
    }

    /// Set a member of an object; the value's node becomes the member's and must not be used afterwards. What is no object becomes one.
    pub fn set_member(&mut self, id: Id, key: Key, value: Id, docs: &Docs<'_>) {
        self.open(id, docs);
        let mut list = if let Node::Object(list) = self.node(id) { list } else { List::EMPTY };
        if let Some((_, at)) = self.entry(list, key, docs) {
            let member = self.entries[at as usize].value;
            self.replace(member, value);
            return;
        }
        self.append(&mut list, key, value);
        self.nodes[id as usize] = Node::Object(list);
    }

    /// The element of an array, made if it is not there; what lies between becomes holes. What is no array becomes one.
    pub fn element_or_new(&mut self, id: Id, index: u32, docs: &Docs<'_>) -> Id {
        self.open(id, docs);
        let mut list = if let Node::Array(list) = self.node(id) { list } else { List::EMPTY };
        if index < list.count {
            let mut at = list.first;
            for _ in 0..index {
                at = self.entries[at as usize].next;
            }
            return self.entries[at as usize].value;
        }
        let mut element = 0;
        while list.count <= index {
            element = self.add(Node::Hole);
            self.append(&mut list, Key::NOTHING, element);
        }
        self.nodes[id as usize] = Node::Array(list);
        element
    }

    /// Put the content of one node in the place of another. The first must not be used any more.
    pub fn replace(&mut self, id: Id, value: Id) {
        self.nodes[id as usize] = self.node(value);
    }

    /// A copy that can be changed without changing the original.
    pub fn copy(&mut self, id: Id) -> Id {
        let (list, is_object) = match self.node(id) {
            Node::Object(list) => (list, true),
            Node::Array(list) => (list, false),
            leaf => return self.add(leaf),
        };
        let mut copied = List::EMPTY;
        let mut at = list.first;
        while at != NONE {
            let entry = self.entries[at as usize];
            let value = self.copy(entry.value);
            self.append(&mut copied, entry.key, value);
            at = entry.next;
        }
        self.add(if is_object { Node::Object(copied) } else { Node::Array(copied) })
    }

    pub fn remove_member(&mut self, id: Id, key: Key, docs: &Docs<'_>) {
        self.open(id, docs);
        let Node::Object(mut list) = self.node(id) else { return };
        if let Some((before, at)) = self.entry(list, key, docs) {
            self.unlink(&mut list, before, at);
            self.nodes[id as usize] = Node::Object(list);
        }
    }

    /// Take an element out of an array; those behind it move up.
    pub fn remove_element(&mut self, id: Id, index: u32, docs: &Docs<'_>) {
        self.open(id, docs);
        let Node::Array(mut list) = self.node(id) else { return };
        if index < list.count {
            let (mut before, mut at) = (NONE, list.first);
            for _ in 0..index {
                before = at;
                at = self.entries[at as usize].next;
            }
            self.unlink(&mut list, before, at);
            self.nodes[id as usize] = Node::Array(list);
        }
    }

    fn unlink(&mut self, list: &mut List, before: u32, at: u32) {
        let next = self.entries[at as usize].next;
        if before == NONE {
            list.first = next;
        } else {
            self.entries[before as usize].next = next;
        }
        if list.last == at {
            list.last = before;
        }
        list.count -= 1;
    }

    /// Give a member another key in its place. A member that has that key already goes.
    pub fn rename_member(&mut self, id: Id, from: Key, to: Key, docs: &Docs<'_>) {
        self.open(id, docs);
        let Node::Object(list) = self.node(id) else { return };
        if self.same_key(from, to, docs) || self.entry(list, from, docs).is_none() {
            return;
        }
        self.remove_member(id, to, docs);
        let Node::Object(mut list) = self.node(id) else { return };
        if let Some((_, at)) = self.entry(list, from, docs) {
            self.entries[at as usize].key = to;
            list.keys |= to.bit();
            self.nodes[id as usize] = Node::Object(list);
        }
    }

    /// Set every member of one object in another; what is no object replaces it.
    pub fn merge(&mut self, id: Id, value: Id, docs: &Docs<'_>) {
        if let Node::Object(List { count: 0, .. }) = self.node(id) {
            self.replace(id, value);
            return;
        }
        self.open(value, docs);
        match (self.node(id), self.node(value)) {
            (Node::Raw { .. } | Node::Object(_), Node::Object(list)) if self.shape(id, docs) == Shape::Object => {
                let mut at = list.first;
                while at != NONE {
                    let entry = self.entries[at as usize];
                    self.set_member(id, entry.key, entry.value, docs);
                    at = entry.next;
                }
            }
            _ => self.replace(id, value),
        }
    }
}
