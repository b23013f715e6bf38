//! What a client is told when something is not done (RFC 7644 section 3.12).

use serde_json::{Value, json};

/// The schema of an error's body.
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// `scimType` of RFC 7644 table 9 and RFC 9865 section 2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimType {
    InvalidFilter,
    TooMany,
    Uniqueness,
    Mutability,
    InvalidSyntax,
    InvalidPath,
    NoTarget,
    InvalidValue,
    InvalidCursor,
    InvalidCount,
}

impl ScimType {
    /// The word that is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidCursor => "invalidCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// An answer that is an error. The detail is for the person who wrote the client: it never holds a secret nor what the server has elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status} {detail}")]
pub struct ScimError {
    pub status: u16,
    pub scim_type: Option<ScimType>,
    pub detail: String,
}

impl ScimError {
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    /// 400 with a `scimType`.
    pub fn bad(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self { status: 400, scim_type: Some(scim_type), detail: detail.into() }
    }

    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(404, format!("there is no {what} with the id {id:?}"))
    }

    /// 409: another resource has this value.
    pub fn taken(attribute: &str) -> Self {
        Self { status: 409, scim_type: Some(ScimType::Uniqueness), detail: format!("another resource has this {attribute}") }
    }

    /// 412: the resource is not the one the client knows.
    pub fn changed() -> Self {
        Self::new(412, "the resource has another version; read it again")
    }

    /// 500 that tells nothing of the inside; whoever makes it logs why.
    pub fn internal() -> Self {
        Self::new(500, "the server could not do this; its log says why")
    }

    /// The body.
    pub fn body(&self) -> Value {
        let mut body = json!({ "schemas": [ERROR], "status": self.status.to_string(), "detail": self.detail });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = scim_type.as_str().into();
        }
        body
    }
}
