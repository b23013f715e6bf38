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
    serve::{Reloader, ServeError, Server, Services, new_token},
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
    /// What it may ask over SCIM, as named in the manifest; none: the client is an operator
    systems: Vec<String>,
}

impl From<ServeError> for Exit {
    fn from(error: ServeError) -> Self {
        let message = format!("error[{}]: {error}", error.code());
        if matches!(error, ServeError::Listen { .. }) { Self::environment(message) } else { Self::input(message) }
    }
}

pub(super) async fn serve(args: ServeArgs, cache: &Path) -> Result<u8, Exit> {
    let mut source = Source { path: args.manifest, listen: args.listen, cache: cache.to_owned(), directories: Vec::new() };
    let (settings, services, directories) = source.read(&Services::new()).await?;
    source.directories = directories;
    let names: Vec<String> = services.keys().cloned().collect();
    let server = Server::bind(settings, services).await?;
    let (stop, reloader, url) = (signals::stop_serving(), server.reloader(), server.url());
    // From here on SIGHUP does not end the process.
    let mut hangups = signals::Hangups::new();
    tokio::spawn(async move {
        while hangups.next().await {
            source.reload(&reloader).await;
        }
    });
    let mut output = std::io::stdout();
    for name in names {
        // Whoever started it may have closed the output; that is no reason to stop.
        let _ = writeln!(output, "{url}/scim/{}", name.replace(' ', "%20"));
    }
    let _ = writeln!(output, "ready").and_then(|()| output.flush());
    server.run(stop).await;
    Ok(0)
}

/// Where what is served comes from.
struct Source {
    path: PathBuf,
    listen: Option<SocketAddr>,
    cache: PathBuf,
    /// The directories that are open, as the manifest had them.
    directories: Vec<manifest::Directory>,
}

impl Source {
    /// Read the manifest and open everything in it. A directory that is served already and did not change is taken over.
    async fn read(&self, served: &Services) -> Result<(manifest::Serve, Services, Vec<manifest::Directory>), Exit> {
        let loaded = load(&self.path, &self.cache).await?;
        let manifest = &loaded.manifest;
        for warning in &loaded.warnings {
            eprintln!("{warning}");
        }
        let Some(mut settings) = manifest.serve.clone() else {
            return Err(Exit::input(
                "error[serve.not-configured]: the manifest has no [serve], so nobody could ask; provisor token begins one",
            ));
        };
        if let Some(listen) = self.listen {
            if !listen.ip().is_loopback() && settings.listen.ip().is_loopback() && settings.tls.is_none() {
                return Err(Exit::input(format!(
                    "error[serve.plain-http]: {listen} is no address of this machine alone and there is no tls; say so in the manifest"
                )));
            }
            settings.listen = listen;
        }
        let mut services = Services::new();
        for directory in &manifest.directories {
            let known = served.get(&directory.name).filter(|_| self.directories.contains(directory)).cloned();
            let service = match known {
                Some(service) => service,
                None => Arc::new(
                    Directory::open(&directory.file, &directory.user_schemas, &directory.group_schemas)
                        .map_err(|error| Exit::environment(format!("error[{}]: {error}", error.code())))?,
                ),
            };
            services.insert(directory.name.clone(), service);
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
        Ok((settings, services, loaded.manifest.directories))
    }

    /// Read the manifest again and serve it, if nothing is wrong with it; else what was served goes on.
    async fn reload(&mut self, reloader: &Reloader) {
        let taken = match self.read(&reloader.services()).await {
            Ok((settings, services, directories)) => reloader.take(settings, services).await.map(|()| directories).map_err(Exit::from),
            Err(exit) => Err(exit),
        };
        match taken {
            Ok(directories) => {
                self.directories = directories;
                tracing::info!(code = "serve.reloaded", "the manifest is taken");
            }
            Err(exit) => {
                reloader.refused();
                tracing::error!(code = "serve.reload-refused", "the manifest is not taken, and what was served goes on:\n{}", exit.message);
            }
        }
    }
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
    eprintln!("[serve.tokens.{:?}]\nsha256 = {digest:?}", args.name);
    if args.systems.is_empty() {
        eprintln!("role = \"operator\"");
    } else {
        eprintln!("role = \"scim-client\"\nsystems = {:?}", args.systems);
    }
    Ok(0)
}
