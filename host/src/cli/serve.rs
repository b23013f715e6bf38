//! `provisor serve` and `provisor token`.

use std::{
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::{Exit, signals};
use crate::{
    directory::Directory,
    manifest::{self, Manifest, Problem},
    proxy::Proxy,
    scim::Backend,
    serve::{ServeError, Server, Services, new_token},
    setup::{Setup, SetupError},
};

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The manifest
    manifest: PathBuf,
    /// Listen here instead of where the manifest says; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub struct TokenArgs {
    /// The client's name
    name: String,
    /// What it may ask, as named in the manifest
    #[arg(required = true)]
    systems: Vec<String>,
}

impl From<ServeError> for Exit {
    fn from(error: ServeError) -> Self {
        let message = format!("error[{}]: {error}", error.code());
        if matches!(error, ServeError::Listen { .. }) { Self::environment(message) } else { Self::input(message) }
    }
}

pub(super) async fn serve(args: ServeArgs, cache: &Path) -> Result<u8, Exit> {
    let loaded = load(&args.manifest, cache).await?;
    let manifest = &loaded.manifest;
    for warning in &loaded.warnings {
        eprintln!("{warning}");
    }
    let Some(mut settings) = manifest.serve.clone() else {
        return Err(Exit::input(
            "error[serve.not-configured]: the manifest has no [serve], so nobody could ask; provisor token begins one",
        ));
    };
    if let Some(listen) = args.listen {
        if !listen.ip().is_loopback() && settings.listen.ip().is_loopback() && settings.tls.is_none() {
            return Err(Exit::input(format!(
                "error[serve.plain-http]: {listen} is no address of this machine alone and there is no tls; say so in the manifest"
            )));
        }
        settings.listen = listen;
    }
    let mut services = Services::new();
    for directory in &manifest.directories {
        let opened = Directory::open(&directory.file, &directory.user_schemas, &directory.group_schemas)
            .map_err(|error| Exit::environment(format!("error[{}]: {error}", error.code())))?;
        services.insert(directory.name.clone(), Arc::new(opened) as Arc<dyn Backend>);
    }
    if let Some(setup) = &loaded.setup {
        setup.pin_new()?;
        for proxy in setup.manifest.proxies.iter().filter(|proxy| proxy.enabled) {
            let opened = Proxy::open(setup.proxy(proxy))
                .await
                .map_err(|error| Exit::input(format!("error[{}]: system {:?}: {error}", error.code(), proxy.name)))?;
            services.insert(proxy.name.clone(), Arc::new(Arc::new(opened)) as Arc<dyn Backend>);
        }
    }
    let names: Vec<String> = services.keys().cloned().collect();
    let server = Server::bind(settings, services).await?;
    let stop = signals::stop_serving();
    let mut output = std::io::stdout();
    for name in names {
        // Whoever started it may have closed the output; that is no reason to stop.
        let _ = writeln!(output, "{}/scim/{}", server.url(), name.replace(' ', "%20"));
    }
    let _ = writeln!(output, "ready").and_then(|()| output.flush());
    server.run(stop).await;
    Ok(0)
}

/// A manifest, with its plugins where it needs any.
struct Loaded {
    manifest: Manifest,
    warnings: Vec<Problem>,
    setup: Option<Setup>,
}

/// A manifest without systems needs no plugins.
async fn load(path: &Path, cache: &Path) -> Result<Loaded, Exit> {
    let raw = manifest::read(path);
    if raw.has_systems() {
        let setup = Setup::load(path, cache).await?;
        return Ok(Loaded { manifest: setup.manifest.clone(), warnings: setup.warnings.clone(), setup: Some(setup) });
    }
    let (manifest, warnings) = raw.resolve(&|_| None, &[]).map_err(|problems| SetupError::Manifest { problems })?;
    Ok(Loaded { manifest, warnings, setup: None })
}

pub(super) fn token(args: &TokenArgs) -> Result<u8, Exit> {
    let (token, digest) = new_token().ok_or_else(|| Exit::environment("error[token.random]: the machine gives no random numbers"))?;
    println!("{token}");
    // Standard error, so that the token alone can be taken further.
    eprintln!("# The token is shown once. For the manifest:");
    eprintln!("[serve.tokens.{:?}]\nsha256 = {digest:?}\nrole = \"scim-client\"\nsystems = {:?}", args.name, args.systems);
    Ok(0)
}
