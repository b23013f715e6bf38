//! Which relations a run has met: what is left after a complete read is what the source no longer has.

use std::collections::BTreeMap;

const CHUNK_BITS: u32 = 15;
const WORDS: usize = (1 << CHUNK_BITS) / 64;

/// A set of relation ids, one bit each.
///
/// Kept in chunks of 32 768 ids (4 KiB), each made when the first of its ids is met: ids that stand close together, as a first load gives them,
/// cost one bit, and a single huge id in a damaged state file costs 4 KiB and not the memory up to it.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    chunks: BTreeMap<i64, Box<[u64; WORDS]>>,
    len: u64,
    /// The set is everything but these.
    all_but: bool,
}

impl Seen {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything was met but these: what a source says it deleted, where it says nothing of the others.
    pub fn all_but(ids: impl IntoIterator<Item = i64>) -> Self {
        let mut gone = Self::default();
        for id in ids {
            gone.insert(id);
        }
        gone.all_but = true;
        gone
    }

    /// Add a relation; false if it was there already, so that a second entity with the same source id is noticed.
    pub fn insert(&mut self, id: i64) -> bool {
        let (chunk, word, bit) = place(id);
        let slot = &mut self.chunks.entry(chunk).or_insert_with(|| Box::new([0; WORDS]))[word];
        let new = *slot & bit == 0;
        *slot |= bit;
        self.len += u64::from(new);
        new
    }

    /// Has this relation been met?
    pub fn contains(&self, id: i64) -> bool {
        let (chunk, word, bit) = place(id);
        self.chunks.get(&chunk).is_some_and(|words| words[word] & bit != 0) != self.all_but
    }

    /// The relations that were put in, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = i64> {
        self.chunks.iter().flat_map(|(chunk, words)| {
            let bits = words.iter().zip(0_i64..).filter(|(bits, _)| **bits != 0);
            bits.flat_map(move |(bits, word)| {
                (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| (chunk << CHUNK_BITS) + word * 64 + bit)
            })
        })
    }

    /// How many relations have been met.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// No relation has been met.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// The chunk, the word in it and the bit in that.
fn place(id: i64) -> (i64, usize, u64) {
    let low = usize::try_from(id & ((1 << CHUNK_BITS) - 1)).expect("15 bits fit");
    (id >> CHUNK_BITS, low / 64, 1 << (low % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(ids in prop::collection::vec(prop_oneof![0..70_000_i64, any::<i64>(), Just(i64::MIN), Just(i64::MAX)], 0..300)) {
            let (mut seen, mut model) = (Seen::new(), HashSet::new());
            for id in &ids {
                prop_assert_eq!(seen.insert(*id), model.insert(*id));
            }
            let gone = Seen::all_but(ids.iter().copied());
            prop_assert_eq!(seen.len(), model.len() as u64);
            prop_assert_eq!(seen.iter().collect::<Vec<_>>(), model.iter().copied().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>());
            prop_assert_eq!(seen.is_empty(), model.is_empty());
            for id in ids.iter().flat_map(|id| [*id, id.wrapping_add(1), id.wrapping_sub(1)]) {
                prop_assert_eq!(seen.contains(id), model.contains(&id));
                prop_assert_eq!(gone.contains(id), !model.contains(&id));
            }
        }
    }
}
