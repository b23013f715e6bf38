//! The second stage: the manifest together with what the plugins say about themselves.

use std::num::NonZeroU32;
use std::time::Duration;

use super::auth::Auth;
use super::fields::Fields;
use super::keys;
use super::model::{Delta, Failures, Limits, Manifest, System};
use super::notifications::NotificationRules;
use super::problem::{Place, Problem, Problems};
use super::properties::{self, Judge, Sorted};
use super::raw::Raw;
use super::trace::Trace;
use super::{authority, connection, deletions, nearest, notifications, proxy, reference, secret_reference, serve, tls, transformation};
use crate::registry::description::{Description, Role};

pub(super) type Describe<'f, 'd> = &'f dyn Fn(&str) -> Option<&'d Description>;

/// The plugins there are.
#[derive(Clone, Copy)]
pub(super) struct Plugins<'f, 'd> {
    pub describe: Describe<'f, 'd>,
    /// All ids found, those of plugins that cannot be used included.
    pub known_ids: &'f [String],
}

pub(super) fn manifest(raw: &Raw, describe: Describe<'_, '_>, known_ids: &[String]) -> Result<(Manifest, Vec<Problem>), Vec<Problem>> {
    let mut problems = raw.problems.clone();
    let (mut systems, mut proxies) = (Vec::new(), Vec::new());
    let plugins = Plugins { describe, known_ids };
    if raw.readable {
        for (name, fields) in raw.fields.tables("systems") {
            sources(raw, fields, &mut problems);
            if fields.text("role") == Some("proxy") {
                proxies.extend(proxy::of(raw, name, fields, plugins, &mut problems));
            } else {
                systems.extend(system(raw, name, fields, plugins, &mut problems));
            }
        }
    }
    let notifications = notifications::notifications(raw, &mut problems);
    let directories = serve::directories(raw, &mut problems);
    let serve = serve::of(raw, &mut problems);
    let problems = problems.sorted();
    if problems.iter().any(Problem::is_error) {
        return Err(problems);
    }
    let absent = Fields::absent(&keys::HISTORY, Place::START);
    let retention = raw.fields.table("history").unwrap_or(&absent).time("retention");
    let manifest = Manifest {
        path: raw.path.clone(),
        directory: raw.directory.clone(),
        plugins: raw.plugins(),
        state: raw.state(),
        retention,
        notifications,
        systems,
        proxies,
        directories,
        serve,
    };
    Ok((manifest, problems))
}

/// Every source of a target exists and is one.
fn sources(raw: &Raw, fields: &Fields, problems: &mut Problems) {
    let systems = raw.fields.tables("systems");
    for item in fields.texts("sources") {
        let Some((_, source)) = systems.iter().find(|(name, _)| *name == item.text) else {
            let names = systems.iter().filter(|(_, fields)| fields.text("role") == Some("source")).map(|(name, _)| name.as_str());
            let help = nearest::suggestion_or_list(&item.text, names.collect::<Vec<_>>());
            let message = format!("there is no system \"{}\" to be a source of {}", item.text, fields.title);
            problems.error("manifest.missing-source", item.at, message, help);
            continue;
        };
        if let Some(role @ ("target" | "proxy")) = source.text("role") {
            let message = format!("\"{}\" is a {role} and cannot be a source of {}", item.text, fields.title);
            problems.error("manifest.not-a-source", item.at, message, "name a system with role = \"source\"");
        }
    }
}

/// One system; nothing where its role or its connector is not known.
fn system(raw: &Raw, name: &str, fields: &Fields, plugins: Plugins<'_, '_>, problems: &mut Problems) -> Option<System> {
    let role = match fields.text("role") {
        Some("source") => Some(Role::Source),
        Some("target") => Some(Role::Target),
        _ => None,
    };
    in_role(raw, name, fields, (role, "transformation"), plugins, problems)
}

/// A system in one role, with the transformation under this key.
pub(super) fn in_role(
    raw: &Raw,
    name: &str,
    fields: &Fields,
    (role, key): (Option<Role>, &str),
    plugins: Plugins<'_, '_>,
    problems: &mut Problems,
) -> Option<System> {
    let id = fields.text("connector");
    let description = id.and_then(|id| plugin(raw, id, role, fields.place("connector"), plugins, problems));
    let role = role?;
    let chain = transformation::chain(raw, (role, key), fields, description, plugins, problems);
    let texts = chain.as_ref().map(|chain| transformation::texts_of_the_system(chain));
    let sorted = properties::sort(&Judge { role, fields, description, texts: texts.as_deref() }, problems);
    let transformation = chain.map(|chain| transformation::elements(chain, &sorted.parameters, problems));
    let auth = connection::auth(fields, description, &sorted.connection, problems);
    let auth = auth.map(&|source| secret_reference::anchored(source, &raw.directory));
    let tls = tls::tls(raw, fields, description, problems);
    let headers = headers(&sorted, &auth, problems);
    let deletions = deletions::resolve(fields, &sorted, description, problems);
    let delta = delta(&sorted);
    let failures = failures(fields, &sorted);
    let trace = Trace::of(&sorted.host);
    let notify = NotificationRules::of(&sorted.host);
    let limits = fields.table("limits").cloned().unwrap_or_else(|| Fields::absent(&keys::LIMITS, fields.at));
    let authority = authority::of(raw, fields, role, description?, &sorted, problems);
    Some(System {
        name: name.to_owned(),
        role,
        connector: id?.to_owned(),
        enabled: fields.boolean("enabled"),
        properties: sorted.settings,
        sources: fields.texts("sources").iter().map(|item| item.text.clone()).collect(),
        transformation: transformation?,
        auth,
        tls,
        headers,
        grants: authority.grants,
        files: authority.files,
        origins: authority.origins,
        endpoints: authority.endpoints,
        page_size: fields.integer("page-size"),
        members_whole: fields.integer("members-whole"),
        deletions,
        delta,
        failures,
        limits: Limits {
            memory_bytes: limits.memory("memory"),
            call_timeout: limits.time("call-timeout"),
            requests_per_second: NonZeroU32::new(limits.integer("requests-per-second")),
            concurrency: Some(limits.integer("concurrency")).filter(|at_once| *at_once > 0),
        },
        trace,
        notify,
    })
}

/// The description of a plugin if it can be used in this role.
pub(super) fn plugin<'d>(
    raw: &Raw,
    id: &str,
    role: Option<Role>,
    at: Place,
    plugins: Plugins<'_, 'd>,
    problems: &mut Problems,
) -> Option<&'d Description> {
    let known_ids = plugins.known_ids;
    let (unknown, unusable) = match role {
        Some(Role::Transformation) => ("manifest.unknown-plugin", "manifest.unusable-plugin"),
        _ => ("manifest.unknown-connector", "manifest.unusable-connector"),
    };
    let Some(description) = (plugins.describe)(id) else {
        let (code, message, help) = if known_ids.iter().any(|known| known == id) {
            (unusable, format!("the plugin \"{id}\" cannot be used"), "the message about its file says why".to_owned())
        } else if known_ids.is_empty() {
            let message = format!("there is no plugin \"{id}\": no plugin was found in {}", raw.plugins().display());
            (unknown, message, "put its .wasm file there, or build the plugins first".to_owned())
        } else {
            let mut names: Vec<&str> = known_ids.iter().map(String::as_str).collect();
            names.sort_unstable();
            let message = format!("there is no plugin \"{id}\" in {}", raw.plugins().display());
            (unknown, message, nearest::suggestion_or_list(id, names))
        };
        problems.error(code, at, message, help);
        return None;
    };
    if let Some(role) = role.filter(|role| !description.roles.contains(role)) {
        let roles: Vec<String> = description.roles.iter().map(ToString::to_string).collect();
        let help = format!("it can be a {}", roles.join(" or a "));
        problems.error("manifest.unsupported-role", at, format!("the plugin \"{id}\" cannot be a {role}"), help);
        return None;
    }
    Some(description)
}

/// spec/provisioning.md section 1.3: an `authorization` header is ignored when credentials exist.
fn headers(sorted: &Sorted, auth: &Auth, problems: &mut Problems) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for (at, name, value) in &sorted.headers {
        if name.eq_ignore_ascii_case("authorization") {
            if !matches!(auth, Auth::None) {
                let message = "the header \"authorization\" is without effect: the system has credentials";
                problems.warning("manifest.without-effect", *at, message, "leave it out");
                continue;
            }
            let message = "the header \"authorization\" puts a credential into the manifest";
            problems.warning("manifest.plain-header", *at, message, "write it as auth with a reference to a secret");
        }
        if headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            let message = format!("the header \"{name}\" stands twice: names of headers are not case-sensitive");
            problems.error("manifest.wrong-name", *at, message, "leave one out");
            continue;
        }
        headers.push((name.clone(), value.clone()));
    }
    headers.sort();
    headers
}

/// The bounds are those of the reference (spec section 2.12).
fn failures(fields: &Fields, sorted: &Sorted) -> Failures {
    let absent = Fields::absent(&keys::FAILURES, fields.at);
    let table = fields.table("failures").unwrap_or(&absent);
    let number = |name, default| sorted.host.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    Failures {
        attempts: number(reference::RETRY_ATTEMPTS, 2),
        interval: Duration::from_secs(u64::from(number(reference::RETRY_INTERVAL, 30))),
        max_outage: table.time("max-outage"),
        max_count: table.integer("max-count"),
        max_percent: table.integer("max-percent"),
    }
}

fn delta(sorted: &Sorted) -> Delta {
    let full_after = sorted.host.get(reference::FULL_READ_FORCE_COUNT).and_then(|text| text.parse().ok());
    Delta {
        enabled: sorted.host.get(reference::DELTA_READ).is_some_and(|text| text == "enabled" || text == "true"),
        full_after: full_after.filter(|count| *count > 0),
    }
}
