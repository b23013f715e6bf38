//! The second stage: the manifest together with what the plugins say about themselves.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use super::fields::Fields;
use super::keys;
use super::model::{Auth, Deletions, Failures, Limits, Manifest, System, Threshold, TransformationText};
use super::problem::{Problem, Problems};
use super::properties::{self, Judge, Sorted};
use super::raw::Raw;
use super::{authority, connection, nearest, reference, secret_reference};
use crate::registry::description::{Description, Role};

/// The largest transformation there can be, in bytes. The published ones have at most some hundred kilobytes.
const LARGEST_TRANSFORMATION: u64 = 16 << 20;

type Describe<'f, 'd> = &'f dyn Fn(&str) -> Option<&'d Description>;

pub(super) fn manifest(raw: &Raw, describe: Describe<'_, '_>, known_ids: &[String]) -> Result<(Manifest, Vec<Problem>), Vec<Problem>> {
    let mut problems = raw.problems.clone();
    let mut systems = Vec::new();
    if raw.readable {
        for (name, fields) in raw.fields.tables("systems") {
            sources(raw, fields, &mut problems);
            systems.extend(system(raw, name, fields, describe, known_ids, &mut problems));
        }
    }
    let problems = problems.sorted();
    if problems.iter().any(Problem::is_error) {
        return Err(problems);
    }
    let manifest =
        Manifest { path: raw.path.clone(), directory: raw.directory.clone(), plugins: raw.plugins(), state: raw.state(), systems };
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
        if source.text("role") == Some("target") {
            let message = format!("\"{}\" is a target and cannot be a source of {}", item.text, fields.title);
            problems.error("manifest.not-a-source", item.at, message, "name a system with role = \"source\"");
        }
    }
}

/// One system; nothing where its role or its connector is not known.
fn system(
    raw: &Raw,
    name: &str,
    fields: &Fields,
    describe: Describe<'_, '_>,
    known_ids: &[String],
    problems: &mut Problems,
) -> Option<System> {
    let role = match fields.text("role") {
        Some("source") => Some(Role::Source),
        Some("target") => Some(Role::Target),
        _ => None,
    };
    let id = fields.text("connector");
    let description = id.and_then(|id| connector(raw, id, role, fields, describe, known_ids, problems));
    let role = role?;
    let transformation = transformation(raw, role, fields, description, problems);
    let judge =
        Judge { role, fields, description, transformation: transformation.as_ref().map(|transformation| transformation.text.as_str()) };
    let sorted = properties::sort(&judge, problems);
    let auth = anchored(connection::auth(fields, description, &sorted.connection, problems), raw);
    let headers = headers(&sorted, &auth, problems);
    let deletions = deletions(fields, &sorted);
    let failures = failures(fields, &sorted);
    let limits = fields.table("limits").cloned().unwrap_or_else(|| Fields::absent(&keys::LIMITS, fields.at));
    let authority = authority::of(raw, fields, role, description?, &sorted, problems);
    Some(System {
        name: name.to_owned(),
        role,
        connector: id?.to_owned(),
        enabled: fields.boolean("enabled"),
        properties: sorted.settings,
        parameters: sorted.parameters,
        sources: fields.texts("sources").iter().map(|item| item.text.clone()).collect(),
        transformation: transformation?,
        auth,
        headers,
        grants: authority.grants,
        files: authority.files,
        origins: authority.origins,
        endpoints: authority.endpoints,
        page_size: fields.integer("page-size"),
        deletions,
        failures,
        limits: Limits {
            memory_bytes: limits.memory("memory"),
            call_timeout: limits.time("call-timeout"),
            requests_per_second: NonZeroU32::new(limits.integer("requests-per-second")),
            concurrency: Some(limits.integer("concurrency")).filter(|at_once| *at_once > 0),
        },
    })
}

/// The description of the connector if it can be used in this role.
fn connector<'d>(
    raw: &Raw,
    id: &str,
    role: Option<Role>,
    fields: &Fields,
    describe: Describe<'_, 'd>,
    known_ids: &[String],
    problems: &mut Problems,
) -> Option<&'d Description> {
    let at = fields.place("connector");
    let Some(description) = describe(id) else {
        let (code, message, help) = if known_ids.iter().any(|known| known == id) {
            ("manifest.unusable-connector", format!("the plugin \"{id}\" cannot be used"), "the message about its file says why".to_owned())
        } else if known_ids.is_empty() {
            let message = format!("there is no plugin \"{id}\": no plugin was found in {}", raw.plugins().display());
            ("manifest.unknown-connector", message, "put its .wasm file there, or build the plugins first".to_owned())
        } else {
            let mut names: Vec<&str> = known_ids.iter().map(String::as_str).collect();
            names.sort_unstable();
            let message = format!("there is no plugin \"{id}\" in {}", raw.plugins().display());
            ("manifest.unknown-connector", message, nearest::suggestion_or_list(id, names))
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

fn transformation(
    raw: &Raw,
    role: Role,
    fields: &Fields,
    description: Option<&Description>,
    problems: &mut Problems,
) -> Option<TransformationText> {
    if let Some(file) = fields.text("transformation") {
        return match transformation_file(&raw.directory.join(file)) {
            Ok(text) => Some(TransformationText { text, origin: beside(raw, file) }),
            Err(why) => {
                let message = format!("the transformation {file:?} cannot be read: {why}");
                let help = "name a file, relative to the manifest, or leave the key out to use the connector's default";
                problems.error("manifest.unreadable-transformation", fields.place("transformation"), message, help);
                None
            }
        };
    }
    let description = description?;
    let default = match role {
        Role::Source => &description.default_read_transformation,
        Role::Target | Role::Transformation => &description.default_write_transformation,
    };
    if default.is_none() && !fields.is_wrong("transformation") {
        let message = format!("{} names no transformation and the plugin \"{}\" has no default for a {role}", fields.title, description.id);
        problems.error("manifest.missing-transformation", fields.at, message, "add transformation = \"file.json\"");
    }
    default.as_ref().map(|text| TransformationText { text: text.clone(), origin: format!("default of plugin {}", description.id) })
}

fn transformation_file(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = fs::metadata(path).and_then(|metadata| {
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !metadata.is_file() {
            // Opening a pipe waits for whoever writes to it, perhaps for ever.
            return Err(io::Error::other("it is not a regular file"));
        }
        File::open(path)?.take(LARGEST_TRANSFORMATION + 1).read_to_end(&mut bytes)
    });
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err("there is no such file".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => return Err("it is a directory".to_owned()),
        Err(error) => return Err(error.to_string()),
        Ok(_) if bytes.len() as u64 > LARGEST_TRANSFORMATION => {
            return Err(format!("it is larger than {} MiB", LARGEST_TRANSFORMATION >> 20));
        }
        Ok(_) => {}
    }
    String::from_utf8(bytes).map_err(|error| format!("it is not UTF-8 text from byte {} on", error.utf8_error().valid_up_to()))
}

/// The file's path in the terms in which the operator named the manifest.
fn beside(raw: &Raw, file: &str) -> String {
    raw.named.parent().unwrap_or(Path::new("")).join(file).display().to_string()
}

/// The same credentials with the paths of their secrets made absolute.
fn anchored(auth: Auth, raw: &Raw) -> Auth {
    let anchored = |source| secret_reference::anchored(&source, &raw.directory);
    match auth {
        Auth::None => Auth::None,
        Auth::Basic { user, password } => Auth::Basic { user, password: anchored(password) },
        Auth::Bearer { token } => Auth::Bearer { token: anchored(token) },
        Auth::OAuth2ClientCredentials { token_url, client_id, client_secret, scope, style } => {
            Auth::OAuth2ClientCredentials { token_url, client_id, client_secret: anchored(client_secret), scope, style }
        }
    }
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

fn deletions(fields: &Fields, sorted: &Sorted) -> Deletions {
    let Deletions { max_count, max_percent, .. } = Deletions::default();
    let table = fields.table("deletions");
    let threshold = |name| sorted.host.get(name).and_then(|text| text.parse().ok()).map_or(Threshold::Off, Threshold::Above);
    Deletions {
        max_count: table.map_or(max_count, |table| table.integer("max-count")),
        max_percent: table.map_or(max_percent, |table| table.integer("max-percent")),
        delete_existed_before: sorted.host.get(reference::EXISTED_BEFORE).is_some_and(|text| text == "true"),
        threshold_users: threshold(reference::THRESHOLD_USERS),
        threshold_groups: threshold(reference::THRESHOLD_GROUPS),
    }
}
