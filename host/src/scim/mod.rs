//! SCIM 2.0 as a server speaks it (RFC 7643, RFC 7644; cursors: RFC 9865), over whatever stands behind a [`Backend`].
//!
//! ```text
//! Request --service--> search: filter, projection, page --> Backend --> Resource --service--> Response
//!            |         patch: operations                     (a directory of our own, or a
//!            '-- bulk, discovery                              proxy system's connector)
//! ```
//!
//! A backend of its own takes [`conform::conform`], [`patch::apply`] and [`evaluate::holds`] to do what the RFCs say of resources. Everything a client can make large is
//! bounded before it costs: filters ([`filter`]), operations ([`patch::MOST_OPERATIONS`], [`discovery::BULK_OPERATIONS`]), values ([`conform::MOST_VALUES`]), pages
//! ([`backend::Catalogue::most`]).
//!
//! Deliberately absent: `/Me`, because a client of this service is a program and no user; passwords.

pub mod backend;
mod bulk;
pub mod conform;
pub mod discovery;
pub mod error;
pub mod evaluate;
pub mod filter;
pub mod patch;
pub mod path;
pub mod projection;
pub mod schema;
mod search;
pub mod service;

pub use backend::{Backend, Catalogue, List, Listed, Page, Precondition, Resource, Sort};
pub use error::{ScimError, ScimType};
pub use filter::Filter;
pub use projection::Projection;
pub use schema::{ResourceType, Schema};
pub use search::SEARCH_REQUEST;
pub use service::{Request, Response, answer};
