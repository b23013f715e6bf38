//! The keys of `[systems.X.tls]`.

use super::{Form, Key, Kind, Literal, Presence, Table};

pub(in super::super) static TLS: Table = Table {
    name: "tls",
    help: "Secure connections to the system: HTTPS, and what the plugin dials with TLS or StartTLS. Replaced files take effect with the next connection.",
    discriminator: None,
    keys: &[
        Key {
            name: "authorities",
            kind: Kind::Texts { form: Form::Path, at_least: 1 },
            presence: Presence::Optional,
            only: None,
            help: "PEM files of private certificate authorities that this system's servers may have their certificates from, relative to the manifest.",
            example: "[\"internal-ca.pem\"]",
        },
        Key {
            name: "machine-authorities",
            kind: Kind::Boolean,
            presence: Presence::Default(Literal::Boolean(true)),
            only: None,
            help: "false: only authorities are believed, and not those of the operating system.",
            example: "false",
        },
        Key {
            name: "certificate",
            kind: Kind::Secret,
            presence: Presence::Optional,
            only: None,
            help: "The client certificate, as PEM, with those that lead to its authority. It is shown to the system's own backend and its token endpoint, if they ask.",
            example: "{ \"file\": \"client.pem\" }",
        },
        Key {
            name: "key",
            kind: Kind::Secret,
            presence: Presence::Optional,
            only: None,
            help: "The private key of certificate, as PEM, not encrypted. Without it the key is in the text of certificate.",
            example: "{ \"file\": \"secrets/client.key\" }",
        },
    ],
};
