//! What the next run would do with the entity in one target: the decisions of `pipeline::plan`, for one.

use super::{AtTarget, Case, ExplainError, Next, Reading, Write, deletion::Unmet, find::Scan};
use crate::{
    pipeline::{Mapper, TargetSpec, combine, digest, digest_of, id_variable, text_variable},
    registry::description::Abilities,
    report::MappedLine,
    sandbox::contract::{Input, Mapped, Operation, Skip, Transformed},
    state::{Cause, Digest, Link, Relation},
};

impl Case {
    pub(super) async fn at_target(
        &self,
        target: &TargetSpec,
        source_id: &str,
        reading: &Reading,
        scan: &Scan,
    ) -> Result<AtTarget, ExplainError> {
        let link = Link::new(&*self.source.name, &*target.name);
        let relation = self.state.relations(&link, &self.entity_type, &[source_id]).await?.pop().flatten();
        let at = |next: Next, why: String| AtTarget { system: target.name.to_string(), relation: relation.clone(), write: None, next, why };
        if let Some(before) = self.state.place(&target.name).await?.filter(|before| *before != target.place) {
            return Ok(at(
                Next::Fail,
                format!("the target was at `{before}` and is at `{}` now; a run refuses it [target.moved]", target.place),
            ));
        }
        let mut mapper = Mapper::open(target.mapping.clone()).await?;
        let handled = mapper.entity_types().await?.is_none_or(|types| types.contains(&self.entity_type));
        let Some(abilities) = abilities(target, &self.entity_type).filter(|_| handled) else {
            let why = format!(
                "the target has nothing to do with {}s: its plugin or its transformation does not have that type",
                self.entity_type
            );
            return Ok(at(Next::Nothing, why));
        };
        let found = match reading {
            Reading::Failed { code, message } => return Ok(at(Next::Fail, format!("the source cannot read it: {message} [{code}]"))),
            Reading::Absent { .. } => {
                let unmet = Unmet { cause: Cause::Gone, why: "the source does not have it any more".into(), told: true };
                return self.deletion(target, &link, source_id, relation, &unmet, scan, &mut mapper).await;
            }
            Reading::Found(found) => found,
        };
        let common = match &found.outcome {
            Transformed::Mapped(common) => common,
            Transformed::Skipped(Skip::Operation(left_out)) => {
                let why = format!("the read transformation leaves it alone: {}; the target stays as it is", left_out.reason);
                return Ok(at(Next::Skip, why));
            }
            Transformed::Skipped(Skip::OutOfScope(left_out)) => {
                let why = format!("the read transformation leaves it out: {}", left_out.reason);
                let unmet = Unmet { cause: Cause::LeftScope, why, told: left_out.source_id.is_some() };
                return self.deletion(target, &link, source_id, relation, &unmet, scan, &mut mapper).await;
            }
            Transformed::Failed(fault) => {
                let why = format!("the read transformation fails: {} [{}]; in such a run nothing is deleted", fault.message, fault.code);
                return Ok(at(Next::Fail, why));
            }
            Transformed::Unmapped => return Ok(at(Next::Fail, "the read transformation has nothing for reading [plugin.contract]".into())),
        };
        if id_variable(&common.variables, "entityIdSourceSystem").is_none() {
            return Ok(at(Next::Fail, "the read transformation sets no entityIdSourceSystem for it [mapping.no-id]".into()));
        }
        let in_doubt = self.state.leftover_intents(&link, &self.entity_type).await?.iter().any(|id| id == source_id);
        let operation = if relation.is_some() { Operation::Update } else { Operation::Create };
        let variables = relation.iter().map(|relation| text_variable("entityIdTargetSystem", &relation.target_id)).collect();
        let input = Input { document: common.document.clone(), variables };
        let (outcome, steps) = mapper.explain(&self.entity_type, operation, &input).await;
        target.relations.check()?;
        let version = combine(&self.mapping.version(), &target.mapping.version());
        let known = relation.as_ref().filter(|_| !in_doubt);
        let weighed = Weighed {
            relation: relation.as_ref(),
            same_common: known.is_some_and(|relation| relation.common_digest == Some(combine(&version, &digest(&common.document)))),
            known_digest: known.and_then(|relation| relation.target_digest),
            in_doubt,
            abilities,
        };
        if let (Transformed::Skipped(Skip::OutOfScope(left_out)), Some(_), false) = (&outcome, &relation, weighed.same_common) {
            let why = format!("the write transformation leaves it out: {}", left_out.reason);
            let unmet = Unmet { cause: Cause::LeftScope, why, told: true };
            return self.deletion(target, &link, source_id, relation, &unmet, scan, &mut mapper).await;
        }
        let (next, why) = weighed.verdict(&outcome);
        let operation = if operation == Operation::Update { "update" } else { "create" };
        let way = MappedLine::explained((outcome, steps));
        Ok(AtTarget { write: Some(Write { operation, way }), ..at(next, why) })
    }
}

pub(super) fn abilities(target: &TargetSpec, entity_type: &str) -> Option<Abilities> {
    target.connector.plugin.description().entity_type(entity_type).map(|known| known.abilities)
}

/// What the state says, beside what the write transformation makes of the entity.
struct Weighed<'a> {
    relation: Option<&'a Relation>,
    /// The first digest is as it was: the write transformation would not even run.
    same_common: bool,
    /// What the target was sent last, where that is known.
    known_digest: Option<Digest>,
    /// An interrupted run may have written it.
    in_doubt: bool,
    abilities: Abilities,
}

impl Weighed<'_> {
    fn verdict(&self, outcome: &Transformed) -> (Next, String) {
        if self.same_common {
            let why = "neither the entity nor a transformation changed since it was written (first digest); the write transformation is not even run";
            return (Next::Unchanged, why.into());
        }
        match outcome {
            Transformed::Mapped(mapped) => self.mapped(mapped),
            Transformed::Skipped(Skip::OutOfScope(left_out)) => {
                (Next::Skip, format!("the write transformation leaves it out: {}", left_out.reason))
            }
            Transformed::Skipped(Skip::Operation(left_out)) => {
                let reason = &left_out.reason;
                (Next::Skip, format!("the write transformation does not want this operation: {reason}; the target stays as it is"))
            }
            Transformed::Failed(fault) => (Next::Fail, format!("the write transformation fails: {} [{}]", fault.message, fault.code)),
            Transformed::Unmapped => {
                (Next::Fail, "the write transformation has nothing for a create or an update [plugin.contract]".into())
            }
        }
    }

    fn mapped(&self, mapped: &Mapped) -> (Next, String) {
        let open = if mapped.unresolved.is_empty() {
            String::new()
        } else {
            format!("; without {}, which the target does not have (yet)", mapped.unresolved.join(", "))
        };
        if self.relation.is_some() && self.known_digest == Some(digest_of(mapped)) {
            return (Next::Unchanged, format!("the target would be sent what it was sent last (second digest){open}"));
        }
        let able = if self.relation.is_some() { self.abilities.update } else { self.abilities.create };
        if !able {
            return (Next::Fail, "the target's plugin does not say that it can do this [target.unsupported]".into());
        }
        match self.relation {
            None if self.in_doubt => {
                (Next::Create, format!("an interrupted run may have created it: it is looked for, and created if it is not there{open}"))
            }
            None => (Next::Create, format!("no relation stands for it: never written by a run, or reset{open}")),
            Some(_) if self.in_doubt => (Next::Update, format!("an interrupted run left open what the target has{open}")),
            Some(_) if self.known_digest.is_none() => {
                (Next::Update, format!("it is not known what the target has: the last write failed, or a reference was open{open}"))
            }
            Some(_) => (Next::Update, format!("the target would be sent something else than last time{open}")),
        }
    }
}
