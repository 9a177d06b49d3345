//! Requests that wait for replies.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use cloudevents::{AttributesReader as _, Event};
use tokio::time::{Instant, timeout_at};

use super::{connection::Connection, error::ServiceError};
use crate::{
    event::{Envelope, NameError, Topic, decode},
    runtime::{Request, Requester, reply_error},
};

/// A request that is being configured; await it to publish it and to wait for the replies of handlers that return a
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
///
/// # Cancellation
/// If the future is dropped, the request may or may not be stored, and its replies stay in their topic.
#[must_use = "nothing is published until it is awaited"]
#[derive(Debug)]
pub struct ServiceRequest {
    connection: Connection,
    event: Event,
    timeout: Duration,
    replies: usize,
    reply_topic: Option<Result<Topic, NameError>>,
}

impl ServiceRequest {
    pub(super) fn new(connection: Connection, event: Event) -> Self {
        Self {
            connection,
            event,
            timeout: Duration::from_secs(5),
            replies: 1,
            reply_topic: None,
        }
    }

    /// Sets how long to wait; 5 s by default. Nobody handles the request later.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Waits for this many replies, of several groups or of a handler that makes several; 1 by default. Fewer are returned if
    /// no more come in time.
    pub fn replies(mut self, replies: usize) -> Self {
        self.replies = replies;
        self
    }

    /// Sets the topic of the replies; by default `reply.` and the type of the request.
    pub fn reply_topic(mut self, topic: &str) -> Self {
        self.reply_topic = Some(topic.parse());
        self
    }

    async fn run(self) -> Result<Vec<Event>, ServiceError> {
        let until = Instant::now() + self.timeout;
        let topic: Topic = self.event.ty().parse()?;
        let reply_topic = match self.reply_topic {
            Some(topic) => topic?,
            None => format!("reply.{topic}").parse()?,
        };
        let encoding = self.connection.defaults.encoding;
        let request = Request::new(self.event, topic, &reply_topic, self.timeout, encoding)?;
        let transport = self.connection.transport.as_ref();
        let (mut requester, _) = Requester::ask(transport, &reply_topic, request).await?;
        let mut replies = Vec::new();
        while replies.len() < self.replies {
            let Ok(next) = timeout_at(until, requester.next()).await else {
                break;
            };
            let Some(stored) = next? else {
                break;
            };
            if let Some(reason) = reply_error(&Envelope::read(&stored.message)?) {
                return Err(ServiceError::NotHandled(reason));
            }
            replies.push(decode(&stored.message)?);
        }
        if replies.is_empty() {
            return Err(ServiceError::NoReply(self.timeout));
        }
        Ok(replies)
    }
}

impl IntoFuture for ServiceRequest {
    type Output = Result<Vec<Event>, ServiceError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
