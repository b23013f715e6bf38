//! Is the server there, and does it let us in?

use crate::{
    session::{Call, Session},
    wire::Stream,
};
use sdk::Failure;

/// `PostgreSQL 15.14, database hr, user provisor`.
pub fn version<S: Stream>(session: &mut Session<S>) -> Result<String, Failure> {
    let text = "SELECT current_setting('server_version'), current_database()::text, current_user::text";
    let answer = session.prepare(text, &[]).and_then(|statement| session.one(Call { statement, parameters: vec![] }));
    let answer = answer.map_err(|error| error.failure("asking for the version"))?;
    let row = answer.rows.first().ok_or_else(|| Failure::unavailable("the server does not say its version"))?;
    let text = |column: usize| -> Result<String, Failure> { Ok(row.text(column)?.unwrap_or_default().chars().take(100).collect()) };
    Ok(format!("PostgreSQL {}, database {}, user {}", text(0)?, text(1)?, text(2)?))
}
