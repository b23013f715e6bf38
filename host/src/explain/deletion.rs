//! What becomes of an entity that is not met any more: the decisions of `pipeline::delete`, for one.

use super::{AtTarget, Case, ExplainError, Next, Write, find::Scan, verdict::abilities};
use crate::{
    pipeline::{Mapper, Rules, TargetSpec, Verdict, text_variable},
    report::MappedLine,
    sandbox::contract::{Input, Operation, Skip, Transformed},
    state::{Cause, Link, Relation},
};

/// In which way an entity is not met.
pub(super) struct Unmet {
    pub cause: Cause,
    /// In a sentence.
    pub why: String,
    /// The transformation tells which entity it left out. Otherwise a run cannot tell it from one that is gone.
    pub told: bool,
}

impl Case {
    #[expect(clippy::too_many_arguments, reason = "all that a deletion is decided by")]
    pub(super) async fn deletion(
        &self,
        target: &TargetSpec,
        link: &Link,
        source_id: &str,
        relation: Option<Relation>,
        unmet: &Unmet,
        scan: &Scan,
        mapper: &mut Mapper,
    ) -> Result<AtTarget, ExplainError> {
        let at = |next: Next, why: String| AtTarget { system: target.name.to_string(), relation: relation.clone(), write: None, next, why };
        let gone = &unmet.why;
        let Some(known) = &relation else {
            let next = if unmet.cause == Cause::LeftScope { Next::Skip } else { Next::Nothing };
            return Ok(at(next, format!("{gone}, and no relation says that the target has it")));
        };
        let rules = Rules::of(&target.deletions, &self.entity_type);
        let rules = if unmet.told { rules } else { rules.without_causes() };
        let verdict = rules.judge(known, unmet.cause);
        match verdict {
            Verdict::Done => return Ok(at(Next::Nothing, format!("{gone}; it is disabled in the target already"))),
            Verdict::Keep(kept) => return Ok(at(Next::Keep, format!("{gone}; {}", kept.reason()))),
            Verdict::Forget(_) | Verdict::Delete | Verdict::Disable => {}
        }
        let all_known = self.state.count(link, &self.entity_type).await?;
        if scan.failed > 0 {
            return Ok(at(
                Next::HoldBack,
                format!("{gone}; but {} {}s fail at the source, and then nothing is deleted", scan.failed, self.entity_type),
            ));
        }
        if scan.complete && scan.read == 0 {
            return Ok(at(
                Next::HoldBack,
                format!("{gone}; but the source is empty although {all_known} are known, which deletes nothing"),
            ));
        }
        if let Verdict::Forget(kept) = verdict {
            return Ok(at(Next::Keep, format!("{gone}; {}", kept.reason())));
        }
        let shared = self.state.shared(link, &self.entity_type, &[&known.target_id]).await?.contains(&true);
        if shared {
            return Ok(at(Next::Keep, format!("{gone}; another source entity stands behind the target's entity too")));
        }
        let withheld = self.withheld(&target.name, link, known).await?;
        if verdict == Verdict::Disable {
            return Ok(match withheld {
                Some(why) => at(Next::HoldBack, format!("{gone}; {why}")),
                None => at(Next::Disable, format!("{gone}; the policy is to disable it, if the thresholds allow it")),
            });
        }
        let variables = vec![text_variable("entityIdTargetSystem", &known.target_id), text_variable("entityIdSourceSystem", source_id)];
        let (outcome, steps) = mapper.explain(&self.entity_type, Operation::Delete, &Input { document: "{}".into(), variables }).await;
        target.relations.check()?;
        let able = abilities(target, &self.entity_type).is_some_and(|abilities| abilities.delete);
        let (next, why) = match &outcome {
            Transformed::Skipped(Skip::OutOfScope(left_out) | Skip::Operation(left_out)) => {
                let reason = &left_out.reason;
                (Next::Skip, format!("{gone}; the write transformation does not want the deletion, which stays due: {reason}"))
            }
            Transformed::Failed(fault) => {
                (Next::Fail, format!("{gone}; the write transformation fails: {} [{}]", fault.message, fault.code))
            }
            Transformed::Unmapped if !able => (Next::Nothing, format!("{gone}; it stays in the target, which cannot delete")),
            Transformed::Unmapped | Transformed::Mapped(_) => match withheld {
                Some(why) => (Next::HoldBack, format!("{gone}; {why}")),
                None if matches!(outcome, Transformed::Mapped(_)) => {
                    (Next::Delete, format!("{gone}; the deletion is written as an update, because mappings have the scope deleteEntity"))
                }
                None => (Next::Delete, format!("{gone}; if the whole read is complete and the thresholds allow it")),
            },
        };
        let way = MappedLine::explained((outcome, steps));
        Ok(AtTarget { write: Some(Write { operation: "delete", way }), ..at(next, why) })
    }

    /// Why the last run withheld this deletion, if it did.
    async fn withheld(&self, target: &str, link: &Link, relation: &Relation) -> Result<Option<String>, ExplainError> {
        if let Some((run, code)) = self.state.held_by(link, &self.entity_type, relation.id).await? {
            let run = run.0;
            return Ok(Some(format!("run {run} held it back [{code}]; `run --accept-deletions {run}` would carry it out")));
        }
        let report = self.last_run.as_ref().and_then(|run| Some((run.id.0, serde_json::from_str(run.report.as_deref()?).ok()?)));
        let Some((run, report)): Option<(i64, serde_json::Value)> = report else { return Ok(None) };
        let unproven = |deletion: &&serde_json::Value| {
            deletion["system"] == target && deletion["entity-type"] == *self.entity_type && deletion["decision"] == "not proven"
        };
        let deletion = report["deletions"].as_array().and_then(|deletions| deletions.iter().find(unproven));
        Ok(deletion.map(|deletion| format!("run {run} withheld the deletions: {}", deletion["reason"].as_str().unwrap_or_default())))
    }
}
