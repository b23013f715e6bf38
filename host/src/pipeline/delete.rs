//! Deleting what is gone. Entered only with a [`CompleteRead`], never past the thresholds, and never for what existed before the host knew it unless the operator
//! said so (spec section 2.6, DESIGN decision 9).

use std::fmt::Write as _;

use super::{
    PipelineError,
    outcome::code_of,
    page::text_variable,
    read::CompleteRead,
    target::Ended,
    transform::Mapper,
    write::{Writer, counters},
};
use crate::{
    manifest::Deletions,
    report::{Counts, Decision, Deletion},
    sandbox::contract::{Action, Change, Input, Kind, Operation, Skip, Transformed, Update, Written},
    state::{PageCommit, Relation, RelationChange},
};

/// Relations looked at, and deleted, at once.
const BATCH: usize = 100;

/// Below this many, a percentage says nothing: one leaver of three is a third.
const PERCENT_FROM: u64 = 10;

/// Whether so many deletions may happen; the error says why not.
fn threshold(rules: &Deletions, entity_type: &str, due: u64, known: u64) -> Result<(), String> {
    if let Some(limit) = rules.threshold(entity_type)
        && due > limit
    {
        return Err(format!("{due} deletions are more than the {limit} that ips.delete.threshold.{entity_type}s allows"));
    }
    if due > rules.max_count {
        return Err(format!("{due} deletions are more than deletions.max-count = {}", rules.max_count));
    }
    let percent = due.saturating_mul(100) / known.max(1);
    if due > PERCENT_FROM && due.saturating_mul(100) > known.saturating_mul(u64::from(rules.max_percent)) {
        return Err(format!("{due} of {known} entities ({percent} %) are more than deletions.max-percent = {}", rules.max_percent));
    }
    Ok(())
}

/// Delete what was not seen in this read, or say why not.
pub async fn delete(writer: &mut Writer, entity_type: &str, proof: Result<&CompleteRead, &String>) -> Result<Deletion, PipelineError> {
    let run = writer.run.clone();
    let seen = run.seen();
    let due = run.state.count_unseen(&run.link, entity_type, &seen).await?;
    let mut deletion = Deletion {
        system: run.spec.name.to_string(),
        entity_type: entity_type.to_owned(),
        due,
        deleted: 0,
        kept: 0,
        decision: Decision::Nothing,
        reason: "everything known was met in this read".into(),
    };
    if due == 0 {
        return Ok(deletion);
    }
    if !run.can(entity_type, |abilities| abilities.delete) {
        deletion.decision = Decision::NotDone;
        deletion.reason = format!("{due} known entities were not met, and this target cannot delete");
        return Ok(deletion);
    }
    if let Err(why) = proof {
        deletion.decision = Decision::NotProven;
        deletion.reason = format!("{due} known entities were not met, and none was deleted: {why}");
        return Ok(deletion);
    }
    let known = run.state.count(&run.link, entity_type).await?;
    if let Err(why) = threshold(&run.spec.deletions, entity_type, due, known) {
        run.count(entity_type, &Counts { failed: due, ..Counts::default() });
        deletion.decision = Decision::HeldBack;
        deletion.reason = format!("none was deleted: {why}");
        return Ok(deletion);
    }
    let mut after = 0;
    let mut mapper = Mapper::lazy(run.spec.mapping.clone());
    loop {
        let batch = run.state.unseen(&run.link, entity_type, &seen, after, BATCH).await?;
        let Some(last) = batch.last().filter(|_| !run.spec.stop.is_asked()) else { break };
        after = last.id;
        delete_batch(writer, &mut mapper, entity_type, batch, &mut deletion).await?;
    }
    deletion.decision = if deletion.deleted + deletion.kept > 0 { Decision::Deleted } else { Decision::NotDone };
    deletion.reason = format!("{} of {due} due were deleted", deletion.deleted);
    if deletion.kept > 0 {
        let kept = deletion.kept;
        let _ = write!(
            deletion.reason,
            ", {kept} were kept: they existed before (ips.delete.existedbefore.entities = true would delete such entities) or belong to another source entity too"
        );
    }
    Ok(deletion)
}

async fn delete_batch(
    writer: &mut Writer,
    mapper: &mut Mapper,
    entity_type: &str,
    batch: Vec<Relation>,
    deletion: &mut Deletion,
) -> Result<(), PipelineError> {
    let run = writer.run.clone();
    let mut dropped = Vec::new();
    let mut counts = Counts::default();
    let target_ids: Vec<&str> = batch.iter().map(|relation| relation.target_id.as_str()).collect();
    let shared = run.state.shared(&run.link, entity_type, &target_ids).await?;
    let settled: Vec<String> = batch.iter().map(|relation| relation.source_id.clone()).collect();
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for (relation, shared) in batch.into_iter().zip(shared) {
        // Shared: another source entity, of this source or another one, still stands behind the target's entity.
        let keep = shared || (relation.existed_before && !run.spec.deletions.delete_existed_before);
        if keep { kept.push(relation) } else { gone.push(relation) }
    }
    deletion.kept += kept.len() as u64;
    dropped.extend(kept.iter().map(|relation| RelationChange::Delete { id: relation.id }));
    for relation in &kept {
        let why = if relation.existed_before { "it existed before" } else { "it belongs to another source entity too" };
        run.log.kept(&run.of(entity_type, &relation.source_id, &relation.target_id), why);
    }
    let inputs: Vec<Input> = gone
        .iter()
        .map(|relation| Input {
            document: "{}".into(),
            variables: vec![
                text_variable("entityIdTargetSystem", &relation.target_id),
                text_variable("entityIdSourceSystem", &relation.source_id),
            ],
        })
        .collect();
    let outcomes = mapper.apply(entity_type, Operation::Delete, &inputs).await;
    let (mut relations, mut changes) = (Vec::new(), Vec::new());
    for (relation, outcome) in gone.into_iter().zip(outcomes) {
        let action = match outcome {
            Transformed::Unmapped => Action::Delete(relation.target_id.clone()),
            // A deleteEntity scope: the deletion is written as an update (spec section 4.6).
            Transformed::Mapped(last) => Action::Update(Update { id: relation.target_id.clone(), document: last.document }),
            Transformed::Skipped(Skip::Operation(reason) | Skip::OutOfScope(reason)) => {
                // It stays due: the relation stays.
                counts.skipped += 1;
                run.skip(ended(entity_type, &relation), reason);
                continue;
            }
            Transformed::Failed(fault) => {
                counts.failed += 1;
                run.fail(ended(entity_type, &relation), "delete", fault.code, fault.message);
                continue;
            }
        };
        relations.push(relation);
        changes.push(Change { entity_type: entity_type.to_owned(), action });
    }
    // Noted before it is done: whoever comes back before the deletion is remembered is written again and not taken for unchanged.
    let ids: Vec<&str> = relations.iter().map(|relation: &Relation| relation.source_id.as_str()).collect();
    let intent = if ids.is_empty() { None } else { Some(run.state.intend(run.run, &run.link, entity_type, &ids).await?) };
    let outcomes = if changes.is_empty() { Ok(Vec::new()) } else { writer.call(&changes).await? };
    // After a fault nobody knows what was deleted: the note stays.
    let intents_done = intent.filter(|_| outcomes.is_ok());
    match outcomes {
        Ok(outcomes) => {
            for (relation, outcome) in relations.into_iter().zip(outcomes) {
                match outcome {
                    Written::Failed(failure) if !matches!(failure.kind, Kind::NotFound) => {
                        counts.failed += 1;
                        // It may have happened all the same: whoever comes back is written again and not taken for unchanged.
                        dropped.push(RelationChange::Update {
                            id: relation.id,
                            target_id: None,
                            existed_before: None,
                            common_digest: None,
                            target_digest: None,
                        });
                        run.fail(ended(entity_type, &relation), "delete", code_of(&failure), failure.message);
                    }
                    Written::Written(_) | Written::Failed(_) => {
                        counts.deleted += 1;
                        run.log.deleted(&run.of(entity_type, &relation.source_id, &relation.target_id));
                        dropped.push(RelationChange::Delete { id: relation.id });
                    }
                }
            }
        }
        // What was deleted before the fault is answered "not found" next time, which counts as deleted.
        Err(fault) => {
            for relation in relations {
                counts.failed += 1;
                run.fail(ended(entity_type, &relation), "delete", fault.code().to_owned(), fault.to_string());
            }
        }
    }
    deletion.deleted += counts.deleted;
    run.count(entity_type, &counts);
    // What an interrupted run noted about these is settled with them; until the commit, this run's own note stands.
    let settled: Vec<&str> = settled.iter().map(String::as_str).collect();
    run.state.settle(&run.link, entity_type, &settled).await?;
    let commit = PageCommit { changes: dropped, intents_done, ..run.page_commit(entity_type) };
    run.state.commit(commit.count(&*run.spec.name, counters(&counts))).await?;
    Ok(())
}

fn ended<'a>(entity_type: &'a str, relation: &'a Relation) -> Ended<'a> {
    Ended { entity_type, source_id: &relation.source_id, target_id: Some(&relation.target_id), content: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(max_count: u64, max_percent: u8) -> Deletions {
        Deletions { max_count, max_percent, ..Deletions::default() }
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
}
