//! The front door of the library: a connection with defaults for publishing and consuming.

mod builder;
mod connection;
mod consume;
mod error;
mod publish;

use std::{sync::Arc, time::Duration};

use cloudevents::Event;
use serde::Serialize;

use self::connection::Connection;
pub use self::{
    builder::ServiceBuilder,
    consume::{Consume, IntoPatterns},
    error::ServiceError,
    publish::PublishData,
};
use crate::{
    event::{EventBuilder, event},
    runtime::{IntoHandler, Triage},
    transport::{Capabilities, Receipt, Transport},
};

/// A connection to a transport, with defaults for publishing and consuming. Cheap to clone.
///
/// What users of the Go library know, here:
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
#[derive(Clone)]
pub struct Service {
    connection: Connection,
}

impl Service {
    /// Connects with the defaults.
    ///
    /// # Errors
    /// If the URL is wrong or nothing answers.
    pub async fn connect(url: &str) -> Result<Self, ServiceError> {
        Self::builder().connect(url).await
    }

    /// Starts a service with defaults of its own.
    #[must_use]
    pub fn builder() -> ServiceBuilder {
        ServiceBuilder::new()
    }

    /// Starts an event from this service's source.
    pub fn event(&self, ty: impl Into<String>) -> EventBuilder {
        event(ty, self.connection.defaults.source.as_str())
    }

    /// Publishes an event to the topic of its type; done once it is confirmed stored.
    ///
    /// An event with a delay of its own ([`EventExt::delay`](crate::EventExt::delay)) is held back for so long.
    ///
    /// # Errors
    /// If the event breaks a rule or the transport does not store it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let service = protoflow::Service::connect("memory:").await?;
    /// let event = protoflow::event("order.created", "my-service").build()?;
    /// let receipt = service.publish(event).await?;
    /// assert!(receipt.position.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn publish(&self, event: Event) -> Result<Receipt, ServiceError> {
        self.connection.publish(event).await
    }

    /// Publishes an event that nobody sees before this delay is over.
    ///
    /// # Errors
    /// If the event breaks a rule, or the transport cannot keep the delay: then nothing is stored.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let service = protoflow::Service::connect("memory:").await?;
    /// # let event = protoflow::event("order.reminder", "my-service").build()?;
    /// let receipt = service.publish_after(event, std::time::Duration::from_secs(3600)).await?;
    /// assert!(receipt.schedule.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn publish_after(
        &self,
        event: Event,
        delay: Duration,
    ) -> Result<Receipt, ServiceError> {
        self.connection.publish_after(event, delay).await
    }

    /// Publishes an event that nobody sees before this time; a time in the past means now.
    ///
    /// # Errors
    /// If the event breaks a rule, or the transport cannot keep the delay: then nothing is stored.
    pub async fn publish_at(
        &self,
        event: Event,
        due: std::time::SystemTime,
    ) -> Result<Receipt, ServiceError> {
        self.connection.publish_at(event, due).await
    }

    /// Publishes data as an event that is made from it.
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

    /// Publishes many events in as few steps as the transport allows: one result per event, in order.
    pub async fn publish_all(
        &self,
        events: impl IntoIterator<Item = Event>,
    ) -> Vec<Result<Receipt, ServiceError>> {
        publish::all(&self.connection, events).await
    }

    /// Prepares to consume a topic, several, or a pattern; it starts when awaited.
    ///
    /// The handler is an async function of a [`cloudevents::Event`], a [`Message`](crate::event::Message) or
    /// anything else that is [`FromDelivery`](crate::runtime::FromDelivery), or a
    /// [`Handler`](crate::runtime::Handler). It returns `Ok(())`, or events that are published before the
    /// cause is acknowledged. Any error means that the run failed and the event is tried again; a
    /// [`HandlerError`](crate::HandlerError) says more. A panic is a failed run as well.
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

    /// Returns what the transport can do.
    ///
    /// # Errors
    /// If the server does not answer.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let service = protoflow::Service::connect("memory:").await?;
    /// if service.capabilities().await?.delay.is_present() {
    ///     // events can be published for later
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn capabilities(&self) -> Result<Capabilities, ServiceError> {
        Ok(self.connection.transport.capabilities().await?)
    }

    /// Opens triage of the dead letters.
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

    /// Returns the transport below.
    #[must_use]
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.connection.transport
    }

    /// Flushes and lets go of the store. Nothing may be asked of the service or its clones afterwards.
    ///
    /// # Errors
    /// If something that was reported as done turns out not to be durable.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let service = protoflow::Service::connect("memory:").await?;
    /// service.publish_data("order.created", "my-service", &7).await?;
    /// service.close().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn close(self) -> Result<(), ServiceError> {
        Ok(self.connection.transport.close().await?)
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("transport", &self.connection.transport)
            .field("group", &self.connection.defaults.group)
            .finish_non_exhaustive()
    }
}
