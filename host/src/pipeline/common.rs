//! The read mapping: raw pages of the source into pages of common JSON.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::{
    page::{CommonEntity, CommonPage, RawPage, digest, id_variable},
    transform::Mapper,
};
use crate::{
    report::{Counts, Failure, Notes, Skip as SkipNote, progress::Progress},
    sandbox::contract::{Input, Operation, Skip, Transformed},
    state::Checkpoint,
};

/// What the source's side of a run counts and notes.
#[derive(Default)]
pub struct SourceSide {
    pub counts: Counts,
    pub notes: Notes,
}

/// Map every page and hand it to all targets that still listen. Ends when the channel does.
pub async fn map_pages(
    mapper: &mut Mapper,
    system: &str,
    entity_type: Arc<str>,
    mut raw: mpsc::Receiver<RawPage>,
    mut targets: Vec<mpsc::Sender<Arc<CommonPage>>>,
    side: &Mutex<SourceSide>,
    progress: &Progress,
) {
    while let Some(page) = raw.recv().await {
        if let Some(total) = page.total {
            progress.expect(&entity_type, total);
        }
        let place = Checkpoint { pages: page.number, cursor: page.next };
        let (ids, inputs): (Vec<String>, Vec<Input>) =
            page.entities.into_iter().map(|(id, document)| (id, Input { document, variables: Vec::new() })).unzip();
        let outcomes = mapper.apply(&entity_type, Operation::Read, &inputs).await;
        drop(inputs);
        let mut counts = Counts { read: ids.len() as u64, ..Counts::default() };
        let mut entities = Vec::with_capacity(ids.len());
        let mut notes = Notes::default();
        for (id, outcome) in ids.into_iter().zip(outcomes) {
            let failed = |code: String, message: String| Failure {
                entity: id.clone(),
                entity_type: entity_type.to_string(),
                system: system.to_owned(),
                stage: "read mapping",
                code,
                message,
            };
            match outcome {
                Transformed::Mapped(common) => {
                    if let Some(source_id) = id_variable(&common.variables, "entityIdSourceSystem") {
                        let digest = digest(&common.document);
                        entities.push(CommonEntity { source_id, document: common.document, digest });
                    } else {
                        counts.failed += 1;
                        let message = "the read transformation sets no entityIdSourceSystem for this entity; map its id to that variable";
                        notes.failure(failed("mapping.no-id".into(), message.into()));
                    }
                }
                Transformed::Skipped(Skip::OutOfScope(reason) | Skip::Operation(reason)) => {
                    counts.skipped += 1;
                    notes.skip(SkipNote { system: system.to_owned(), entity_type: entity_type.to_string(), entity: id, reason });
                }
                Transformed::Failed(fault) => {
                    counts.failed += 1;
                    let at = if fault.at.is_empty() { String::new() } else { format!(" (at {})", fault.at) };
                    notes.failure(failed(fault.code, format!("{}{at}", fault.message)));
                }
                Transformed::Unmapped => {
                    counts.failed += 1;
                    notes.failure(failed("plugin.contract".into(), "the transformation has nothing for reading".into()));
                }
            }
        }
        {
            let mut side = side.lock().unwrap_or_else(PoisonError::into_inner);
            side.counts.add(&counts);
            side.notes.append(notes);
        }
        let page = Arc::new(CommonPage { place, entities });
        let mut listening = Vec::with_capacity(targets.len());
        for target in targets {
            // A target that can do no more has gone; the others go on.
            if target.send(page.clone()).await.is_ok() {
                listening.push(target);
            }
        }
        targets = listening;
        if targets.is_empty() {
            return;
        }
    }
}
