//! The keys of `[serve]` and of `[directories.X]`.

use std::time::Duration;

use super::{Choice, Form, Key, Kind, Literal, MIB, Presence, Table};

pub(in super::super) static DIRECTORY: Table = Table {
    name: "directory",
    help: "An identity directory of Provisor's own, which provisor serve shows over SCIM at /scim/ and its name. Its name is no system's.",
    discriminator: None,
    keys: &[
        Key {
            name: "file",
            kind: Kind::Text(Form::Path),
            presence: Presence::Required,
            only: None,
            help: "The SQLite file of its users and groups, relative to the manifest. It is made if there is none.",
            example: "\"people.db\"",
        },
        Key {
            name: "user-schemas",
            kind: Kind::Texts { form: Form::Path, at_least: 0 },
            presence: Presence::Optional,
            only: None,
            help: "Files of schemas, in the form of SCIM's /Schemas (RFC 7643 section 7), that extend users beyond the core and the enterprise schema.",
            example: "[\"badge.json\"]",
        },
        Key {
            name: "group-schemas",
            kind: Kind::Texts { form: Form::Path, at_least: 0 },
            presence: Presence::Optional,
            only: None,
            help: "The same for groups.",
            example: "[\"cost-center.json\"]",
        },
    ],
};

pub(in super::super) static SERVE: Table = Table {
    name: "serve",
    help: "What provisor serve listens on and who may ask what.",
    discriminator: None,
    keys: &[
        Key {
            name: "listen",
            kind: Kind::Text(Form::Endpoint),
            presence: Presence::Default(Literal::Text("127.0.0.1:8765")),
            only: None,
            help: "Address and port. Other machines reach it only where tls stands here, or plain-http says that something in front speaks TLS.",
            example: "\"0.0.0.0:8443\"",
        },
        Key {
            name: "url",
            kind: Kind::Text(Form::HttpUrl),
            presence: Presence::Optional,
            only: None,
            help: "How clients reach it, where that is not the address it listens on: what the locations of resources begin with.",
            example: "\"https://identity.example.com\"",
        },
        Key {
            name: "tls",
            kind: Kind::Table(&TLS),
            presence: Presence::Optional,
            only: None,
            help: "The certificate it shows. Without it, it speaks plain HTTP.",
            example: "{ \"certificate\": \"tls/server.pem\", \"key\": { \"file\": \"tls/server.key\" } }",
        },
        Key {
            name: "plain-http",
            kind: Kind::Boolean,
            presence: Presence::Default(Literal::Boolean(false)),
            only: None,
            help: "true: it may speak plain HTTP on an address that other machines reach, because what stands in front of it speaks TLS.",
            example: "true",
        },
        Key {
            name: "max-body",
            kind: Kind::Memory { min: MIB, max: 256 * MIB },
            presence: Presence::Default(Literal::Text("16 MiB")),
            only: None,
            help: "The largest body of a request. A group of 100 000 members has about 6 MiB.",
            example: "\"16 MiB\"",
        },
        Key {
            name: "max-connections",
            kind: Kind::Integer { min: 1, max: 10_000 },
            presence: Presence::Default(Literal::Integer(256)),
            only: None,
            help: "Connections at once; further ones wait to be accepted.",
            example: "256",
        },
        Key {
            name: "request-timeout",
            kind: Kind::Time { min: Duration::from_secs(1), max: Duration::from_hours(1) },
            presence: Presence::Default(Literal::Text("60 s")),
            only: None,
            help: "The longest a request may take, sending its body included. A change that is under way goes on.",
            example: "\"60 s\"",
        },
        Key {
            name: "tokens",
            kind: Kind::Tables(&TOKEN),
            presence: Presence::Optional,
            only: None,
            help: "Who may ask, by name. provisor token makes a token and prints the lines for here.",
            example: "\"central-idm\"",
        },
    ],
};

static TLS: Table = Table {
    name: "server-tls",
    help: "The certificate that provisor serve shows, and its key.",
    discriminator: None,
    keys: &[
        Key {
            name: "certificate",
            kind: Kind::Text(Form::Path),
            presence: Presence::Required,
            only: None,
            help: "A PEM file with the certificate, followed by those that lead to its authority.",
            example: "\"tls/server.pem\"",
        },
        Key {
            name: "key",
            kind: Kind::Secret,
            presence: Presence::Required,
            only: None,
            help: "Its private key as PEM.",
            example: "{ \"file\": \"tls/server.key\" }",
        },
    ],
};

static TOKEN: Table = Table {
    name: "token",
    help: "A token that requests carry (Authorization: Bearer, or Basic with the token's name as user and the token as password).",
    discriminator: Some("role"),
    keys: &[
        Key {
            name: "sha256",
            kind: Kind::Text(Form::Sha256),
            presence: Presence::Required,
            only: None,
            help: "The SHA-256 digest of the token in hexadecimal; the token itself stands nowhere.",
            example: "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
        },
        Key {
            name: "role",
            kind: Kind::Choice {
                values: &[
                    Choice { value: "scim-client", help: "Reads and writes the directories and proxy systems named in systems over SCIM." },
                    Choice { value: "operator", help: "Reads /metrics." },
                ],
                reserved: &[],
            },
            presence: Presence::Required,
            only: None,
            help: "What it may be used for.",
            example: "\"scim-client\"",
        },
        Key {
            name: "systems",
            kind: Kind::Texts { form: Form::NotEmpty, at_least: 1 },
            presence: Presence::Required,
            only: Some("scim-client"),
            help: "The directories and proxy systems it may ask.",
            example: "[\"people\"]",
        },
    ],
};
