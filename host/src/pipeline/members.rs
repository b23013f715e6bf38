//! Members of a big group as the difference to what it was last sent, so that one more member in a group of 50 000 is one small call.
//!
//! A group is written whole where nothing is known of what it was sent (a create, a resync, after a failure), where something else than its members changed, where
//! its members are more than ids, and below the threshold.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    PipelineError,
    page::digest,
    plan::{PlannedChange, PlannedStep, Planner},
};
use crate::{sandbox::contract::Members, state::Membership};

/// What a page has to remember of one entity: its members, or that nothing is known any more.
pub type Memory = (String, Option<Membership>);

/// The document's `members` (RFC 7643 section 4.2) if they are nothing but ids, and a digest of the rest.
fn split(document: &str) -> Option<Membership> {
    // Most documents have none; looking at the text is cheaper than parsing it.
    if !document.contains("\"members\"") {
        return None;
    }
    let mut document: Value = serde_json::from_str(document).ok()?;
    let members = document.as_object_mut()?.remove("members")?;
    let id = |member: &Value| match member {
        Value::String(id) => Some(id.clone()),
        Value::Object(object) if object.len() == 1 => object.get("value")?.as_str().map(str::to_owned),
        _ => None,
    };
    let members: BTreeSet<String> = members.as_array()?.iter().map(id).collect::<Option<_>>()?;
    Some(Membership { rest: digest(&document.to_string()), members: members.into_iter().collect() })
}

/// The change from one list of members to another, for the target entity with this id; nothing where more changed than the members.
fn difference(before: &Membership, after: &Membership, id: &str) -> Option<Members> {
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|id| those.binary_search(id).is_err()).cloned().collect()
    };
    (before.rest == after.rest).then(|| Members {
        id: id.to_owned(),
        added: only(&after.members, &before.members),
        removed: only(&before.members, &after.members),
    })
}

impl Planner {
    /// Turn updates of big groups into differences, and note what the groups will have been sent.
    pub(super) async fn differ(&mut self, changes: &mut [PlannedChange]) -> Result<(), PipelineError> {
        if self.run.simulation.is_some() || !self.run.can(&self.entity_type, |abilities| abilities.members) {
            return Ok(());
        }
        let mut big: Vec<&mut PlannedChange> = Vec::new();
        for change in changes {
            change.membership = split(&change.document).filter(|split| split.members.len() > self.run.spec.members_whole);
            if change.membership.is_some() {
                big.push(change);
            }
        }
        let ids: Vec<&str> = big.iter().map(|change| change.entity.source_id.as_str()).collect();
        let known = self.run.state.memberships(&self.run.link, &self.entity_type, &ids).await?;
        for (change, known) in big.into_iter().zip(known) {
            // Without a digest of what was sent last, the target may have anything.
            if let (PlannedStep::Update(relation), Some(before), Some(after)) = (&change.step, &known, &change.membership)
                && relation.target_digest.is_some()
            {
                change.difference = difference(before, after, &relation.target_id);
            }
        }
        Ok(())
    }
}

impl PlannedChange {
    /// What to remember once it is written, or once it failed: then nobody knows what the group has. `differs`: whether this entity type has members to speak of.
    pub(super) fn memory(&self, differs: bool, written: bool) -> Option<Memory> {
        // Without a row there is nothing to forget, and for a create nothing can be there.
        let known = self.membership.clone().filter(|_| written);
        let may_be_known = matches!(self.step, PlannedStep::Update(_));
        (differs && (known.is_some() || may_be_known)).then(|| (self.entity.source_id.clone(), known))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn members_that_are_more_than_ids_are_written_whole() {
        assert_eq!(split(r#"{"displayName":"a","members":[{"value":"2"},{"value":"1"},"1"]}"#).expect("ids").members, ["1", "2"]);
        for document in [
            r#"{"displayName":"members"}"#,
            r#"{"members":[{"value":"1","type":"User"}]}"#,
            r#"{"members":[{"value":1}]}"#,
            r#"{"members":{"value":"1"}}"#,
            r#"{"a":{"members":["1"]}}"#,
            "[\"members\"]",
        ] {
            assert_eq!(split(document), None, "{document}");
        }
    }

    #[test]
    fn another_attribute_that_changed_is_no_difference_of_members() {
        let (before, after) = (split(r#"{"n":1,"members":["1"]}"#).expect("ids"), split(r#"{"n":2,"members":["1","2"]}"#).expect("ids"));
        assert!(difference(&before, &after, "g").is_none());
    }

    proptest! {
        #[test]
        fn the_difference_leads_from_one_to_the_other(before in prop::collection::vec(0..30u8, 0..20), after in prop::collection::vec(0..30u8, 0..20)) {
            let of = |ids: &[u8]| {
                let ids: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
                split(&format!("{{\"members\":[{}]}}", ids.join(","))).expect("ids")
            };
            let (before, after) = (of(&before), of(&after));
            let Members { added, removed, .. } = difference(&before, &after, "g").expect("nothing else changed");
            let mut members: BTreeSet<String> = before.members.iter().cloned().collect();
            prop_assert!(added.iter().all(|id| members.insert(id.clone())));
            prop_assert!(removed.iter().all(|id| members.remove(id)));
            prop_assert_eq!(members.into_iter().collect::<Vec<_>>(), after.members);
        }
    }
}
