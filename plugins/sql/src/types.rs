//! What PostgreSQL's types are in JSON.
//!
//! | type | JSON |
//! | --- | --- |
//! | `boolean` | boolean |
//! | integers, `numeric`, floating point | number; NaN and the infinities as text |
//! | `json`, `jsonb` | what they hold |
//! | arrays | arrays, of several dimensions too |
//! | `timestamptz`, `timestamp` | text as in RFC 3339, in UTC; without `Z` where the column has no zone |
//! | `bytea` | text in base64 |
//! | everything else | the server's text |
//! | NULL | null |

use crate::{
    session::{Call, Error, Session},
    wire::Stream,
};
use postgres_protocol::Oid;

/// How a type's text is turned into JSON and back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Boolean,
    Number,
    Json,
    Timestamp,
    TimestampTz,
    Bytes,
    Array(Box<Type>),
    Text,
}

/// The types every server has, by their OIDs in `pg_type.dat`: the type and its array.
const BUILT_IN: &[(Oid, Oid, Type)] = &[
    (16, 1000, Type::Boolean),
    (17, 1001, Type::Bytes),
    (18, 1002, Type::Text),
    (19, 1003, Type::Text),
    (20, 1016, Type::Number),
    (21, 1005, Type::Number),
    (23, 1007, Type::Number),
    (25, 1009, Type::Text),
    (26, 1028, Type::Number),
    (114, 199, Type::Json),
    (700, 1021, Type::Number),
    (701, 1022, Type::Number),
    (1042, 1014, Type::Text),
    (1043, 1015, Type::Text),
    (1082, 1182, Type::Text),
    (1083, 1183, Type::Text),
    (1114, 1115, Type::Timestamp),
    (1184, 1185, Type::TimestampTz),
    (1186, 1187, Type::Text),
    (1266, 1270, Type::Text),
    (1700, 1231, Type::Number),
    (2950, 2951, Type::Text),
    (3802, 3807, Type::Json),
];

/// `xid8`, the type of `pg_current_xact_id()`.
pub const XID8: Oid = 5069;

fn built_in(oid: Oid) -> Option<Type> {
    BUILT_IN.iter().find_map(
        |(plain, array, kind)| {
            if *plain == oid { Some(kind.clone()) } else { (*array == oid).then(|| Type::Array(Box::new(kind.clone()))) }
        },
    )
}

/// Domains stand for other types, and those for further ones.
const MAX_DEPTH: usize = 8;

impl<S: Stream> Session<S> {
    /// The type of this OID; the catalogue is asked for those that a server has of its own.
    pub fn type_of(&mut self, oid: Oid) -> Result<Type, Error> {
        self.type_within(oid, MAX_DEPTH)
    }

    fn type_within(&mut self, oid: Oid, depth: usize) -> Result<Type, Error> {
        if let Some(kind) = built_in(oid) {
            return Ok(kind);
        }
        if let Some(kind) = self.kinds.get(&oid) {
            return Ok(kind.clone());
        }
        let mut kind = Type::Text;
        if depth > 0 {
            let statement = self.prepare(
                "SELECT typtype = 'd', typcategory = 'A', typbasetype, typelem FROM pg_catalog.pg_type WHERE oid = $1::text::oid",
                &[25],
            )?;
            let answer = self.one(Call { statement, parameters: vec![Some(oid.to_string())] })?;
            if let Some(row) = answer.rows.first() {
                let is = |column| row.bytes(column) == Some(b"t");
                let oid = |column| row.text(column).ok().flatten().and_then(|text| text.parse().ok()).unwrap_or(0);
                if is(0) {
                    kind = self.type_within(oid(2), depth - 1)?;
                } else if is(1) {
                    kind = Type::Array(Box::new(self.type_within(oid(3), depth - 1)?));
                }
            }
        }
        self.kinds.insert(oid, kind.clone());
        Ok(kind)
    }
}
