//! The service: the entry point of the library, a connection with defaults for publishing and consuming.

mod connection;
mod consume;
mod error;
mod publish;
mod request;

use std::{sync::Arc, time::Duration};

use cloudevents::Event;
use serde::Serialize;

use self::connection::{Connection, Defaults};
pub use self::{
    consume::{Consume, IntoPatterns},
    error::ServiceError,
    publish::PublishData,
    request::ServiceRequest,
};
use crate::{
    backends::{OpenOptions, Registry, parse_url},
    event::{EventBuilder, Naming, event},
    runtime::{IntoHandler, Observer, RetryPolicy, Triage},
    transport::{Capabilities, Receipt, Transport},
};

/// A connection to a transport, with defaults for publishing and consuming. Cheap to clone.
///
/// For users of the Go library:
///
/// | Go | here |
/// |---|---|
/// | `NewCloudEvent(type, source, data)` | [`event`](crate::event()) |
/// | `GetAttempt(evt)`, `GetTraceID(evt)` | [`EventExt`](crate::EventExt) |
/// | `PublishEvent(ctx, evt)` | [`publish`](Self::publish) |
/// | `PublishEventAfter(ctx, evt, d)` | [`publish_after`](Self::publish_after) |
/// | `PublishData(…)` | [`publish_data`](Self::publish_data) |
/// | `ConsumeEvents(type, h)` | [`consume`](Self::consume) |
/// | `ErrRetry`, `ErrSkip` and so on | [`HandlerError`](crate::HandlerError) |
/// | `GetTransportCapabilities()` | [`capabilities`](Self::capabilities) |
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use protoflow::{Event, EventExt, Service, event};
///
/// let service = Service::builder().group("billing").connect("memory:").await?;
/// let order = event("order.created", "my-service")
///     .data(&serde_json::json!({"number": 7}))?
///     .correlation_id("req-1")
///     .build()?;
/// service.publish(order).await?;
///
/// let summary = service
///     .consume("order.created", |event: Event| async move {
///         assert_eq!(event.attempt(), 1);
///         assert_eq!(event.correlation_id().as_deref(), Some("req-1"));
///         Ok(())
///     })
///     .until_end()
///     .await?;
/// assert_eq!(summary.acked, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Service {
    connection: Connection,
}

impl Service {
    /// Connects with the default settings.
    ///
    /// # Errors
    /// If the URL is not valid or the server does not answer.
    pub async fn connect(url: &str) -> Result<Self, ServiceError> {
        Self::builder().connect(url).await
    }

    /// Returns a builder with settings of its own.
    #[must_use]
    pub fn builder() -> ServiceBuilder {
        ServiceBuilder::new()
    }

    /// Returns a builder of an event with this service's source.
    pub fn event(&self, ty: impl Into<String>) -> EventBuilder {
        event(ty, self.connection.defaults.source.as_str())
    }

    /// Publishes an event to the topic of its type, and waits for the confirmation that it is stored.
    ///
    /// An event with a delay of its own ([`EventExt::delay`](crate::EventExt::delay)) is delivered after it.
    ///
    /// # Errors
    /// If the event is not valid or the transport does not store it.
    ///
    /// # Cancellation
    /// If the future is dropped, the event may or may not be stored.
    pub async fn publish(&self, event: Event) -> Result<Receipt, ServiceError> {
        self.connection.publish(event).await
    }

    /// Publishes an event that is delivered after this delay.
    ///
    /// # Errors
    /// If the event is not valid, or the transport cannot keep the delay; nothing is stored then.
    pub async fn publish_after(
        &self,
        event: Event,
        delay: Duration,
    ) -> Result<Receipt, ServiceError> {
        self.connection.publish_after(event, delay).await
    }

    /// Publishes an event that is delivered at this time; a time in the past means now.
    ///
    /// # Errors
    /// If the event is not valid, or the transport cannot keep the delay; nothing is stored then.
    pub async fn publish_at(
        &self,
        event: Event,
        due: std::time::SystemTime,
    ) -> Result<Receipt, ServiceError> {
        self.connection.publish_at(event, due).await
    }

    /// Publishes data as an event.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let service = protoflow::Service::connect("memory:").await?;
    /// let order = serde_json::json!({"number": 7});
    /// service
    ///     .publish_data("order.created", "my-service", &order)
    ///     .correlation_id("req-1")
    ///     .subject("order-7")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn publish_data<D: Serialize>(
        &self,
        ty: impl Into<String>,
        source: impl Into<String>,
        data: &D,
    ) -> PublishData {
        PublishData::new(self.connection.clone(), event(ty, source).data(data))
    }

    /// Publishes many events in batches; returns one result per event, in order.
    pub async fn publish_all(
        &self,
        events: impl IntoIterator<Item = Event>,
    ) -> Vec<Result<Receipt, ServiceError>> {
        publish::all(&self.connection, events).await
    }

    /// Prepares a request: an event whose replies are waited for.
    pub fn request(&self, event: Event) -> ServiceRequest {
        ServiceRequest::new(self.connection.clone(), event)
    }

    /// Prepares a consumer of one topic, several, or a pattern; it starts when awaited.
    ///
    /// The handler is an async function of a [`cloudevents::Event`], a [`Message`](crate::event::Message) or
    /// anything else that is [`FromDelivery`](crate::runtime::FromDelivery), or a
    /// [`Handler`](crate::runtime::Handler). It returns `Ok(())`, or events that are published before the
    /// cause is acknowledged. An error is a failed run, and the event is retried; a [`HandlerError`](crate::HandlerError)
    /// can ask for something else. A panic is a failed run as well.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use protoflow::{Event, EventExt, HandlerError, Service};
    /// # let service = Service::builder().group("payment").connect("memory:").await?;
    /// # service.publish(protoflow::event("order.created", "shop").build()?).await?;
    /// async fn charge(order: Event) -> Result<Vec<Event>, HandlerError> {
    ///     let paid = order.respond("payment.done", "payment").build()?;
    ///     Ok(vec![paid])
    /// }
    ///
    /// let summary = service
    ///     .consume(["order.created", "order.changed"], charge)
    ///     .jobs(4)
    ///     .max_attempts(5)
    ///     .until_end()
    ///     .await?;
    /// assert_eq!(summary.acked, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn consume<By, H: IntoHandler<By>>(
        &self,
        topics: impl IntoPatterns,
        handler: H,
    ) -> Consume<H::Handler> {
        let handler = handler.into_handler(self.connection.defaults.encoding);
        Consume::new(self.connection.clone(), topics.into_patterns(), handler)
    }

    /// Returns the capabilities of the transport.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn capabilities(&self) -> Result<Capabilities, ServiceError> {
        Ok(self.connection.transport.capabilities().await?)
    }

    /// Returns triage of the dead letters.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use protoflow::transport::Selection;
    /// # let service = protoflow::Service::connect("memory:").await?;
    /// let timeouts = Selection { reason: Some("timeout".to_owned()), ..Selection::default() };
    /// let mut letters = service.triage().list(timeouts).await?;
    /// for letter in letters.next(10).await? {
    ///     println!("{}: {}", letter.id, letter.record.failure.message);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn triage(&self) -> Triage {
        Triage::new(Arc::clone(&self.connection.transport))
    }

    /// Returns the transport.
    #[must_use]
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.connection.transport
    }

    /// Flushes and closes the store. The service and its clones cannot be used afterwards.
    ///
    /// # Errors
    /// If something that was reported as done turns out not to be durable.
    pub async fn close(self) -> Result<(), ServiceError> {
        Ok(self.connection.transport.close().await?)
    }
}

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
    fn new() -> Self {
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
