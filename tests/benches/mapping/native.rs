//! The engine compiled into this program.

use std::hint::black_box;

use mapping::{Input, Lookup, Operation, Outcome, Relations, Scratch, Transformation};

use crate::Case;

pub(crate) struct Native<'c> {
    transformation: Transformation,
    scratch: Scratch,
    page: Vec<Input<'c>>,
    entity_type: &'static str,
}

/// Everybody is known.
struct Everybody;

impl Relations for Everybody {
    fn find(&mut self, lookups: &[Lookup]) -> Vec<Option<String>> {
        lookups.iter().map(|lookup| Some(lookup.source_id.clone())).collect()
    }
}

impl<'c> Native<'c> {
    pub(crate) fn open(case: &'c Case) -> Self {
        let (transformation, _) = Transformation::compile(case.transformation, &[]).expect("a transformation");
        let page = case.page.iter().map(|document| Input { document, variables: &[] }).collect();
        Self { transformation, scratch: Scratch::default(), page, entity_type: case.entity_type }
    }

    pub(crate) fn apply(&mut self) {
        black_box(self.outcomes());
    }

    fn outcomes(&mut self) -> Vec<Outcome> {
        self.transformation.apply(&mut self.scratch, self.entity_type, Operation::Read, black_box(&self.page), &mut Everybody)
    }

    /// What comes out; all of it must.
    pub(crate) fn documents(&mut self) -> Vec<String> {
        let document = |outcome| match outcome {
            Outcome::Mapped(mapped) => mapped.document,
            other => panic!("{other:?}"),
        };
        self.outcomes().into_iter().map(document).collect()
    }
}
