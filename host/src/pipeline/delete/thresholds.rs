//! Whether so many deletions may happen at once, and whether those that are due are deletions at all.

use crate::manifest::Deletions;

/// Why deletions are held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Stable, dotted.
    pub code: &'static str,
    /// In a sentence.
    pub why: String,
}

/// More than the thresholds allow.
pub const TOO_MANY: &str = "deletions.too-many";
/// There was nothing in the source.
pub const SOURCE_EMPTY: &str = "deletions.source-empty";
/// The same entities seem to be there under other ids.
pub const IDS_CHANGED: &str = "deletions.ids-changed";

/// Whether so many deletions may happen; the error says why not.
pub fn threshold(rules: &Deletions, entity_type: &str, due: u64, known: u64) -> Result<(), Withheld> {
    let too_many = |why: String| Err(Withheld { code: TOO_MANY, why });
    if let Some(limit) = rules.threshold(entity_type)
        && due > limit
    {
        return too_many(format!("{due} deletions are more than the {limit} that ips.delete.threshold.{entity_type}s allows"));
    }
    if due > rules.max_count {
        return too_many(format!("{due} deletions are more than deletions.max-count = {}", rules.max_count));
    }
    let percent = due.saturating_mul(100) / known.max(1);
    if due > Deletions::PERCENT_FROM && due.saturating_mul(100) > known.saturating_mul(u64::from(rules.max_percent)) {
        return too_many(format!("{due} of {known} entities ({percent} %) are more than deletions.max-percent = {}", rules.max_percent));
    }
    Ok(())
}

/// Who is gone and who came in one read.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// What makes the ids is not what it was in the last complete read.
    pub identity_changed: bool,
    /// Relations whose entity is gone from the source.
    pub gone: u64,
    /// Entities that belong into the target and had no relation.
    pub came: u64,
    /// All relations.
    pub known: u64,
}

impl Exchange {
    /// Whether this looks like the same entities under new ids (spec section 2.6: mass deletion and mass creation at once); the error says why. With an edited mapping one
    /// of each is enough. Without one, more than half of all must be gone and nearly as many have come, for a source may have got new ids by itself.
    pub fn check(&self) -> Result<(), Withheld> {
        let Self { identity_changed, gone, came, known } = *self;
        let changed = |why: String| Err(Withheld { code: IDS_CHANGED, why });
        if identity_changed && gone > 0 && came > 0 {
            return changed(format!(
                "{gone} of {known} known entities are gone and {came} new ones came, and what sets entityIdSourceSystem in the read transformation was edited since the \
                 last complete read: this looks like the same entities under new ids. Put the mapping of the id back, or see who they are and accept the list"
            ));
        }
        if gone > Deletions::PERCENT_FROM && gone.saturating_mul(2) > known && came.saturating_mul(2) > gone {
            return changed(format!(
                "{gone} of {known} known entities are gone and {came} new ones came: this looks like the same entities under new ids. See whether the source has given new \
                 ids, and accept the list only if these entities are really gone"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::manifest::Threshold;

    fn rules(max_count: u64, max_percent: u8) -> Deletions {
        let mut rules = Deletions::default();
        (rules.max_count, rules.max_percent) = (max_count, max_percent);
        rules
    }

    #[test]
    fn thresholds_hold_back_by_count_and_by_percent() {
        let rules = rules(500, 10);
        assert!(threshold(&rules, "user", 1, 3).is_ok(), "a few are let through whatever their share");
        assert!(threshold(&rules, "user", 10, 20).is_ok());
        assert!(threshold(&rules, "user", 11, 20).is_err());
        assert!(threshold(&rules, "user", 100, 1000).is_ok(), "exactly ten percent");
        assert!(threshold(&rules, "user", 101, 1000).is_err());
        assert!(threshold(&rules, "user", 500, 1_000_000).is_ok());
        assert!(threshold(&rules, "user", 501, 1_000_000).is_err());
    }

    #[test]
    fn new_ids_are_told_from_leavers_and_joiners() {
        let check = |identity_changed, gone, came, known| Exchange { identity_changed, gone, came, known }.check().is_ok();
        assert!(check(false, 1, 1, 2), "one left, one came");
        assert!(!check(true, 1, 1, 2));
        assert!(check(true, 1, 0, 2), "nobody came under a new id");
        assert!(check(true, 0, 5, 2));
        assert!(!check(false, 900, 880, 1000));
        assert!(check(false, 900, 20, 1000), "a site was closed");
        assert!(check(false, 400, 400, 1000), "a new school year");
    }

    proptest! {
        #[test]
        fn never_more_than_any_limit(due in 0..2000_u64, known in 0..5000_u64, max_count in 0..1000_u64, max_percent in 0..=100_u8, users in proptest::option::of(1..1000_u64)) {
            let mut rules = rules(max_count, max_percent);
            rules.threshold_users = users.map_or(Threshold::Off, Threshold::Above);
            let known = known.max(due);
            if threshold(&rules, "user", due, known).is_ok() {
                prop_assert!(due <= max_count && users.is_none_or(|limit| due <= limit));
                prop_assert!(due <= 10 || due * 100 <= known * u64::from(max_percent));
            }
        }
    }
}
