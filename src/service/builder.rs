//! Defaults of a service.

use std::sync::Arc;

use super::{
    Service, ServiceError,
    connection::{Connection, Defaults},
};
use crate::{
    backends::{OpenOptions, Registry, parse_url},
    event::Naming,
    runtime::{Observer, RetryPolicy},
    transport::Transport,
};

/// A service that is being set up.
pub struct ServiceBuilder {
    registry: Registry,
    options: OpenOptions,
    group: Option<String>,
    policy: RetryPolicy,
    observer: Arc<dyn Observer>,
    naming: Option<Naming>,
    handler_naming: Naming,
    source: String,
    jobs: usize,
}

impl ServiceBuilder {
    pub(super) fn new() -> Self {
        Self {
            registry: Registry::builtin(),
            options: OpenOptions::default(),
            group: None,
            policy: RetryPolicy::default(),
            observer: Arc::new(()),
            naming: None,
            handler_naming: Naming::CloudEvents,
            source: "protoflow".to_owned(),
            jobs: 1,
        }
    }

    /// Finds transports there instead of in [`Registry::builtin`].
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Makes a store, stream or topic that is not there.
    #[must_use]
    pub fn create(mut self) -> Self {
        self.options.create = true;
        self
    }

    /// Refuses to publish what would be confirmed and dropped because no consumer covers its topic; see
    /// [`OpenOptions::require_consumer`].
    #[must_use]
    pub fn require_consumer(mut self) -> Self {
        self.options.require_consumer = true;
        self
    }

    /// Consumes for this group.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Treats failed runs so.
    #[must_use]
    pub fn policy(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Tells what happens.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Stores correlation and trace under these names, whatever the URL says.
    #[must_use]
    pub fn naming(mut self, naming: Naming) -> Self {
        self.naming = Some(naming);
        self
    }

    /// Hands events over under these names. By default handlers get names that every CloudEvents SDK takes
    /// (`pfattempt`, `correlationid`), whatever is stored; [`Naming::Protoflow`] gives those of the Go library.
    #[must_use]
    pub fn handler_naming(mut self, naming: Naming) -> Self {
        self.handler_naming = naming;
        self
    }

    /// Makes events with this source in [`Service::event`].
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// Runs so many handlers at the same time.
    #[must_use]
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs;
        self
    }

    /// Connects to the transport that the URL names.
    ///
    /// # Errors
    /// If the URL or the group is wrong, or nothing answers.
    pub async fn connect(self, url: &str) -> Result<Service, ServiceError> {
        let parsed = parse_url(url).map_err(|source| ServiceError::Url {
            text: url.to_owned(),
            source,
        })?;
        let transport = self.registry.open(&parsed, self.options).await?;
        self.over(transport)
    }

    /// Uses a transport that is open already, a mock for example.
    ///
    /// # Errors
    /// If the group is wrong.
    pub fn over(self, transport: Arc<dyn Transport>) -> Result<Service, ServiceError> {
        let mut encoding = transport.encoding();
        encoding.naming = self.naming.unwrap_or(encoding.naming);
        let defaults = Defaults {
            group: self.group.map(TryInto::try_into).transpose()?,
            policy: self.policy,
            observer: self.observer,
            encoding,
            handler_naming: self.handler_naming,
            source: self.source,
            jobs: self.jobs,
        };
        Ok(Service {
            connection: Connection {
                transport,
                defaults: Arc::new(defaults),
            },
        })
    }
}

impl std::fmt::Debug for ServiceBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceBuilder")
            .field("registry", &self.registry)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}
