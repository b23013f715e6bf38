//! What becomes of one entity that was not met: decided from its relation, why it was not met, and what the operator wrote.

use crate::{
    manifest::{Deletions, Policies, Policy},
    state::{Cause, Relation},
};

/// What becomes of one entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Delete,
    Disable,
    /// It stays, and so does its relation.
    Keep(Kept),
    /// It stays, and is no longer ours.
    Forget(Kept),
    /// It is disabled already.
    Done,
}

impl Verdict {
    /// Whether something in the target would change for the worse.
    pub fn takes(self) -> bool {
        matches!(self, Self::Delete | Self::Disable)
    }

    /// Whether anything would be done, if only to the relation.
    pub fn acts(self) -> bool {
        self.takes() || matches!(self, Self::Forget(_))
    }
}

/// Why an entity is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// `deletions.protected`
    Protected,
    /// `deletions.gone` or `deletions.left-scope`
    Policy(Cause),
    /// It was in the target before the host came.
    ExistedBefore,
    /// Another source entity stands behind it too.
    Shared,
}

impl Kept {
    /// Why, as a part of a sentence.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Protected => "it is protected (deletions.protected)",
            Self::Policy(Cause::Gone) => "it is gone from the source, and the policy for that is to keep it (deletions.gone)",
            Self::Policy(Cause::LeftScope) => "it left the scope, and the policy for that is to keep it (deletions.left-scope)",
            Self::ExistedBefore => "it existed before (ips.delete.existedbefore.entities = true before this run would have deleted it)",
            Self::Shared => "it belongs to another source entity too",
        }
    }
}

/// The operator's rules for one target and entity type.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    deletions: &'a Deletions,
    policies: Policies,
}

impl<'a> Rules<'a> {
    /// The rules as they are written.
    pub fn of(deletions: &'a Deletions, entity_type: &str) -> Self {
        Self { deletions, policies: deletions.policies(entity_type) }
    }

    /// Nobody knows who is gone and who left the scope: the milder policy for all.
    #[must_use]
    pub fn without_causes(mut self) -> Self {
        let milder = self.policies.gone.min(self.policies.left_scope);
        self.policies = Policies { gone: milder, left_scope: milder };
        self
    }

    /// Nothing severer than disabling.
    #[must_use]
    pub fn at_most_disable(mut self) -> Self {
        let Policies { gone, left_scope } = self.policies;
        self.policies = Policies { gone: gone.min(Policy::Disable), left_scope: left_scope.min(Policy::Disable) };
        self
    }

    /// Judge an entity that was not met.
    pub fn judge(&self, relation: &Relation, cause: Cause) -> Verdict {
        let policy = match cause {
            Cause::Gone => self.policies.gone,
            Cause::LeftScope => self.policies.left_scope,
        };
        if self.deletions.protects(&relation.source_id, &relation.target_id) {
            return Verdict::Keep(Kept::Protected);
        }
        match policy {
            Policy::Keep => Verdict::Keep(Kept::Policy(cause)),
            _ if relation.existed_before && !self.deletions.delete_existed_before => Verdict::Forget(Kept::ExistedBefore),
            Policy::Disable if relation.disabled => Verdict::Done,
            Policy::Disable => Verdict::Disable,
            Policy::Delete => Verdict::Delete,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use proptest::prelude::*;

    use super::*;

    fn policy() -> impl Strategy<Value = Policy> {
        prop_oneof![Just(Policy::Keep), Just(Policy::Disable), Just(Policy::Delete)]
    }

    proptest! {
        #[test]
        fn nobody_is_taken_against_a_rule(
            gone in policy(), left_scope in policy(), existed_before: bool, delete_existed_before: bool, disabled: bool, left: bool, protected: bool,
            entity_type in prop_oneof![Just("user"), Just("group")], blurred: bool, mild: bool,
        ) {
            let mut deletions = Deletions::default().protecting(protected.then_some("b?b"));
            deletions.delete_existed_before = delete_existed_before;
            deletions.users = Policies { gone, left_scope };
            deletions.others = Policies { gone: gone.min(Policy::Keep), left_scope };
            let relation = Relation {
                id: 1, source_id: "7".into(), target_id: "Bob".into(), existed_before, common_digest: None, target_digest: None, disabled,
                updated_at: SystemTime::UNIX_EPOCH,
            };
            let written = deletions.policies(entity_type);
            let mut rules = Rules::of(&deletions, entity_type);
            if blurred { rules = rules.without_causes(); }
            if mild { rules = rules.at_most_disable(); }
            let cause = if left { Cause::LeftScope } else { Cause::Gone };
            let verdict = rules.judge(&relation, cause);
            let of_cause = if left { written.left_scope } else { written.gone };
            if verdict.takes() {
                prop_assert!(!protected);
                prop_assert!(delete_existed_before || !existed_before);
                prop_assert!(of_cause != Policy::Keep);
                prop_assert!(!blurred || written.gone.min(written.left_scope) != Policy::Keep);
            }
            if verdict == Verdict::Delete {
                prop_assert!(of_cause == Policy::Delete && !mild);
            }
            if verdict == Verdict::Disable {
                prop_assert!(!disabled, "nobody is disabled twice");
            }
        }
    }
}
