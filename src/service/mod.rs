//! The service: the entry point of the library, a connection with defaults for publishing and consuming.

mod builder;
mod connection;
mod consume;
mod error;
mod publish;
mod request;

use std::{sync::Arc, time::Duration};

use cloudevents::Event;
use serde::Serialize;

use self::connection::Connection;
pub use self::{
    builder::ServiceBuilder,
    consume::{Consume, IntoPatterns},
    error::ServiceError,
    publish::PublishData,
    request::ServiceRequest,
};
use crate::{
    event::{EventBuilder, event},
    runtime::{IntoHandler, Triage},
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

    /// Prepares a request: publishes an event, and waits for the replies of handlers that return a
    /// [`Response`](crate::runtime::Response).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::future::IntoFuture as _;
    ///
    /// use protoflow::{Event, Service, runtime::Response};
    ///
    /// let service = Service::builder().group("pricing").connect("memory:").await?;
    /// let pricing = service
    ///     .consume("price.asked", |_: Event| async move {
    ///         Ok(Response::json(&serde_json::json!({"total": 12}))?)
    ///     })
    ///     .count(1);
    /// let question = protoflow::event("price.asked", "/shop").build()?;
    /// let asking = service.request(question);
    /// let (replies, _) = tokio::join!(asking.into_future(), pricing.into_future());
    /// assert_eq!(replies?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
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
