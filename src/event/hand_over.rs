//! What a handler sees: the event as one JSON object with the `pf_*` attributes of this delivery.

use std::borrow::Cow;

use cloudevents::Event;

use super::{
    Envelope, EventError, EventExt, Message, TraceParent, json::quoted, names, structured,
};

/// What a delivery adds to its event when it is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// The number of this run, from 1.
    pub attempt: u32,
    /// Runs that the policy allows.
    pub max_attempts: u32,
}

impl HandOver {
    /// Puts the attributes of this delivery into a decoded event.
    pub fn mark(&self, event: &mut Event) {
        let known = [
            (
                names::PF_CORRELATION_ID,
                event.correlation_id().map(Cow::into_owned),
            ),
            (names::TRACE_ID, event.trace_id().map(Cow::into_owned)),
            (names::PARENT_ID, event.parent_id().map(Cow::into_owned)),
        ];
        for (name, value) in known {
            if let Some(value) = value {
                event.set_extension(name, value);
            }
        }
        event.set_extension(names::ATTEMPT, i64::from(self.attempt));
        event.set_extension(names::MAX_ATTEMPTS, i64::from(self.max_attempts));
    }
}

/// Returns the event as one line of JSON as a handler sees it, without a line break.
///
/// Whatever the form of the message, data and extensions stand as they were written, every digit included.
/// Text in binary mode becomes a string, other bytes `data_base64`.
///
/// # Errors
/// If the message is no event.
pub fn hand_over(message: &Message, with: &HandOver) -> Result<Vec<u8>, EventError> {
    hand_over_envelope(Envelope::read(message)?, with)
}

/// Does what [`hand_over`] does with an event that was read already.
///
/// # Errors
/// If its data is not what it claims to be.
pub fn hand_over_envelope(
    mut envelope: Envelope<'_>,
    with: &HandOver,
) -> Result<Vec<u8>, EventError> {
    let trace = envelope.extension(names::TRACEPARENT);
    let trace = trace.and_then(|text| text.parse::<TraceParent>().ok());
    let known = [
        (names::ATTEMPT, Some(with.attempt.to_string())),
        (names::MAX_ATTEMPTS, Some(with.max_attempts.to_string())),
        (
            names::PF_CORRELATION_ID,
            envelope.correlation_id().map(|id| quoted(&id)),
        ),
        (
            names::TRACE_ID,
            trace.map(|trace| quoted(&trace.trace_id())),
        ),
        (
            names::PARENT_ID,
            trace.map(|trace| quoted(&trace.parent_id())),
        ),
    ];
    for (name, json) in known {
        if let Some(json) = json {
            envelope.extensions.retain(|(stored, _)| stored != name);
            envelope
                .extensions
                .push((Cow::Borrowed(name), Cow::Owned(json)));
        }
    }
    let mut out = Vec::with_capacity(1024);
    structured::write(&mut out, &envelope)?;
    Ok(out)
}
