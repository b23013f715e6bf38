//! Property names of the reference that belong to the host and not to a connector: `ips.*` (spec/provisioning.md section 3) and the connection
//! (spec/connectors.md section 1.1). They are accepted as they are, on every system, whatever its plugin.

use super::trace;
use crate::registry::description::Role;

/// What a value of the reference looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Boolean,
    /// Both bounds included.
    Integer(u64, u64),
    OneOf(&'static [&'static str]),
    /// A secret: a reference to it stands in the manifest.
    Credential,
}

impl Shape {
    /// Whether the value is right; else what would be right.
    pub(super) fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Text | Self::Credential => Ok(()),
            Self::Boolean if ["true", "false"].contains(&text) => Ok(()),
            Self::Boolean => Err("write true or false".to_owned()),
            Self::Integer(min, max) => match text.parse::<u64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(()),
                _ if max == u64::MAX => Err(format!("write a whole number from {min} up")),
                _ => Err(format!("write a whole number from {min} to {max}")),
            },
            Self::OneOf(values) if values.contains(&text) => Ok(()),
            Self::OneOf(values) => Err(super::nearest::suggestion_or_list(text, values.iter().copied())),
        }
    }
}

/// An `ips.*` property.
#[derive(Debug)]
pub(super) struct HostProperty {
    pub name: &'static str,
    pub shape: Shape,
    /// The roles it has an effect on in this version; none: it is known and does nothing yet.
    pub effect: &'static [Role],
    pub help: &'static str,
}

pub(super) const EXISTED_BEFORE: &str = "ips.delete.existedbefore.entities";
pub(super) const THRESHOLD_USERS: &str = "ips.delete.threshold.users";
pub(super) const THRESHOLD_GROUPS: &str = "ips.delete.threshold.groups";
pub(super) const DELTA_READ: &str = "ips.delta.read";
pub(super) const FULL_READ_FORCE_COUNT: &str = "ips.full.read.force.count";
pub(super) const THRESHOLD_ROLES: &str = "ips.delete.threshold.roles";
pub(super) const RETRY_ATTEMPTS: &str = "ips.failed.request.retry.attempts";
pub(super) const RETRY_INTERVAL: &str = "ips.failed.request.retry.attempts.interval";
pub(super) const NOTIFICATION_REPEAT: &str = "ips.job.notification.repeat.on.failure";
pub(super) const NOTIFICATION_IGNORED: &str = "ips.job.notification.ignored.consecutive.failures";
/// `ips.http.header.<name>`: a header of every request.
pub(super) const HEADER_PREFIX: &str = "ips.http.header.";

const POSITIVE: Shape = Shape::Integer(1, u64::MAX);
const COUNT: Shape = Shape::Integer(0, u64::MAX);

const fn later(name: &'static str, shape: Shape, help: &'static str) -> HostProperty {
    HostProperty { name, shape, effect: &[], help }
}

const fn target(name: &'static str, shape: Shape, help: &'static str) -> HostProperty {
    HostProperty { name, shape, effect: &[Role::Target], help }
}

const fn source(name: &'static str, shape: Shape, help: &'static str) -> HostProperty {
    HostProperty { name, shape, effect: &[Role::Source], help }
}

const fn both(name: &'static str, shape: Shape, help: &'static str) -> HostProperty {
    HostProperty { name, shape, effect: &[Role::Source, Role::Target], help }
}

/// All of section 3 but `ips.http.header.<name>`.
pub(super) static HOST_PROPERTIES: [HostProperty; 24] = [
    target(EXISTED_BEFORE, Shape::Boolean, "Delete entities too that were in the target before Provisor came. Default: false."),
    target(THRESHOLD_USERS, POSITIVE, "A run that would delete more users than this deletes none."),
    target(THRESHOLD_GROUPS, POSITIVE, "A run that would delete more groups than this deletes none."),
    target(THRESHOLD_ROLES, POSITIVE, "A run that would delete more roles than this deletes none."),
    // Of proxy systems only, see super::proxy.
    later("ips.proxy.scim.total.results.strategy", Shape::OneOf(&["Provided", "Calculated"]), "How a proxy system counts totalResults."),
    both("ips.date.variable.format", Shape::Text, "The format of the variable currentDate, a java.time pattern."),
    later("ips.overwrite.existedbefore.assignments", Shape::Boolean, "Replace assignments instead of merging them."),
    both(RETRY_ATTEMPTS, Shape::Integer(0, 3), "How often a failed request is tried again. Default: 2."),
    both(RETRY_INTERVAL, Shape::Integer(0, 60), "The most seconds between two attempts. Default: 30."),
    source(NOTIFICATION_REPEAT, Shape::Boolean, "Notify about every failed run, not only about the first of a series. Default: false."),
    source(NOTIFICATION_IGNORED, COUNT, "How many failed runs in a row cause no notification. Default: 0."),
    later(
        "ips.job.notification.skip.intermediate.notifications",
        Shape::Boolean,
        "Notify about the end of a run only, which is always so.",
    ),
    source(trace::FAILED_CONTENT, Shape::Boolean, "Log the content of failed entities, in the next run only."),
    source(trace::SKIPPED_CONTENT, Shape::Boolean, "Log the content of skipped entities, in the next run only."),
    source(trace::CREATED_CONTENT, Shape::Boolean, "Log the content of created entities, in the next run only."),
    source(trace::UPDATED_CONTENT, Shape::Boolean, "Log the content of updated entities, in the next run only."),
    source(trace::SKIPPED, Shape::Boolean, "Log skipped entities."),
    source(trace::CREATED, Shape::Boolean, "Log created entities."),
    source(trace::UPDATED, Shape::Boolean, "Log updated entities."),
    source(trace::DELETED, Shape::Boolean, "Deleted entities are always logged."),
    source(trace::UNLIMITED, Shape::Boolean, "Log contents in full, not only their first 150 000 characters."),
    source(
        DELTA_READ,
        Shape::OneOf(&["enabled", "disabled", "true", "false"]),
        "Read only what changed since the last successful run. Default: disabled.",
    ),
    source(
        FULL_READ_FORCE_COUNT,
        COUNT,
        "After how many scheduled delta reads (run --scheduled) everything is read once. Absent or 0: never.",
    ),
    later("ips.application.id", Shape::Text, "The application that groups belong to."),
];

/// A property of the connection: names and values are case-sensitive (section 1.3).
#[derive(Debug)]
pub(super) struct ConnectionProperty {
    pub name: &'static str,
    pub shape: Shape,
    pub help: &'static str,
}

const fn connection(name: &'static str, shape: Shape, help: &'static str) -> ConnectionProperty {
    ConnectionProperty { name, shape, help }
}

pub(super) static CONNECTION_PROPERTIES: [ConnectionProperty; 14] = [
    connection("Type", Shape::OneOf(&["HTTP", "LDAP", "RFC"]), "The transport. It follows from the connector."),
    connection("URL", Shape::Text, "The base URL of the system."),
    connection(
        "ProxyType",
        Shape::OneOf(&["Internet", "OnPremise"]),
        "Internet: the host connects directly, which is the only way there is.",
    ),
    connection(
        "Authentication",
        Shape::OneOf(&["NoAuthentication", "BasicAuthentication", "ClientCertificateAuthentication"]),
        "BasicAuthentication with OAuth2TokenServiceURL means OAuth 2.0 client credentials; ClientCertificateAuthentication the certificate of the tls table.",
    ),
    connection("User", Shape::Text, "The user, or the OAuth client's id."),
    connection("Password", Shape::Credential, "The user's password, or the OAuth client's secret."),
    connection("OAuth2TokenServiceURL", Shape::Text, "The token endpoint. With it User and Password are an OAuth client's id and secret."),
    connection("OAuth2TokenScope", Shape::Text, "The OAuth scopes, separated by spaces."),
    connection("AuthType", Shape::OneOf(&["Basic", "Form"]), "How the token request carries the client's id and secret. Default: Basic."),
    connection("client_id", Shape::Text, "The OAuth client's id where the token is fetched with the client certificate of the tls table."),
    connection(
        "jwt.subject",
        Shape::Text,
        "On whose behalf a token is fetched with a signed assertion: User issues it, Password is its private key.",
    ),
    connection("jwt.scope", Shape::Text, "The scopes of that assertion, separated by spaces."),
    connection("CloudConnectorLocationId", Shape::Text, "The location of a tunnel."),
    connection("TrustAll", Shape::Boolean, "true would accept any server certificate."),
];

pub(super) fn host_property(name: &str) -> Option<&'static HostProperty> {
    HOST_PROPERTIES.iter().find(|property| property.name == name)
}

pub(super) fn connection_property(name: &str) -> Option<&'static ConnectionProperty> {
    CONNECTION_PROPERTIES.iter().find(|property| property.name == name)
}

/// Whether the name is one of the reference's and so belongs under `properties`.
pub(super) fn knows(name: &str) -> bool {
    host_property(name).is_some() || connection_property(name).is_some() || name.starts_with(HEADER_PREFIX)
}
