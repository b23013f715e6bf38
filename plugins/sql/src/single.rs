//! Reading single entities, by id or by values, each on its own and outside of a list's transaction.

use crate::{
    connection::Door,
    memberships,
    read::{Page, Source, alive, entities, shape},
    session::{Call, Error},
    source::Queried,
    value::parameter,
};
use sdk::{AttributeValue, Failure};

impl<D: Door> Source<D> {
    /// Entities whose columns have these values, each read on its own.
    pub(crate) fn by_values(&mut self, queried: &Queried, values: &[(String, serde_json::Value)], limit: usize) -> Result<Page, Failure> {
        let shape = shape(&mut self.singles, queried)?.shape;
        let mut conditions: Vec<String> = alive(queried, &shape).into_iter().collect();
        for (number, (column, _)) in values.iter().enumerate() {
            if !shape.has(column) {
                return Err(Failure::rejected(format!("{}: the query has no column {column:?} to search by", queried.what())));
            }
            conditions.push(format!("{} = ${}", queried.column(column), number + 1));
        }
        let key = queried.column(&queried.key);
        let text = format!("SELECT q.* FROM {} WHERE {} ORDER BY {key} LIMIT {limit}", queried.table(), conditions.join(" AND "));
        let session = self.singles.session()?;
        let statement = session.prepare(&text, &[]).map_err(|error| error.failure(&queried.what()))?;
        let mut parameters = Vec::with_capacity(values.len());
        for (oid, (_, value)) in statement.parameters.iter().zip(values) {
            let kind = session.type_of(*oid).map_err(|error| error.failure(&queried.what()))?;
            match parameter(&kind, value) {
                Ok(text) => parameters.push(text),
                // No row has a value that the column cannot take.
                Err(_) => return Ok(Page::default()),
            }
        }
        let rows = match session.one(Call { statement, parameters }) {
            Ok(answer) => answer.rows,
            Err(Error::Server(error)) if error.code.starts_with("22") => return Ok(Page::default()),
            Err(error) => return Err(error.failure(&queried.what())),
        };
        let mut keys = Vec::with_capacity(rows.len());
        for row in &rows {
            keys.push(row.text(shape.key)?.unwrap_or_default());
        }
        let members = match &queried.members {
            Some(members) if !keys.is_empty() => Some(memberships::read(self.singles.session()?, members, &keys)?),
            _ => None,
        };
        let mut page = Page::default();
        entities(&shape, &rows.iter().collect::<Vec<_>>(), &keys, members.as_ref(), &mut page);
        Ok(page)
    }
}

/// A search's attribute: the name of a column, and the value.
pub(crate) fn wanted(attribute: &AttributeValue) -> Result<(String, serde_json::Value), Failure> {
    let value = serde_json::from_str(&attribute.value)
        .map_err(|_| Failure::rejected(format!("the value of {} that is searched for is not JSON", attribute.attribute)))?;
    Ok((attribute.attribute.clone(), value))
}
