//! The keys of `[systems.X.auth]`.

use super::{Choice, Form, Key, Kind, Literal, Presence, Table};

const CLIENT_CREDENTIALS: Option<&str> = Some("oauth2-client-credentials");
const JWT_BEARER: Option<&str> = Some("oauth2-jwt-bearer");
const OAUTH2: Option<&str> = Some("oauth2-client-credentials|oauth2-jwt-bearer");

/// How an OAuth client proves who it is.
const STYLE: &[Choice] = &[
    Choice { value: "basic", help: "client-secret in the Authorization header." },
    Choice { value: "form", help: "client-secret in the form body of the token request." },
    Choice { value: "private-key-jwt", help: "An assertion that private-key signs (RFC 7523)." },
    Choice { value: "certificate", help: "The client certificate under tls (RFC 8705)." },
];

pub(in super::super) static AUTH: Table = Table {
    name: "auth",
    help: "Credentials that the host adds to HTTP requests on their way out.",
    discriminator: Some("type"),
    keys: &[
        Key {
            name: "type",
            kind: Kind::Choice {
                values: &[
                    Choice { value: "basic", help: "HTTP Basic (RFC 7617): user and password." },
                    Choice { value: "bearer", help: "A token that is known beforehand (RFC 6750)." },
                    Choice { value: "client-certificate", help: "The client certificate under tls, and nothing else." },
                    Choice { value: "oauth2-client-credentials", help: "A token fetched with client credentials (RFC 6749 section 4.4)." },
                    Choice {
                        value: "oauth2-jwt-bearer",
                        help: "A token fetched with a signed assertion as the grant (RFC 7523 section 2.1).",
                    },
                ],
                reserved: &[],
            },
            presence: Presence::Required,
            only: None,
            help: "The kind of authentication.",
            example: "\"bearer\"",
        },
        Key {
            name: "user",
            kind: Kind::Text(Form::NotEmpty),
            presence: Presence::Required,
            only: Some("basic"),
            help: "The user's name.",
            example: "\"provisor\"",
        },
        Key {
            name: "password",
            kind: Kind::Secret,
            presence: Presence::Required,
            only: Some("basic"),
            help: "The user's password.",
            example: "{ \"env\": \"DIRECTORY_PASSWORD\" }",
        },
        Key {
            name: "token",
            kind: Kind::Secret,
            presence: Presence::Required,
            only: Some("bearer"),
            help: "The token.",
            example: "{ \"env\": \"DIRECTORY_TOKEN\" }",
        },
        Key {
            name: "token-url",
            kind: Kind::Text(Form::HttpUrl),
            presence: Presence::Required,
            only: OAUTH2,
            help: "The token endpoint of the authorization server.",
            example: "\"https://login.example.com/oauth/token\"",
        },
        Key {
            name: "client-id",
            kind: Kind::Text(Form::NotEmpty),
            presence: Presence::Required,
            only: CLIENT_CREDENTIALS,
            help: "The client's id.",
            example: "\"provisor\"",
        },
        Key {
            name: "style",
            kind: Kind::Choice { values: STYLE, reserved: &[] },
            presence: Presence::Default(Literal::Text("basic")),
            only: CLIENT_CREDENTIALS,
            help: "How the client proves in the token request who it is.",
            example: "\"form\"",
        },
        Key {
            name: "client-secret",
            kind: Kind::Secret,
            presence: Presence::Optional,
            only: CLIENT_CREDENTIALS,
            help: "The client's secret; for style = \"basic\" and \"form\".",
            example: "{ \"file\": \"secrets/client\" }",
        },
        Key {
            name: "issuer",
            kind: Kind::Text(Form::NotEmpty),
            presence: Presence::Required,
            only: JWT_BEARER,
            help: "Who issues the assertion (iss): the service account or the client's id.",
            example: "\"provisor@project.iam.example.com\"",
        },
        Key {
            name: "subject",
            kind: Kind::Text(Form::NotEmpty),
            presence: Presence::Optional,
            only: JWT_BEARER,
            help: "On whose behalf (sub). Without it the assertion names none.",
            example: "\"admin@example.com\"",
        },
        Key {
            name: "private-key",
            kind: Kind::Secret,
            presence: Presence::Optional,
            only: OAUTH2,
            help: "The key that signs assertions, as PEM (PKCS #8, not encrypted): RSA, ECDSA on P-256 or P-384, Ed25519. It is read for every token, so a replaced one \
                   takes effect by itself.",
            example: "{ \"file\": \"secrets/client.key\" }",
        },
        Key {
            name: "algorithm",
            kind: Kind::Choice {
                values: &[
                    Choice { value: "RS256", help: "RSA with PKCS #1 v1.5 and SHA-256." },
                    Choice { value: "PS256", help: "RSA-PSS with SHA-256." },
                    Choice { value: "ES256", help: "ECDSA on P-256 with SHA-256." },
                    Choice { value: "ES384", help: "ECDSA on P-384 with SHA-384." },
                    Choice { value: "EdDSA", help: "Ed25519." },
                ],
                reserved: &[],
            },
            presence: Presence::Optional,
            only: OAUTH2,
            help: "How assertions are signed (RFC 7518). Without it by what the key is made for, RS256 for RSA.",
            example: "\"PS256\"",
        },
        Key {
            name: "key-id",
            kind: Kind::Text(Form::NotEmpty),
            presence: Presence::Optional,
            only: OAUTH2,
            help: "The name under which the server knows the key (kid).",
            example: "\"2026-1\"",
        },
        Key {
            name: "certificate",
            kind: Kind::Secret,
            presence: Presence::Optional,
            only: OAUTH2,
            help: "The certificate of private-key, as PEM, where the server knows the key by its digest (x5t#S256).",
            example: "{ \"file\": \"client.pem\" }",
        },
        Key {
            name: "audience",
            kind: Kind::Text(Form::NotEmpty),
            presence: Presence::Optional,
            only: OAUTH2,
            help: "Whom assertions are for (aud). Without it token-url.",
            example: "\"https://login.example.com\"",
        },
        Key {
            name: "scope",
            kind: Kind::Text(Form::NotEmpty),
            presence: Presence::Optional,
            only: OAUTH2,
            help: "The scopes to ask for, separated by spaces. Without it none is sent.",
            example: "\"scim.read scim.write\"",
        },
    ],
};
