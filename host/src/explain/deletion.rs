//! What becomes of an entity that is not met any more: the decisions of `pipeline::delete`, for one.

use super::{AtTarget, Case, ExplainError, Next, Write, find::Scan, verdict::abilities};
use crate::{
    pipeline::{Mapper, TargetSpec, text_variable},
    report::MappedLine,
    sandbox::contract::{Input, Operation, Skip, Transformed},
    state::{Link, Relation},
};

impl Case {
    /// `gone` says why it is not met.
    #[expect(clippy::too_many_arguments, reason = "all that a deletion is decided by")]
    pub(super) async fn deletion(
        &self,
        target: &TargetSpec,
        link: &Link,
        source_id: &str,
        relation: Option<Relation>,
        gone: &str,
        scan: &Scan,
        mapper: &mut Mapper,
    ) -> Result<AtTarget, ExplainError> {
        let at = |next: Next, why: String| AtTarget { system: target.name.to_string(), relation: relation.clone(), write: None, next, why };
        let Some(known) = &relation else {
            let next = if scan.complete { Next::Nothing } else { Next::Skip };
            return Ok(at(next, format!("{gone}, and no relation says that the target has it")));
        };
        if !abilities(target, &self.entity_type).is_some_and(|abilities| abilities.delete) {
            return Ok(at(Next::Nothing, format!("{gone}; it stays in the target, which cannot delete")));
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
        let shared = self.state.shared(link, &self.entity_type, &[&known.target_id]).await?.contains(&true);
        if shared {
            return Ok(at(Next::Keep, format!("{gone}; another source entity stands behind the target's entity too")));
        }
        if known.existed_before && !target.deletions.delete_existed_before {
            return Ok(at(Next::Keep, format!("{gone}; it existed before (ips.delete.existedbefore.entities = true would delete it)")));
        }
        let variables = vec![text_variable("entityIdTargetSystem", &known.target_id), text_variable("entityIdSourceSystem", source_id)];
        let (outcome, steps) = mapper.explain(&self.entity_type, Operation::Delete, &Input { document: "{}".into(), variables }).await;
        target.relations.check()?;
        let (next, why) = match &outcome {
            Transformed::Skipped(Skip::OutOfScope(reason) | Skip::Operation(reason)) => {
                (Next::Skip, format!("{gone}; the write transformation does not want the deletion, which stays due: {reason}"))
            }
            Transformed::Failed(fault) => {
                (Next::Fail, format!("{gone}; the write transformation fails: {} [{}]", fault.message, fault.code))
            }
            Transformed::Unmapped | Transformed::Mapped(_) => match self.withheld(&target.name) {
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

    /// Why the last run withheld the deletions of this type, if it did.
    fn withheld(&self, target: &str) -> Option<String> {
        let run = self.last_run.as_ref()?;
        let report: serde_json::Value = serde_json::from_str(run.report.as_deref()?).ok()?;
        let of = |deletion: &&serde_json::Value| {
            deletion["system"] == target && deletion["entity-type"] == *self.entity_type && deletion["due"].as_u64() > Some(0)
        };
        let deletion = report["deletions"].as_array()?.iter().find(of)?;
        let withheld = ["held back", "not proven"].iter().any(|word| deletion["decision"] == *word);
        withheld.then(|| format!("run {} withheld the deletions: {}", run.id.0, deletion["reason"].as_str().unwrap_or_default()))
    }
}
