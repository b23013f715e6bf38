//! Groups that a user is put into or taken out of by the user's own write transformation: the variables `assignGroup` and `unassignGroup`, `[{"id": "..."}]` each, the
//! ids being those of the target's groups (spec section 2.11).
//!
//! The assignments are a part of what the target is sent: they go out with a create and with an update, and a change in them alone makes an update. Each group that a page
//! concerns is one call for its members, whoever many users there are.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    PipelineError,
    outcome::{Settled, code_of},
    page::{Digest, combine, digest},
    plan::PlannedChange,
    target::TargetRun,
    write::Writer,
};
use crate::sandbox::contract::{Action, Change, Kind, Mapped, Members, Variable, Written};

/// The type of what users are put into.
const GROUP: &str = "group";
const ASSIGN: &str = "assignGroup";
pub(super) const UNASSIGN: &str = "unassignGroup";

/// Ids of groups in the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignments {
    pub assign: Vec<String>,
    pub unassign: Vec<String>,
}

impl Assignments {
    /// What a transformation asks for; the error says what is wrong with it.
    pub fn of(variables: &[Variable]) -> Result<Option<Box<Self>>, String> {
        let mut found: Option<Box<Self>> = None;
        for variable in variables {
            let into = match variable.name.as_str() {
                ASSIGN => |found: &mut Self, ids| found.assign = ids,
                UNASSIGN => |found: &mut Self, ids| found.unassign = ids,
                _ => continue,
            };
            let ids = ids(&variable.value)
                .ok_or_else(|| format!("the variable {} is to be a list of groups of the target, [{{\"id\": \"...\"}}]", variable.name))?;
            if !ids.is_empty() {
                into(found.get_or_insert_default(), ids);
            }
        }
        Ok(found)
    }

    /// In words, for a simulation.
    pub fn told(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        [(ASSIGN, self.assign.as_slice()), (UNASSIGN, self.unassign.as_slice())].into_iter().filter(|(_, ids)| !ids.is_empty())
    }
}

fn ids(value: &str) -> Option<Vec<String>> {
    let Value::Array(list) = serde_json::from_str(value).ok()? else { return None };
    let id = |entry: &Value| {
        entry.as_object().filter(|entry| entry.len() == 1)?.get("id")?.as_str().filter(|id| !id.is_empty()).map(str::to_owned)
    };
    list.iter().map(id).collect()
}

/// Stands for what the target is sent of an entity: the document, and the assignments where there are any.
pub fn digest_of(mapped: &Mapped) -> Digest {
    let document = digest(&mapped.document);
    let assignments = mapped.variables.iter().filter(|variable| [ASSIGN, UNASSIGN].contains(&variable.name.as_str()));
    assignments.fold(document, |sum, variable| combine(&sum, &digest(&format!("{}={}", variable.name, variable.value))))
}

impl TargetRun {
    /// Whether the target's plugin can change the members of its groups.
    pub fn assigns(&self) -> bool {
        self.can(GROUP, |abilities| abilities.members)
    }
}

/// What became of the groups of one user: nothing, or why it is not as it should be.
type Refusal = Option<(String, String)>;

impl Writer {
    /// Put the users that were just written into their groups. One whose groups cannot be changed fails, and is written again by the next run.
    pub(super) async fn assign(&mut self, settled: &mut [(PlannedChange, Settled)]) -> Result<(), PipelineError> {
        let mut wanted = Vec::new();
        for (place, (planned, settled)) in settled.iter().enumerate() {
            if let (Some(groups), Settled::Written { target_id, .. }) = (&planned.groups, settled) {
                wanted.push((place, target_id.clone(), groups.clone()));
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let users: Vec<(&str, &Assignments)> = wanted.iter().map(|(_, user, groups)| (user.as_str(), &**groups)).collect();
        let refusals = self.change_groups(&users, false).await?;
        for ((place, ..), refusal) in wanted.iter().zip(refusals) {
            let Some((code, message)) = refusal else { continue };
            if let Settled::Written { target_id, existed_before, .. } = &settled[*place].1 {
                let (target_id, existed_before) = (target_id.clone(), *existed_before);
                settled[*place].1 = Settled::Unfinished { target_id, existed_before, code, message };
            }
        }
        Ok(())
    }

    /// Change the groups of these users, by their ids in the target. `leaving`: of users that go, to whom a group that is gone is as good as left.
    pub(super) async fn change_groups(&mut self, users: &[(&str, &Assignments)], leaving: bool) -> Result<Vec<Refusal>, PipelineError> {
        let mut groups: BTreeMap<&str, (Members, Vec<usize>)> = BTreeMap::new();
        for (place, (user, wanted)) in users.iter().enumerate() {
            for (ids, list) in [(&wanted.assign, true), (&wanted.unassign, false)] {
                for id in ids {
                    let empty = || (Members { id: id.clone(), added: Vec::new(), removed: Vec::new() }, Vec::new());
                    let (members, places) = groups.entry(id).or_insert_with(empty);
                    (if list { &mut members.added } else { &mut members.removed }).push((*user).to_owned());
                    places.push(place);
                }
            }
        }
        let mut refusals: Vec<Refusal> = vec![None; users.len()];
        let (groups, places): (Vec<Members>, Vec<Vec<usize>>) = groups.into_values().unzip();
        let ids: Vec<String> = groups.iter().map(|members| members.id.clone()).collect();
        let changes: Vec<Change> =
            groups.into_iter().map(|members| Change { entity_type: GROUP.to_owned(), action: Action::Members(members) }).collect();
        let outcomes = if changes.is_empty() { Ok(Vec::new()) } else { self.call(&changes).await? };
        let mut refuse = |places: &[usize], code: &str, message: &str| {
            for place in places {
                refusals[*place].get_or_insert_with(|| (code.to_owned(), message.to_owned()));
            }
        };
        match outcomes {
            Ok(outcomes) => {
                for ((id, places), outcome) in ids.iter().zip(&places).zip(outcomes) {
                    match outcome {
                        Written::Written(_) => {}
                        Written::Failed(failure) if leaving && matches!(failure.kind, Kind::NotFound) => {}
                        Written::Failed(failure) => {
                            let message = format!("it is written, and its place in group {id} could not be changed: {}", failure.message);
                            refuse(places, &code_of(&failure), &message);
                        }
                    }
                }
            }
            Err(fault) => places.iter().for_each(|places| refuse(places, fault.code(), &fault.to_string())),
        }
        Ok(refusals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, value: &str) -> Variable {
        Variable { name: name.into(), value: value.into() }
    }

    #[test]
    fn only_lists_of_ids_are_assignments() {
        let found = Assignments::of(&[
            variable("entityIdTargetSystem", "\"7\""),
            variable("assignGroup", r#"[{"id":"a"},{"id":"b"}]"#),
            variable("unassignGroup", r#"[{"id":"c"}]"#),
        ]);
        let found = found.expect("a list").expect("groups");
        assert_eq!((found.assign, found.unassign), (vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]));
        assert_eq!(Assignments::of(&[variable("assignGroup", "[]"), variable("other", "7")]), Ok(None));
        for wrong in [r#""a""#, r#"["a"]"#, r#"[{"id":7}]"#, r#"[{"id":""}]"#, r#"[{"id":"a","name":"b"}]"#, "{}", "null"] {
            let error = Assignments::of(&[variable("unassignGroup", wrong)]).expect_err(wrong);
            assert!(error.contains("unassignGroup"), "{error}");
        }
    }

    #[test]
    fn a_change_in_the_assignments_alone_is_a_change() {
        let of = |variables: Vec<Variable>| digest_of(&Mapped { document: "{}".into(), variables, unresolved: Vec::new() });
        assert_eq!(of(vec![]), digest("{}"));
        assert_eq!(of(vec![variable("other", "1")]), digest("{}"));
        let (one, two) = (of(vec![variable("assignGroup", "[1]")]), of(vec![variable("assignGroup", "[2]")]));
        assert!(one != two && one != digest("{}") && one != of(vec![variable("unassignGroup", "[1]")]));
    }
}
