//! Responses: events and replies that a handler returns.

use std::time::SystemTime;

use cloudevents::{AttributesReader, Event};

use super::Run;
use crate::{
    event::{Encoding, Envelope, EventError, EventExt, Message, attributes::names, encode},
    runtime::{
        create_event,
        reply::{Answer, carry_over},
    },
    transport::Outgoing,
};

/// What a handler returns: an event to publish, or a reply to the sender of the one that it handles.
#[derive(Debug, Clone)]
pub struct Response(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Event(Box<Event>),
    Reply { content_type: String, data: Vec<u8> },
}

impl Response {
    /// A reply with JSON data. It goes to the topic that the request names (`replyto`), if
    /// [`ReplyRules`](crate::runtime::ReplyRules) allow it, and nowhere if the event wants no reply.
    ///
    /// # Errors
    /// If the data cannot be serialized.
    pub fn json(data: &impl serde::Serialize) -> Result<Self, EventError> {
        let data = serde_json::to_vec(data);
        let data = data.map_err(|error| EventError::Data(format!("is not valid JSON: {error}")))?;
        Ok(Self::bytes("application/json", data))
    }

    /// A reply with data of another type.
    pub fn bytes(content_type: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self(Kind::Reply {
            content_type: content_type.into(),
            data: data.into(),
        })
    }
}

impl From<Event> for Response {
    fn from(event: Event) -> Self {
        Self(Kind::Event(Box::new(event)))
    }
}

/// Encodes the responses to a delivery: each event for the topic of its type, each reply for the address of the request.
///
/// An event with a delay of its own ([`EventExt::delay`]) is delivered after it. One without correlation id or trace gets
/// those of the cause; an event created by [`respond`](EventExt::respond) has them already.
pub(super) fn encode_all(
    cause: &Message,
    responses: Vec<Response>,
    run: &Run,
    encoding: Encoding,
) -> Result<Vec<Outgoing>, EventError> {
    let envelope = Envelope::read(cause).ok();
    let responses = responses.into_iter().enumerate();
    let encoded = responses.map(|(index, Response(kind))| match kind {
        Kind::Event(event) => encode_event(envelope.as_ref(), *event, run, encoding).map(Some),
        Kind::Reply { content_type, data } => Answer {
            request: cause,
            group: &run.group,
            rules: &run.replies,
            index,
            encoding,
        }
        .reply(&content_type, data),
    });
    encoded.filter_map(Result::transpose).collect()
}

fn encode_event(
    cause: Option<&Envelope<'_>>,
    mut event: Event,
    run: &Run,
    encoding: Encoding,
) -> Result<Outgoing, EventError> {
    create_event(run.system, &mut event);
    if let Some(cause) = cause {
        carry_over(cause, &mut event);
    }
    let topic = event.ty().parse().map_err(|error| EventError::Attribute {
        name: "type".to_owned(),
        rule: format!("is not a valid topic: {error}"),
    })?;
    Ok(Outgoing {
        message: encode(&event, topic, encoding)?,
        due: due(&event)?,
        dedup: false,
    })
}

fn due(event: &Event) -> Result<Option<SystemTime>, EventError> {
    let Some(delay) = event.delay() else {
        return Ok(None);
    };
    let due = SystemTime::now().checked_add(delay);
    due.map(Some).ok_or_else(|| EventError::Attribute {
        name: names::PF_DELAY_MS.to_owned(),
        rule: "is too long".to_owned(),
    })
}
