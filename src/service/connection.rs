//! A transport with the defaults of a service: shared by the service and the calls that it prepares.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use cloudevents::{AttributesReader as _, Event};
use tracing::{Instrument as _, Span};

use super::error::ServiceError;
use crate::{
    event::{Encoding, EventExt as _, Group, Naming, Topic, encode},
    runtime::{Observer, RetryPolicy, publish_event, record_published},
    transport::{Outgoing, Receipt, Transport, TransportError},
};

/// A transport and the defaults for using it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) defaults: Arc<Defaults>,
}

/// Settings that a call may override.
pub(super) struct Defaults {
    pub(super) group: Option<Group>,
    pub(super) policy: RetryPolicy,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) encoding: Encoding,
    pub(super) handler_naming: Naming,
    pub(super) source: String,
    pub(super) jobs: usize,
}

impl Connection {
    /// Publishes an event, delayed if it asks for that itself.
    pub(super) async fn publish(&self, mut event: Event) -> Result<Receipt, ServiceError> {
        let span = publish_event(self.transport.scheme(), &mut event);
        let outgoing = self.outgoing(&event)?;
        self.send(outgoing, span).await
    }

    /// Publishes an event that is delivered after this delay.
    pub(super) async fn publish_after(
        &self,
        event: Event,
        delay: Duration,
    ) -> Result<Receipt, ServiceError> {
        let due = SystemTime::now().checked_add(delay);
        self.publish_at(event, due.ok_or(ServiceError::DelayTooLong(delay))?)
            .await
    }

    /// Publishes an event that is delivered at this time.
    pub(super) async fn publish_at(
        &self,
        mut event: Event,
        due: SystemTime,
    ) -> Result<Receipt, ServiceError> {
        let span = publish_event(self.transport.scheme(), &mut event);
        let mut outgoing = self.outgoing(&event)?;
        outgoing.due = Some(due);
        self.send(outgoing, span).await
    }

    /// Encodes an event for the topic of its type.
    pub(super) fn outgoing(&self, event: &Event) -> Result<Outgoing, ServiceError> {
        let topic: Topic = event.ty().parse()?;
        let now = SystemTime::now();
        let due = event.delay().map(|delay| {
            let due = now.checked_add(delay);
            due.ok_or(ServiceError::DelayTooLong(delay))
        });
        Ok(Outgoing {
            message: encode(event, topic, self.defaults.encoding)?,
            due: due.transpose()?,
            dedup: false,
        })
    }

    async fn send(&self, outgoing: Outgoing, span: Span) -> Result<Receipt, ServiceError> {
        let publishing = self.transport.publish(vec![outgoing]);
        let results = publishing.instrument(span.clone()).await;
        let result = results.into_iter().next();
        let result =
            result.unwrap_or_else(|| Err(TransportError::unanswered(self.transport.scheme())));
        record_published(&span, result.as_ref().err().map(TransportError::kind));
        Ok(result?)
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("transport", &self.transport)
            .field("group", &self.defaults.group)
            .finish_non_exhaustive()
    }
}
