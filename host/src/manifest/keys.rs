//! Every key of a manifest, once: the checker, the defaults and the JSON Schema are all made from these tables, so they cannot drift apart.

use std::time::Duration;

use super::forms::Form;

mod auth;
mod deletions;
mod notifications;
mod serve;
mod tls;

pub(super) use auth::AUTH;
pub(super) use deletions::{DELETIONS, DISABLE};
pub(super) use notifications::NOTIFICATIONS;
pub(super) use serve::{DIRECTORY, SERVE};
pub(super) use tls::TLS;

/// A TOML table and its keys. Any other key in it is an error.
#[derive(Debug)]
pub(super) struct Table {
    /// The name of its definition in the JSON Schema.
    pub name: &'static str,
    pub help: &'static str,
    /// The key (a required choice) that decides which of the other keys mean something; see [`Key::only`].
    pub discriminator: Option<&'static str>,
    pub keys: &'static [Key],
}

impl Table {
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The discriminator's key.
    pub(super) fn discriminator(&self) -> Option<&'static Key> {
        self.discriminator.and_then(|name| self.key(name))
    }
}

#[derive(Debug)]
pub(super) struct Key {
    pub name: &'static str,
    pub kind: Kind,
    pub presence: Presence,
    /// The values of the table's discriminator for which this key means something, with `|` between them; absent: for all.
    pub only: Option<&'static str>,
    pub help: &'static str,
    /// An example of the value, as JSON; for [`Kind::Tables`] of a name.
    pub example: &'static str,
}

impl Key {
    /// Whether the key means something where the discriminator has this value, or where its value is not known.
    pub(super) fn applies(&self, chosen: Option<&str>) -> bool {
        match (self.only, chosen) {
            (Some(only), Some(chosen)) => only.split('|').any(|value| value == chosen),
            _ => true,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Presence {
    Required,
    Optional,
    Default(Literal),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Text(&'static str),
    Integer(i64),
    Boolean(bool),
}

#[derive(Debug)]
pub(super) enum Kind {
    Text(Form),
    /// Both bounds included.
    Integer {
        min: i64,
        max: i64,
    },
    Boolean,
    Choice {
        values: &'static [Choice],
        /// Values that will mean something one day, and what to say until then.
        reserved: &'static [Choice],
    },
    Texts {
        form: Form,
        at_least: usize,
    },
    /// An amount of memory in bytes, both bounds included.
    Memory {
        min: u64,
        max: u64,
    },
    /// A time, both bounds included.
    Time {
        min: Duration,
        max: Duration,
    },
    /// A reference to a secret: a table with exactly one key of [`SECRET`].
    Secret,
    /// Names to references to secrets.
    Secrets,
    /// Properties of the connector, of the connection and of the host, under their own names.
    Properties,
    Table(&'static Table),
    /// Parameters of a transformation, under names of its own: no secrets.
    Parameters,
    /// A file, an element with the keys of this table, or an array of at most [`LONGEST_CHAIN`] of both.
    Chain(&'static Table),
    /// Tables under names of the operator's choosing.
    Tables(&'static Table),
}

#[derive(Debug)]
pub(super) struct Choice {
    pub value: &'static str,
    pub help: &'static str,
}

const MIB: u64 = 1 << 20;

pub(super) static ROOT: Table = Table {
    name: "manifest",
    help: "What Provisor runs: where plugins and state are, and which systems there are.",
    discriminator: None,
    keys: &[
        Key {
            name: "plugins",
            kind: Kind::Text(Form::Path),
            presence: Presence::Default(Literal::Text("plugins")),
            only: None,
            help: "The folder of the plugins (.wasm files), relative to the manifest.",
            example: "\"plugins\"",
        },
        Key {
            name: "state",
            kind: Kind::Text(Form::Path),
            presence: Presence::Default(Literal::Text("provisor.db")),
            only: None,
            help: "The SQLite file that remembers what was provisioned, relative to the manifest. It is created by the first run.",
            example: "\"provisor.db\"",
        },
        Key {
            name: "history",
            kind: Kind::Table(&HISTORY),
            presence: Presence::Optional,
            only: None,
            help: "How long it is remembered what happened.",
            example: "{ \"retention\": \"30 days\" }",
        },
        Key {
            name: "notifications",
            kind: Kind::Table(&NOTIFICATIONS),
            presence: Presence::Optional,
            only: None,
            help: "Who is told when runs fail, and when they are back to normal.",
            example: "{ \"webhook\": { \"url\": \"https://hooks.example.com/provisor\", \"secret\": { \"env\": \"WEBHOOK_SECRET\" } } }",
        },
        Key {
            name: "systems",
            kind: Kind::Tables(&SYSTEM),
            // At least one, unless there is a directory: [`super::resolve`] looks at both.
            presence: Presence::Optional,
            only: None,
            help: "The systems entities are read from and written to, by name.",
            example: "\"hr\"",
        },
        Key {
            name: "directories",
            kind: Kind::Tables(&DIRECTORY),
            presence: Presence::Optional,
            only: None,
            help: "Identity directories of Provisor's own, by name.",
            example: "\"people\"",
        },
        Key {
            name: "serve",
            kind: Kind::Table(&SERVE),
            presence: Presence::Optional,
            only: None,
            help: "What provisor serve listens on and who may ask what.",
            example: "{ \"listen\": \"127.0.0.1:8765\" }",
        },
    ],
};

pub(super) static HISTORY: Table = Table {
    name: "history",
    help: "How long it is remembered what happened. What is known about entities (relations) is kept whatever stands here.",
    discriminator: None,
    keys: &[Key {
        name: "retention",
        kind: Kind::Time { min: Duration::from_hours(1), max: Duration::from_hours(24 * 3660) },
        presence: Presence::Default(Literal::Text("7 days")),
        only: None,
        help: "Runs that began longer ago, and what was logged of single entities in them, are removed when a run ends; the last run of a source stays. \
               A number and h or days.",
        example: "\"30 days\"",
    }],
};

/// The most elements of one transformation. Each is a call per page, and up to three instances at once for a target, of which the process has a bounded number.
pub(super) const LONGEST_CHAIN: usize = 8;

pub(super) static TRANSFORMATION: Table = Table {
    name: "transformation",
    help: "An element of a transformation: a plugin, a file, or the connector's default.",
    discriminator: None,
    keys: &[
        Key {
            name: "plugin",
            kind: Kind::Text(Form::PluginId),
            presence: Presence::Optional,
            only: None,
            help: "The id of the plugin that transforms. Without it the bundled plugin \"mapping\" does, and a file or default says what.",
            example: "\"unique-user-name\"",
        },
        Key {
            name: "file",
            kind: Kind::Text(Form::Path),
            presence: Presence::Optional,
            only: None,
            help: "The file whose text the plugin is given, relative to the manifest.",
            example: "\"hr-read.json\"",
        },
        Key {
            name: "default",
            kind: Kind::Boolean,
            presence: Presence::Default(Literal::Boolean(false)),
            only: None,
            help: "true: this element is the connector's default transformation for the role.",
            example: "true",
        },
        Key {
            name: "properties",
            kind: Kind::Parameters,
            presence: Presence::Optional,
            only: None,
            help: "The properties of the plugin (provisor plugins inspect shows them), and parameters that the element's text reads as %name%.",
            example: "{ \"tenant\": \"7\" }",
        },
    ],
};

pub(super) static SYSTEM: Table = Table {
    name: "system",
    help: "A system entities are read from or written to. Its name has at most 100 characters: letters, digits, \"-\", \"_\", \".\" and space.",
    discriminator: Some("role"),
    keys: &[
        Key {
            name: "role",
            kind: Kind::Choice {
                values: &[
                    Choice { value: "source", help: "Entities are read from it." },
                    Choice { value: "target", help: "Entities are written to it." },
                    Choice { value: "proxy", help: "provisor serve shows it as a SCIM 2.0 service; it takes no part in runs." },
                ],
                reserved: &[],
            },
            presence: Presence::Required,
            only: None,
            help: "What the system is in a run.",
            example: "\"source\"",
        },
        Key {
            name: "connector",
            kind: Kind::Text(Form::PluginId),
            presence: Presence::Required,
            only: None,
            help: "The id of the plugin that speaks to the system.",
            example: "\"file\"",
        },
        Key {
            name: "transformation",
            kind: Kind::Chain(&TRANSFORMATION),
            presence: Presence::Optional,
            only: None,
            help: "The file of the transformation, relative to the manifest, or a chain: files and plugins, each taking up what the one before it puts out. \
                   Without it the connector's default for the role is used.",
            example: "\"hr-read.json\"",
        },
        Key {
            name: "read-transformation",
            kind: Kind::Chain(&TRANSFORMATION),
            presence: Presence::Optional,
            only: Some("proxy"),
            help: "As transformation: what the backend's entities become for SCIM clients. Without it the connector's default for a source is used.",
            example: "\"proxy-read.json\"",
        },
        Key {
            name: "write-transformation",
            kind: Kind::Chain(&TRANSFORMATION),
            presence: Presence::Optional,
            only: Some("proxy"),
            help: "As transformation: what resources of SCIM clients become for the backend. Without it the connector's default for a target is used.",
            example: "\"proxy-write.json\"",
        },
        Key {
            name: "enabled",
            kind: Kind::Boolean,
            presence: Presence::Default(Literal::Boolean(true)),
            only: None,
            help: "A system that is not enabled is checked and takes no part in runs.",
            example: "false",
        },
        Key {
            name: "page-size",
            kind: Kind::Integer { min: 1, max: 10_000 },
            presence: Presence::Default(Literal::Integer(500)),
            only: None,
            help: "How many entities travel together. Memory grows with it, and so does the throughput.",
            example: "500",
        },
        Key {
            name: "sources",
            kind: Kind::Texts { form: Form::NotEmpty, at_least: 1 },
            presence: Presence::Required,
            only: Some("target"),
            help: "The source systems whose entities are written to this target.",
            example: "[\"hr\"]",
        },
        Key {
            name: "members-whole",
            kind: Kind::Integer { min: 0, max: 1_000_000_000 },
            presence: Presence::Default(Literal::Integer(100)),
            only: Some("target"),
            help: "A group with more members than this is sent only the members that came and went, where the connector can do so. 0: every group.",
            example: "100",
        },
        Key {
            name: "properties",
            kind: Kind::Properties,
            presence: Presence::Optional,
            only: None,
            help: "The properties of the connector (provisor plugins inspect shows them), of the connection, of the host (ips.*), and parameters \
                   that the transformation reads as %name%.",
            example: "{ \"file.user.path\": \"people.csv\" }",
        },
        Key {
            name: "auth",
            kind: Kind::Table(&AUTH),
            presence: Presence::Optional,
            only: None,
            help: "How the host authenticates HTTP requests to the system. The plugin never sees these credentials.",
            example: "{ \"type\": \"bearer\", \"token\": { \"env\": \"DIRECTORY_TOKEN\" } }",
        },
        Key {
            name: "tls",
            kind: Kind::Table(&TLS),
            presence: Presence::Optional,
            only: None,
            help: "Whom secure connections to the system believe, and the client certificate they show.",
            example: "{ \"authorities\": [\"internal-ca.pem\"] }",
        },
        Key {
            name: "grants",
            kind: Kind::Table(&GRANTS),
            presence: Presence::Optional,
            only: None,
            help: "What the plugin may do beyond what its properties grant already. Only what the plugin asks for can be granted.",
            example: "{ \"networks\": [\"127.0.0.1/32\"] }",
        },
        Key {
            name: "deletions",
            kind: Kind::Table(&DELETIONS),
            presence: Presence::Optional,
            only: Some("target"),
            help: "What becomes of entities that are gone or left the scope, and when a run holds deletions back. The limits are on by default.",
            example: "{ \"max-count\": 500, \"max-percent\": 10 }",
        },
        Key {
            name: "failures",
            kind: Kind::Table(&FAILURES),
            presence: Presence::Optional,
            only: None,
            help: "When a run gives a system up. How often a single request is tried again: ips.failed.request.retry.attempts; 0 also means that \
                   a system that is away is not waited for.",
            example: "{ \"max-count\": 1000, \"max-outage\": \"10 min\" }",
        },
        Key {
            name: "limits",
            kind: Kind::Table(&LIMITS),
            presence: Presence::Optional,
            only: None,
            help: "What one instance of the plugin may use.",
            example: "{ \"memory\": \"256 MiB\" }",
        },
    ],
};

pub(super) static SECRET: Table = Table {
    name: "secret",
    help: "Where a secret comes from: exactly one of these.",
    discriminator: None,
    keys: &[
        Key {
            name: "env",
            kind: Kind::Text(Form::EnvironmentName),
            presence: Presence::Optional,
            only: None,
            help: "The name of an environment variable.",
            example: "\"DIRECTORY_TOKEN\"",
        },
        Key {
            name: "file",
            kind: Kind::Text(Form::Path),
            presence: Presence::Optional,
            only: None,
            help: "A file, relative to the manifest. One line break at its end does not count.",
            example: "\"secrets/token\"",
        },
        Key {
            name: "command",
            kind: Kind::Texts { form: Form::Any, at_least: 1 },
            presence: Presence::Optional,
            only: None,
            help: "A program and its arguments; what it prints is the secret. A program with a \"/\" in its name is relative to the manifest.",
            example: "[\"pass\", \"show\", \"directory\"]",
        },
    ],
};

pub(super) static GRANTS: Table = Table {
    name: "grants",
    help: "What the plugin may do beyond what its properties grant already.",
    discriminator: None,
    keys: &[
        Key {
            name: "http",
            kind: Kind::Texts { form: Form::Origin, at_least: 0 },
            presence: Presence::Optional,
            only: None,
            help: "Origins for HTTP requests: scheme, host and port.",
            example: "[\"https://api.example.com\"]",
        },
        Key {
            name: "dial",
            kind: Kind::Texts { form: Form::Endpoint, at_least: 0 },
            presence: Presence::Optional,
            only: None,
            help: "Endpoints for byte streams.",
            example: "[\"ldap.example.com:389\"]",
        },
        Key {
            name: "networks",
            kind: Kind::Texts { form: Form::Network, at_least: 0 },
            presence: Presence::Optional,
            only: None,
            help: "Address ranges a granted name may resolve to although they are private, link-local or loopback.",
            example: "[\"10.20.0.0/16\"]",
        },
        Key {
            name: "secrets",
            kind: Kind::Secrets,
            presence: Presence::Optional,
            only: None,
            help: "Secrets the plugin may read, by the name it asks for.",
            example: "{ \"bind-password\": { \"env\": \"LDAP_PASSWORD\" } }",
        },
    ],
};

pub(super) static FAILURES: Table = Table {
    name: "failures",
    help: "When a run gives a system up.",
    discriminator: None,
    keys: &[
        Key {
            name: "max-count",
            kind: Kind::Integer { min: 0, max: 1_000_000_000 },
            presence: Presence::Default(Literal::Integer(1000)),
            only: None,
            help: "A run in which more entities failed at a target than this and than max-percent stops writing to it.",
            example: "1000",
        },
        Key {
            name: "max-percent",
            kind: Kind::Integer { min: 0, max: 100 },
            presence: Presence::Default(Literal::Integer(10)),
            only: None,
            help: "The part of the entities handled so far, beyond which failures count as too many.",
            example: "10",
        },
        Key {
            name: "max-outage",
            kind: Kind::Time { min: Duration::ZERO, max: Duration::from_hours(24) },
            presence: Presence::Default(Literal::Text("10 min")),
            only: None,
            help: "How long a run waits for a system that does not answer, before it gives it up: a number and ms, s, min or h.",
            example: "\"10 min\"",
        },
    ],
};

pub(super) static LIMITS: Table = Table {
    name: "limits",
    help: "What the plugin may use. Beyond memory or call-timeout an instance is thrown away and the entities in it fail.",
    discriminator: None,
    keys: &[
        Key {
            name: "memory",
            kind: Kind::Memory { min: 16 * MIB, max: 4096 * MIB },
            presence: Presence::Default(Literal::Text("256 MiB")),
            only: None,
            help: "Memory of one instance: a number and KiB, MiB or GiB.",
            example: "\"256 MiB\"",
        },
        Key {
            name: "call-timeout",
            kind: Kind::Time { min: Duration::from_secs(1), max: Duration::from_hours(1) },
            presence: Presence::Default(Literal::Text("5 min")),
            only: None,
            help: "The longest one call of the plugin may take (a page to read, a page to write): a number and ms, s, min or h.",
            example: "\"5 min\"",
        },
        Key {
            name: "requests-per-second",
            kind: Kind::Integer { min: 1, max: 1_000_000 },
            presence: Presence::Optional,
            only: None,
            help: "How many HTTP requests a second the system is sent; further ones wait, in the time of the plugin's call (call-timeout; up to 100 \
                   entities are written in one). Without it there is no such limit.",
            example: "20",
        },
        Key {
            name: "concurrency",
            kind: Kind::Integer { min: 1, max: 64 },
            presence: Presence::Optional,
            only: None,
            help: "How many HTTP requests the system is sent at once; further ones wait, in the time of the plugin's call (call-timeout).",
            example: "4",
        },
    ],
};
