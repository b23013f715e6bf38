//! The read mapping: raw pages of the source into pages of common JSON.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::{
    clock::StageClock,
    log::RunLog,
    page::{CommonEntity, CommonPage, ID_VARIABLE, RawPage, digest, id_of, id_variable},
    transform::Mapper,
    write::counters,
};
use crate::{
    report::{Counts, Failure, Notes, Skip as SkipNote, Stage, progress::Progress},
    sandbox::contract::{Input, LeftOut, Operation, Skip, Transformed},
    state::{Checkpoint, CountersOf},
};

/// What the source's side of a run counts and notes.
#[derive(Default)]
pub struct SourceSide {
    pub counts: Counts,
    pub notes: Notes,
    /// Entities that could not be read, until they are handed to the log with the next page.
    pub unreadable: u64,
    pub unidentified: Unidentified,
}

/// How many entities the read mapping left out without telling their ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unidentified {
    /// Out of the mapping's scope: they cannot be told from entities that are gone.
    pub left_scope: u64,
    /// What is in the targets of them is to stay as it is.
    pub left_alone: u64,
}

impl Unidentified {
    fn add(&mut self, other: Self) {
        self.left_scope += other.left_scope;
        self.left_alone += other.left_alone;
    }
}

/// Maps the pages of one entity type.
pub struct ReadMapping {
    pub mapper: Mapper,
    /// The source's name.
    pub system: Arc<str>,
    pub entity_type: Arc<str>,
    pub side: Arc<Mutex<SourceSide>>,
    pub progress: Progress,
    pub clock: Arc<StageClock>,
    pub log: Arc<RunLog>,
}

impl ReadMapping {
    /// Map every page and hand it to all targets that still listen. Ends when the channel does, and gives the mapper back.
    pub async fn run(mut self, mut raw: mpsc::Receiver<RawPage>, mut targets: Vec<mpsc::Sender<Arc<CommonPage>>>) -> Mapper {
        let clock = self.clock.clone();
        while let Some(page) = raw.recv().await {
            if let Some(total) = page.total {
                self.progress.expect(&self.entity_type, total);
            }
            let page = Arc::new(clock.time(Stage::ReadMapping, self.map(page)).await);
            let mut listening = Vec::with_capacity(targets.len());
            for target in targets {
                // A target that can do no more has gone; the others go on.
                if target.send(page.clone()).await.is_ok() {
                    listening.push(target);
                }
            }
            targets = listening;
            if targets.is_empty() {
                break;
            }
        }
        self.mapper
    }

    async fn map(&mut self, page: RawPage) -> CommonPage {
        let place = Checkpoint { pages: page.number, cursor: page.next };
        let (ids, inputs): (Vec<String>, Vec<Input>) =
            page.entities.into_iter().map(|(id, document)| (id, Input { document, variables: Vec::new() })).unzip();
        let outcomes = self.mapper.apply(&self.entity_type, Operation::Read, &inputs).await;
        // The raw documents are only kept where the log may want them.
        let trace = self.log.trace();
        let contents = if trace.failed_content || trace.skipped_content { inputs } else { Vec::new() };
        let mut counts = Counts { read: ids.len() as u64, ..Counts::default() };
        let mut entities = Vec::with_capacity(ids.len());
        let mut notes = Notes::default();
        let (mut left_scope, mut left_alone, mut unidentified) = (Vec::new(), Vec::new(), Unidentified::default());
        for (index, (id, outcome)) in ids.into_iter().zip(outcomes).enumerate() {
            let content = contents.get(index).map(|input| input.document.as_str());
            let mut fail = |failure: Failure| {
                self.log.failed(&failure, None, content);
                notes.failure(failure);
            };
            let failed = |code: String, message: String| Failure {
                entity: id.clone(),
                entity_type: self.entity_type.to_string(),
                system: self.system.to_string(),
                stage: "read mapping",
                code,
                message,
            };
            match outcome {
                Transformed::Mapped(common) => {
                    if let Some(source_id) = id_variable(&common.variables, ID_VARIABLE) {
                        let digest = digest(&common.document);
                        entities.push(CommonEntity { source_id, document: common.document, digest });
                    } else {
                        counts.failed += 1;
                        let message = "the read transformation sets no entityIdSourceSystem for this entity; map its id to that variable";
                        fail(failed("mapping.no-id".into(), message.into()));
                    }
                }
                Transformed::Skipped(skip) => {
                    counts.skipped += 1;
                    let (left_out, ids, unidentified) = match skip {
                        Skip::OutOfScope(left_out) => (left_out, &mut left_scope, &mut unidentified.left_scope),
                        Skip::Operation(left_out) => (left_out, &mut left_alone, &mut unidentified.left_alone),
                    };
                    let LeftOut { reason, source_id } = left_out;
                    match source_id.as_deref().and_then(id_of) {
                        Some(source_id) => ids.push(source_id),
                        None => *unidentified += 1,
                    }
                    let (system, entity_type) = (self.system.to_string(), self.entity_type.to_string());
                    let skip = SkipNote { system, entity_type, entity: id, reason };
                    self.log.skipped(&skip, None, content);
                    notes.skip(skip);
                }
                Transformed::Failed(fault) => {
                    counts.failed += 1;
                    let at = if fault.at.is_empty() { String::new() } else { format!(" (at {})", fault.at) };
                    fail(failed(fault.code, format!("{}{at}", fault.message)));
                }
                Transformed::Unmapped => {
                    counts.failed += 1;
                    fail(failed("plugin.contract".into(), "the transformation has nothing for reading".into()));
                }
            }
        }
        let mut side = self.side.lock().unwrap_or_else(PoisonError::into_inner);
        side.counts.add(&counts);
        side.notes.append(notes);
        side.unidentified.add(unidentified);
        let unreadable = std::mem::take(&mut side.unreadable);
        drop(side);
        counts.add(&Counts { read: unreadable, failed: unreadable, ..Counts::default() });
        let (system, entity_type) = (self.system.to_string(), self.entity_type.to_string());
        self.log.count(CountersOf { system, entity_type, counters: counters(&counts) });
        CommonPage { place, entities, left_scope, left_alone }
    }
}
