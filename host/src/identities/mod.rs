//! How many people the sources of a manifest know (spec section 4.5, `correlationAttribute`): users who share any marked value, in one source or across sources, count
//! as one identity. Reads the sources and keeps nothing.
//!
//! The marked values are asked for by the transformation itself: for every marked mapping a copy stands beside it that sets a variable.

mod mark;
mod union;

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use serde_json::{Value, json};

use crate::{
    manifest::System,
    pipeline::{Mapper, OpenError, ReadError, id_variable, open_source, read_page},
    registry::description::Role,
    report::aligned,
    sandbox::contract::{Input, Operation, Query, Scope, Transformed},
    setup::{Setup, SetupError},
};
use mark::Marks;
use union::Union;

/// The entity type that counts.
const USER: &str = "user";
/// The variable with the id of an entity in its source.
const ID: &str = "entityIdSourceSystem";

/// Why there is no count.
#[derive(Debug, thiserror::Error)]
pub enum IdentitiesError {
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error("error[{code}]: system {system}: {error}", code = .error.code())]
    Mapping { system: String, error: OpenError },
    #[error("error[{code}]: system {system}: {error}", code = .error.code())]
    Read { system: String, error: ReadError },
    #[error("error[identities.unknown-system]: there is no enabled source {0:?} in the manifest")]
    UnknownSystem(String),
}

impl IdentitiesError {
    /// The process's exit code: 1 for a source that cannot be read, 2 for what was asked, 3 for the machine.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Setup(error) => error.exit_code(),
            Self::Mapping { error: OpenError::Text { .. }, .. } | Self::UnknownSystem(_) => 2,
            Self::Mapping { .. } => 3,
            Self::Read { .. } => 1,
        }
    }
}

/// The count.
#[derive(Debug, PartialEq, Eq)]
pub struct Identities {
    pub sources: Vec<OfSource>,
    /// How many different people all of them are.
    pub identities: u64,
}

/// What one source has.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OfSource {
    pub system: String,
    /// Users that were read.
    pub read: u64,
    /// Of these, users the read transformation leaves out: they are not managed.
    pub left_out: u64,
    /// Of these, users that could not be read or mapped; they are not counted.
    pub failed: u64,
    /// Of the others, users without any marked value: each of them counts for itself.
    pub unmarked: u64,
    /// How many different people the source has by itself.
    pub identities: u64,
}

impl Identities {
    /// Some users are missing in the count.
    pub fn is_partial(&self) -> bool {
        self.sources.iter().any(|source| source.failed > 0)
    }

    /// One JSON object.
    pub fn json(&self) -> Value {
        let source = |of: &OfSource| json!({ "system": of.system, "read": of.read, "left-out": of.left_out, "failed": of.failed, "unmarked": of.unmarked, "identities": of.identities });
        json!({ "identities": self.identities, "sources": self.sources.iter().map(source).collect::<Vec<_>>() })
    }

    /// A table.
    pub fn text(&self) -> String {
        let mut rows = vec![["source", "users", "left out", "failed", "unmarked", "identities"].map(str::to_owned).to_vec()];
        for of in &self.sources {
            let numbers = [of.read, of.left_out, of.failed, of.unmarked, of.identities].map(|number| number.to_string());
            rows.push([of.system.clone()].into_iter().chain(numbers).collect());
        }
        format!("{}{} identities in all\n", aligned(&rows, 1), self.identities)
    }
}

/// Count the people in all sources of a manifest, or in one.
pub async fn count(manifest: &Path, cache: &Path, only: Option<&str>) -> Result<Identities, IdentitiesError> {
    let setup = Setup::load(manifest, cache).await?;
    let sources: Vec<&System> = setup
        .manifest
        .systems
        .iter()
        .filter(|system| system.enabled && system.role == Role::Source && only.is_none_or(|name| name == system.name))
        .collect();
    if let Some(name) = only.filter(|_| sources.is_empty()) {
        return Err(IdentitiesError::UnknownSystem(name.to_owned()));
    }
    let mut people = People::default();
    let mut counted = Vec::with_capacity(sources.len());
    for source in sources {
        counted.push(people.add(&setup, source).await?);
    }
    Ok(Identities { sources: counted, identities: people.all.sets() })
}

/// Everybody so far.
#[derive(Default)]
struct People {
    all: Union,
    /// Whoever has this value.
    by_value: HashMap<u128, u32>,
}

impl People {
    async fn add(&mut self, setup: &Setup, system: &System) -> Result<OfSource, IdentitiesError> {
        let failed = |error| IdentitiesError::Read { system: system.name.clone(), error };
        let mut spec = setup.mapping(system, None);
        let marks = Marks::mark(&mut spec);
        let opened = Mapper::open(spec).await;
        let mut mapper = opened.map_err(|error| IdentitiesError::Mapping { system: system.name.clone(), error })?;
        let source_spec = setup.source(system);
        let mut of = OfSource { system: system.name.clone(), ..OfSource::default() };
        let mut own = Self::default();
        let handled = mapper.entity_types().await.map_err(|error| IdentitiesError::Mapping { system: system.name.clone(), error })?;
        let readable = source_spec.plugin.description().entity_type(USER).is_some_and(|known| known.abilities.read_all);
        if !readable || handled.is_some_and(|types| !types.iter().any(|name| name == USER)) {
            return Ok(of);
        }
        let mut source = open_source(&source_spec).await.map_err(failed)?;
        let (mut cursor, mut cursors, mut ids) = (None, HashSet::new(), HashSet::new());
        loop {
            let query = Query { entity_type: USER.to_owned(), scope: Scope::All, cursor: cursor.clone(), limit: source_spec.page_size };
            let page = read_page(&mut source, &source_spec, &query).await.map_err(failed)?;
            of.read += (page.entities.len() + page.unreadable.len()) as u64;
            of.failed += page.unreadable.len() as u64;
            let inputs: Vec<Input> =
                page.entities.into_iter().map(|entity| Input { document: entity.document, variables: Vec::new() }).collect();
            for outcome in mapper.apply(USER, Operation::Read, &inputs).await {
                match outcome {
                    Transformed::Mapped(user) => {
                        let mut values = marks.values(&user.variables);
                        let id = id_variable(&user.variables, ID);
                        // An id that comes twice is one user, as in a run.
                        if id.as_ref().is_some_and(|id| !ids.insert(mark::fingerprint(id))) {
                            continue;
                        }
                        of.unmarked += u64::from(values.is_empty());
                        values.dedup();
                        own.meet(&values);
                        self.meet(&values);
                    }
                    Transformed::Skipped(_) => of.left_out += 1,
                    Transformed::Failed(_) | Transformed::Unmapped => of.failed += 1,
                }
            }
            match page.next {
                None => break,
                Some(next) if !cursors.insert(mark::fingerprint(&next)) => return Err(failed(ReadError::Loop { cursor: next })),
                next => cursor = next,
            }
        }
        of.identities = own.all.sets();
        Ok(of)
    }

    fn meet(&mut self, values: &[u128]) {
        let person = self.all.add();
        for value in values {
            let other = *self.by_value.entry(*value).or_insert(person);
            self.all.join(person, other);
        }
    }
}
