//! Messages on their way to a stream: laid out, and what became of each so far.

use std::{sync::Arc, time::SystemTime};

use async_nats::{HeaderMap, Subject};
use ulid::Ulid;

use crate::{
    backends::nats::{
        codec::headers::{self, EXPECTED_STREAM},
        connection::{handle::Link, stream::info::Facts},
        delay::{at, can_keep},
        error::{self as errors, Refusal, error},
    },
    event::Message,
    transport::{ErrorKind, Outgoing, Receipt, Result, ScheduleId, TransportError},
};

/// A message as it goes to the server.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) subject: Subject,
    pub(crate) message: Message,
    /// By which the server recognises it.
    id: String,
    pub(crate) later: Option<Later>,
    /// Laid out to be checked, and taken by the first try.
    pub(crate) headers: Option<HeaderMap>,
    /// Whether it was sent and nobody knows what became of it.
    pub(crate) doubtful: bool,
}

/// When and where a message is to be seen.
#[derive(Debug)]
pub(crate) struct Later {
    pub(crate) id: ScheduleId,
    due: SystemTime,
    subject: Subject,
}

impl Parcel {
    /// Returns how many bytes it takes, at least.
    pub(crate) fn bytes(&self) -> usize {
        let headers = self.headers.as_ref().map_or(0, headers::size);
        self.subject.len() + headers + self.message.bytes().len()
    }

    pub(crate) fn lay_out(&self, link: &Link) -> Result<HeaderMap> {
        let mut headers = if link.broker_headers {
            headers::write_with_commands(&self.message)?
        } else {
            headers::write(&self.message)?
        };
        if headers.get("Nats-Msg-Id").is_none() {
            headers.insert("Nats-Msg-Id", self.id.as_str());
        }
        if headers.get(EXPECTED_STREAM).is_none() {
            headers.insert(EXPECTED_STREAM, link.names.stream.as_str());
        }
        if let Some(later) = &self.later {
            headers.insert("Nats-Schedule", at(later.due));
            headers.insert("Nats-Schedule-Target", later.subject.as_str());
        }
        Ok(headers)
    }
}

/// What became of a message so far.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all wait, and a box for each would cost more"
)]
pub(crate) enum State {
    Waiting(Parcel, Option<Refusal>),
    Done(Result<Receipt>),
}

/// Lays messages out, or says why they cannot be published.
pub(crate) async fn prepare(link: &Arc<Link>, batch: Vec<Outgoing>) -> Vec<State> {
    let now = SystemTime::now();
    let later = |outgoing: &Outgoing| outgoing.due.is_some_and(|due| due > now);
    let facts = if batch.iter().any(later) {
        Some(link.facts().await)
    } else {
        None
    };
    let mut states = Vec::with_capacity(batch.len());
    for outgoing in batch {
        let due = outgoing.due.filter(|due| *due > now);
        let parcel = parcel(link, outgoing).and_then(|parcel| match due {
            None => Ok(parcel),
            Some(due) => match &facts {
                Some(Ok(facts)) => delayed(link, parcel, due, facts),
                Some(Err(failed)) => Err(failed.clone()),
                None => Err(error(ErrorKind::Other, "the stream is unknown")),
            },
        });
        states.push(match parcel {
            Ok(parcel) => State::Waiting(parcel, None),
            Err(failed) => State::Done(Err(failed)),
        });
    }
    states
}

/// Copies an error with other words.
pub(crate) fn reworded(
    failed: &TransportError,
    say: impl FnOnce(&str) -> String,
) -> TransportError {
    failed.clone().with_message(say(failed.message()))
}

fn parcel(link: &Link, outgoing: Outgoing) -> Result<Parcel> {
    let message = outgoing.message;
    let mut parcel = Parcel {
        subject: link.names.subject(&message.topic)?.into(),
        message,
        id: link.id(),
        later: None,
        headers: None,
        doubtful: false,
    };
    let headers = parcel.lay_out(link)?;
    if parcel.message.bytes().len() + headers::size(&headers) > link.client.max_payload() {
        return Err(errors::too_large());
    }
    parcel.headers = Some(headers);
    Ok(parcel)
}

/// Turns a message into a schedule, or says why its delay cannot be kept.
fn delayed(link: &Link, mut parcel: Parcel, due: SystemTime, facts: &Facts) -> Result<Parcel> {
    can_keep(link, due, facts)?;
    if !facts.covers(&parcel.subject) {
        return Err(errors::uncovered(&parcel.subject));
    }
    let id = Ulid::generate().to_string().to_lowercase();
    let later = Subject::from(link.names.later(&id));
    parcel.later = Some(Later {
        id: ScheduleId(id),
        due,
        subject: std::mem::replace(&mut parcel.subject, later),
    });
    parcel.headers = Some(parcel.lay_out(link)?);
    Ok(parcel)
}

/// Returns what a message came to.
pub(crate) fn conclude(state: State) -> Result<Receipt> {
    match state {
        State::Done(result) => result,
        State::Waiting(parcel, Some(refusal)) if parcel.doubtful && refusal.may_pass() => {
            let message = "it is not known whether the message was stored";
            Err(error(ErrorKind::Ambiguous, message).because(TransportError::from(refusal)))
        }
        State::Waiting(_, Some(refusal)) => Err(refusal.into()),
        State::Waiting(_, None) => Err(error(ErrorKind::Other, "the message was not sent")),
    }
}
