//! Users that go leave their groups first: `unassignGroup` in the scope deleteEntity (spec section 2.11).

use super::{
    super::{
        PipelineError,
        approval::{MOVED, NOT_PLANNED},
        assign::Assignments,
        transform::Mapper,
        write::Writer,
    },
    batch::{Judged, Mapped, actions, ended},
};
use crate::{report::Counts, state::Relation};

/// Change the groups of users that go. Answers for each whether that is done; who is not stays due.
pub(super) async fn leave(
    writer: &mut Writer,
    entity_type: &str,
    leaving: &[(&Relation, &Assignments)],
    counts: &mut Counts,
) -> Result<Vec<bool>, PipelineError> {
    let users: Vec<(&str, &Assignments)> = leaving.iter().map(|(relation, groups)| (relation.target_id.as_str(), *groups)).collect();
    let refusals = writer.change_groups(&users, true).await?;
    let mut left = Vec::with_capacity(leaving.len());
    for ((relation, _), refusal) in leaving.iter().zip(refusals) {
        left.push(refusal.is_none());
        if let Some((code, message)) = refusal {
            counts.failed += 1;
            writer.run.fail(ended(entity_type, relation), "delete", code, message);
        }
    }
    Ok(left)
}

/// Users that were there before the host stay, and only their groups are changed. Answers those whose relations may be dropped, and the relations of those who are still
/// in some group.
pub(super) async fn let_go(
    writer: &mut Writer,
    mapper: &mut Mapper,
    entity_type: &str,
    users: Vec<Judged>,
    counts: &mut Counts,
) -> Result<(Vec<Judged>, Vec<i64>), PipelineError> {
    let relations: Vec<&Relation> = users.iter().map(|judged| &judged.relation).collect();
    let outcomes = actions(writer, mapper, entity_type, &relations).await;
    let (mut free, mut leaving) = (Vec::new(), Vec::new());
    for (judged, outcome) in users.into_iter().zip(outcomes) {
        let ended = ended(entity_type, &judged.relation);
        match outcome {
            Mapped::Change { leaves: Some(groups), .. } => {
                if writer.run.approves(entity_type, &judged.relation.source_id, "delete", None) {
                    leaving.push((judged, groups));
                } else {
                    counts.failed += 1;
                    writer.run.fail(ended, "delete", MOVED.into(), NOT_PLANNED.into());
                }
            }
            Mapped::Change { leaves: None, .. } | Mapped::Skipped(_) => free.push(judged),
            Mapped::Failed { code, message } => {
                counts.failed += 1;
                writer.run.fail(ended, "delete", code, message);
            }
        }
    }
    let users: Vec<(&Relation, &Assignments)> = leaving.iter().map(|(judged, groups)| (&judged.relation, &**groups)).collect();
    let left = leave(writer, entity_type, &users, counts).await?;
    let mut refused = Vec::new();
    for ((judged, groups), left) in leaving.into_iter().zip(left) {
        if left {
            writer.note_simulated_leaving(entity_type, &judged.relation, Some(&groups), true);
            free.push(judged);
        } else {
            refused.push(judged.relation.id);
        }
    }
    Ok((free, refused))
}
