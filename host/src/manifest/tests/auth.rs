//! Tokens, assertions, client certificates and private authorities, in the words of `auth` and `tls` and in those of the reference.

use std::path::PathBuf;

use super::{resolve_text, short};
use crate::manifest::{Assertion, Auth, ClientAuthentication, ClientCertificate, Grant, OAuth2, Problem, System};
use crate::secret::SecretSource;

const TLS: &str = "[systems.x.tls]\ncertificate = { file = \"client.pem\" }\nkey = { env = \"KEY\" }\n";

type Resolved = Result<(System, Vec<Problem>), Vec<Problem>>;

/// A SCIM source with these lines behind its own, which are six.
fn resolved(lines: &str) -> (tempfile::TempDir, Resolved) {
    let text = format!(
        "[systems.x]\nrole = \"source\"\nconnector = \"scim\"\ngrants = {{ http = [\"https://schemas.example.com\"] }}\n[systems.x.properties]\nURL = \"https://a.example\"\n{lines}"
    );
    let (folder, resolved) = resolve_text(&text);
    (folder, resolved.map(|(mut manifest, warnings)| (manifest.systems.remove(0), warnings)))
}

fn right(lines: &str) -> (tempfile::TempDir, System) {
    let (folder, resolved) = resolved(lines);
    let (system, warnings) = resolved.unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert!(warnings.is_empty(), "{warnings:#?}");
    (folder, system)
}

fn oauth2(system: System) -> OAuth2 {
    match system.auth {
        Auth::OAuth2(oauth2) => *oauth2,
        other => panic!("{other:?}"),
    }
}

#[test]
fn private_authorities_and_a_client_certificate() {
    let lines = "[systems.x.tls]\nauthorities = [\"ca.pem\", \"/etc/other.pem\"]\nmachine-authorities = false\ncertificate = { file = \"client.pem\" }\n\
                 [systems.x.auth]\ntype = \"client-certificate\"\n";
    let (folder, system) = right(lines);
    assert!(matches!(system.auth, Auth::ClientCertificate));
    assert_eq!(system.tls.authorities, [folder.path().join("ca.pem"), PathBuf::from("/etc/other.pem")]);
    assert!(!system.tls.machine_authorities);
    let certificate = SecretSource::File(folder.path().join("client.pem"));
    assert_eq!(system.tls.certificate, Some(ClientCertificate { certificate, key: None }));
    let (_folder, system) = right("");
    assert!(system.tls.machine_authorities && system.tls.authorities.is_empty() && system.tls.certificate.is_none());
}

#[test]
fn clients_that_sign_and_clients_with_a_certificate() {
    let auth = "[systems.x.auth]\ntype = \"oauth2-client-credentials\"\ntoken-url = \"https://login.example/token\"\nclient-id = \"c\"\nscope = \"s\"\n";
    let (folder, system) = right(&format!(
        "{auth}style = \"private-key-jwt\"\nprivate-key = {{ file = \"k\" }}\nkey-id = \"1\"\nalgorithm = \"PS256\"\naudience = \"a\"\ncertificate = {{ file = \"c\" }}\n"
    ));
    let OAuth2 { scope, grant: Grant::ClientCredentials { client_id, client }, .. } = oauth2(system) else { panic!("another grant") };
    let ClientAuthentication::PrivateKeyJwt(Assertion { key, key_id, certificate, algorithm, audience }) = client else {
        panic!("{client:?}")
    };
    let here = |name: &str| SecretSource::File(folder.path().join(name));
    assert_eq!((scope.as_deref(), client_id.as_str(), key, certificate), (Some("s"), "c", here("k"), Some(here("c"))));
    assert_eq!((key_id.as_deref(), algorithm.as_deref(), audience.as_deref()), (Some("1"), Some("PS256"), Some("a")));

    let (_folder, system) = right(&format!("{auth}style = \"certificate\"\n{TLS}"));
    let grant = oauth2(system).grant;
    assert!(matches!(grant, Grant::ClientCredentials { client: ClientAuthentication::Certificate, .. }), "{grant:?}");

    let jwt = "[systems.x.auth]\ntype = \"oauth2-jwt-bearer\"\ntoken-url = \"https://login.example/token\"\nissuer = \"i\"\nsubject = \"s\"\nprivate-key = { env = \"K\" }\n";
    let Grant::JwtBearer { issuer, subject, assertion } = oauth2(right(jwt).1).grant else { panic!("another grant") };
    assert_eq!((issuer.as_str(), subject.as_deref(), assertion.key), ("i", Some("s"), SecretSource::Environment("K".into())));
}

#[test]
fn what_is_missing_and_what_is_too_much() {
    let cc = "[systems.x.auth]\ntype = \"oauth2-client-credentials\"\ntoken-url = \"https://login.example/token\"\nclient-id = \"c\"\n";
    for (lines, expected) in [
        (cc.to_owned(), "7 manifest.missing-key"),
        (format!("{cc}client-secret = {{ env = \"S\" }}\nkey-id = \"1\"\n"), "12 manifest.misplaced-key"),
        (format!("{cc}style = \"private-key-jwt\"\n"), "7 manifest.missing-key"),
        (format!("{cc}style = \"certificate\"\n"), "11 manifest.missing-certificate"),
        (format!("{cc}issuer = \"i\"\nclient-secret = {{ env = \"S\" }}\n"), "11 manifest.misplaced-key"),
        ("[systems.x.auth]\ntype = \"client-certificate\"\n".to_owned(), "8 manifest.missing-certificate"),
        ("[systems.x.tls]\nkey = { env = \"K\" }\n".to_owned(), "8 manifest.missing-key"),
        ("[systems.x.tls]\nmachine-authorities = false\n".to_owned(), "8 manifest.missing-key"),
        (
            "[systems.x.tls]\ncertificate = \"client.pem\"\n[systems.x.auth]\ntype = \"client-certificate\"\n".to_owned(),
            "8 manifest.plain-secret",
        ),
        ("Authentication = \"ClientCertificateAuthentication\"\n".to_owned(), "7 manifest.missing-certificate"),
        ("client_id = \"c\"\n".to_owned() + TLS, "7 manifest.missing-property"),
        (
            "Authentication = \"ClientCertificateAuthentication\"\nOAuth2TokenServiceURL = \"https://l.example/t\"\n".to_owned() + TLS,
            "7 manifest.missing-property",
        ),
    ] {
        let problems = resolved(&lines).1.unwrap_err();
        assert_eq!(short(&problems), [expected], "{lines}: {problems:#?}");
    }
}

#[test]
fn the_names_of_the_reference() {
    let secret = SecretSource::Environment("P".to_owned());
    let (_folder, system) = right(&format!("Authentication = \"ClientCertificateAuthentication\"\n{TLS}"));
    assert!(matches!(system.auth, Auth::ClientCertificate));

    let token = "OAuth2TokenServiceURL = \"https://login.example/token\"\n";
    for authentication in ["", "Authentication = \"ClientCertificateAuthentication\"\n", "Authentication = \"BasicAuthentication\"\n"] {
        let (_folder, system) = right(&format!("{authentication}{token}client_id = \"c\"\nOAuth2TokenScope = \"s\"\n{TLS}"));
        let OAuth2 { scope, grant, .. } = oauth2(system);
        assert_eq!(scope.as_deref(), Some("s"));
        assert!(
            matches!(&grant, Grant::ClientCredentials { client_id, client: ClientAuthentication::Certificate } if client_id == "c"),
            "{grant:?}"
        );
    }

    let user = "Authentication = \"BasicAuthentication\"\nUser = \"robot\"\nPassword = { env = \"P\" }\n";
    let (_folder, system) = right(&format!("{user}{token}\"jwt.subject\" = \"admin@example.com\"\n\"jwt.scope\" = \"a b\"\n"));
    let OAuth2 { scope, grant: Grant::JwtBearer { issuer, subject, assertion }, .. } = oauth2(system) else { panic!("another grant") };
    assert_eq!(
        (scope.as_deref(), issuer.as_str(), subject.as_deref(), assertion.key),
        (Some("a b"), "robot", Some("admin@example.com"), secret)
    );

    let (_folder, resolved) = resolved(&format!("{user}{token}client_id = \"c\"\n{TLS}"));
    assert_eq!(short(&resolved.unwrap().1), ["8 manifest.without-effect", "9 manifest.without-effect"]);
}
