//! Responses: events that a handler returns.

use std::time::SystemTime;

use cloudevents::{AttributesReader, Event};

use crate::{
    event::{Encoding, Envelope, EventError, EventExt, Message, attributes::names, encode},
    transport::Outgoing,
};

/// Encodes the responses to `cause`, each for the topic of its type.
///
/// A response with a delay of its own ([`EventExt::delay`]) is delivered after it. A response without correlation id or trace gets
/// those of the cause; an event created by [`respond`](EventExt::respond) has them already.
pub(super) fn encode_all(
    cause: &Message,
    events: Vec<Event>,
    encoding: Encoding,
) -> Result<Vec<Outgoing>, EventError> {
    let cause = Envelope::read(cause).ok();
    let encode = |mut event: Event| {
        if let Some(cause) = &cause {
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
    };
    events.into_iter().map(encode).collect()
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

fn carry_over(cause: &Envelope<'_>, response: &mut Event) {
    if response.correlation_id().is_none()
        && let Some(id) = cause.correlation_id()
    {
        response.set_extension(names::CORRELATION_ID, id.into_owned());
    }
    if response.traceparent().is_none()
        && let Some(trace) = cause.traceparent()
    {
        response.set_extension(names::TRACEPARENT, trace.child().to_string());
        if let Some(state) = cause.extension(names::TRACESTATE) {
            response.set_extension(names::TRACESTATE, state.into_owned());
        }
    }
}
