//! From a manifest to something that can run: plugins found and pinned, every system's part checked against what its plugin says, authority handed out. Nothing is
//! read from or written to a backend here.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    egress::{CertificateInUse, Door, Egress, EgressError},
    manifest::{self, Element, Manifest, Problem, System},
    notify::Notifier,
    pipeline::{ConnectorSpec, DeltaReads, ElementSpec, MappingSpec, Retry, SourceSpec, StateRelations, Stop, TargetSpec},
    proxy::{ProxySpec, SameIds},
    registry::{
        Registry, RegistryError,
        description::{Capability, Description, Reference},
        lock::{Lock, LockError, Pinned, Verdict},
    },
    sandbox::{Authority, Folder, Plugin, Relations, Sandbox, SandboxError, Settings, contract::Setting},
    state::{Link, StateStore},
};

pub use crate::manifest::MAPPING;

mod door;
mod notify;

/// The longest a transformation may take for one page. It never waits for anything, so this is long.
const MAPPING_TIMEOUT: Duration = Duration::from_secs(10);
const MAPPING_MEMORY: u64 = 512 << 20;

/// What keeps a manifest from running.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("{}", lines(problems))]
    Manifest { problems: Vec<Problem> },
    #[error("error[{code}]: {0}", code = .0.code())]
    Registry(#[from] RegistryError),
    #[error("error[{code}]: {0}", code = .0.code())]
    Sandbox(#[from] SandboxError),
    #[error("error[{code}]: {0}", code = .0.code())]
    Lock(#[from] LockError),
    #[error("{}", changed_lines(manifest, changed))]
    Changed { manifest: PathBuf, changed: Vec<(Pinned, Pinned)> },
    #[error("error[registry.no-mapping]: there is no plugin {MAPPING:?} in {}; it ships with Provisor{refused}", folder.display())]
    NoMapping { folder: PathBuf, refused: String },
    #[error("error[setup.grant]: system {system:?}: {message}")]
    Grant { system: String, message: String },
}

impl SetupError {
    /// The process's exit code: 2 for what the operator wrote, 3 for the machine.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Manifest { .. } | Self::Changed { .. } | Self::Grant { .. } | Self::NoMapping { .. } | Self::Registry(_) => 2,
            Self::Sandbox(_) | Self::Lock(_) => 3,
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn changed_lines(manifest: &Path, changed: &[(Pinned, Pinned)]) -> String {
    let mut text = String::new();
    for (pinned, found) in changed {
        let _ = writeln!(
            text,
            "error[plugin.changed]: plugin {:?} ({}) is not the one that was accepted: version {} with digest {} then, version {} with digest {} now",
            found.id,
            found.file,
            pinned.version,
            short(&pinned.sha256),
            found.version,
            short(&found.sha256)
        );
    }
    text + &format!("  help: if you trust it, run: provisor plugins accept {}", manifest.display())
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// A manifest with its plugins.
pub struct Setup {
    pub manifest: Manifest,
    pub registry: Registry,
    /// What is doubtful and does not stop a run.
    pub warnings: Vec<Problem>,
    doors: BTreeMap<String, Arc<Door>>,
    notifier: Option<Notifier>,
    /// Plugins nobody has accepted or refused yet.
    new: Vec<Pinned>,
    /// `currentDate` of everything that is mapped.
    now: SystemTime,
}

impl Setup {
    /// Read the manifest, scan its plugins, check everything at once, and compare the plugins with the lock beside the manifest: a changed one is refused until it is
    /// accepted. Writes nothing.
    pub async fn load(path: &Path, cache: &Path) -> Result<Self, SetupError> {
        let (raw, registry) = scan(path, cache).await?;
        let refused: Vec<String> = refused(&registry);
        let ids: Vec<String> = registry.iter().map(|(id, _)| id.to_owned()).collect();
        let describe = |id: &str| registry.get(id).map(|found| found.plugin.description());
        let (manifest, warnings) = match raw.resolve(&describe, &ids) {
            Ok(resolved) => resolved,
            Err(mut problems) => {
                // A connector that is not there may be one of the files that were refused.
                for problem in &mut problems {
                    if ["manifest.unknown-connector", "manifest.unknown-plugin"].contains(&problem.code) && !refused.is_empty() {
                        problem.help = Some(format!(
                            "{}these files were refused:\n    {}",
                            problem.help.as_ref().map(|help| format!("{help}; ")).unwrap_or_default(),
                            refused.join("\n    ")
                        ));
                    }
                }
                return Err(SetupError::Manifest { problems });
            }
        };
        let used = used(&manifest);
        if used.contains(&MAPPING) && registry.get(MAPPING).is_none() {
            return Err(SetupError::NoMapping { folder: manifest.plugins, refused: refused_lines(&registry) });
        }
        let used: Vec<Pinned> = used.into_iter().filter_map(|id| pin(&registry, id)).collect();
        let lock = Lock::read(&manifest.path)?;
        let mut changed = Vec::new();
        let mut new = Vec::new();
        for (verdict, pinned) in lock.check(&used).into_iter().zip(&used) {
            match verdict {
                Verdict::Changed { pinned, found } => changed.push((pinned, found)),
                Verdict::New => new.push(pinned.clone()),
                Verdict::Unchanged | Verdict::Missing => {}
            }
        }
        if !changed.is_empty() {
            return Err(SetupError::Changed { manifest: manifest.path, changed });
        }
        let egress = Egress::default();
        let mut doors = BTreeMap::new();
        for system in manifest.connected() {
            if let Some(found) = registry.get(&system.connector)
                && let Some(door) = door::door(&egress, system, found.plugin.description())?
            {
                doors.insert(system.name.clone(), door);
            }
        }
        let notifier = notify::notifier(&egress, &manifest)?;
        Ok(Self { manifest, registry, warnings, doors, notifier, new, now: SystemTime::now() })
    }

    /// Pin plugins that are used for the first time, so that a later change is noticed.
    pub fn pin_new(&self) -> Result<(), SetupError> {
        if self.new.is_empty() {
            return Ok(());
        }
        Ok(Lock::read(&self.manifest.path)?.accept(&self.new)?)
    }

    fn plugin(&self, id: &str) -> &Plugin {
        // `load` has checked that every connector and every transformation is there.
        self.registry.get(id).map_or_else(|| unreachable!("plugin {id} was checked at load"), |found| &found.plugin)
    }

    fn authority(&self, system: &System) -> Authority {
        Authority {
            system: system.name.clone(),
            folders: system
                .files
                .iter()
                .map(|folder| Folder { guest: folder.guest.clone(), host: folder.host.clone(), write: folder.write })
                .collect(),
            door: self.doors.get(&system.name).cloned(),
            secrets: system.grants.secrets.clone(),
            relations: None,
            memory: system.limits.memory_bytes,
            call_timeout: system.limits.call_timeout,
        }
    }

    /// Who is told of runs.
    pub fn notifier(&self) -> Option<&Notifier> {
        self.notifier.as_ref()
    }

    /// The certificates of a system that are in use, and what is wrong with its certificates and keys at this moment. Asks no server.
    pub async fn certificates(&self, system: &System) -> (Vec<CertificateInUse>, Vec<EgressError>) {
        match self.doors.get(&system.name) {
            Some(door) => door.check_certificates(SystemTime::now()).await,
            None => (Vec::new(), Vec::new()),
        }
    }

    /// What is needed to read from a system.
    pub fn source(&self, system: &System) -> SourceSpec {
        SourceSpec {
            name: system.name.as_str().into(),
            plugin: self.plugin(&system.connector).clone(),
            authority: self.authority(system),
            settings: settings(system),
            page_size: system.page_size,
            retry: retry(system),
            stop: Stop::never(),
            delta: DeltaReads { enabled: system.delta.enabled, full_after: system.delta.full_after },
        }
    }

    /// What is needed to open a target.
    pub fn connector(&self, system: &System) -> ConnectorSpec {
        ConnectorSpec { plugin: self.plugin(&system.connector).clone(), authority: self.authority(system), settings: settings(system) }
    }

    /// What is needed to write to a system from this source.
    pub fn target(&self, system: &System, source: &str, state: Arc<dyn StateStore>, moved: bool) -> TargetSpec {
        let connector = self.connector(system);
        let unique_attributes = connector
            .plugin
            .description()
            .entity_types
            .iter()
            .map(|known| (known.name.clone(), unique_attributes(system, known)))
            .collect();
        let relations = Arc::new(StateRelations::new(state, Link::new(source, &*system.name)));
        TargetSpec {
            name: system.name.as_str().into(),
            place: place(system, connector.plugin.description()),
            moved,
            connector,
            mapping: self.mapping(system, Some(relations.clone())),
            relations,
            unique_attributes,
            deletions: system.deletions.clone(),
            members_whole: system.members_whole,
            retry: retry(system),
            stop: Stop::never(),
            max_failed: system.failures.max_count,
            max_failed_percent: system.failures.max_percent,
        }
    }

    /// The moment that `currentDate` tells.
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// Map as if it were this moment.
    pub fn set_now(&mut self, now: SystemTime) {
        self.now = now;
    }

    /// A target's connector and where its backend is, as text.
    pub fn place(&self, system: &System) -> String {
        place(system, self.plugin(&system.connector).description())
    }

    /// Where a target is, for whoever must not be there at the same time: its connector, the addresses of its backend, the folders it writes. Nothing where there is
    /// neither.
    pub fn exclusive_place(&self, system: &System) -> Option<String> {
        let description = self.plugin(&system.connector).description();
        let addresses = description.capabilities.iter().filter_map(|wish| match wish {
            Capability::Http(Reference::Property(name)) | Capability::Dial(Reference::Property(name)) => {
                system.properties.get(name).cloned()
            }
            _ => None,
        });
        let folders = system.files.iter().filter(|folder| folder.write).map(|folder| folder.host.display().to_string());
        let places: Vec<String> = addresses.chain(folders).collect();
        (!places.is_empty()).then(|| format!("{}\n{}", system.connector, places.join("\n")))
    }

    /// What is needed to serve a proxy system.
    pub fn proxy(&self, proxy: &manifest::Proxy) -> ProxySpec {
        let relations: Arc<dyn Relations> = Arc::new(SameIds);
        ProxySpec {
            name: proxy.name.clone(),
            source: self.connector(&proxy.read),
            read: self.mapping(&proxy.read, Some(relations.clone())),
            target: self.connector(&proxy.write),
            write: self.mapping(&proxy.write, Some(relations)),
            total_results: proxy.total_results,
            patch_answers: proxy.patch_answers,
        }
    }

    /// A system's transformation.
    pub fn mapping(&self, system: &System, relations: Option<Arc<dyn Relations>>) -> MappingSpec {
        let authority = mapping_authority(&system.name, relations);
        let element = |element: &Element| ElementSpec {
            plugin: self.plugin(&element.plugin).clone(),
            authority: authority.clone(),
            text: element.text.as_str().into(),
            origin: element.origin.clone(),
            properties: element.properties.iter().map(|(name, value)| Setting { name: name.clone(), value: value.clone() }).collect(),
        };
        MappingSpec { elements: system.transformation.iter().map(element).collect(), now: self.now }
    }
}

/// What an element of a transformation may do: compute, and ask for relations. Components of third parties get no more and no less than the bundled mapping, and always
/// run under this time limit, so always with interruption checks.
pub fn mapping_authority(system: &str, relations: Option<Arc<dyn Relations>>) -> Authority {
    Authority { relations, memory: MAPPING_MEMORY, call_timeout: MAPPING_TIMEOUT, ..Authority::none(system) }
}

/// Accept plugins of a manifest's folder as they are now, those whose files are `wanted`. Answers what was accepted.
pub async fn accept(path: &Path, cache: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Vec<Pinned>, SetupError> {
    let (raw, registry) = scan(path, cache).await?;
    let pinned: Vec<Pinned> = registry.iter().filter(|(_, found)| wanted(&found.file)).filter_map(|(id, _)| pin(&registry, id)).collect();
    Lock::read(raw.path())?.accept(&pinned)?;
    Ok(pinned)
}

async fn scan(path: &Path, cache: &Path) -> Result<(manifest::Raw, Registry), SetupError> {
    let raw = manifest::read(path);
    let sandbox = Sandbox::new(cache)?;
    let registry = match Registry::scan(&sandbox, &raw.plugins()).await {
        Ok(registry) => registry,
        // What is wrong with the manifest may be the reason why the folder is not found: tell that first.
        Err(error) => {
            let problems = raw.problems();
            return Err(if problems.is_empty() { error.into() } else { SetupError::Manifest { problems } });
        }
    };
    Ok((raw, registry))
}

/// The refused files of a folder as the end of a message; empty if there are none.
pub fn refused_lines(registry: &Registry) -> String {
    let refused = refused(registry);
    if refused.is_empty() { String::new() } else { format!("; these files were refused:\n  {}", refused.join("\n  ")) }
}

/// The refused files of a folder, a line each.
pub fn refused(registry: &Registry) -> Vec<String> {
    registry.refused().iter().map(|refused| format!("{} [{}]: {}", refused.file.display(), refused.code, refused.message)).collect()
}

/// The ids of all plugins that take part: connectors, and the components of every transformation.
fn used(manifest: &Manifest) -> Vec<&str> {
    let elements = manifest.connected().flat_map(|system| &system.transformation);
    let mut ids: Vec<&str> = manifest.connected().map(|system| system.connector.as_str()).collect();
    ids.extend(elements.map(|element| element.plugin.as_str()));
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn pin(registry: &Registry, id: &str) -> Option<Pinned> {
    let found = registry.get(id)?;
    Some(Pinned {
        id: id.to_owned(),
        version: found.plugin.description().version.clone(),
        file: found.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        sha256: found.plugin.digest().to_owned(),
    })
}

fn retry(system: &System) -> Retry {
    let manifest::Failures { attempts, interval, max_outage, .. } = system.failures;
    Retry { attempts, interval, max_outage }
}

fn settings(system: &System) -> Settings {
    Settings {
        system: system.name.clone(),
        properties: system.properties.iter().map(|(name, value)| Setting { name: name.clone(), value: value.clone() }).collect(),
    }
}

/// Where a target is: its connector, and the values of the properties that lead to the backend. Ids of one place mean nothing in another.
fn place(system: &System, description: &Description) -> String {
    let leading = description.capabilities.iter().filter_map(|wish| match wish {
        Capability::Http(Reference::Property(name)) | Capability::Dial(Reference::Property(name)) => Some(name),
        Capability::Files { property, write: true, .. } => Some(property),
        Capability::Files { .. } | Capability::Http(_) | Capability::Dial(_) | Capability::Secret(_) => None,
    });
    let values = leading.filter_map(|name| system.properties.get(name).map(|value| format!(" {name}={value}")));
    std::iter::once(system.connector.clone()).chain(values).collect()
}

/// `<anything>.<entity type>.unique.attribute`, a comma list, else what the plugin describes (spec section 2.7).
fn unique_attributes(system: &System, known: &crate::registry::description::EntityType) -> Vec<String> {
    let suffix = format!(".{}.unique.attribute", known.name);
    match system.properties.iter().find(|(name, _)| name.ends_with(&suffix)) {
        Some((_, value)) => value.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect(),
        None => known.unique_attributes.clone(),
    }
}
