//! Source ids and the target ids that stand for them: asked for once per page.

use std::collections::HashMap;

/// A question to the host: which target entity stands for this source entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// `user`, `group`, ...
    pub entity_type: String,
    /// The id in the source system.
    pub source_id: String,
    /// Another source than that of the run.
    pub source_system: Option<String>,
    /// Another target than that of the transformation.
    pub target_system: Option<String>,
}

/// Whoever knows the relations.
pub trait Relations {
    /// One answer per question, in the same order; nothing for an id that is not known. Called at most once per page for transformations that do not look up
    /// what another lookup gave.
    fn find(&mut self, lookups: &[Lookup]) -> Vec<Option<String>>;
}

/// Knows nothing.
pub struct NoRelations;

impl Relations for NoRelations {
    fn find(&mut self, lookups: &[Lookup]) -> Vec<Option<String>> {
        vec![None; lookups.len()]
    }
}

/// What one `resolveEntityIds` of a transformation asks for, apart from the id.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub entity_type: String,
    pub source_system: Option<String>,
    pub target_system: Option<String>,
}

pub(crate) enum Answer<'a> {
    Known(&'a str),
    Unknown,
    /// It has been noted and will be asked for.
    Pending,
}

enum State {
    Pending,
    Answered(Option<Box<str>>),
}

/// The questions and answers of one page.
#[derive(Default)]
pub(crate) struct Lookups {
    /// By kind of lookup, then by source id.
    states: Vec<HashMap<Box<str>, State>>,
    /// In the order they came up, so that the host is asked the same way every time.
    pending: Vec<(u32, Box<str>)>,
}

impl Lookups {
    pub fn clear(&mut self, kinds: usize) {
        self.pending.clear();
        self.states.iter_mut().for_each(HashMap::clear);
        self.states.resize_with(kinds, HashMap::new);
    }

    pub fn answer(&mut self, kind: u32, id: &str) -> Answer<'_> {
        let Some(states) = self.states.get_mut(kind as usize) else { return Answer::Unknown };
        if !states.contains_key(id) {
            states.insert(id.into(), State::Pending);
            self.pending.push((kind, id.into()));
        }
        match states.get(id) {
            Some(State::Answered(Some(target))) => Answer::Known(target),
            Some(State::Answered(None)) | None => Answer::Unknown,
            Some(State::Pending) => Answer::Pending,
        }
    }

    /// Ask for everything that is pending.
    pub fn ask(&mut self, kinds: &[Kind], relations: &mut dyn Relations) {
        let questions: Vec<Lookup> = self
            .pending
            .iter()
            .filter_map(|(kind, id)| {
                let kind = kinds.get(*kind as usize)?;
                Some(Lookup {
                    entity_type: kind.entity_type.clone(),
                    source_id: id.to_string(),
                    source_system: kind.source_system.clone(),
                    target_system: kind.target_system.clone(),
                })
            })
            .collect();
        let mut answers = relations.find(&questions).into_iter();
        for (kind, id) in self.pending.drain(..) {
            let answer = answers.next().flatten().map(Into::into);
            if let Some(states) = self.states.get_mut(kind as usize) {
                states.insert(id, State::Answered(answer));
            }
        }
    }
}
