//! Deleting what is gone or left the scope. Entered only with a [`CompleteRead`] or a list that an operator accepted, never past the thresholds, and never for what existed
//! before the host knew it unless the operator said so (spec section 2.6, DESIGN decision 9).
//!
//! ```text
//! relations not met --> judged one by one --> withheld? --no--> batches: shared? write mapping, call, commit
//!   gone, left scope      policy, protected      |                existed before, protected: kept, with the reason
//!                         existed before         '--yes--> the list, for --accept-deletions
//! ```
//!
//! An entity type that a transformation ignores is not read or not written at all, so nothing is decided about it here.

pub mod accept;
mod batch;
mod disable;
mod leave;
mod thresholds;
pub(super) mod verdict;

use super::{
    PipelineError,
    assign::UNASSIGN,
    page::Digest,
    read::{CompleteRead, TypeRead, Unproven},
    transform::Mapper,
    write::Writer,
};
use crate::{
    report::{Counts, Decision, Deletion, DeletionNote},
    state::{Cause, HeldDeletion, Relation, Seen},
};
use batch::{Judged, Mapped, carry_out};
use thresholds::{Exchange, IDS_CHANGED, SOURCE_EMPTY, TOO_MANY, Withheld, threshold};
use verdict::{Rules, Verdict};

/// Relations judged at once.
const PAGE: usize = 1000;
/// Relations deleted at once.
const BATCH: usize = 100;

/// Delete what was not met in this read, or say why not. `identity` is what the source ids of this type are made by now.
pub async fn delete(
    writer: &mut Writer,
    read: &TypeRead,
    proof: Result<&CompleteRead, &Unproven>,
    identity: Digest,
) -> Result<Deletion, PipelineError> {
    let run = writer.run.clone();
    let entity_type = &*read.entity_type;
    let mut deletion = Deletion::nothing(&run.spec.name, entity_type);
    let known = run.state.count(&run.link, entity_type).await?;
    let before = run.state.identity(&run.link, entity_type).await?;
    let deletions = run.spec.deletions.clone();
    let rules = Rules::of(&deletions, entity_type);
    // Who left the scope without an id looks as if it were gone.
    let rules = if read.unidentified.left_scope > 0 { rules.without_causes() } else { rules };
    let mut unmet = Unmet {
        writer,
        entity_type,
        rules,
        leaves_groups: run.spec.mapping.mentions(UNASSIGN),
        mapper: None,
        seen: run.seen(),
        left_scope: run.with_left_scope(|left| left.clone()),
    };
    let census = unmet.census().await?;
    deletion.due = census.gone + census.left_scope;
    (deletion.gone, deletion.left_scope) = (census.gone, census.left_scope);
    let came = run.newcomers(entity_type);
    let exchange = Exchange { identity_changed: before.is_some_and(|before| before != identity), gone: census.gone, came, known };
    let withheld = match proof {
        Err(Unproven::Incomplete(why)) => {
            if deletion.due > 0 {
                deletion.decision = Decision::NotProven;
                deletion.code = Some("deletions.incomplete-read");
                deletion.reason = format!("{} known entities were not met, and none was deleted: {why}", deletion.due);
            }
            return Ok(deletion);
        }
        Err(Unproven::Empty { known }) => {
            Some(Withheld { code: SOURCE_EMPTY, why: format!("the source was empty although {known} entities are known") })
        }
        Ok(_) => exchange.check().err(),
    };
    let withheld = match withheld {
        Some(withheld) if census.acts > 0 => Some(withheld),
        Some(_) => None,
        None => unmet.too_many(&census, known).await?,
    };
    if let (Ok(_), false) = (proof, withheld.as_ref().is_some_and(|withheld| withheld.code == IDS_CHANGED))
        && before != Some(identity)
    {
        run.state.set_identity(&run.link, entity_type, identity).await?;
    }
    match (withheld, proof) {
        (Some(withheld), _) => unmet.hold(&withheld, &mut deletion).await?,
        (None, Ok(proof)) if deletion.due > 0 => unmet.carry_out(proof, &mut deletion).await?,
        // Nothing would be done in any case.
        (None, _) if deletion.due > 0 => unmet.keep(&mut deletion).await?,
        (None, _) => {}
    }
    Ok(deletion)
}

/// What was not met, by number.
#[derive(Clone, Copy, Debug, Default)]
struct Census {
    gone: u64,
    left_scope: u64,
    /// To be deleted or disabled.
    takes: u64,
    /// To be deleted, disabled or forgotten.
    acts: u64,
}

/// The relations of one type that were not met.
struct Unmet<'a> {
    writer: &'a mut Writer,
    entity_type: &'a str,
    rules: Rules<'a>,
    /// Who is no longer ours leaves its groups.
    leaves_groups: bool,
    mapper: Option<Mapper>,
    seen: Seen,
    left_scope: Seen,
}

impl Unmet<'_> {
    /// The next relations after this one, judged; empty after the last.
    async fn page(&self, after: &mut i64, limit: usize) -> Result<Vec<Judged>, PipelineError> {
        let run = &self.writer.run;
        let page = run.state.unseen(&run.link, self.entity_type, &self.seen, *after, limit).await?;
        if let Some(last) = page.last() {
            *after = last.id;
        }
        let judged = page.into_iter().map(|relation| {
            let cause = if self.left_scope.contains(relation.id) { Cause::LeftScope } else { Cause::Gone };
            Judged { cause, verdict: self.rules.judge(&relation, cause), relation }
        });
        Ok(judged.collect())
    }

    /// Whether something is taken from somebody in the target.
    fn takes(&self, verdict: Verdict) -> bool {
        verdict.takes() || (self.leaves_groups && matches!(verdict, Verdict::Forget(_)))
    }

    async fn census(&self) -> Result<Census, PipelineError> {
        let (mut census, mut after) = (Census::default(), 0);
        // Nearly always there is nobody: counting by the index is cheaper than going through the relations.
        if self.writer.run.state.count_unseen(&self.writer.run.link, self.entity_type, &self.seen).await? == 0 {
            return Ok(census);
        }
        loop {
            let page = self.page(&mut after, PAGE).await?;
            if page.is_empty() {
                return Ok(census);
            }
            for Judged { cause, verdict, .. } in page {
                if verdict == Verdict::Done {
                    continue;
                }
                *(if cause == Cause::Gone { &mut census.gone } else { &mut census.left_scope }) += 1;
                census.takes += u64::from(self.takes(verdict));
                census.acts += u64::from(verdict.acts());
            }
        }
    }

    /// Whether there are more than the thresholds allow. Deletions that the transformation or the target would skip anyway take nothing and do not count.
    async fn too_many(&mut self, census: &Census, known: u64) -> Result<Option<Withheld>, PipelineError> {
        let deletions = self.writer.run.spec.deletions.clone();
        if threshold(&deletions, self.entity_type, census.takes, known).is_ok() {
            return Ok(None);
        }
        let (mut after, mut takes) = (0, 0);
        loop {
            let page = self.page(&mut after, PAGE).await?;
            if page.is_empty() {
                return Ok(threshold(&deletions, self.entity_type, takes, known).err());
            }
            takes += self.taken(&page).await?.into_iter().filter(|taken| *taken).count() as u64;
        }
    }

    /// For each whether something would be taken from the target.
    async fn taken(&mut self, page: &[Judged]) -> Result<Vec<bool>, PipelineError> {
        let mut mapper = self.mapper();
        let deleting: Vec<&Relation> =
            page.iter().filter(|judged| judged.verdict == Verdict::Delete).map(|judged| &judged.relation).collect();
        let mut actions = batch::actions(self.writer, &mut mapper, self.entity_type, &deleting).await.into_iter();
        self.mapper = Some(mapper);
        Ok(page
            .iter()
            .map(|judged| match judged.verdict {
                Verdict::Delete => !matches!(actions.next(), Some(Mapped::Skipped(_))),
                verdict => self.takes(verdict),
            })
            .collect())
    }

    fn mapper(&mut self) -> Mapper {
        self.mapper.take().unwrap_or_else(|| Mapper::lazy(self.writer.run.spec.mapping.clone()))
    }

    /// Do nothing, and make the list of whom it would have been done to.
    async fn hold(&mut self, withheld: &Withheld, deletion: &mut Deletion) -> Result<(), PipelineError> {
        let run = self.writer.run.clone();
        let (mut after, mut held) = (0, 0);
        loop {
            let page = self.page(&mut after, PAGE).await?;
            if page.is_empty() {
                break;
            }
            let taken = self.taken(&page).await?;
            let mut list = Vec::new();
            for (Judged { relation, cause, verdict }, taken) in page.into_iter().zip(taken) {
                match verdict {
                    Verdict::Keep(kept) => {
                        deletion.kept += 1;
                        deletion.note(DeletionNote::of(&relation, cause, "kept", kept.reason()));
                    }
                    Verdict::Delete | Verdict::Disable | Verdict::Forget(_) if taken => {
                        held += 1;
                        let disable = verdict == Verdict::Disable;
                        let action = match verdict {
                            Verdict::Disable => "it would have been disabled",
                            Verdict::Forget(_) => "it would have left its groups",
                            _ => "it would have been deleted",
                        };
                        deletion.note(DeletionNote::of(&relation, cause, "held back", action));
                        run.log.held_back(
                            &run.of(self.entity_type, &relation.source_id, &relation.target_id),
                            withheld.code,
                            &withheld.why,
                        );
                        let Relation { id, source_id, target_id, .. } = relation;
                        list.push(HeldDeletion { relation: id, source_id, target_id, cause, disable, outcome: None });
                    }
                    // These wait for a run in which nothing is held back.
                    Verdict::Delete | Verdict::Disable | Verdict::Forget(_) | Verdict::Done => {}
                }
            }
            run.state.hold(run.run, &run.link, self.entity_type, withheld.code, list).await?;
        }
        if withheld.code == TOO_MANY {
            run.count(self.entity_type, &Counts { failed: held, ..Counts::default() });
        }
        deletion.decision = Decision::HeldBack;
        deletion.code = Some(withheld.code);
        deletion.reason = format!("none was deleted: {}", withheld.why);
        Ok(())
    }

    async fn carry_out(mut self, proof: &CompleteRead, deletion: &mut Deletion) -> Result<(), PipelineError> {
        let mut mapper = self.mapper();
        let mut after = 0;
        loop {
            let page = self.page(&mut after, BATCH).await?;
            if page.is_empty() || self.writer.run.spec.stop.is_asked() {
                break;
            }
            carry_out(self.writer, &mut mapper, self.entity_type, proof.into(), page, None, deletion).await?;
        }
        deletion.conclude();
        Ok(())
    }

    /// Say of those that are kept why; nothing else is due.
    async fn keep(&self, deletion: &mut Deletion) -> Result<(), PipelineError> {
        let mut after = 0;
        loop {
            let page = self.page(&mut after, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for Judged { relation, cause, verdict } in page {
                if let Verdict::Keep(kept) = verdict {
                    deletion.kept += 1;
                    deletion.note(DeletionNote::of(&relation, cause, "kept", kept.reason()));
                }
            }
        }
        deletion.conclude();
        Ok(())
    }
}
