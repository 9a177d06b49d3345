//! Questions to the server, asked again while a connection that was lost comes back, or a leader is elected.
//!
//! A cluster without a leader looks like one that is not there: a message to a stream finds nobody who takes it, a
//! question gets no answer or "temporarily unavailable", and the connection is as good as ever. What was surely not
//! carried out is sent again whatever it is; what may have been, only where it may happen twice.

use std::time::Duration;

use async_nats::{
    HeaderMap, Message, Request, RequestError, RequestErrorKind, StatusCode, Subject,
    jetstream::{context::PublishAckFuture, publish::PublishAck},
};
use bytes::Bytes;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    backends::nats::{
        codec::headers::EXPECTED_STREAM,
        connection::handle::Link,
        error::{self as errors, Refusal, error},
    },
    transport::{ErrorKind, Result},
};

/// The server's answers to a delete of what is not there.
const GONE: [u64; 3] = [
    errors::NO_MESSAGE_TO_DELETE,
    errors::NO_MESSAGE,
    errors::NO_SEQUENCE,
];
/// How long a lost connection, or a cluster without a leader, is ridden out.
pub(crate) const RIDE_OUT: Duration = Duration::from_secs(30);
/// The pause before a question is asked again.
const PAUSE: Duration = Duration::from_millis(100);

impl Link {
    /// Asks `JetStream`, again if the connection was lost meanwhile or no leader answers: for questions, and for what may
    /// happen twice.
    pub(crate) async fn api(&self, verb: String, body: &Value) -> Result<Value, Refusal> {
        self.ride_out(|| self.ask(&verb, body)).await
    }

    /// Asks `JetStream` once.
    pub(crate) async fn ask(&self, verb: &str, body: &Value) -> Result<Value, Refusal> {
        let subject = format!("$JS.API.{verb}");
        let body = Bytes::from(body.to_string());
        let asked = self.client.request(subject.clone(), body);
        parse(&self.answer(&subject, asked).await?.payload)
    }

    /// Repeats a step while its failures come from a connection that was lost and comes back, or from a cluster that has
    /// no leader.
    pub(crate) async fn ride_out<T, F>(&self, mut step: impl FnMut() -> F) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, Refusal>>,
    {
        let (connects, until) = (self.connects(), Instant::now() + RIDE_OUT);
        loop {
            match step().await {
                Err(refusal) if refusal.may_pass() && Instant::now() < until => {
                    let same = self.is_connected() && self.connects() == connects;
                    if same && !self.may_lack_leader(&refusal) {
                        return Err(refusal);
                    }
                    self.wait_for_connection(until).await;
                    sleep(PAUSE).await;
                }
                result => return result,
            }
        }
    }

    /// Reports whether a request may have failed because a cluster elects a leader. A server alone always has one.
    fn may_lack_leader(&self, refusal: &Refusal) -> bool {
        match refusal {
            Refusal::Server { .. } => true,
            Refusal::Lost(_) | Refusal::Untaken(_) => {
                let info = self.client.server_info();
                info.cluster.is_some() && info.jetstream
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

    /// Publishes one message and returns the number under which it is stored. While the stream has no leader nothing can
    /// have been stored, so that it is sent again.
    pub(crate) async fn put(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<u64, Refusal> {
        let until = Instant::now() + RIDE_OUT;
        loop {
            let put = self.put_once(subject.clone(), headers.clone(), payload.clone());
            match put.await {
                Err(Refusal::Lost(failed)) => return Err(Refusal::Lost(failed)),
                Err(refusal) if refusal.may_pass() && Instant::now() < until => sleep(PAUSE).await,
                result => return result,
            }
        }
    }

    /// Publishes one message under an id that the server recognises, again while no answer comes.
    pub(crate) async fn put_surely(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<u64, Refusal> {
        let until = Instant::now() + RIDE_OUT;
        let mut doubtful = false;
        loop {
            let put = self.put(subject.clone(), headers.clone(), payload.clone());
            let refusal = match put.await {
                Ok(number) => return Ok(number),
                Err(refusal) => refusal,
            };
            doubtful |= matches!(refusal, Refusal::Lost(_));
            if !refusal.may_pass() {
                return Err(refusal);
            }
            if Instant::now() >= until {
                return Err(if doubtful {
                    Refusal::Lost(refusal.into())
                } else {
                    refusal
                });
            }
            self.wait_for_connection(until).await;
            sleep(PAUSE).await;
        }
    }

    /// Publishes one message, and says where it belongs if it found no stream, or another one than it expects.
    pub(crate) async fn put_once(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<u64, Refusal> {
        let (named, expected) = (subject.clone(), expected_stream(&headers));
        let request = Request::new().headers(headers).payload(payload);
        let asked = self.client.send_request(subject, request);
        let answer = match self.heard(&named, asked).await.map_err(Refusal::Lost)? {
            Ok(answer) => answer,
            Err(failed) if failed.kind() == RequestErrorKind::NoResponders => {
                return Err(Refusal::Untaken(
                    self.untaken(&named, expected.as_deref()).await,
                ));
            }
            Err(failed) => return Err(Refusal::Lost(errors::of_request(failed))),
        };
        match serde_json::from_slice(&answer.payload) {
            Ok(Stored {
                error: None, seq, ..
            }) => Ok(seq),
            Ok(Stored {
                stream: Some(stream),
                ..
            }) => Err(self
                .refused(&answer.payload, (&named, &stream, expected))
                .await),
            _ => parse(&answer.payload).map(|_| 0),
        }
    }

    /// Reads why a stream refused a message, which may belong to another one.
    async fn refused(
        &self,
        answer: &[u8],
        (subject, stream, expected): (&str, &str, Option<String>),
    ) -> Refusal {
        match (parse(answer), expected) {
            (Err(refusal), Some(expected)) if refusal.is(errors::OTHER_STREAM) => {
                Refusal::Untaken(self.elsewhere(subject, stream, &expected).await)
            }
            (Err(refusal), _) => refusal,
            (Ok(_), _) => Refusal::Lost(error(ErrorKind::Other, "the server answered nonsense")),
        }
    }

    /// Waits until a message is confirmed stored.
    pub(crate) async fn stored(
        &self,
        subject: &str,
        confirmed: PublishAckFuture,
    ) -> Result<PublishAck, Refusal> {
        let stored = self.heard(subject, confirmed.into_future()).await;
        let stored = stored.map_err(Refusal::Lost)?;
        stored.map_err(|failed| errors::of_publish(failed, subject))
    }

    /// Reads the last message of a subject, or one by its number, from any replica.
    pub(crate) async fn peek(
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
    pub(crate) async fn confirm(&self, reply: Subject, word: Bytes) -> Result<()> {
        let asked = self.client.request(reply.clone(), word);
        self.answer(&reply, asked).await?;
        Ok(())
    }

    /// Deletes a message without overwriting its bytes, which is what makes it fast; tells whether it was there.
    pub(crate) async fn delete(&self, stream: &str, number: u64) -> Result<bool> {
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
    pub(crate) async fn purge(&self, stream: &str, filter: &str) -> Result<u64> {
        let body = serde_json::json!({"filter": filter});
        let answer = self.api(format!("STREAM.PURGE.{stream}"), &body).await?;
        Ok(answer.get("purged").and_then(Value::as_u64).unwrap_or(0))
    }
}

/// The answer to a message that was stored, or was not.
#[derive(Deserialize)]
struct Stored {
    error: Option<IgnoredAny>,
    stream: Option<String>,
    #[serde(default)]
    seq: u64,
}

/// Repeats a step that may happen twice while its failures are of the kind that passes, at most until then.
pub(crate) async fn while_it_may_pass<T, F>(
    until: Instant,
    mut step: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    loop {
        match step().await {
            Err(failed) if failed.is_transient() && Instant::now() < until => sleep(PAUSE).await,
            result => return result,
        }
    }
}

fn expected_stream(headers: &HeaderMap) -> Option<String> {
    let expected = headers.get(EXPECTED_STREAM)?;
    Some(expected.as_str().to_owned())
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
