//! Secure connections of a system: private authorities and the client certificate, from `[systems.x.tls]`.

use std::path::PathBuf;

use super::fields::Fields;
use super::keys;
use super::problem::Problems;
use super::raw::Raw;
use super::secret_reference::anchored;
use crate::registry::description::{Capability, Description};
use crate::secret::SecretSource;

/// Whom secure connections believe, and what they show. Paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// PEM files.
    pub authorities: Vec<PathBuf>,
    /// Whether the authorities of the operating system are believed, too.
    pub machine_authorities: bool,
    pub certificate: Option<ClientCertificate>,
}

/// A client certificate, both as PEM texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    pub certificate: SecretSource,
    /// None: in the text of the certificate.
    pub key: Option<SecretSource>,
}

/// Of a system.
pub(super) fn tls(raw: &Raw, system: &Fields, description: Option<&Description>, problems: &mut Problems) -> Tls {
    let connects = |plugin: &Description| plugin.capabilities.iter().any(|wish| matches!(wish, Capability::Http(_) | Capability::Dial(_)));
    if let (Some(table), Some(plugin)) = (system.table("tls"), description.filter(|plugin| !connects(plugin))) {
        let message = format!("{} is without effect: the plugin \"{}\" makes no connections", table.title, plugin.id);
        problems.warning("manifest.without-effect", table.at, message, "leave it out");
    }
    of_table(raw, system, problems)
}

/// What the table `tls` in this one says.
pub(super) fn of_table(raw: &Raw, above: &Fields, problems: &mut Problems) -> Tls {
    let absent = Fields::absent(&keys::TLS, above.at);
    let table = above.table("tls").unwrap_or(&absent);
    if table.secret("key").is_some() && table.secret("certificate").is_none() && !table.is_wrong("certificate") {
        let message = format!("key \"certificate\" is missing in {}: key is the private key of one", table.title);
        problems.error("manifest.missing-key", table.place("key"), message, "add certificate = { file = \"client.pem\" }");
    }
    let machine_authorities = table.boolean("machine-authorities");
    if !machine_authorities && table.texts("authorities").is_empty() && !table.is_wrong("authorities") {
        let message = format!("machine-authorities = false in {}, and no authorities: no server would be believed", table.title);
        problems.error("manifest.missing-key", table.place("machine-authorities"), message, "add authorities = [\"internal-ca.pem\"]");
    }
    let source = |name| table.secret(name).map(|source| anchored(source, &raw.directory));
    Tls {
        authorities: table.texts("authorities").iter().map(|item| raw.directory.join(&item.text)).collect(),
        machine_authorities,
        certificate: source("certificate").map(|certificate| ClientCertificate { certificate, key: source("key") }),
    }
}
