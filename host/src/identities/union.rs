//! Sets of entities that are the same person.

/// Disjoint sets of numbers that are given in order.
#[derive(Default)]
pub(super) struct Union {
    parents: Vec<u32>,
    sets: u64,
}

impl Union {
    /// The next number, in a set of its own.
    ///
    /// # Panics
    /// After four billion.
    pub fn add(&mut self) -> u32 {
        let next = u32::try_from(self.parents.len()).expect("fewer than 2^32 people");
        self.parents.push(next);
        self.sets += 1;
        next
    }

    /// Both are in the same set from here on.
    pub fn join(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        if one != other {
            self.parents[one.max(other) as usize] = one.min(other);
            self.sets -= 1;
        }
    }

    fn root(&mut self, mut of: u32) -> u32 {
        while self.parents[of as usize] != of {
            // Every step halves what is left of the way for the next one.
            let above = self.parents[self.parents[of as usize] as usize];
            self.parents[of as usize] = above;
            of = above;
        }
        of
    }

    /// How many sets there are.
    pub fn sets(&self) -> u64 {
        self.sets
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_counts_what_hangs_together(joined in prop::collection::vec((0..40_u32, 0..40_u32), 0..60)) {
            let (mut union, mut groups) = (Union::default(), (0..40_u32).collect::<Vec<_>>());
            for _ in 0..40 {
                union.add();
            }
            for (one, other) in joined {
                union.join(one, other);
                let (from, to) = (groups[one as usize], groups[other as usize]);
                groups.iter_mut().filter(|group| **group == from).for_each(|group| *group = to);
            }
            groups.sort_unstable();
            groups.dedup();
            prop_assert_eq!(union.sets(), groups.len() as u64);
        }
    }
}
