//! The builder of a service.

use std::sync::Arc;

use super::{
    Service,
    connection::{Connection, Defaults},
    error::ServiceError,
};
use crate::{
    backends::{OpenOptions, Registry, parse_url},
    event::Naming,
    runtime::{Observer, RetryPolicy},
    transport::Transport,
};

/// Builder of a [`Service`].
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

    /// Sets the registry of transports; [`Registry::builtin`] by default.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Creates the store, stream or topic if it does not exist.
    #[must_use]
    pub fn create(mut self) -> Self {
        self.options.create = true;
        self
    }

    /// Refuses to publish events that would be confirmed and then dropped because no consumer covers their topic; see
    /// [`OpenOptions::require_consumer`].
    #[must_use]
    pub fn require_consumer(mut self) -> Self {
        self.options.require_consumer = true;
        self
    }

    /// Sets the default group of consumers.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Sets the policy for failed runs.
    #[must_use]
    pub fn policy(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the observer.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Sets the naming of correlation and trace attributes in stored events, overriding the URL.
    #[must_use]
    pub fn naming(mut self, naming: Naming) -> Self {
        self.naming = Some(naming);
        self
    }

    /// Sets the naming of attributes for handlers. By default they get names that every CloudEvents SDK accepts (`pfattempt`,
    /// `correlationid`), whatever is stored; [`Naming::Protoflow`] selects those of the Go library.
    #[must_use]
    pub fn handler_naming(mut self, naming: Naming) -> Self {
        self.handler_naming = naming;
        self
    }

    /// Sets the source of events created by [`Service::event`].
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// Publishes no duplicate of an event, as the URL parameter `dedup=event` does; [`Capabilities::dedup`] says for how long.
    #[must_use]
    pub fn dedup(mut self) -> Self {
        self.options.dedup = true;
        self
    }

    /// Sets the number of handlers that run at the same time.
    #[must_use]
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs;
        self
    }

    /// Connects to the transport of this URL.
    ///
    /// # Errors
    /// If the URL or the group is not valid, or the server does not answer.
    pub async fn connect(self, url: &str) -> Result<Service, ServiceError> {
        let parsed = parse_url(url).map_err(|source| ServiceError::url(url, source))?;
        let transport = self.registry.open(&parsed, self.options).await?;
        self.over(transport)
    }

    /// Uses an open transport, for example a mock.
    ///
    /// # Errors
    /// If the group is not valid.
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
