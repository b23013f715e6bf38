//! Instances of a proxy's components: made when they are needed, kept for the next request, thrown away after a fault.

use std::{
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::ProxySpec;
use crate::{
    pipeline::{ConnectorSpec, Mapper, MappingSpec, OpenError, ReadError, TargetError, open_target},
    sandbox::{Source, Target, contract::failure_code},
    scim::ScimError,
};

/// Requests of one proxy at once; further ones wait. Each may hold a connector and a transformation, and the process has a bounded number of instances.
const AT_ONCE: usize = 4;

pub(super) struct Instances {
    places: Semaphore,
    source: ConnectorSpec,
    target: ConnectorSpec,
    read: MappingSpec,
    write: MappingSpec,
    sources: Mutex<Vec<Source>>,
    targets: Mutex<Vec<Target>>,
    readers: Mutex<Vec<Mapper>>,
    writers: Mutex<Vec<Mapper>>,
}

/// An instance on loan. Unless it is given back ([`Lent::keep`]) it is thrown away: so is one whose call failed, or whose client has gone.
pub(super) struct Lent<'i, T> {
    instance: T,
    home: &'i Mutex<Vec<T>>,
}

impl<T> Lent<'_, T> {
    pub(super) fn keep(self) {
        let mut home = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        if home.len() < AT_ONCE {
            home.push(self.instance);
        }
    }
}

impl<T> Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.instance
    }
}

impl<T> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.instance
    }
}

fn idle<T>(home: &Mutex<Vec<T>>) -> Option<T> {
    home.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

impl Instances {
    pub(super) fn new(spec: &ProxySpec) -> Self {
        Self {
            places: Semaphore::new(AT_ONCE),
            source: spec.source.clone(),
            target: spec.target.clone(),
            read: spec.read.clone(),
            write: spec.write.clone(),
            sources: Mutex::default(),
            targets: Mutex::default(),
            readers: Mutex::default(),
            writers: Mutex::default(),
        }
    }

    /// A place for a request. Whoever has one may borrow each kind of instance once.
    pub(super) async fn place(&self) -> Result<SemaphorePermit<'_>, ScimError> {
        self.places.acquire().await.map_err(|_| ScimError::internal())
    }

    pub(super) async fn source(&self) -> Result<Lent<'_, Source>, ScimError> {
        let instance = match idle(&self.sources) {
            Some(instance) => instance,
            None => self.open_source().await.map_err(|error| self.unusable(error.code(), &error))?,
        };
        Ok(Lent { instance, home: &self.sources })
    }

    async fn open_source(&self) -> Result<Source, ReadError> {
        let mut source = self.source.plugin.source(self.source.authority.clone()).await?;
        source.open(&self.source.settings).await?.map_err(ReadError::Refused)?;
        Ok(source)
    }

    pub(super) async fn target(&self) -> Result<Lent<'_, Target>, ScimError> {
        let instance = match idle(&self.targets) {
            Some(instance) => instance,
            None => open_target(&self.target).await.map_err(|error: TargetError| self.unusable(error.code(), &error))?,
        };
        Ok(Lent { instance, home: &self.targets })
    }

    /// The read transformation. What it remembers of entities it had before is gone: each request has it as new.
    pub(super) async fn reader(&self) -> Result<Lent<'_, Mapper>, ScimError> {
        self.mapper(&self.readers, &self.read).await.map_err(|error| self.unusable(error.code(), &error))
    }

    pub(super) async fn writer(&self) -> Result<Lent<'_, Mapper>, ScimError> {
        self.mapper(&self.writers, &self.write).await.map_err(|error| self.unusable(error.code(), &error))
    }

    async fn mapper<'i>(&'i self, home: &'i Mutex<Vec<Mapper>>, spec: &MappingSpec) -> Result<Lent<'i, Mapper>, OpenError> {
        let mut instance = match idle(home).filter(|_| !spec.may_remember()) {
            Some(instance) => instance,
            None => Mapper::open(spec.clone()).await?,
        };
        instance.set_now(SystemTime::now());
        Ok(Lent { instance, home })
    }

    /// For the catalogue, before there is anybody to be told.
    pub(super) async fn try_mappers(&self) -> Result<Lent<'_, Mapper>, OpenError> {
        self.mapper(&self.writers, &self.write).await?.keep();
        self.mapper(&self.readers, &self.read).await
    }

    fn unusable(&self, code: &str, error: &dyn std::fmt::Display) -> ScimError {
        tracing::error!(system = %self.source.settings.system, code, "{error}");
        if code == failure_code(&crate::sandbox::contract::Kind::Unavailable) {
            return ScimError::new(503, "the system behind this service does not answer");
        }
        ScimError::internal()
    }
}
