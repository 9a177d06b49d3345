//! Publishing data as an event, and many events at once.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use cloudevents::Event;

use super::{connection::Connection, error::ServiceError};
use crate::{
    event::{EventBuilder, EventError},
    runtime::{Publisher, PublisherOptions, create_event},
    transport::{Receipt, TransportError},
};

/// An event that is being configured; await it to publish.
#[must_use = "nothing is published until it is awaited"]
#[derive(Debug)]
pub struct PublishData {
    connection: Connection,
    /// An error of serialisation is reported when the event is published.
    draft: Result<EventBuilder, EventError>,
    delay: Option<Duration>,
}

impl PublishData {
    pub(super) fn new(connection: Connection, draft: Result<EventBuilder, EventError>) -> Self {
        Self {
            connection,
            draft,
            delay: None,
        }
    }

    /// Sets the correlation id, which related events share.
    pub fn correlation_id(self, id: impl Into<String>) -> Self {
        self.with(|event| event.correlation_id(id))
    }

    /// Sets the subject.
    pub fn subject(self, subject: impl Into<String>) -> Self {
        self.with(|event| event.subject(subject))
    }

    /// Sets the id; a new ULID by default.
    pub fn id(self, id: impl Into<String>) -> Self {
        self.with(|event| event.id(id))
    }

    /// Sets an extension attribute.
    pub fn extension(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(|event| event.extension(name, value.into()))
    }

    /// Sets the delay after which it is delivered.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    fn with(mut self, change: impl FnOnce(EventBuilder) -> EventBuilder) -> Self {
        self.draft = self.draft.map(change);
        self
    }
}

impl IntoFuture for PublishData {
    type Output = Result<Receipt, ServiceError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let event = self.draft?.build()?;
            match self.delay {
                Some(delay) => self.connection.publish_after(event, delay).await,
                None => self.connection.publish(event).await,
            }
        })
    }
}

/// Publishes in batches. An event that is not valid has its error among the results, in order.
pub(super) async fn all(
    connection: &Connection,
    events: impl IntoIterator<Item = Event>,
) -> Vec<Result<Receipt, ServiceError>> {
    let transport = connection.transport.clone();
    let mut publisher = Publisher::new(transport, PublisherOptions::default());
    let mut results: Vec<Option<Result<Receipt, ServiceError>>> = Vec::new();
    let fill = |results: &mut Vec<_>, confirmed: Vec<(usize, Result<Receipt, _>)>| {
        for (index, result) in confirmed {
            results[index] = Some(result.map_err(ServiceError::Transport));
        }
    };
    for (index, mut event) in events.into_iter().enumerate() {
        create_event(connection.transport.scheme(), &mut event);
        results.push(None);
        match connection.outgoing(&event) {
            Ok(outgoing) => fill(&mut results, publisher.push(outgoing, index).await),
            Err(error) => results[index] = Some(Err(error)),
        }
    }
    fill(&mut results, publisher.finish().await);
    let unanswered = || Err(TransportError::unanswered(connection.transport.scheme()).into());
    results
        .into_iter()
        .map(|result| result.unwrap_or_else(unanswered))
        .collect()
}
