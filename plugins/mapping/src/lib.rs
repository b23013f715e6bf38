//! The mapping language of section 4 of the provisioning rules: turning documents into documents.
//!
//! A [`Transformation`] is compiled once per job from its text and the system's properties; every mistake of the text comes out as a [`Diagnostic`] with its
//! place. It is then applied to pages of entities. Nothing on the way of an entity is an owned tree: the document is parsed into a flat tape of spans ([`json`]),
//! paths and conditions read that tape ([`path`], [`condition`]), and what comes out is a small tree of spans that is opened only where a mapping changes
//! something, so that a value that is passed through is copied once, as text.
//!
//! The same input gives the same bytes: there is no clock in here, what is random comes from a seed ([`Scratch::seed`]), and members keep the order of their first
//! write.
//!
//! ```
//! use mapping::{Input, NoRelations, Operation, Outcome, Scratch, Transformation};
//!
//! let text = r#"{ "user": { "mappings": [
//!     { "sourcePath": "$.mail[0]", "targetPath": "$.emails[0].value" },   // of an LDAP entry
//!     { "constant": "work", "targetPath": "$.emails[0].type" }
//! ] } }"#;
//! let (transformation, warnings) = Transformation::compile(text, &[]).expect("a transformation");
//! assert_eq!(warnings[0].code, "mapping.no-id");
//! let page = [Input { document: r#"{"mail":["a@example.com"]}"#, variables: &[] }];
//! let outcomes = transformation.apply(&mut Scratch::default(), "user", Operation::Read, &page, &mut NoRelations);
//! let Outcome::Mapped(mapped) = &outcomes[0] else { panic!("{outcomes:?}") };
//! assert_eq!(mapped.document, r#"{"emails":[{"value":"a@example.com","type":"work"}]}"#);
//! ```

mod apply;
#[cfg(target_family = "wasm")]
mod component;
pub mod condition;
mod document;
mod functions;
pub mod json;
mod language;
mod nearest;
mod output;
pub mod path;
mod relations;
pub mod variables;

#[cfg(target_family = "wasm")]
sdk::world!("transformation");

pub use apply::{Fault, Input, Mapped, Operation, Outcome, Scratch, Skip, Step};
pub use document::{Diagnostic, Severity, Transformation, substitute};
pub use language::{FunctionWords, Language, language};
pub use relations::{Lookup, NoRelations, Relations};

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
