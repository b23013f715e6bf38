//! The keys of `[notifications]`.

use super::{Choice, Form, Key, Kind, Literal, Presence, TLS, Table};

pub(in super::super) static NOTIFICATIONS: Table = Table {
    name: "notifications",
    help: "Who is told when runs of a manifest's sources fail, and when they are back to normal.",
    discriminator: None,
    keys: &[
        Key {
            name: "webhook",
            kind: Kind::Table(&WEBHOOK),
            presence: Presence::Optional,
            only: None,
            help: "A signed request for each notification.",
            example: "{ \"url\": \"https://hooks.example.com/provisor\", \"secret\": { \"env\": \"WEBHOOK_SECRET\" } }",
        },
        Key {
            name: "mail",
            kind: Kind::Table(&MAIL),
            presence: Presence::Optional,
            only: None,
            help: "A mail for each notification.",
            example: "{ \"server\": \"smtp.example.com:587\", \"from\": \"provisor@example.com\", \"to\": [\"iam@example.com\"] }",
        },
        Key {
            name: "networks",
            kind: Kind::Texts { form: Form::Network, at_least: 0 },
            presence: Presence::Optional,
            only: None,
            help: "Addresses that are not public and that these servers may have.",
            example: "[\"10.20.0.0/16\"]",
        },
        Key {
            name: "tls",
            kind: Kind::Table(&TLS),
            presence: Presence::Optional,
            only: None,
            help: "Whom secure connections to these servers believe, and the client certificate they show.",
            example: "{ \"authorities\": [\"internal-ca.pem\"] }",
        },
    ],
};

static WEBHOOK: Table = Table {
    name: "webhook",
    help: "A POST request for each notification, signed as Standard Webhooks are: HMAC-SHA256 over its id, its time and its body.",
    discriminator: None,
    keys: &[
        Key {
            name: "url",
            kind: Kind::Text(Form::HttpUrl),
            presence: Presence::Required,
            only: None,
            help: "Where it is sent.",
            example: "\"https://hooks.example.com/provisor\"",
        },
        Key {
            name: "secret",
            kind: Kind::Secret,
            presence: Presence::Required,
            only: None,
            help: "The secret that signs: a text as it is, or \"whsec_\" and Base64.",
            example: "{ \"env\": \"WEBHOOK_SECRET\" }",
        },
    ],
};

static MAIL: Table = Table {
    name: "mail",
    help: "A mail for each notification, handed to an SMTP server.",
    discriminator: None,
    keys: &[
        Key {
            name: "server",
            kind: Kind::Text(Form::Endpoint),
            presence: Presence::Required,
            only: None,
            help: "The SMTP server: host and port.",
            example: "\"smtp.example.com:587\"",
        },
        Key {
            name: "security",
            kind: Kind::Choice {
                values: &[
                    Choice { value: "starttls", help: "STARTTLS, always (usual on port 587)." },
                    Choice { value: "tls", help: "TLS from the first byte (usual on port 465)." },
                    Choice { value: "none", help: "Neither; then there is no login." },
                ],
                reserved: &[],
            },
            presence: Presence::Default(Literal::Text("starttls")),
            only: None,
            help: "How the connection is secured.",
            example: "\"tls\"",
        },
        Key {
            name: "from",
            kind: Kind::Text(Form::MailAddress),
            presence: Presence::Required,
            only: None,
            help: "The sender's address.",
            example: "\"provisor@example.com\"",
        },
        Key {
            name: "to",
            kind: Kind::Texts { form: Form::MailAddress, at_least: 1 },
            presence: Presence::Required,
            only: None,
            help: "The recipients' addresses.",
            example: "[\"iam@example.com\"]",
        },
        Key {
            name: "user",
            kind: Kind::Text(Form::NotEmpty),
            presence: Presence::Optional,
            only: None,
            help: "The user to log in as. Without it there is no login.",
            example: "\"provisor\"",
        },
        Key {
            name: "password",
            kind: Kind::Secret,
            presence: Presence::Optional,
            only: None,
            help: "The user's password.",
            example: "{ \"env\": \"SMTP_PASSWORD\" }",
        },
    ],
};
