//! The one entity in its source: asked for by its id where the connector can do that, else found among all.

use super::{Case, ExplainError, Found, Reading};
use crate::{
    pipeline::{Mapper, ReadError, id_of, id_variable, open_source, read_page},
    report::MappedLine,
    sandbox::{
        Source,
        contract::{Input, Operation, Query, Scope, Skip, Step, Transformed, failure_code},
    },
};

/// What a read of everything came to.
#[derive(Default)]
pub(super) struct Scan {
    /// Everything was read to its end.
    pub complete: bool,
    pub read: u64,
    /// Entities that could not be read or not be mapped.
    pub failed: u64,
}

/// An entity on its way.
struct Met {
    how: String,
    document: String,
    outcome: Transformed,
}

impl Case {
    /// The source id, what the source has, and what else was seen on the way.
    pub(super) async fn find(&self, id: String) -> Result<(String, Reading, Scan), ExplainError> {
        let mut mapper = Mapper::open(self.mapping.clone()).await?;
        let mut scan = Scan::default();
        let handled = mapper.entity_types().await?.is_none_or(|types| types.contains(&self.entity_type));
        let ability = self.source.plugin.description().entity_type(&self.entity_type).map(|known| known.abilities);
        let Some(ability) = ability.filter(|ability| handled && ability.read_all) else {
            let message = format!(
                "runs do not read {}s from this source: its plugin or its transformation does not have that type",
                self.entity_type
            );
            return Ok((id, Reading::Failed { code: "explain.entity-type".into(), message }, scan));
        };
        let met = match open_source(&self.source).await {
            Ok(mut source) => {
                let asked = if ability.read_by_id && !self.mapping.may_remember() {
                    self.ask(&mut source, &mut mapper, &id).await
                } else {
                    Ok(None)
                };
                match asked {
                    Ok(Some(met)) => Ok(Some(met)),
                    // Its id in the source's own words may be another one: only a read of everything can say that it is not there.
                    Ok(None) => self.scan(&mut source, &mut mapper, &id, &mut scan).await,
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        };
        Ok(match met {
            Err(error) => {
                let reading = Reading::Failed { code: error.code().to_owned(), message: error.to_string() };
                (id, reading, scan)
            }
            Ok(None) => {
                let how = format!("not among the {} {}s of a full read", scan.read, self.entity_type);
                (id, Reading::Absent { how }, scan)
            }
            Ok(Some(Err(reading))) => (id, reading, scan),
            Ok(Some(Ok(met))) => {
                let source_id = source_id(&met.outcome).unwrap_or(id);
                let steps = self.steps(&met.document).await?;
                let way = MappedLine::explained((met.outcome.clone(), steps));
                (source_id, Reading::Found(Box::new(Found { how: met.how, document: met.document, outcome: met.outcome, way })), scan)
            }
        })
    }

    /// Anew, because what a transformation remembers of the entities before is not a step of this one.
    async fn steps(&self, document: &str) -> Result<Vec<Step>, ExplainError> {
        let mut mapper = Mapper::open(self.mapping.clone()).await?;
        let input = Input { document: document.to_owned(), variables: Vec::new() };
        Ok(mapper.explain(&self.entity_type, Operation::Read, &input).await.1)
    }

    /// Ask for the one entity.
    async fn ask(&self, source: &mut Source, mapper: &mut Mapper, id: &str) -> Result<Option<Result<Met, Reading>>, ReadError> {
        let query = Query { entity_type: self.entity_type.clone(), scope: Scope::ById(id.to_owned()), cursor: None, limit: 1 };
        let page = match read_page(source, &self.source, &query).await {
            Ok(page) => page,
            // What the source does not know by this id may still be found among all.
            Err(ReadError::Refused(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(entity) = page.entities.into_iter().next() else { return Ok(None) };
        let input = Input { document: entity.document, variables: Vec::new() };
        let outcome = mapper.apply(&self.entity_type, Operation::Read, std::slice::from_ref(&input)).await.pop();
        let outcome = outcome.filter(|outcome| entity.id == id || source_id(outcome).as_deref() == Some(id));
        Ok(outcome.map(|outcome| Ok(Met { how: "asked for by its id".into(), document: input.document, outcome })))
    }

    /// Read page by page until it is found.
    async fn scan(
        &self,
        source: &mut Source,
        mapper: &mut Mapper,
        id: &str,
        scan: &mut Scan,
    ) -> Result<Option<Result<Met, Reading>>, ReadError> {
        let mut cursor = None;
        for number in 1_u64.. {
            let query =
                Query { entity_type: self.entity_type.clone(), scope: Scope::All, cursor: cursor.clone(), limit: self.source.page_size };
            let page = read_page(source, &self.source, &query).await?;
            scan.read += (page.entities.len() + page.unreadable.len()) as u64;
            scan.failed += page.unreadable.len() as u64;
            if let Some(unreadable) = page.unreadable.into_iter().find(|unreadable| unreadable.id.as_deref() == Some(id)) {
                let code = failure_code(&unreadable.failure.kind).to_owned();
                return Ok(Some(Err(Reading::Failed { code, message: unreadable.failure.message })));
            }
            let (ids, inputs): (Vec<String>, Vec<Input>) =
                page.entities.into_iter().map(|entity| (entity.id, Input { document: entity.document, variables: Vec::new() })).unzip();
            let outcomes = mapper.apply(&self.entity_type, Operation::Read, &inputs).await;
            for ((own_id, input), outcome) in ids.into_iter().zip(inputs).zip(outcomes) {
                let mapped_id = source_id(&outcome);
                scan.failed += u64::from(matches!(outcome, Transformed::Failed(_) | Transformed::Unmapped));
                // The id the mapping gives counts; the source's own one stands in where it gives none.
                if mapped_id.as_deref().unwrap_or(&own_id) == id || own_id == id {
                    let how = format!("found on page {number} of a full read");
                    return Ok(Some(Ok(Met { how, document: input.document, outcome })));
                }
            }
            match page.next {
                None => break,
                Some(next) if cursor.as_ref() == Some(&next) => return Err(ReadError::Loop { cursor: next }),
                next => cursor = next,
            }
        }
        scan.complete = true;
        Ok(None)
    }
}

fn source_id(outcome: &Transformed) -> Option<String> {
    match outcome {
        Transformed::Mapped(mapped) => id_variable(&mapped.variables, "entityIdSourceSystem"),
        Transformed::Skipped(Skip::OutOfScope(left_out) | Skip::Operation(left_out)) => left_out.source_id.as_deref().and_then(id_of),
        _ => None,
    }
}
