//! The resolved manifest: what the other rooms work with. Nothing here stands for "the default": defaults are filled in.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::auth::Auth;
use super::deletions::Deletions;
use super::notifications::{NotificationRules, Notifications};
use super::proxy::Proxy;
use super::serve::{Directory, Serve};
use super::tls::Tls;
use super::trace::Trace;
use crate::registry::description::Role;
use crate::secret::SecretSource;

/// A manifest that is right. All paths are absolute.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub path: PathBuf,
    /// The folder of the manifest; relative paths in it start here.
    pub directory: PathBuf,
    /// The folder of the plugins.
    pub plugins: PathBuf,
    /// The file of the state database.
    pub state: PathBuf,
    /// How long runs and the log of single entities are kept.
    pub retention: Duration,
    /// Who is told of runs.
    pub notifications: Option<Notifications>,
    /// Sources and targets, in the order of the text.
    pub systems: Vec<System>,
    /// In the order of the text.
    pub proxies: Vec<Proxy>,
    /// In the order of the text.
    pub directories: Vec<Directory>,
    /// Absent where the manifest is not to be served.
    pub serve: Option<Serve>,
}

impl Manifest {
    pub fn system(&self, name: &str) -> Option<&System> {
        self.systems.iter().find(|system| system.name == name)
    }

    /// Everything a connector is behind: sources, targets, and both sides of proxy systems.
    pub fn connected(&self) -> impl Iterator<Item = &System> {
        self.systems.iter().chain(self.proxies.iter().flat_map(|proxy| [&proxy.read, &proxy.write]))
    }

    /// The enabled targets that are fed by this source, in the order of the text.
    pub fn targets_of<'m>(&'m self, source: &'m str) -> impl Iterator<Item = &'m System> {
        self.systems.iter().filter(move |system| system.enabled && system.sources.iter().any(|name| name == source))
    }
}

#[derive(Clone, Debug)]
pub struct System {
    pub name: String,
    /// Source or target.
    pub role: Role,
    /// The id of its plugin.
    pub connector: String,
    pub enabled: bool,
    /// What the plugin is opened with: every property it describes for the role that is set or has a default, as checked text. No credentials.
    pub properties: BTreeMap<String, String>,
    /// Targets only: the names of their sources, at least one.
    pub sources: Vec<String>,
    /// In the order in which they run; at least one.
    pub transformation: Vec<Element>,
    pub auth: Auth,
    pub tls: Tls,
    /// Headers of every request (`ips.http.header.<name>`), by name. One that the plugin sets itself wins.
    pub headers: Vec<(String, String)>,
    /// What the operator granted and the plugin asks for.
    pub grants: Grants,
    /// Folders to preopen; no two have the same guest name.
    pub files: Vec<GrantedFolder>,
    /// All origins (`https://host`, with the port where it is not the scheme's own) the plugin may send requests to: those of its properties, and the
    /// literal ones it asks for that are granted.
    pub origins: Vec<String>,
    /// All endpoints (`host:port`) the plugin may dial, by the same rule.
    pub endpoints: Vec<String>,
    /// The most entities of a page, 1 to 10 000.
    pub page_size: u32,
    /// Targets: a group with more members than this is sent differences.
    pub members_whole: usize,
    pub deletions: Deletions,
    pub delta: Delta,
    pub failures: Failures,
    pub limits: Limits,
    /// Sources only: what is logged of single entities.
    pub trace: Trace,
    /// Sources only: which runs are told of.
    pub notify: NotificationRules,
}

/// The id of the component that speaks the mapping language. It ships with the host and runs every element that names no other.
pub const MAPPING: &str = "mapping";

/// An element of a system's transformation: it takes up what the one before it puts out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The id of the component that runs it.
    pub plugin: String,
    /// What the component is to do, in a language of its own; empty where no file was named.
    pub text: String,
    /// Where it comes from, for messages: the file as the manifest names it, `default of plugin file`, or `plugin unique-user-name`.
    pub origin: String,
    /// What it is opened with. [`MAPPING`]: what its text may read as `%name%`, which is all properties of the system that are not credentials, those of the
    /// host (`ips.*`, `User`) included, and over them those of the element. Any other component: the properties it describes, defaults included, and the
    /// parameters of its text; nothing of the system's.
    pub properties: BTreeMap<String, String>,
}

/// What the operator granted, as far as the plugin asks for it. `http` and `dial` are part of [`System::origins`] and [`System::endpoints`] already.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    pub http: Vec<String>,
    pub dial: Vec<String>,
    /// Ranges in CIDR notation that a granted name may resolve to although they are not public.
    pub networks: Vec<String>,
    /// Secrets the plugin may read, by the name it asks for: those granted by name and its credential properties.
    pub secrets: BTreeMap<String, SecretSource>,
}

/// A folder of the host that a plugin sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedFolder {
    /// The name under which the plugin sees it: the folder part of the property's own text, `.` where there is none.
    pub guest: String,
    /// Absolute. A writable folder need not exist yet.
    pub host: PathBuf,
    pub write: bool,
}

/// Whether a source is asked for changes only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// `ips.delta.read`.
    pub enabled: bool,
    /// `ips.full.read.force.count`; nothing: never.
    pub full_after: Option<u64>,
}

/// How failed requests are tried again, and when a run gives a system up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// `ips.failed.request.retry.attempts`, 0 to 3.
    pub attempts: u32,
    /// `ips.failed.request.retry.attempts.interval`: the longest pause between two attempts.
    pub interval: Duration,
    /// How long a system may be away.
    pub max_outage: Duration,
    /// More failed entities than this and than `max_percent` of those handled: no more is written.
    pub max_count: u64,
    pub max_percent: u8,
}

/// What the plugin may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub memory_bytes: u64,
    /// Of one call.
    pub call_timeout: Duration,
    /// HTTP requests a second, over all instances.
    pub requests_per_second: Option<NonZeroU32>,
    /// HTTP requests at once, over all instances.
    pub concurrency: Option<usize>,
}
