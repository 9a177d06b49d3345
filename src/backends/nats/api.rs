//! Questions to the server, asked again while a connection that was lost comes back.

use std::time::Duration;

use async_nats::{
    HeaderMap, Message, Request, RequestError, RequestErrorKind, StatusCode, Subject,
    connection::State,
    jetstream::{context::PublishAckFuture, publish::PublishAck},
};
use bytes::Bytes;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    connection::Link,
    error,
    errors::{self, Refusal},
};
use crate::transport::{ErrorKind, Result};

/// The server's answers to a delete of what is not there.
const GONE: [u64; 3] = [
    errors::NO_MESSAGE_TO_DELETE,
    errors::NO_MESSAGE,
    errors::NO_SEQUENCE,
];
/// How long a lost connection is ridden out.
const RIDE_OUT: Duration = Duration::from_secs(30);
/// The pause before a question is asked again.
const PAUSE: Duration = Duration::from_millis(100);

impl Link {
    /// Asks `JetStream`, again if the connection was lost meanwhile: for questions, and for what may happen twice.
    pub(super) async fn api(&self, verb: String, body: &Value) -> Result<Value, Refusal> {
        let subject = format!("$JS.API.{verb}");
        let body = Bytes::from(body.to_string());
        self.ride_out(|| async {
            let asked = self.client.request(subject.clone(), body.clone());
            parse(&self.answer(&subject, asked).await?.payload)
        })
        .await
    }

    /// Repeats a step while its failures come from a connection that was lost and comes back.
    async fn ride_out<T, F>(&self, mut step: impl FnMut() -> F) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, Refusal>>,
    {
        let (connects, until) = (self.connects(), Instant::now() + RIDE_OUT);
        loop {
            match step().await {
                Err(refusal) if refusal.may_pass() && Instant::now() < until => {
                    let connected = self.client.connection_state() == State::Connected;
                    if connected && self.connects() == connects {
                        return Err(refusal);
                    }
                    self.wait_for_connection(until).await;
                    sleep(PAUSE).await;
                }
                result => return result,
            }
        }
    }

    /// Waits for the answer to a request.
    async fn answer(
        &self,
        subject: &str,
        asked: impl Future<Output = Result<Message, RequestError>>,
    ) -> Result<Message, Refusal> {
        let answer = self.heard(subject, asked).await.map_err(Refusal::Lost)?;
        answer.map_err(|failed| Refusal::Lost(errors::of_request(failed)))
    }

    /// Publishes one message and returns the number under which it is stored.
    pub(super) async fn put(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<u64, Refusal> {
        let named = subject.clone();
        let request = Request::new().headers(headers).payload(payload);
        let asked = self.client.send_request(subject, request);
        let answer = self.heard(&named, asked).await.map_err(Refusal::Lost)?;
        let answer = answer.map_err(|failed| match failed.kind() {
            RequestErrorKind::NoResponders => Refusal::Lost(errors::uncovered(&named)),
            _ => Refusal::Lost(errors::of_request(failed)),
        })?;
        match serde_json::from_slice(&answer.payload) {
            Ok(Stored { error: None, seq }) => Ok(seq),
            _ => parse(&answer.payload).map(|_| 0),
        }
    }

    /// Waits until a message is confirmed stored.
    pub(super) async fn stored(
        &self,
        subject: &str,
        confirmed: PublishAckFuture,
    ) -> Result<PublishAck, Refusal> {
        let stored = self.heard(subject, confirmed.into_future()).await;
        let stored = stored.map_err(Refusal::Lost)?;
        stored.map_err(|failed| errors::of_publish(failed, subject))
    }

    /// Reads the last message of a subject, or one by its number, from any replica.
    pub(super) async fn peek(
        &self,
        stream: &str,
        what: &Value,
    ) -> Result<Option<async_nats::Message>> {
        let subject = format!("$JS.API.DIRECT.GET.{stream}");
        let body = Bytes::from(what.to_string());
        let found = self.ride_out(|| async {
            let asked = self.client.request(subject.clone(), body.clone());
            self.answer(&subject, asked).await
        });
        let found = found.await?;
        match found.status {
            None => Ok(Some(found)),
            Some(StatusCode::NOT_FOUND) => Ok(None),
            Some(status) => Err(error(
                ErrorKind::Other,
                format!("a message could not be read: {status}"),
            )),
        }
    }

    /// Tells the server something at a reply subject and waits until it took note.
    pub(super) async fn confirm(&self, reply: Subject, word: Bytes) -> Result<()> {
        let asked = self.client.request(reply.clone(), word);
        self.answer(&reply, asked).await?;
        Ok(())
    }

    /// Deletes a message without overwriting its bytes, which is what makes it fast; tells whether it was there.
    pub(super) async fn delete(&self, stream: &str, number: u64) -> Result<bool> {
        let body = serde_json::json!({"seq": number, "no_erase": true});
        match self.api(format!("STREAM.MSG.DELETE.{stream}"), &body).await {
            Ok(_) => Ok(true),
            Err(Refusal::Server { text, .. }) if text.contains("not permitted") => {
                Err(error(ErrorKind::Denied, text))
            }
            Err(refusal) if GONE.iter().any(|number| refusal.is(*number)) => Ok(false),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Deletes what stands under a subject; tells how many messages that were.
    pub(super) async fn purge(&self, stream: &str, filter: &str) -> Result<u64> {
        let body = serde_json::json!({"filter": filter});
        let answer = self.api(format!("STREAM.PURGE.{stream}"), &body).await?;
        Ok(answer.get("purged").and_then(Value::as_u64).unwrap_or(0))
    }
}

/// The answer to a message that was stored.
#[derive(Deserialize)]
struct Stored {
    error: Option<IgnoredAny>,
    #[serde(default)]
    seq: u64,
}

fn parse(answer: &[u8]) -> Result<Value, Refusal> {
    let answer: Value = serde_json::from_slice(answer).map_err(|source| {
        Refusal::Lost(error(ErrorKind::Other, "the server answered nonsense").because(source))
    })?;
    match errors::refused(&answer) {
        Some(refusal) => Err(refusal),
        None => Ok(answer),
    }
}
