//! Carrying out what was decided about a batch of entities, and remembering it.

use std::collections::HashMap;

use super::{
    super::{
        PipelineError,
        approval::{MOVED, NOT_PLANNED},
        assign::{Assignments, UNASSIGN},
        outcome::code_of,
        page::{ID_VARIABLE, text_variable},
        read::CompleteRead,
        target::{Ended, TargetRun},
        transform::Mapper,
        write::{Writer, counters},
    },
    accept::Accepted,
    disable,
    leave::{leave, let_go},
    verdict::{Kept, Verdict},
};
use crate::{
    report::{Counts, Deletion, DeletionNote},
    sandbox::contract::{self, Action, Change, Input, Kind, Operation, Skip, Transformed, Update, Written, WrittenEntity},
    state::{Cause, HeldOutcome, PageCommit, Relation, RelationChange, RunId},
};

/// What entitles to delete: everything was read and these were not there, or an operator accepted a list and these are on it. Made of nothing else.
#[derive(Clone, Copy)]
pub struct Warrant {
    _only_made_here: (),
}

impl From<&CompleteRead> for Warrant {
    fn from(_: &CompleteRead) -> Self {
        Self { _only_made_here: () }
    }
}

impl From<&Accepted> for Warrant {
    fn from(_: &Accepted) -> Self {
        Self { _only_made_here: () }
    }
}

/// One entity, and what becomes of it.
#[derive(Debug)]
pub struct Judged {
    pub relation: Relation,
    pub cause: Cause,
    pub verdict: Verdict,
}

/// What the transformation makes of a deletion.
pub enum Mapped {
    /// The target deletes, or is sent a document; before that the user leaves these groups. Without an action that is all.
    Change {
        action: Option<Action>,
        leaves: Option<Box<Assignments>>,
    },
    /// It does not want it, or the target cannot: the deletion stays due.
    Skipped(String),
    Failed {
        code: String,
        message: String,
    },
}

/// What the target would be told to delete these, in the order of the relations.
pub async fn actions(writer: &Writer, mapper: &mut Mapper, entity_type: &str, relations: &[&Relation]) -> Vec<Mapped> {
    let inputs: Vec<Input> = relations
        .iter()
        .map(|relation| Input {
            document: "{}".into(),
            variables: vec![text_variable("entityIdTargetSystem", &relation.target_id), text_variable(ID_VARIABLE, &relation.source_id)],
        })
        .collect();
    let outcomes = if inputs.is_empty() { Vec::new() } else { mapper.apply(entity_type, Operation::Delete, &inputs).await };
    let able = writer.run.can(entity_type, |abilities| abilities.delete);
    relations
        .iter()
        .zip(outcomes)
        .map(|(relation, outcome)| match outcome {
            Transformed::Unmapped if able => Mapped::change(Action::Delete(relation.target_id.clone())),
            Transformed::Unmapped => Mapped::Skipped("this target cannot delete".into()),
            // A deleteEntity scope: the deletion is written as an update (spec section 4.6).
            Transformed::Mapped(last) => last_update(writer, relation, last),
            Transformed::Skipped(Skip::Operation(left_out) | Skip::OutOfScope(left_out)) => Mapped::Skipped(left_out.reason),
            Transformed::Failed(fault) => Mapped::Failed { code: fault.code, message: fault.message },
        })
        .collect()
}

impl Mapped {
    fn change(action: Action) -> Self {
        Self::Change { action: Some(action), leaves: None }
    }
}

fn last_update(writer: &Writer, relation: &Relation, last: contract::Mapped) -> Mapped {
    let failed = |code: &str, message: String| Mapped::Failed { code: code.to_owned(), message };
    let leaves = match Assignments::of(&last.variables) {
        Err(why) => return failed("mapping.invalid-assignment", why),
        Ok(Some(_)) if !writer.run.assigns() => {
            return failed("target.unsupported", "this target's plugin does not say that it can change the members of groups".into());
        }
        Ok(leaves) => leaves,
    };
    let is_empty = last.document == "{}";
    if is_empty && leaves.is_none() {
        return Mapped::Skipped("the transformation has nothing to send for this deletion".into());
    }
    let update = || Action::Update(Update { id: relation.target_id.clone(), document: last.document });
    Mapped::Change { action: (!is_empty).then(update), leaves }
}

/// Do it. `held` is the run whose list these are on: what becomes of whom is marked there; the others stay due.
pub async fn carry_out(
    writer: &mut Writer,
    mapper: &mut Mapper,
    entity_type: &str,
    _: Warrant,
    batch: Vec<Judged>,
    held: Option<RunId>,
    deletion: &mut Deletion,
) -> Result<(), PipelineError> {
    let run = writer.run.clone();
    let (mut counts, mut forgotten, mut settled) = (Counts::default(), Vec::new(), Vec::new());
    let source_ids: HashMap<i64, String> = batch.iter().map(|judged| (judged.relation.id, judged.relation.source_id.clone())).collect();
    let leaves_groups = run.spec.mapping.mentions(UNASSIGN);
    let mut keep = |Judged { relation, cause, .. }: Judged, kept: Kept, deletion: &mut Deletion| {
        deletion.kept += 1;
        settled.push((relation.id, HeldOutcome::Kept));
        deletion.note(DeletionNote::of(&relation, cause, "kept", kept.reason()));
        relation.id
    };
    let target_ids: Vec<&str> = batch.iter().map(|judged| judged.relation.target_id.as_str()).collect();
    let shared = run.state.shared(&run.link, entity_type, &target_ids).await?;
    let (mut deleting, mut disabling, mut letting_go) = (Vec::new(), Vec::new(), Vec::new());
    for (judged, shared) in batch.into_iter().zip(shared) {
        match judged.verdict {
            Verdict::Done => {}
            Verdict::Keep(kept) => _ = keep(judged, kept, deletion),
            Verdict::Forget(_) if leaves_groups && !shared => letting_go.push(judged),
            Verdict::Forget(kept) => forgotten.push((judged, kept)),
            // Another source entity, of this source or another one, still stands behind the target's entity.
            Verdict::Delete | Verdict::Disable if shared => forgotten.push((judged, Kept::Shared)),
            Verdict::Delete => deleting.push(judged),
            Verdict::Disable => disabling.push(judged),
        }
    }
    // Noted before it is done: whoever comes back before the deletion is remembered is written again and not taken for unchanged.
    let ids: Vec<&str> = letting_go.iter().chain(&deleting).chain(&disabling).map(|judged| judged.relation.source_id.as_str()).collect();
    let intent = if ids.is_empty() { None } else { Some(run.state.intend(run.run, &run.link, entity_type, &ids).await?) };
    let (free, refused) = let_go(writer, mapper, entity_type, letting_go, &mut counts).await?;
    forgotten.extend(free.into_iter().map(|judged| (judged, Kept::ExistedBefore)));
    deletion.forgotten += forgotten.len() as u64;
    let mut changes_of_relations: Vec<RelationChange> = Vec::new();
    for (judged, kept) in forgotten {
        run.log.kept(&run.of(entity_type, &judged.relation.source_id, &judged.relation.target_id), kept.reason());
        changes_of_relations.push(RelationChange::Delete { id: keep(judged, kept, deletion) });
    }
    changes_of_relations.extend(refused.into_iter().map(written_again));
    let mut going = Vec::new();
    let relations: Vec<&Relation> = deleting.iter().map(|judged| &judged.relation).collect();
    let actions = actions(writer, mapper, entity_type, &relations).await;
    let disabling: Vec<(Judged, Mapped)> = disabling
        .into_iter()
        .map(|judged| {
            let action = disable::patch(&judged.relation.target_id, &run.spec.deletions.disable, false);
            (judged, Mapped::change(action))
        })
        .collect();
    for (judged, action) in deleting.into_iter().zip(actions).chain(disabling) {
        if let Some((action, leaves)) = allowed(&run, entity_type, &judged, action, &mut counts) {
            going.push((judged, action, leaves));
        }
    }
    let (going, changes, refused) = after_groups(writer, entity_type, going, &mut counts).await?;
    changes_of_relations.extend(refused.into_iter().map(written_again));
    let outcomes = if changes.is_empty() { Ok(Vec::new()) } else { writer.call(&changes).await? };
    // After a fault nobody knows what was deleted: the note stays.
    let intents_done = intent.filter(|_| outcomes.is_ok());
    match outcomes {
        Ok(outcomes) => {
            let mut outcomes = outcomes.into_iter();
            for (Judged { relation, verdict, cause }, is_sent) in going {
                // Who only had to leave groups has left them.
                let outcome = if is_sent { outcomes.next() } else { Some(written(&relation.target_id)) };
                let Some(outcome) = outcome else { break };
                match outcome {
                    Written::Failed(failure) if !matches!(failure.kind, Kind::NotFound) => {
                        counts.failed += 1;
                        // It may have happened all the same: whoever comes back is written again and not taken for unchanged.
                        changes_of_relations.push(written_again(relation.id));
                        run.fail(ended(entity_type, &relation), "delete", code_of(&failure), failure.message);
                    }
                    Written::Written(_) if verdict == Verdict::Disable => {
                        counts.updated += 1;
                        deletion.disabled += 1;
                        settled.push((relation.id, HeldOutcome::Disabled));
                        run.log.disabled(&run.of(entity_type, &relation.source_id, &relation.target_id), cause.word());
                        changes_of_relations.push(RelationChange::Disable { id: relation.id });
                    }
                    // Who is not there any more needs neither be deleted nor disabled.
                    Written::Written(_) | Written::Failed(_) => {
                        counts.deleted += 1;
                        settled.push((relation.id, HeldOutcome::Deleted));
                        run.log.deleted(&run.of(entity_type, &relation.source_id, &relation.target_id));
                        changes_of_relations.push(RelationChange::Delete { id: relation.id });
                    }
                }
            }
        }
        // What was deleted before the fault is answered "not found" next time, which counts as deleted.
        Err(fault) => {
            for (judged, _) in going {
                counts.failed += 1;
                run.fail(ended(entity_type, &judged.relation), "delete", fault.code().to_owned(), fault.to_string());
            }
        }
    }
    deletion.deleted += counts.deleted;
    run.count(entity_type, &counts);
    settle_notes(&run, entity_type, &source_ids, &changes_of_relations).await?;
    if let Some(held) = held {
        // Before the commit: a deletion that is marked and not remembered is found done by the next run, one that is remembered and not marked would look like a change.
        run.state.settle_held(held, &run.link, entity_type, settled).await?;
    }
    let commit = PageCommit { changes: changes_of_relations, intents_done, ..run.page_commit(entity_type) };
    run.state.commit(commit.count(&*run.spec.name, counters(&counts))).await?;
    Ok(())
}

/// What an interrupted run noted is settled with a relation that is dropped or will be written again; until the commit, this run's own note stands.
async fn settle_notes(
    run: &TargetRun,
    entity_type: &str,
    source_ids: &HashMap<i64, String>,
    changes: &[RelationChange],
) -> Result<(), PipelineError> {
    let noted: Vec<&str> = changes.iter().filter_map(|change| source_ids.get(&relation_of(change)?)).map(String::as_str).collect();
    Ok(run.state.settle(&run.link, entity_type, &noted).await?)
}

/// The relation that a change takes away or leaves without digests.
fn relation_of(change: &RelationChange) -> Option<i64> {
    match change {
        RelationChange::Delete { id }
        | RelationChange::Disable { id }
        | RelationChange::Update { id, common_digest: None, target_digest: None, .. } => Some(*id),
        _ => None,
    }
}

/// Let users leave their groups. Answers who goes on, and whether anything is sent of it; what is sent; and the relations of those who are still in some group.
async fn after_groups(
    writer: &mut Writer,
    entity_type: &str,
    going: Vec<(Judged, Option<Action>, Option<Box<Assignments>>)>,
    counts: &mut Counts,
) -> Result<(Vec<(Judged, bool)>, Vec<Change>, Vec<i64>), PipelineError> {
    let leaving: Vec<(&Relation, &Assignments)> =
        going.iter().filter_map(|(judged, _, leaves)| Some((&judged.relation, leaves.as_deref()?))).collect();
    let mut left = leave(writer, entity_type, &leaving, counts).await?.into_iter();
    let (mut on, mut changes, mut refused) = (Vec::with_capacity(going.len()), Vec::with_capacity(going.len()), Vec::new());
    for (judged, action, leaves) in going {
        if leaves.is_some() && left.next() != Some(true) {
            refused.push(judged.relation.id);
        } else {
            writer.note_simulated_leaving(entity_type, &judged.relation, leaves.as_deref(), action.is_none());
            on.push((judged, action.is_some()));
            changes.extend(action.map(|action| Change { entity_type: entity_type.to_owned(), action }));
        }
    }
    Ok((on, changes, refused))
}

/// What is sent for an entity, and the groups it leaves before. Whoever is not to be deleted stays due, and its relation stays.
fn allowed(
    run: &TargetRun,
    entity_type: &str,
    judged: &Judged,
    action: Mapped,
    counts: &mut Counts,
) -> Option<(Option<Action>, Option<Box<Assignments>>)> {
    let ended = ended(entity_type, &judged.relation);
    let operation = if judged.verdict == Verdict::Disable { "disable" } else { "delete" };
    match action {
        Mapped::Change { .. } if !run.approves(entity_type, &judged.relation.source_id, operation, None) => {
            counts.failed += 1;
            run.fail(ended, "delete", MOVED.into(), NOT_PLANNED.into());
            None
        }
        Mapped::Change { action, leaves } => Some((action, leaves)),
        Mapped::Skipped(reason) => {
            counts.skipped += 1;
            run.skip(ended, reason);
            None
        }
        Mapped::Failed { code, message } => {
            counts.failed += 1;
            run.fail(ended, "delete", code, message);
            None
        }
    }
}

pub(super) fn ended<'a>(entity_type: &'a str, relation: &'a Relation) -> Ended<'a> {
    Ended { entity_type, source_id: &relation.source_id, target_id: Some(&relation.target_id), content: None }
}

fn written_again(id: i64) -> RelationChange {
    RelationChange::Update { id, target_id: None, existed_before: None, common_digest: None, target_digest: None }
}

fn written(id: &str) -> Written {
    Written::Written(WrittenEntity { id: id.to_owned(), document: None })
}
