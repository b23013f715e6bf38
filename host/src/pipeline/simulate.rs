//! A run that writes nothing: the same stages, the same decisions, on a copy of the state; only the call that would change a target is answered here.
//!
//! What would become of a change is looked up where the target can be searched: a create of something that is there is answered "exists", an update of something that
//! is gone "not found", and the run then goes on as it would have. What the target has now is what the differences are made of.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    PipelineError,
    assign::Assignments,
    conflict::Found,
    diff::differences,
    page::{Digest, digest},
    target::TargetSpec,
    write::Writer,
};
use crate::{
    registry::description::Role,
    report::{AttributeChange, Before, SimulatedChange},
    sandbox::{
        Fault, Source,
        contract::{Action, AttributeValue, Change, Entity, Failure, Kind, Patch, Query, Scope, Update, Written},
    },
    state::Relation,
};

/// What all targets of all sources would have by now, beyond what they have.
#[derive(Default)]
pub struct Simulation {
    created: Mutex<Created>,
    listener: Option<Mutex<Listener>>,
}

/// Is told the name of a source, and a change that its job would make.
pub type Listener = Box<dyn FnMut(&str, &SimulatedChange) + Send>;

#[derive(Default)]
struct Created {
    /// Target, entity type -> how many entities would have been created. Not for all together: targets are written side by side, and a simulation of the same gives the
    /// same ids.
    counts: HashMap<(String, String), u64>,
    /// Target, entity type and unique attributes of those -> the id they stand under meanwhile.
    unique: HashMap<Digest, u64>,
}

impl Simulation {
    /// One that tells every change, not only those a report has room for.
    pub fn telling(listener: Listener) -> Self {
        Self { listener: Some(Mutex::new(listener)), ..Self::default() }
    }

    fn tell(&self, source: &str, change: &SimulatedChange) {
        if let Some(listener) = &self.listener {
            listener.lock().unwrap_or_else(PoisonError::into_inner)(source, change);
        }
    }

    fn created<R>(&self, with: impl FnOnce(&mut Created) -> R) -> R {
        with(&mut self.created.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a simulation knows while it writes one entity type to one target.
pub struct Simulated {
    simulation: Arc<Simulation>,
    /// Entities a create met, by id, until they are updated instead.
    met: HashMap<String, String>,
    /// What would have been sent for this id, until it is known for whom.
    sent: HashMap<String, SimulatedChange>,
    reader: Reader,
}

impl Simulated {
    pub(super) fn new(simulation: Arc<Simulation>) -> Self {
        Self { simulation, met: HashMap::new(), sent: HashMap::new(), reader: Reader::NotOpened }
    }
}

/// Reads single entities of a target, where its plugin is a source as well.
enum Reader {
    NotOpened,
    /// It does not open, or ended.
    Unusable,
    Open(Source),
}

/// What a target has for an id.
enum Current {
    Document(String),
    Gone,
    Unknown,
}

/// The id of an entity that would be created, while the simulation lasts.
fn new_id(entity_type: &str, number: u64) -> String {
    format!("(new {entity_type} {number})")
}

fn is_new(entity_type: &str, id: &str) -> bool {
    id.strip_prefix("(new ")
        .and_then(|rest| rest.strip_prefix(entity_type))
        .is_some_and(|rest| rest.starts_with(' ') && rest.ends_with(')'))
}

/// Take from a target's plugin what it could write with: its folders are read-only, and one that is not there yet is an empty one.
pub fn disarm(spec: &mut TargetSpec, empty: &std::path::Path) {
    for folder in spec.connector.authority.folders.iter_mut().filter(|folder| folder.write) {
        folder.write = false;
        if !folder.host.is_dir() {
            empty.clone_into(&mut folder.host);
        }
    }
}

impl Writer {
    /// What the target would answer.
    pub(super) async fn simulate(&mut self, changes: &[Change]) -> Result<Result<Vec<Written>, Fault>, PipelineError> {
        let mut outcomes = Vec::with_capacity(changes.len());
        for Change { entity_type, action } in changes {
            outcomes.push(match action {
                Action::Create(document) => self.simulate_create(entity_type, document).await?,
                Action::Update(update) => self.simulate_update(entity_type, update).await?,
                Action::Delete(id) => {
                    let mut change = self.change(entity_type, "delete", Before::Unknown);
                    change.entity = self.source_of(entity_type, id).await?;
                    self.sends(id, change);
                    written(id)
                }
                Action::Patch(patch) => self.simulate_patch(entity_type, patch).await?,
                Action::Members(members) => written(&members.id),
            });
        }
        Ok(Ok(outcomes))
    }

    async fn simulate_create(&mut self, entity_type: &str, document: &str) -> Result<Written, PipelineError> {
        let exists = |message: &str| Written::Failed(Failure { kind: Kind::AlreadyExists, message: message.to_owned() });
        match self.look_for(entity_type, document).await? {
            Found::One(entity) => {
                if let Some(simulated) = &mut self.simulated
                    && !is_new(entity_type, &entity.id)
                {
                    simulated.met.insert(entity.id, entity.document);
                }
                return Ok(exists("the target has it already"));
            }
            Found::Several(_) => return Ok(exists("the target has more than one already")),
            Found::Failed(super::outcome::Settled::Failed { message, .. }) => {
                return Ok(Written::Failed(Failure {
                    kind: Kind::Rejected,
                    message: format!("the target could not be searched: {message}"),
                }));
            }
            Found::Failed(_) | Found::None(_) => {}
        }
        let mut change = self.change(entity_type, "create", Before::Absent);
        change.attributes = differences(None, document);
        let key = self.wanted(entity_type, document).ok().map(|wanted| self.key(entity_type, &wanted));
        let of = (self.run.spec.name.to_string(), entity_type.to_owned());
        let Some(simulated) = &mut self.simulated else { return Ok(exists("nothing is simulated")) };
        let number = simulated.simulation.created(|created| {
            let count = created.counts.entry(of).or_default();
            *count += 1;
            created.unique.extend(key.map(|key| (key, *count)));
            *count
        });
        let id = new_id(entity_type, number);
        simulated.sent.insert(id.clone(), change);
        Ok(written(&id))
    }

    async fn simulate_update(&mut self, entity_type: &str, Update { id, document }: &Update) -> Result<Written, PipelineError> {
        if is_new(entity_type, id) {
            // Its references, at the end of its type: part of the create.
            return Ok(written(id));
        }
        let met = self.simulated.as_mut().and_then(|simulated| simulated.met.remove(id));
        let (operation, current) = match met {
            Some(met) => ("update (exists)", Current::Document(met)),
            None => ("update", self.current(entity_type, id, document).await?),
        };
        let mut change = match current {
            Current::Gone => return Ok(missing(entity_type, id)),
            Current::Document(before) => {
                let mut change = self.change(entity_type, operation, Before::Read);
                change.attributes = differences(Some(&before), document);
                change
            }
            Current::Unknown => {
                let mut change = self.change(entity_type, operation, Before::Unknown);
                change.attributes = differences(None, document);
                change
            }
        };
        change.entity = self.source_of(entity_type, id).await?;
        self.sends(id, change);
        Ok(written(id))
    }

    /// One attribute is set: somebody is disabled, or enabled after an update that does not say so.
    async fn simulate_patch(&mut self, entity_type: &str, Patch { id, operations }: &Patch) -> Result<Written, PipelineError> {
        let attributes = patched(operations);
        if let Some(update) = self.simulated.as_mut().and_then(|simulated| simulated.sent.get_mut(id)) {
            update.attributes.extend(attributes);
            return Ok(written(id));
        }
        // Who is not there any more cannot be disabled.
        if matches!(self.read_by_id(entity_type, id).await, Some(Current::Gone)) {
            return Ok(missing(entity_type, id));
        }
        let mut change = self.change(entity_type, "disable", Before::Unknown);
        change.attributes = attributes;
        change.entity = self.source_of(entity_type, id).await?;
        self.sends(id, change);
        Ok(written(id))
    }

    /// The source entity that is known to be this one.
    async fn source_of(&mut self, entity_type: &str, id: &str) -> Result<String, PipelineError> {
        Ok(self.run.state.related_to(&self.run.link, entity_type, id).await?.unwrap_or_default())
    }

    /// An entity that would have been created and has these unique attributes.
    pub(super) fn simulated_entity(&self, entity_type: &str, wanted: &[AttributeValue]) -> Option<Entity> {
        let key = self.key(entity_type, wanted);
        let number = self.simulated.as_ref()?.simulation.created(|created| created.unique.get(&key).copied())?;
        Some(Entity { id: new_id(entity_type, number), document: "{}".into() })
    }

    /// Stands for these values of these attributes in this target.
    fn key(&self, entity_type: &str, wanted: &[AttributeValue]) -> Digest {
        let values = wanted.iter().flat_map(|one| ["\n", one.attribute.as_str(), "=", one.value.as_str()]);
        digest(&[&*self.run.spec.name, "\n", entity_type].into_iter().chain(values).collect::<String>())
    }

    /// The change that was sent for this id is the one of this source entity: it goes into the report.
    pub(super) fn note_simulated(&mut self, source_id: &str, target_id: &str, groups: Option<&Assignments>) {
        if let Some(mut change) = self.simulated.as_mut().and_then(|simulated| simulated.sent.remove(target_id)) {
            change.attributes.extend(groups.into_iter().flat_map(assigned));
            self.report_simulated(SimulatedChange { entity: source_id.to_owned(), ..change });
        }
    }

    /// What would have been sent while deleting goes into the report.
    pub(super) fn note_simulated_deletions(&mut self) {
        let sent = self.simulated.as_mut().map(|simulated| std::mem::take(&mut simulated.sent)).unwrap_or_default();
        let mut sent: Vec<_> = sent.into_values().collect();
        sent.sort_by(|one, other| one.id.cmp(&other.id));
        for change in sent {
            let operation = if change.operation == "update" { "delete (an update)" } else { change.operation };
            self.report_simulated(SimulatedChange { operation, ..change });
        }
    }

    /// The groups that a user who goes would leave; `only`: nothing else would be sent.
    pub(super) fn note_simulated_leaving(&mut self, entity_type: &str, relation: &Relation, groups: Option<&Assignments>, only: bool) {
        let Some(groups) = groups.filter(|_| self.simulated.is_some()) else { return };
        let mut change = self.change(entity_type, if only { "delete (groups)" } else { "groups" }, Before::Unknown);
        relation.source_id.clone_into(&mut change.entity);
        relation.target_id.clone_into(&mut change.id);
        change.attributes = assigned(groups).collect();
        self.report_simulated(change);
    }

    fn report_simulated(&self, change: SimulatedChange) {
        if let Some(simulated) = &self.simulated {
            simulated.simulation.tell(&self.run.link.source, &change);
        }
        self.run.note(|notes| notes.change(change));
    }

    fn sends(&mut self, id: &str, mut change: SimulatedChange) {
        id.clone_into(&mut change.id);
        if let Some(simulated) = &mut self.simulated {
            simulated.sent.insert(id.to_owned(), change);
        }
    }

    fn change(&self, entity_type: &str, operation: &'static str, before: Before) -> SimulatedChange {
        SimulatedChange {
            system: self.run.spec.name.to_string(),
            entity_type: entity_type.to_owned(),
            entity: String::new(),
            id: String::new(),
            operation,
            before,
            attributes: Vec::new(),
        }
    }

    /// By its id where the plugin can read one, else by its unique attributes, which find nothing where these are what changes.
    async fn current(&mut self, entity_type: &str, id: &str, document: &str) -> Result<Current, PipelineError> {
        if let Some(current) = self.read_by_id(entity_type, id).await {
            return Ok(current);
        }
        Ok(match self.look_for(entity_type, document).await? {
            Found::One(entity) if entity.id == id => Current::Document(entity.document),
            _ => Current::Unknown,
        })
    }

    async fn read_by_id(&mut self, entity_type: &str, id: &str) -> Option<Current> {
        let spec = self.run.spec.connector.clone();
        let description = spec.plugin.description();
        let can = description.roles.contains(&Role::Source) && self.run.can(entity_type, |abilities| abilities.read_by_id);
        let simulated = self.simulated.as_mut().filter(|_| can)?;
        if matches!(simulated.reader, Reader::NotOpened) {
            simulated.reader = Reader::Unusable;
            // Whatever keeps it from opening: then it is not known what the target has.
            if let Ok(mut source) = spec.plugin.source(spec.authority.clone()).await
                && matches!(source.open(&spec.settings).await, Ok(Ok(())))
            {
                simulated.reader = Reader::Open(source);
            }
        }
        let Reader::Open(reader) = &mut simulated.reader else { return None };
        let query = Query { entity_type: entity_type.to_owned(), scope: Scope::ById(id.to_owned()), cursor: None, limit: 1 };
        match reader.read_page(&query).await {
            Ok(Ok(mut page)) => match page.entities.pop() {
                Some(entity) => Some(Current::Document(entity.document)),
                None if page.unreadable.is_empty() => Some(Current::Gone),
                None => None,
            },
            Ok(Err(failure)) if matches!(failure.kind, Kind::NotFound) => Some(Current::Gone),
            Ok(Err(_)) => None,
            Err(_) => {
                simulated.reader = Reader::Unusable;
                None
            }
        }
    }
}

fn missing(entity_type: &str, id: &str) -> Written {
    Written::Failed(Failure { kind: Kind::NotFound, message: format!("the target has no {entity_type} {id} any more") })
}

fn written(id: &str) -> Written {
    Written::Written(crate::sandbox::contract::WrittenEntity { id: id.to_owned(), document: None })
}

/// The groups a user would be put into or taken out of.
fn assigned(groups: &Assignments) -> impl Iterator<Item = AttributeChange> {
    groups.told().map(|(attribute, ids)| AttributeChange { attribute: attribute.to_owned(), before: None, after: ids.into() })
}

/// What the operations of a SCIM patch set.
fn patched(operations: &str) -> Vec<AttributeChange> {
    let operations: Vec<serde_json::Value> = serde_json::from_str(operations).unwrap_or_default();
    let attribute = |mut operation: serde_json::Value| {
        let attribute = operation["path"].as_str().unwrap_or_default().to_owned();
        AttributeChange { attribute, before: None, after: operation["value"].take() }
    };
    operations.into_iter().map(attribute).collect()
}
