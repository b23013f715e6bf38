//! Create, update or nothing: what becomes of each entity of a page, decided from the relations and two digests (DESIGN decision 7).
//!
//! 1. The common document and both mappings as last time: nothing to do, the write mapping is not even run.
//! 2. What the target would be sent is as last time: no call, only the first digest is noted.
//!
//! An entity that referred to something unknown has no first digest, so it is mapped again until everything it refers to is there.

use std::{collections::HashMap, sync::Arc};

use tokio::task::JoinHandle;

use super::{
    PipelineError,
    approval::{MOVED, NOT_PLANNED},
    assign::{Assignments, digest_of},
    page::{CommonEntity, CommonPage, Digest, combine, text_variable},
    spill::Spill,
    target::{Ended, TargetRun},
    transform::Mapper,
};
use crate::{
    report::{Counts, Stage, Unresolved},
    sandbox::contract::{Input, Mapped, Members, Operation, Skip, Transformed},
    state::{Checkpoint, IntentId, Membership, Relation, RelationChange, StateError},
};

const TWICE: &str = "the source has this id twice; the first one counts";

/// What is to be done for one entity.
#[derive(Debug)]
pub struct PlannedChange {
    pub entity: CommonEntity,
    pub step: PlannedStep,
    /// What the target is sent.
    pub document: String,
    pub target_digest: Digest,
    /// Absent while a reference is unresolved.
    pub common_digest: Option<Digest>,
    /// The members of a big group.
    pub membership: Option<Membership>,
    /// Sent instead of the document, whose other attributes are as they were.
    pub difference: Option<Members>,
    /// Groups a user is put into or taken out of, once it is written.
    pub groups: Option<Box<Assignments>>,
    /// Not all of it came to the target: the next run writes it again.
    pub unfinished: bool,
}

impl PlannedChange {
    fn new(entity: CommonEntity, step: PlannedStep, document: String, target_digest: Digest, common_digest: Option<Digest>) -> Self {
        Self { entity, step, document, target_digest, common_digest, membership: None, difference: None, groups: None, unfinished: false }
    }

    /// Written, and to be written again.
    #[must_use]
    pub fn unfinished(self) -> Self {
        Self { unfinished: true, common_digest: None, ..self }
    }
}

#[derive(Debug)]
pub enum PlannedStep {
    Create {
        /// An earlier run may have created it and was killed before it could note so: look before creating.
        uncertain: bool,
    },
    Update(Relation),
}

/// A page on its way to the target.
pub struct PlannedPage {
    pub entity_type: Arc<str>,
    pub changes: Vec<PlannedChange>,
    /// Digests to note for entities that need no call.
    pub noted: Vec<RelationChange>,
    /// All ids of the page that are on their way.
    pub departed: Vec<String>,
    /// The durable note that these changes are about to happen; awaited before the first of them.
    pub intent: Option<JoinHandle<Result<IntentId, StateError>>>,
    /// Where reading stands once this page is done; absent in the second pass.
    pub place: Option<Checkpoint>,
    /// Entities of the source page, for the progress bar.
    pub entities: u64,
    /// What the plan alone decides.
    pub counts: Counts,
}

/// Plans the pages of one entity type for one target.
pub struct Planner {
    pub(super) run: Arc<TargetRun>,
    pub(super) entity_type: Arc<str>,
    mapper: Mapper,
    /// Ids an interrupted run was about to change -> whether they are planned anew.
    leftover: HashMap<String, bool>,
    /// In the second pass.
    again: bool,
}

/// An entity that needs the write mapping.
struct Open {
    entity: CommonEntity,
    relation: Option<Relation>,
}

impl Planner {
    /// `leftover` are ids an interrupted run was about to change, none of them met yet.
    pub async fn open(run: Arc<TargetRun>, entity_type: Arc<str>, leftover: HashMap<String, bool>) -> Result<Self, PipelineError> {
        let mapper = Mapper::open(run.spec.mapping.clone()).await?;
        Ok(Self { run, entity_type, mapper, leftover, again: false })
    }

    /// Whether an id of the leftovers came from the source in this run and was planned. Who came and was left out, or could not be mapped, stays in doubt.
    pub fn has_met(&self, id: &str) -> bool {
        self.leftover.get(id) == Some(&true)
    }

    /// Plan a page as it came from the source. Entities whose references are not all there yet go to `spill` for a second pass.
    pub async fn plan(&mut self, page: &CommonPage, spill: &mut Spill) -> Result<PlannedPage, PipelineError> {
        let mut counts = Counts::default();
        self.note_left_out(page).await?;
        // On their way first, looked up then: an id that is not on its way any more is committed, so the lookup sees it.
        let (departing, twice): (Vec<&CommonEntity>, Vec<&CommonEntity>) =
            page.entities.iter().partition(|entity| self.run.depart(&entity.source_id));
        let ids: Vec<&str> = departing.iter().map(|entity| entity.source_id.as_str()).collect();
        let relations = self.run.state.relations(&self.run.link, &self.entity_type, &ids).await?;
        let departed = ids.into_iter().map(str::to_owned).collect();
        for entity in &twice {
            self.skip_twice(entity, None, &mut counts);
        }
        let mut open = Vec::new();
        for (entity, relation) in departing.into_iter().zip(relations) {
            if relation.as_ref().is_some_and(|relation| self.run.with_seen(|seen| seen.contains(relation.id))) {
                self.skip_twice(entity, relation.as_ref(), &mut counts);
                continue;
            }
            let mut relation = relation;
            let leftover = self.leftover.contains_key(&entity.source_id);
            // An interrupted run may have changed or deleted it: what was sent last is not known. A resync does not ask.
            if let (Some(relation), true) = (&mut relation, leftover || self.run.write_all) {
                (relation.common_digest, relation.target_digest) = (None, None);
            }
            if let Some(relation) = &relation
                && relation.common_digest == Some(combine(&self.run.version, &entity.digest))
            {
                self.run.with_seen(|seen| seen.insert(relation.id));
                counts.unchanged += 1;
                continue;
            }
            open.push(Open { entity: entity.clone(), relation });
        }
        let mut planned = self.map(open, spill, counts).await?;
        // Whoever came a second time is there, whatever became of the first row.
        let again: Vec<&str> = twice.iter().map(|entity| entity.source_id.as_str()).collect();
        if !again.is_empty() {
            let known = self.run.state.relations(&self.run.link, &self.entity_type, &again).await?;
            self.run.with_seen(|seen| known.into_iter().flatten().for_each(|relation| _ = seen.insert(relation.id)));
        }
        planned.departed = departed;
        planned.place = Some(page.place.clone());
        planned.entities = page.entities.len() as u64;
        Ok(planned)
    }

    /// Who was left out by the read mapping is not gone from the source.
    async fn note_left_out(&mut self, page: &CommonPage) -> Result<(), PipelineError> {
        for (ids, alone) in [(&page.left_scope, false), (&page.left_alone, true)] {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            for relation in self.run.state.relations(&self.run.link, &self.entity_type, &ids).await?.into_iter().flatten() {
                let first = if alone {
                    self.run.with_seen(|seen| seen.insert(relation.id))
                } else {
                    self.run.with_left_scope(|left| left.insert(relation.id))
                };
                if !first {
                    self.run.repeats(&self.entity_type);
                }
            }
        }
        Ok(())
    }

    /// Map again entities whose references were not there the first time. Nothing is counted here: they were counted in the first pass.
    pub async fn plan_again(&mut self, entities: Vec<CommonEntity>) -> Result<PlannedPage, PipelineError> {
        self.again = true;
        let ids: Vec<&str> = entities.iter().map(|entity| entity.source_id.as_str()).collect();
        let relations = self.run.state.relations(&self.run.link, &self.entity_type, &ids).await?;
        let open = entities
            .into_iter()
            .zip(relations)
            // Without a relation the first pass failed, and said so.
            .filter_map(|(entity, relation)| relation.map(|relation| Open { entity, relation: Some(relation) }))
            .collect();
        let mut left = Spill::default();
        let planned = self.map(open, &mut left, Counts::default()).await?;
        left.note_unresolved(&self.run, &self.entity_type);
        Ok(planned)
    }

    async fn map(&mut self, open: Vec<Open>, spill: &mut Spill, counts: Counts) -> Result<PlannedPage, PipelineError> {
        let mut planned = PlannedPage {
            entity_type: self.entity_type.clone(),
            changes: Vec::with_capacity(open.len()),
            noted: Vec::new(),
            departed: Vec::new(),
            intent: None,
            place: None,
            entities: 0,
            counts,
        };
        let (updates, creates): (Vec<_>, Vec<_>) = open.into_iter().partition(|open| open.relation.is_some());
        for (operation, group) in [(Operation::Create, creates), (Operation::Update, updates)] {
            if group.is_empty() {
                continue;
            }
            let inputs: Vec<Input> = group
                .iter()
                .map(|open| Input {
                    document: open.entity.document.clone(),
                    variables: open.relation.iter().map(|r| text_variable("entityIdTargetSystem", &r.target_id)).collect(),
                })
                .collect();
            let outcomes = self.run.clock.time(Stage::WriteMapping, self.mapper.apply(&self.entity_type, operation, &inputs)).await;
            self.run.spec.relations.check()?;
            for (open, outcome) in group.into_iter().zip(outcomes) {
                self.decide(open, outcome, spill, &mut planned);
            }
        }
        self.differ(&mut planned.changes).await?;
        let intended: Vec<String> = planned.changes.iter().map(|change| change.entity.source_id.clone()).collect();
        if !intended.is_empty() {
            let run = self.run.clone();
            let entity_type = self.entity_type.clone();
            planned.intent = Some(tokio::spawn(async move {
                let intended: Vec<&str> = intended.iter().map(String::as_str).collect();
                run.state.intend(run.run, &run.link, &entity_type, &intended).await
            }));
        }
        Ok(planned)
    }

    fn decide(&mut self, open: Open, outcome: Transformed, spill: &mut Spill, planned: &mut PlannedPage) {
        let Open { entity, relation } = open;
        // Out of the target's scope counts as not met: what is there of it is due for deletion (spec section 2.5, step 3b).
        match (&relation, &outcome) {
            (Some(relation), Transformed::Skipped(Skip::OutOfScope(_))) => _ = self.run.with_left_scope(|left| left.insert(relation.id)),
            (Some(relation), _) => _ = self.run.with_seen(|seen| seen.insert(relation.id)),
            (None, Transformed::Skipped(_)) => {}
            (None, _) => self.run.newcomer(&self.entity_type),
        }
        match outcome {
            Transformed::Mapped(mapped) => {
                if let Some(met) = self.leftover.get_mut(&entity.source_id) {
                    *met = true;
                }
                let groups = match self.groups(&mapped) {
                    Ok(groups) => groups,
                    Err((code, message)) => {
                        planned.counts.failed += 1;
                        return self.fail(&entity, relation.as_ref(), code.into(), message);
                    }
                };
                let target_digest = digest_of(&mapped);
                let Mapped { document, unresolved, .. } = mapped;
                let complete = unresolved.is_empty();
                let common_digest = complete.then(|| combine(&self.run.version, &entity.digest));
                let same = relation.as_ref().is_some_and(|relation| relation.target_digest == Some(target_digest));
                if !same && !self.approved(&entity, relation.is_some()) {
                    planned.counts.failed += 1;
                    return self.fail(&entity, relation.as_ref(), MOVED.into(), NOT_PLANNED.into());
                }
                if !complete {
                    spill.push(&entity, unresolved, same);
                }
                let able = same
                    || self.run.can(&self.entity_type, |abilities| if relation.is_some() { abilities.update } else { abilities.create });
                match relation {
                    _ if !able => {
                        planned.counts.failed += 1;
                        let message = "this target's plugin does not say that it can create (or update) entities of this type";
                        self.fail(&entity, relation.as_ref(), "target.unsupported".into(), message.into());
                    }
                    Some(relation) if same => {
                        planned.counts.unchanged += 1;
                        if relation.common_digest != common_digest {
                            planned.noted.push(RelationChange::Update {
                                id: relation.id,
                                target_id: None,
                                existed_before: None,
                                common_digest,
                                target_digest: Some(target_digest),
                            });
                        }
                    }
                    Some(relation) => {
                        let change = PlannedChange::new(entity, PlannedStep::Update(relation), document, target_digest, common_digest);
                        planned.changes.push(PlannedChange { groups, ..change });
                    }
                    None => {
                        let step = PlannedStep::Create { uncertain: self.leftover.contains_key(&entity.source_id) };
                        let change = PlannedChange::new(entity, step, document, target_digest, common_digest);
                        planned.changes.push(PlannedChange { groups, ..change });
                    }
                }
            }
            Transformed::Skipped(skip) => {
                planned.counts.skipped += 1;
                let (Skip::OutOfScope(left_out) | Skip::Operation(left_out)) = skip;
                self.skip(&entity, relation.as_ref(), left_out.reason);
            }
            Transformed::Failed(fault) => {
                planned.counts.failed += 1;
                let at = if fault.at.is_empty() { String::new() } else { format!(" (at {})", fault.at) };
                self.fail(&entity, relation.as_ref(), fault.code, format!("{}{at}", fault.message));
            }
            Transformed::Unmapped => {
                planned.counts.failed += 1;
                let message = "the transformation has nothing for a create or an update";
                self.fail(&entity, relation.as_ref(), "plugin.contract".into(), message.into());
            }
        }
    }

    /// The groups the entity is to be put into, or a code and why that cannot be.
    fn groups(&self, mapped: &Mapped) -> Result<Option<Box<Assignments>>, (&'static str, String)> {
        let groups = Assignments::of(&mapped.variables).map_err(|why| ("mapping.invalid-assignment", why))?;
        if groups.is_some() && !self.run.assigns() {
            let message = "this target's plugin does not say that it can change the members of groups (assignGroup, unassignGroup)";
            return Err(("target.unsupported", message.to_owned()));
        }
        Ok(groups)
    }

    fn approved(&self, entity: &CommonEntity, known: bool) -> bool {
        let approves = |operation| self.run.approves(&self.entity_type, &entity.source_id, operation, Some(&entity.digest));
        // A target that is slower than a simulation leaves more references to the second pass, which updates what the first one has created.
        if known { approves("update") || (self.again && approves("create")) } else { approves("create") }
    }

    fn skip_twice(&self, entity: &CommonEntity, relation: Option<&Relation>, counts: &mut Counts) {
        counts.skipped += 1;
        self.run.repeats(&self.entity_type);
        self.skip(entity, relation, TWICE.into());
    }

    fn skip(&self, entity: &CommonEntity, relation: Option<&Relation>, reason: String) {
        self.run.skip(self.ended(entity, relation), reason);
    }

    fn fail(&self, entity: &CommonEntity, relation: Option<&Relation>, code: String, message: String) {
        self.run.fail(self.ended(entity, relation), "write mapping", code, message);
    }

    fn ended<'a>(&'a self, entity: &'a CommonEntity, relation: Option<&'a Relation>) -> Ended<'a> {
        let target_id = relation.map(|relation| relation.target_id.as_str());
        Ended { entity_type: &self.entity_type, source_id: &entity.source_id, target_id, content: Some(&entity.document) }
    }
}

impl Unresolved {
    /// The note that references of this entity are still open.
    pub(super) fn of(run: &TargetRun, entity_type: &str, entity: String, references: Vec<String>) -> Self {
        Self { system: run.spec.name.to_string(), entity_type: entity_type.to_owned(), entity, references }
    }
}
