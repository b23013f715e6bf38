//! `provisor check`: everything that can be known without running. Nothing is written to any system, and no state is opened.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{Exit, certificates};
use crate::{
    manifest::{self, MAPPING, Manifest, System},
    pipeline::{Mapper, open_source, open_target},
    registry::description::Role,
    sandbox::contract::failure_code,
    setup::Setup,
};

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The manifest
    #[arg(required_unless_present = "schema")]
    manifest: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print the JSON Schema of manifests, for editors, and do nothing else
    #[arg(long)]
    schema: bool,
}

/// What one look at one system came to.
struct Finding {
    system: String,
    /// `transformation`, `certificate` or `connection`; `notify` of the notifications.
    what: &'static str,
    outcome: Result<String, (String, String)>,
}

pub(super) async fn check(args: CheckArgs, cache: &Path) -> Result<u8, Exit> {
    let Some(path) = args.manifest.filter(|_| !args.schema) else {
        print!("{}", manifest::schema::json());
        return Ok(0);
    };
    let setup = Setup::load(&path, cache).await?;
    let mut findings = Vec::new();
    for system in setup.manifest.connected().filter(|system| system.enabled) {
        findings.push(transformation(&setup, system).await);
        let certificates = certificates::judge(&setup, system).await;
        findings.extend(certificates.map(|outcome| Finding { system: system.name.clone(), what: "certificate", outcome }));
        findings.push(connection(&setup, system).await);
    }
    if let Some(notifier) = setup.notifier() {
        let outcome = notifier.check().await.map_err(|(code, message)| (code.to_owned(), message));
        findings.push(Finding { system: "notifications".into(), what: "notify", outcome });
    }
    let failed = findings.iter().any(|finding| finding.outcome.is_err());
    if args.json {
        println!("{}", as_json(&setup, &findings));
    } else {
        as_text(&setup.manifest, &setup, &findings);
    }
    Ok(u8::from(failed))
}

async fn transformation(setup: &Setup, system: &System) -> Finding {
    let opened = Mapper::open(setup.mapping(system, None)).await;
    let outcome = match opened.and_then(|mapper| if system.role == Role::Source { mapper.demand_id().map(|()| mapper) } else { Ok(mapper) })
    {
        Ok(mut mapper) => {
            let warnings: Vec<String> = mapper.warnings().collect();
            match mapper.entity_types().await {
                Ok(types) => {
                    let origins: Vec<&str> = system.transformation.iter().map(|element| element.origin.as_str()).collect();
                    let types = types.map_or("every entity type".to_owned(), |types| types.join(", "));
                    let head = format!("{} handles {types}", origins.join(" > "));
                    Ok(std::iter::once(head).chain(warnings).collect::<Vec<_>>().join("\n    "))
                }
                Err(error) => Err((error.code().to_owned(), error.to_string())),
            }
        }
        Err(error) => Err((error.code().to_owned(), error.to_string())),
    };
    Finding { system: system.name.clone(), what: "transformation", outcome }
}

async fn connection(setup: &Setup, system: &System) -> Finding {
    let outcome = match try_connection(setup, system).await {
        Ok(line) => Ok(line),
        Err((code, mut message)) => {
            // What the host refused says more than what the plugin made of it.
            for refusal in setup.connector(system).authority.refusals() {
                message.push_str("\n    ");
                message.push_str(&refusal.replace('\n', "\n    "));
            }
            Err((code, message))
        }
    };
    Finding { system: system.name.clone(), what: "connection", outcome }
}

async fn try_connection(setup: &Setup, system: &System) -> Result<String, (String, String)> {
    let event = |fault: crate::sandbox::Fault| (fault.code().to_owned(), fault.to_string());
    let answer = if system.role == Role::Source {
        let mut source = open_source(&setup.source(system)).await.map_err(|e| (e.code().to_owned(), e.to_string()))?;
        source.probe().await.map_err(event)?
    } else {
        let mut target = open_target(&setup.connector(system)).await.map_err(|e| (e.code().to_owned(), e.to_string()))?;
        target.probe().await.map_err(event)?
    };
    answer.map_err(|failure| (failure_code(&failure.kind).to_owned(), failure.message))
}

fn as_text(manifest: &Manifest, setup: &Setup, findings: &[Finding]) {
    println!("manifest   {}: ok, {} systems", manifest.path.display(), manifest.systems.len() + manifest.proxies.len());
    for warning in &setup.warnings {
        println!("{warning}");
    }
    for system in manifest.connected() {
        for id in plugins(system) {
            if let Some(found) = setup.registry.get(id) {
                println!("plugin     {}: {id} {} ({})", system.name, found.plugin.description().version, found.file.display());
            }
        }
        for grant in grants(system) {
            println!("grant      {}: {grant}", system.name);
        }
    }
    for finding in findings {
        match &finding.outcome {
            Ok(line) => println!("{:<10} {}: ok, {line}", short(finding.what), finding.system),
            Err((code, message)) => println!("{:<10} {}: error[{code}]: {message}", short(finding.what), finding.system),
        }
    }
}

/// The connector, and what transforms beside the bundled mapping.
fn plugins(system: &System) -> impl Iterator<Item = &str> {
    let elements = system.transformation.iter().map(|element| element.plugin.as_str());
    std::iter::once(system.connector.as_str()).chain(elements.filter(|id| *id != MAPPING))
}

fn short(what: &str) -> &str {
    if what == "transformation" { "mapping" } else { what }
}

/// What a system may do, a line each.
fn grants(system: &System) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(system.origins.iter().map(|origin| format!("http {origin}")));
    lines.extend(system.endpoints.iter().map(|endpoint| format!("dial {endpoint}")));
    lines.extend(system.grants.networks.iter().map(|network| format!("network {network}")));
    lines.extend(system.grants.secrets.keys().map(|name| format!("secret {name}")));
    lines.extend(
        system
            .files
            .iter()
            .map(|folder| format!("folder {} ({})", folder.host.display(), if folder.write { "read and write" } else { "read-only" })),
    );
    lines
}

fn as_json(setup: &Setup, findings: &[Finding]) -> Value {
    let systems: Vec<Value> = setup
        .manifest
        .connected()
        .map(|system| {
            let transformation: Vec<Value> =
                system.transformation.iter().map(|element| json!({ "plugin": element.plugin, "origin": element.origin })).collect();
            json!({
                "name": system.name, "role": system.role.to_string(), "connector": system.connector, "transformation": transformation,
                "grants": grants(system),
            })
        })
        .collect();
    let findings: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let (ok, code, message) = match &finding.outcome {
                Ok(line) => (true, Value::Null, line),
                Err((code, message)) => (false, code.as_str().into(), message),
            };
            json!({ "system": finding.system, "what": finding.what, "ok": ok, "code": code, "message": message })
        })
        .collect();
    let warnings: Vec<String> = setup.warnings.iter().map(ToString::to_string).collect();
    json!({ "manifest": setup.manifest.path.display().to_string(), "systems": systems, "findings": findings, "warnings": warnings })
}
