//! Where a delta read begins.
//!
//! A change is stamped inside a transaction and seen when that commits, so a later read may meet stamps that are older than the newest one of this read. What is done about it depends on the
//! type of the change column:
//!
//! | type | a token is | a delta read begins |
//! | --- | --- | --- |
//! | `timestamptz`, `timestamp`, `date` | the newest change, at most the server's time | `sql.change.overlap` seconds before it: transactions that take longer are missed |
//! | integers, `numeric` | the newest change | so many units before it |
//! | `xid8` (`pg_current_xact_id()`, by a trigger) | the oldest transaction that was still open | there: nothing is missed |

use crate::{source::Queried, types::XID8};
use postgres_protocol::Oid;
use sdk::{Failure, Kind};

/// How changes are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// The SQL name of the type.
    Time(&'static str),
    Number(&'static str),
    Transaction,
}

impl Stamp {
    pub fn of(oid: Oid, queried: &Queried) -> Result<Self, Failure> {
        Ok(match oid {
            1184 => Self::Time("timestamptz"),
            1114 => Self::Time("timestamp"),
            1082 => Self::Time("date"),
            20 | 21 | 23 => Self::Number("bigint"),
            1700 => Self::Number("numeric"),
            XID8 => Self::Transaction,
            _ => {
                let change = queried.change.as_deref().unwrap_or_default();
                return Err(Failure::invalid_settings(format!(
                    "{}: the change column {change:?} must be a time, a number or an xid8",
                    queried.what()
                )));
            }
        })
    }

    /// The condition for what changed since the token `$1`, `$2` being the overlap.
    pub fn condition(self, column: &str) -> String {
        match self {
            Self::Time(name) => format!("{column} >= $1::text::{name} - make_interval(secs => $2::text::double precision)"),
            Self::Number(name) => format!("{column} >= ($1::text::numeric - $2::text::numeric)::{name}"),
            // The overlap has no meaning here; it is named so that there are always two parameters.
            Self::Transaction => format!("{column} >= $1::text::xid8 AND $2::text IS NOT NULL"),
        }
    }

    /// The next token, over all rows that are looked at.
    pub fn token(self, column: &str) -> String {
        match self {
            Self::Time(name) => format!("least(max({column}), now()::{name})::text"),
            Self::Number(_) => format!("max({column})::text"),
            Self::Transaction => "pg_snapshot_xmin(pg_current_snapshot())::text".to_owned(),
        }
    }

    /// Whether the token can be one of this type; it may be left over from another change column.
    pub fn takes(self, token: &str) -> Result<(), Failure> {
        let digit = token.starts_with(|c: char| c.is_ascii_digit());
        let fits = match self {
            Self::Time(_) => digit && token.contains('-') || token == "-infinity",
            Self::Number(_) => digit || token.starts_with('-'),
            Self::Transaction => digit && token.bytes().all(|byte| byte.is_ascii_digit()),
        };
        if fits { Ok(()) } else { Err(Failure::new(Kind::Conflict, "the delta token is of another kind than the change column")) }
    }
}
