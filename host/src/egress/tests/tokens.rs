//! Tokens for signed assertions and for client certificates: what the token endpoint sees, and verifies.

use super::identity::{Authority, identified, who};
use super::*;

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, KeyPair as _, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::Value;
use tokio::time::Instant;

/// A key for tests and nothing else: RSA, 2048 bits.
const RSA: &str = include_str!("rsa.pem");

fn rsa_public() -> Vec<u8> {
    let der: String = RSA.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(der).unwrap();
    signature::RsaKeyPair::from_pkcs8(&der).unwrap().public_key().as_ref().to_vec()
}

type Verification = &'static (dyn VerificationAlgorithm + Sync);

/// An algorithm, a key of it and its public half, how that verifies, and what is configured.
type Case = (&'static str, (String, Vec<u8>), Verification, Option<Algorithm>);

/// Header and claims of a JWT whose signature this key made.
fn verified(jwt: &str, algorithm: &'static dyn VerificationAlgorithm, public: &[u8]) -> Option<(Value, Value)> {
    let (message, signature) = jwt.rsplit_once('.')?;
    UnparsedPublicKey::new(algorithm, public).verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    let (header, claims) = message.split_once('.')?;
    let read = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    Some((read(header), read(claims)))
}

fn form(seen: &Seen) -> std::collections::BTreeMap<String, String> {
    url::form_urlencoded::parse(&seen.body).into_owned().collect()
}

/// A token endpoint that gives a token for one second, for what is signed with this key under this algorithm.
async fn endpoint(field: &'static str, algorithm: Verification, public: Vec<u8>) -> Server {
    Server::start(move |seen, _| match verified(&form(seen)[field], algorithm, &public) {
        Some(_) => answer(200, "", "{\"access_token\":\"good\",\"token_type\":\"Bearer\",\"expires_in\":1}"),
        None => answer(401, "", "{\"error\":\"invalid_client\",\"error_description\":\"wrong signature\"}"),
    })
    .await
}

async fn backend() -> Server {
    Server::start(|seen, _| if seen.header("authorization") == Some("Bearer good") { answer(200, "", "in") } else { answer(401, "", "") })
        .await
}

fn signing(key: SecretSource) -> SigningKey {
    SigningKey { key, key_id: None, certificate: None, algorithm: None }
}

fn with(settings: &mut DoorSettings, endpoint: &str, grant: Grant, scope: Option<&str>) {
    let token_url = format!("{endpoint}/token?tenant=x").parse().unwrap();
    settings.credentials = Some(Credentials::OAuth2(Box::new(OAuth2 { token_url, grant, scope: scope.map(ToOwned::to_owned) })));
}

fn private_key_jwt(signing: SigningKey) -> Grant {
    Grant::ClientCredentials { client_id: "provisor".into(), client: ClientAuthentication::PrivateKeyJwt { audience: None, signing } }
}

#[tokio::test]
async fn every_kind_of_key_signs_what_its_public_half_verifies() {
    let log = Log::start();
    let files = Files::new();
    let pair = |algorithm| rcgen::KeyPair::generate_for(algorithm).unwrap();
    let (p256, p384, ed25519) = (pair(&rcgen::PKCS_ECDSA_P256_SHA256), pair(&rcgen::PKCS_ECDSA_P384_SHA384), pair(&rcgen::PKCS_ED25519));
    let rsa = (RSA.to_owned(), rsa_public());
    let of = |pair: &rcgen::KeyPair| (pair.serialize_pem(), pair.public_key_raw().to_vec());
    let cases: [Case; 5] = [
        ("RS256", rsa.clone(), &signature::RSA_PKCS1_2048_8192_SHA256, None),
        ("PS256", rsa, &signature::RSA_PSS_2048_8192_SHA256, Some(Algorithm::Ps256)),
        ("ES256", of(&p256), &signature::ECDSA_P256_SHA256_FIXED, None),
        ("ES384", of(&p384), &signature::ECDSA_P384_SHA384_FIXED, Some(Algorithm::Es384)),
        ("EdDSA", of(&ed25519), &signature::ED25519, None),
    ];
    for (name, (pem, public), algorithm, wanted) in cases {
        let (server, endpoint) = (backend().await, endpoint("client_assertion", algorithm, public.clone()).await);
        let mut settings = settings(&[&server.origin()]);
        let signing = SigningKey { key_id: Some("k1".into()), algorithm: wanted, ..signing(files.secret("key.pem", &pem)) };
        with(&mut settings, &endpoint.origin(), private_key_jwt(signing), Some("read write"));
        let door = door(settings);
        assert_eq!(text(door.send(get(&server.origin())).await.unwrap()).await, "in", "{name}");
        tokio::time::sleep(Duration::from_millis(950)).await;
        assert_eq!(text(door.send(get(&server.origin())).await.unwrap()).await, "in", "{name}");
        let seen = endpoint.seen();
        let [first, second] = [0, 1].map(|index| form(&seen[index]));
        assert_eq!((&*first["grant_type"], &*first["client_id"], &*first["scope"]), ("client_credentials", "provisor", "read write"));
        assert_eq!(first["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        assert_eq!(seen[0].header("authorization"), None);
        let (header, claims) = verified(&first["client_assertion"], algorithm, &public).unwrap();
        assert_eq!((&header["alg"], &header["typ"], &header["kid"]), (&name.into(), &"JWT".into(), &"k1".into()));
        assert_eq!((&claims["iss"], &claims["sub"]), (&"provisor".into(), &"provisor".into()));
        assert_eq!(claims["aud"], format!("{}/token?tenant=x", endpoint.origin()));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let number = |name: &str| claims[name].as_u64().unwrap();
        assert!(now - number("iat") < 10 && number("nbf") == number("iat") && number("exp") == number("iat") + 300, "{claims}");
        // No assertion is used twice.
        assert_ne!(claims["jti"], verified(&second["client_assertion"], algorithm, &public).unwrap().1["jti"]);
        assert!(!log.text().contains(first["client_assertion"].as_str()));
    }
}

#[tokio::test]
async fn an_assertion_as_the_grant() {
    let files = Files::new();
    let (server, endpoint) = (backend().await, endpoint("assertion", &signature::RSA_PKCS1_2048_8192_SHA256, rsa_public()).await);
    let bare: String = RSA.lines().filter(|line| !line.starts_with('-')).collect();
    for key in [RSA.to_owned(), bare] {
        let mut settings = settings(&[&server.origin()]);
        let grant = Grant::JwtBearer {
            issuer: "robot@project.example".into(),
            subject: Some("admin@example.com".into()),
            audience: Some("https://login.example.com".into()),
            signing: signing(files.secret("key.pem", &key)),
        };
        with(&mut settings, &endpoint.origin(), grant, Some("https://scope/user"));
        assert_eq!(text(door(settings).send(get(&server.origin())).await.unwrap()).await, "in");
    }
    let form = form(&endpoint.seen()[0]);
    assert_eq!((form["grant_type"].as_str(), form.contains_key("client_id")), ("urn:ietf:params:oauth:grant-type:jwt-bearer", false));
    let (header, claims) = verified(&form["assertion"], &signature::RSA_PKCS1_2048_8192_SHA256, &rsa_public()).unwrap();
    assert_eq!(header["alg"], "RS256");
    for (name, value) in [
        ("iss", "robot@project.example"),
        ("sub", "admin@example.com"),
        ("aud", "https://login.example.com"),
        ("scope", "https://scope/user"),
    ] {
        assert_eq!(claims[name], value);
    }
}

#[tokio::test]
async fn a_replaced_key_signs_the_next_assertion() {
    let files = Files::new();
    let wrong = rcgen::KeyPair::generate().unwrap();
    let right = rcgen::KeyPair::generate().unwrap();
    let public = right.public_key_raw().to_vec();
    let (server, endpoint) = (backend().await, endpoint("client_assertion", &signature::ECDSA_P256_SHA256_FIXED, public).await);
    let settings = |key: &str| {
        let mut settings = settings(&[&server.origin()]);
        with(&mut settings, &endpoint.origin(), private_key_jwt(signing(files.secret("key.pem", key))), None);
        settings
    };
    let error = door(settings(&wrong.serialize_pem())).send(get(&server.origin())).await.err().unwrap();
    assert_eq!(error.code(), "egress.credentials");
    assert!(error.to_string().contains("status: 401, \"invalid_client\": \"wrong signature\""), "{error}");
    let door = door(settings(&right.serialize_pem()));
    assert_eq!(text(door.send(get(&server.origin())).await.unwrap()).await, "in");
    files.put("key.pem", &wrong.serialize_pem());
    tokio::time::sleep(Duration::from_millis(950)).await;
    assert_eq!(door.send(get(&server.origin())).await.err().unwrap().code(), "egress.credentials");
}

#[tokio::test]
async fn keys_that_cannot_sign() {
    let files = Files::new();
    let authority = Authority::new("ours");
    let (own, other) = (authority.issue("own"), authority.issue("other"));
    let server = backend().await;
    let sec1 = "-----BEGIN EC PRIVATE KEY-----\nMAAA\n-----END EC PRIVATE KEY-----\n";
    for (key, certificate, algorithm, said) in [
        ("hello world", None, None, "holds no private key"),
        (sec1, None, None, "openssl pkcs8"),
        (RSA, None, Some(Algorithm::Es256), "a key for RS256"),
        (&own.key, Some(&other.certificate), None, "does not fit"),
    ] {
        let certificate = certificate.map(|pem| files.secret("client.pem", pem));
        let signing = SigningKey { certificate, algorithm, ..signing(files.secret("key.pem", key)) };
        let mut settings = settings(&[&server.origin()]);
        with(&mut settings, "https://127.0.0.1:1", private_key_jwt(signing), None);
        let door = door(settings);
        let error = door.send(get(&server.origin())).await.err().unwrap();
        let told = door.check_certificates(SystemTime::now()).await.1;
        assert_eq!((error.code(), told.len()), ("egress.certificate", 1), "{error}");
        assert!(error.to_string().contains(said) && error.to_string().contains("key.pem"), "{error}");
        assert_eq!(told[0].to_string(), error.to_string());
    }
}

#[tokio::test]
async fn the_certificate_of_an_assertion_is_named_by_its_digest() {
    let files = Files::new();
    let issued = Authority::new("ours").issue("provisor");
    let server = backend().await;
    let endpoint = Server::start(|_, _| answer(200, "", "{\"access_token\":\"good\"}")).await;
    let mut settings = settings(&[&server.origin()]);
    let certificate = Some(files.secret("client.pem", &issued.certificate));
    with(
        &mut settings,
        &endpoint.origin(),
        private_key_jwt(SigningKey { certificate, ..signing(files.secret("key.pem", &issued.key)) }),
        None,
    );
    let door = door(settings);
    assert_eq!(text(door.send(get(&server.origin())).await.unwrap()).await, "in");
    let form = form(&endpoint.seen()[0]);
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(form["client_assertion"].split('.').next().unwrap()).unwrap()).unwrap();
    assert_eq!(header["x5t#S256"], issued.digest);
    assert_eq!(door.check_certificates(SystemTime::now()).await.0[0].what, "certificate of the assertions");
}

#[tokio::test]
async fn a_token_for_the_client_certificate() {
    let (files, authority) = (Files::new(), Authority::new("ours"));
    let server = backend().await;
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let endpoint = who(authority.acceptor(true), asked.clone(), "{\"access_token\":\"good\"}").await;
    let grant = || Grant::ClientCredentials { client_id: "provisor".into(), client: ClientAuthentication::Certificate };
    let base = || {
        let mut settings = believing(&authority.pem(), &files, settings(&[&server.origin()]));
        with(&mut settings, &endpoint, grant(), None);
        settings
    };
    assert_eq!(door(base()).send(get(&server.origin())).await.err().unwrap().code(), "egress.tls");
    let door = door(identified(&files, &authority.issue("provisor"), base()));
    assert_eq!(text(door.send(get(&server.origin())).await.unwrap()).await, "in");
    assert_eq!(*asked.lock().unwrap(), ["grant_type=client_credentials&client_id=provisor"]);
}

#[tokio::test]
async fn token_requests_and_repetitions_keep_the_pace() {
    let files = Files::new();
    let endpoint = Server::start(|_, before| answer(200, "", &format!("{{\"access_token\":\"t{before}\"}}"))).await;
    let server = Server::start(
        |seen, _| if seen.header("authorization") == Some("Bearer t1") { answer(200, "", "in") } else { answer(401, "", "") },
    )
    .await;
    let mut settings = settings(&[&server.origin()]);
    let client = ClientAuthentication::Basic(files.secret("secret", "s3cret"));
    with(&mut settings, &endpoint.origin(), Grant::ClientCredentials { client_id: "c".into(), client }, None);
    settings.limits.requests_per_second = std::num::NonZeroU32::new(10);
    // The token would wait for itself if it took the one place there is.
    settings.limits.concurrency = Some(1);
    let began = Instant::now();
    assert_eq!(text(door(settings).send(get(&server.origin())).await.unwrap()).await, "in");
    // A token, a refused request, a new token, the request again.
    assert_eq!((endpoint.seen().len(), server.seen().len()), (2, 2));
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
}
