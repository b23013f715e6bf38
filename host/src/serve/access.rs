//! Who is asking: tokens and what they may be used for.
//!
//! | header | means |
//! | --- | --- |
//! | `Authorization: Bearer TOKEN` | the client with this token (RFC 6750) |
//! | `Authorization: Basic NAME:TOKEN` | the same, for clients that know only users and passwords; the name is the token's |
//!
//! Only digests of tokens are known here. A plain SHA-256 is enough for them because they are random and long ([`new_token`]), so there is nothing to guess; looking a
//! digest up takes no time that would tell anything about a token.

use std::collections::HashMap;

use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, header::AUTHORIZATION};
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::crypto::ring;

use crate::manifest::{Token, TokenRole};

/// The tokens there are, by digest.
pub(super) struct Access {
    tokens: HashMap<[u8; 32], Token>,
}

impl Access {
    pub(super) fn new(tokens: &[Token]) -> Self {
        Self { tokens: tokens.iter().map(|token| (token.sha256, token.clone())).collect() }
    }

    /// The token of a request; nothing where there is none or nobody knows it.
    pub(super) fn token(&self, headers: &HeaderMap) -> Option<&Token> {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        // Two are one too many: somebody in front may have looked at the other.
        let (Some(header), None) = (given.next(), given.next()) else { return None };
        let (scheme, value) = header.to_str().ok()?.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.tokens.get(&digest(value.trim()));
        }
        if scheme.eq_ignore_ascii_case("basic") {
            let text = String::from_utf8(BASE64_STANDARD.decode(value.trim()).ok()?).ok()?;
            let (name, token) = text.split_once(':')?;
            return self.tokens.get(&digest(token)).filter(|known| known.name == name);
        }
        None
    }
}

/// Whether a token may be used for a service.
pub(super) fn may_use(token: &Token, service: &str) -> bool {
    match &token.role {
        TokenRole::ScimClient { systems } => systems.iter().any(|name| name == service),
        TokenRole::Operator => false,
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// A new token of 256 random bits, and its digest in hexadecimal. Nothing where the machine has no randomness to give.
pub fn new_token() -> Option<(String, String)> {
    let mut bytes = [0; 32];
    ring::default_provider().secure_random.fill(&mut bytes).ok()?;
    let token = format!("pvs_{}", BASE64_URL_SAFE_NO_PAD.encode(bytes));
    let hexadecimal = digest(&token).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    Some((token, hexadecimal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_asking() {
        let (token, _) = new_token().unwrap();
        let known = Token { name: "idm".into(), sha256: digest(&token), role: TokenRole::ScimClient { systems: vec!["people".into()] } };
        let access = Access::new(std::slice::from_ref(&known));
        let asked = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            access.token(&headers).is_some()
        };
        let basic = |text: String| format!("Basic {}", BASE64_STANDARD.encode(text));
        let bearer = format!("Bearer {token}");
        assert!(asked(&[&bearer]) && asked(&[&format!("bearer  {token}")]) && asked(&[&basic(format!("idm:{token}"))]));
        for wrong in ["", "Bearer", "Bearer ", "Bearer x", &token, &format!("Token {token}"), &basic(format!("x:{token}")), "Basic ?"] {
            assert!(!asked(&[wrong]), "{wrong}");
        }
        assert!(!asked(&[]) && !asked(&[&bearer, &bearer]));
        assert!(may_use(&known, "people") && !may_use(&known, "peopl"));
    }
}
