//! Entities that referred to something the target does not have yet (a group inside a group, a manager further down): set aside on disk, because there may be
//! as many as there are entities, and done again at the end of their type.

use std::{
    fs::File,
    io::{BufReader, Seek as _, SeekFrom, Write as _},
};

use serde::{Deserialize, Serialize};

use super::{
    PipelineError,
    page::{CommonEntity, digest},
    plan::Planner,
    target::TargetRun,
    write::Writer,
};
use crate::report::{Counts, Stage, Unresolved};

/// Entities done again at once.
const BATCH: usize = 500;

/// What is set aside. Holds no memory to speak of: the entities are in a file without a name, which is gone with the process.
#[derive(Default)]
pub struct Spill {
    file: Option<std::io::BufWriter<File>>,
    failed: Option<std::io::Error>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    id: String,
    document: String,
    references: Vec<String>,
    /// Counted as unchanged in the first pass.
    unchanged: bool,
}

impl Spill {
    /// Set an entity aside.
    pub fn push(&mut self, entity: &CommonEntity, references: Vec<String>, unchanged: bool) {
        let line = Line { id: entity.source_id.clone(), document: entity.document.clone(), references, unchanged };
        if let Err(error) = self.append(&line) {
            self.failed = Some(error);
        }
    }

    fn append(&mut self, line: &Line) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(std::io::BufWriter::new(tempfile::tempfile()?)),
        };
        serde_json::to_writer(&mut *file, line)?;
        file.write_all(b"\n")
    }

    /// The entities set aside, in order.
    fn lines(self) -> Result<impl Iterator<Item = std::io::Result<Line>>, PipelineError> {
        if let Some(error) = self.failed {
            return Err(PipelineError::Spill(error));
        }
        let file = match self.file {
            Some(writer) => {
                let mut file = writer.into_inner().map_err(|error| PipelineError::Spill(error.into_error()))?;
                file.seek(SeekFrom::Start(0)).map_err(PipelineError::Spill)?;
                Some(BufReader::new(file))
            }
            None => None,
        };
        Ok(file.into_iter().flat_map(std::io::BufRead::lines).map(|line| Ok(serde_json::from_str(&line?)?)))
    }

    /// Do them again, now that everything of their type is in the target.
    pub async fn second_pass(self, planner: &mut Planner, writer: &mut Writer) -> Result<(), PipelineError> {
        let mut lines = self.lines()?;
        let clock = writer.run.clock.clone();
        loop {
            let batch: Vec<Line> = lines.by_ref().take(BATCH).collect::<Result<_, _>>().map_err(PipelineError::Spill)?;
            // Those left keep no digest, so the next run maps them again.
            if batch.is_empty() || writer.run.spec.stop.is_asked() {
                return clock.time(Stage::Write, writer.settle_all()).await;
            }
            let unchanged: std::collections::HashSet<String> =
                batch.iter().filter(|line| line.unchanged).map(|line| line.id.clone()).collect();
            let entities = batch
                .into_iter()
                .map(|line| CommonEntity { digest: digest(&line.document), source_id: line.id, document: line.document })
                .collect();
            let mut page = clock.time(Stage::Plan, planner.plan_again(entities)).await?;
            // What the plan decided was counted in the first pass; what fails now was not.
            page.counts = Counts { failed: page.counts.failed, ..Counts::default() };
            clock.time(Stage::Write, writer.write_again(page, &unchanged)).await?;
        }
    }

    /// What is still open after the second pass belongs into the report.
    pub(super) fn note_unresolved(self, run: &TargetRun, entity_type: &str) {
        let Ok(lines) = self.lines() else { return };
        for line in lines.map_while(Result::ok) {
            run.note(|notes| notes.unresolved(Unresolved::of(run, entity_type, line.id, line.references)));
        }
    }
}
