//! What a simulation would do, so that a run does that and nothing else (`run --plan`).

use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::page::{Digest, combine, digest};

/// The code of what an approved run would do differently.
pub const MOVED: &str = "plan.moved";

/// The steps of a simulation; a simulation adds to them, the run that follows has to keep to them. A digest each, whatever is in them.
#[derive(Default)]
pub struct Approval {
    closed: AtomicBool,
    steps: Mutex<HashSet<Digest>>,
}

/// Why it is not done.
pub const NOT_PLANNED: &str =
    "the plan that was approved does not have this: the source has changed since it was compared with the plan; simulate again";

/// What is done with one entity of the source in a target.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    pub target: &'a str,
    pub source: &'a str,
    pub entity_type: &'a str,
    pub source_id: &'a str,
    /// `create`, `update`, `delete`, `disable`.
    pub operation: &'static str,
    /// Of the common document, where there is one. Unlike the document of the target it says nothing of ids that the target has yet to give.
    pub content: Option<&'a Digest>,
}

impl Step<'_> {
    fn key(&self) -> Digest {
        // Of each part by itself, so that no two steps run together as text.
        let parts = [self.target, self.source, self.entity_type, self.source_id, self.operation];
        let named = parts.iter().map(|part| digest(part)).reduce(|one, other| combine(&one, &other)).unwrap_or_default();
        self.content.map_or(named, |content| combine(&named, content))
    }
}

impl Approval {
    /// From here on only what was noted is approved.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Note a step while simulating; answers whether it may be done.
    pub fn takes(&self, step: &Step<'_>) -> bool {
        // A panic in between leaves at worst one step less.
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if self.closed.load(Ordering::Acquire) {
            steps.contains(&step.key())
        } else {
            steps.insert(step.key());
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_noted_is_approved() {
        let (one, other) = (digest("{}"), digest("[]"));
        let step = Step { target: "t", source: "s", entity_type: "user", source_id: "7", operation: "update", content: Some(&one) };
        let approval = Approval::default();
        assert!(approval.takes(&step) && approval.takes(&step), "noted, and noted again in a second pass");
        approval.close();
        assert!(approval.takes(&step));
        for different in [
            Step { target: "ts", source: "", ..step },
            Step { source_id: "8", ..step },
            Step { operation: "delete", ..step },
            Step { content: Some(&other), ..step },
            Step { content: None, ..step },
        ] {
            assert!(!approval.takes(&different));
        }
    }
}
