//! JWT assertions (RFC 7523): who the host is to a token endpoint, said in a text that its private key signs.
//!
//! | algorithm (RFC 7518, RFC 8037) | key |
//! | --- | --- |
//! | `RS256`, `PS256` | RSA, 2048 bits and more |
//! | `ES256`, `ES384` | ECDSA on P-256, on P-384 |
//! | `EdDSA` | Ed25519 |
//!
//! The key is fetched for every assertion, which is once in a token's life: a replaced one needs no restart.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
    RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::certificate;
use super::error::EgressError;
use super::identity::fetch;
use crate::secret::SecretSource;

/// How long an assertion is valid: it is used at once, and clocks differ. Servers take at most an hour.
const LIFE: Duration = Duration::from_mins(5);

/// What signs assertions.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// The private key, as in `certificate`.
    pub key: SecretSource,
    /// `kid`: the name under which the server knows the key.
    pub key_id: Option<String>,
    /// The certificate the server knows; its digest goes along (`x5t#S256`).
    pub certificate: Option<SecretSource>,
    /// Absent: what the key is made for, `RS256` for RSA.
    pub algorithm: Option<Algorithm>,
}

/// How an assertion is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Rs256,
    Ps256,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    const ALL: [Self; 5] = [Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    /// The algorithm of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The name in the header of a JWT.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// What an assertion says (RFC 7523 section 3).
#[derive(Debug, Clone, Copy)]
pub(super) struct Claims<'a> {
    pub(super) issuer: &'a str,
    pub(super) subject: Option<&'a str>,
    pub(super) audience: &'a str,
    /// Google's token endpoint reads the scopes here and not in the form.
    pub(super) scope: Option<&'a str>,
}

impl Claims<'_> {
    fn at(&self, now: SystemTime, id: &str) -> Value {
        let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut claims = Map::new();
        claims.insert("iss".into(), self.issuer.into());
        if let Some(subject) = self.subject {
            claims.insert("sub".into(), subject.into());
        }
        claims.insert("aud".into(), self.audience.into());
        if let Some(scope) = self.scope {
            claims.insert("scope".into(), scope.into());
        }
        claims.insert("iat".into(), seconds(now).into());
        claims.insert("nbf".into(), seconds(now).into());
        claims.insert("exp".into(), seconds(now + LIFE).into());
        claims.insert("jti".into(), id.into());
        Value::Object(claims)
    }
}

/// A new name for an assertion, so that a server can tell a repeated one.
pub(super) fn new_id() -> Result<String, String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "this machine gives no random bytes")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl SigningKey {
    /// A signed assertion. `id` must not have been used before.
    pub(super) async fn assertion(&self, system: &str, claims: &Claims<'_>, now: SystemTime, id: &str) -> Result<String, EgressError> {
        let (key, header) = self.load(system, now).await?;
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut token = format!("{}.{}", encoded(&header), encoded(&claims.at(now, id)));
        let signature = key.sign(token.as_bytes()).map_err(|reason| self.wrong_key(system, reason))?;
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(token)
    }

    /// The certificate, if there is one, after everything about it and the key was checked.
    pub(super) async fn check(&self, system: &str, now: SystemTime) -> Result<Option<certificate::Certificate>, EgressError> {
        self.load(system, now).await?;
        match &self.certificate {
            Some(source) => self.chain(system, source, now).await.map(|(_, leaf)| Some(leaf)),
            None => Ok(None),
        }
    }

    /// The key and the header of its assertions.
    async fn load(&self, system: &str, now: SystemTime) -> Result<(Key, Value), EgressError> {
        let wrong = |reason| self.wrong_key(system, reason);
        let text = fetch(&self.key).await.map_err(wrong)?;
        let der = certificate::private_key(text.expose()).map_err(wrong)?;
        let mut digest = None;
        if let Some(source) = &self.certificate {
            let (chain, _) = self.chain(system, source, now).await?;
            digest = chain.first().map(|leaf| URL_SAFE_NO_PAD.encode(Sha256::digest(leaf)));
            certificate::certified(chain, &der).map_err(wrong)?;
        }
        let key = Key::read(&der, self.algorithm).map_err(wrong)?;
        let mut header = json!({ "alg": key.algorithm().name(), "typ": "JWT" });
        if let Some(id) = &self.key_id {
            header["kid"] = id.as_str().into();
        }
        if let Some(digest) = digest {
            header["x5t#S256"] = digest.into();
        }
        Ok((key, header))
    }

    async fn chain(
        &self,
        system: &str,
        source: &SecretSource,
        now: SystemTime,
    ) -> Result<(Vec<tokio_rustls::rustls::pki_types::CertificateDer<'static>>, certificate::Certificate), EgressError> {
        let wrong = |reason| EgressError::certificate(system, "certificate of the assertions", source, reason);
        let text = fetch(source).await.map_err(wrong)?;
        let chain = certificate::certificates(text.expose()).map_err(wrong)?;
        let leaf = certificate::leaf(&chain).map_err(wrong)?;
        leaf.check(now).map_err(wrong)?;
        Ok((chain, leaf))
    }

    fn wrong_key(&self, system: &str, reason: String) -> EgressError {
        EgressError::certificate(system, "key of the assertions", &self.key, reason)
    }
}

/// A private key, ready to sign.
enum Key {
    Rsa(RsaKeyPair, Algorithm),
    Ecdsa(EcdsaKeyPair, Algorithm),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    fn read(der: &PrivateKeyDer<'_>, wanted: Option<Algorithm>) -> Result<Self, String> {
        let key = match der {
            PrivateKeyDer::Pkcs1(key) => {
                let pair = RsaKeyPair::from_der(key.secret_pkcs1_der()).map_err(|error| format!("the RSA key cannot be used: {error}"))?;
                Self::Rsa(pair, Algorithm::Rs256)
            }
            PrivateKeyDer::Pkcs8(key) => Self::pkcs8(key.secret_pkcs8_der())?,
            _ => {
                return Err(
                    "an EC PRIVATE KEY is not read here; write it as PKCS #8: openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW".into()
                );
            }
        };
        match (key, wanted) {
            (Self::Rsa(pair, _), Some(algorithm @ (Algorithm::Rs256 | Algorithm::Ps256))) => Ok(Self::Rsa(pair, algorithm)),
            (key, None) => Ok(key),
            (key, Some(wanted)) if key.algorithm() == wanted => Ok(key),
            (key, Some(wanted)) => Err(format!(
                "it is a key for {}, and algorithm says {}; leave algorithm out or use another key",
                key.algorithm().name(),
                wanted.name()
            )),
        }
    }

    fn pkcs8(der: &[u8]) -> Result<Self, String> {
        let ecdsa = |algorithm: &'static EcdsaSigningAlgorithm| EcdsaKeyPair::from_pkcs8(algorithm, der, &SystemRandom::new());
        if let Ok(pair) = ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING) {
            return Ok(Self::Ecdsa(pair, Algorithm::Es256));
        }
        if let Ok(pair) = ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING) {
            return Ok(Self::Ecdsa(pair, Algorithm::Es384));
        }
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return Ok(Self::Ed25519(pair));
        }
        RsaKeyPair::from_pkcs8(der).map(|pair| Self::Rsa(pair, Algorithm::Rs256)).map_err(|error| {
            format!("the private key cannot be used ({error}); RSA from 2048 bits, ECDSA on P-256 or P-384, and Ed25519 can")
        })
    }

    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa(_, algorithm) | Self::Ecdsa(_, algorithm) => *algorithm,
            Self::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let failed = |_| "signing failed".to_owned();
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair, algorithm) => {
                let encoding: &dyn RsaEncoding = if *algorithm == Algorithm::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Self::Ecdsa(pair, _) => pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()).map_err(failed),
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}
