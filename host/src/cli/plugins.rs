//! `provisor plugins`: what is in a plugins folder, and accepting plugins that changed.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Exit;
use crate::{
    registry::{
        Found, Registry,
        description::{Capability, PropertyKind, Reference},
    },
    sandbox::Sandbox,
    setup,
};

#[derive(Debug, Subcommand)]
pub enum PluginsCommand {
    /// The plugins of a folder, a line each, and the files that are refused
    List(Folder),
    /// Everything one plugin says about itself: properties, capabilities, default transformations
    Inspect {
        /// The plugin's id
        id: String,
        #[command(flatten)]
        folder: Folder,
    },
    /// Accept the plugins a manifest's folder holds now, after one changed
    Accept {
        /// The manifest whose lock is written
        manifest: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct Folder {
    /// The folder of plugins
    #[arg(long, default_value = "plugins", value_name = "DIR")]
    plugins: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn plugins(command: PluginsCommand, cache: &Path) -> Result<u8, Exit> {
    match command {
        PluginsCommand::List(folder) => list(&folder, cache).await,
        PluginsCommand::Inspect { id, folder } => inspect(&id, &folder, cache).await,
        PluginsCommand::Accept { manifest } => {
            for pinned in setup::accept(&manifest, cache, |_| true).await? {
                println!("{} {} {}", pinned.id, pinned.version, pinned.sha256);
            }
            Ok(0)
        }
    }
}

async fn scan(folder: &Folder, cache: &Path) -> Result<Registry, Exit> {
    Ok(Registry::scan(&Sandbox::new(cache)?, &folder.plugins).await?)
}

async fn list(folder: &Folder, cache: &Path) -> Result<u8, Exit> {
    let registry = scan(folder, cache).await?;
    if folder.json {
        let found: Vec<Value> = registry.iter().map(|(_, found)| summary(found)).collect();
        let refused: Vec<Value> = registry
            .refused()
            .iter()
            .map(|r| json!({ "file": r.file.display().to_string(), "code": r.code, "message": r.message }))
            .collect();
        println!("{}", json!({ "plugins": found, "refused": refused }));
    } else {
        for (id, found) in registry.iter() {
            let description = found.plugin.description();
            let roles: Vec<String> = description.roles.iter().map(ToString::to_string).collect();
            println!("{id:<16} {:<8} {:<16} {}", description.version, roles.join(", "), description.summary);
        }
        for line in setup::refused(&registry) {
            println!("refused: {line}");
        }
    }
    Ok(if registry.refused().is_empty() { 0 } else { 2 })
}

async fn inspect(id: &str, folder: &Folder, cache: &Path) -> Result<u8, Exit> {
    let registry = scan(folder, cache).await?;
    let Some(found) = registry.get(id) else {
        let known: Vec<&str> = registry.iter().map(|(id, _)| id).collect();
        let refused = setup::refused_lines(&registry);
        return Err(Exit::input(format!("error[registry.unknown]: there is no plugin {id:?}; there are: {}{refused}", known.join(", "))));
    };
    if folder.json {
        println!("{}", everything(found));
        return Ok(0);
    }
    let description = found.plugin.description();
    println!("{} {}: {}", description.id, description.version, description.summary);
    println!("file      {} ({})", found.file.display(), found.plugin.digest());
    println!("roles     {}", description.roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    // A transformation lists none: what it handles follows from its text.
    if !description.entity_types.is_empty() {
        println!("entities  {}", description.entity_types.iter().map(|e| e.name.as_str()).collect::<Vec<_>>().join(", "));
    }
    for capability in &description.capabilities {
        println!("asks for  {}", wish(capability));
    }
    for property in &description.properties {
        let mut facts = vec![kind(&property.kind)];
        facts.extend(property.required.then(|| "required".to_owned()));
        facts.extend(property.credential.then(|| "secret".to_owned()));
        facts.extend(property.default.as_ref().map(|default| format!("default {default:?}")));
        facts.extend(property.roles.first().map(|role| format!("{role} only")).filter(|_| property.roles.len() == 1));
        println!("property  {} ({})\n          {}", property.name, facts.join(", "), property.help);
    }
    for (what, text) in [("read", &description.default_read_transformation), ("write", &description.default_write_transformation)] {
        if let Some(text) = text {
            println!("default {what} transformation:\n{text}");
        }
    }
    Ok(0)
}

fn kind(kind: &PropertyKind) -> String {
    match kind {
        PropertyKind::Text => "text".into(),
        PropertyKind::Integer => "integer".into(),
        PropertyKind::Boolean => "boolean".into(),
        PropertyKind::Url => "URL".into(),
        PropertyKind::Path => "path".into(),
        PropertyKind::Choice(values) => {
            format!("one of {}", values.iter().map(|value| if value.is_empty() { "\"\"" } else { value }).collect::<Vec<_>>().join(", "))
        }
    }
}

fn wish(capability: &Capability) -> String {
    let place = |reference: &Reference| match reference {
        Reference::Property(name) => format!("of property {name} (setting it is the grant)"),
        Reference::Literal(text) => format!("{text} (to be granted by name)"),
    };
    match capability {
        Capability::Http(origin) => format!("http to the origin {}", place(origin)),
        Capability::Dial(endpoint) => format!("a byte stream to the endpoint {}", place(endpoint)),
        Capability::Files { property, write, .. } => {
            format!("the folder of property {property}, {}", if *write { "to write" } else { "read-only" })
        }
        Capability::Secret(name) => format!("the secret {name}"),
    }
}

fn summary(found: &Found) -> Value {
    let description = found.plugin.description();
    json!({
        "id": description.id, "version": description.version, "summary": description.summary,
        "roles": description.roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "file": found.file.display().to_string(), "sha256": found.plugin.digest(),
    })
}

fn everything(found: &Found) -> Value {
    let description = found.plugin.description();
    let mut all = summary(found);
    all["imports"] = found.plugin.shape().imports.clone().into();
    all["entity-types"] =
        description.entity_types.iter().map(|e| json!({ "name": e.name, "unique-attributes": e.unique_attributes })).collect();
    all["properties"] = description
        .properties
        .iter()
        .map(|p| {
            json!({
                "name": p.name, "kind": kind(&p.kind), "default": p.default, "required": p.required, "credential": p.credential,
                "help": p.help, "roles": p.roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        })
        .collect();
    all["capabilities"] = description.capabilities.iter().map(wish).collect();
    all["default-read-transformation"] = description.default_read_transformation.clone().into();
    all["default-write-transformation"] = description.default_write_transformation.clone().into();
    all
}
