//! What a handler sees: the event, with the attributes of its delivery.

use std::borrow::Cow;

use cloudevents::Event;

use crate::event::{
    Envelope, EventError, Message, Naming, attributes::names, attributes::value::Extension,
    codec::sdk::decode_envelope, codec::structured,
};

/// The CloudEvents integer has 32 bits; nothing is ever tried so often.
const MOST: u32 = i32::MAX.unsigned_abs();

/// What a delivery adds to its event when it is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandOver {
    /// The number of this run, from 1.
    pub attempt: u32,
    /// Runs that the policy allows.
    pub max_attempts: u32,
    /// Whose names the attributes have.
    pub naming: Naming,
}

impl HandOver {
    /// Gives an event the attributes that its handler sees.
    ///
    /// With [`Naming::CloudEvents`] every official SDK takes the event. The delivery adds `pfattempt` and
    /// `pfattemptlimit`. Attributes of the Go library are translated: correlation and trace to `correlationid` and
    /// `traceparent`; the publisher's number of attempts (`pf_max_attempts`), `pf_event_version`, and ids of traces that W3C does not
    /// know, to the same names without underscores. The bookkeeping of earlier deliveries, and a delay that is over, are left
    /// out. Attributes of others that SDKs refuse ([`Envelope::refused_attribute`]) stay as they are written.
    ///
    /// With [`Naming::Protoflow`] the event has the Go library's names. There `pf_max_attempts` is what the delivery
    /// allows, and the number that the publisher set is kept beside it as `pfmaxattempts`, so that it is not lost when the event is published again.
    pub fn apply(&self, envelope: &mut Envelope<'_>) {
        let extensions = &mut envelope.extensions;
        match self.naming {
            Naming::CloudEvents => self.apply_lawful(extensions),
            Naming::Protoflow => self.apply_protoflow(extensions),
        }
    }

    fn apply_lawful(&self, extensions: &mut Vec<Extension<'_>>) {
        if extensions.iter().any(|(name, _)| name.starts_with("pf")) {
            let is_over = |name: &str| name == names::PF_DELAY_MS || names::is_bookkeeping(name);
            extensions.retain(|(name, _)| !is_over(name));
            names::to_cloudevents(extensions);
        }
        add(extensions, names::ATTEMPT, self.attempt.min(MOST));
        add(
            extensions,
            names::ATTEMPT_LIMIT,
            self.max_attempts.min(MOST),
        );
    }

    fn apply_protoflow(&self, extensions: &mut Vec<Extension<'_>>) {
        const OVER: [&str; 7] = [
            names::ATTEMPT,
            names::ATTEMPT_LIMIT,
            names::MAX_ATTEMPTS,
            names::PF_ATTEMPT,
            names::PF_MAX_ATTEMPTS,
            names::PF_NEXT_ATTEMPT_AT,
            names::PF_DELAY_MS,
        ];
        let wish = names::wish(extensions);
        names::remove(extensions, &OVER);
        names::to_protoflow(extensions);
        if let Some(wish) = wish {
            add(extensions, names::MAX_ATTEMPTS, wish.min(MOST));
        }
        add(extensions, names::PF_ATTEMPT, self.attempt);
        add(extensions, names::PF_MAX_ATTEMPTS, self.max_attempts);
    }
}

fn add(extensions: &mut Vec<Extension<'_>>, name: &'static str, number: u32) {
    extensions.push((Cow::Borrowed(name), Cow::Owned(number.to_string())));
}

/// Returns the event as one line of JSON as a handler sees it, without a line break.
///
/// Whatever the form of the message, data and extensions stand as they were written, every digit included.
/// Text in binary mode becomes a string, other bytes `data_base64`.
///
/// # Errors
/// If the message is not an event.
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
    with.apply(&mut envelope);
    let mut out = Vec::with_capacity(1024);
    structured::write(&mut out, &envelope)?;
    Ok(out)
}

/// Returns the event as a handler that is a function sees it, decoded as [`decode`](crate::event::decode) does.
///
/// # Errors
/// If it has a time or schema that cannot be represented, or data that is not what it claims to be.
pub fn hand_over_event(mut envelope: Envelope<'_>, with: &HandOver) -> Result<Event, EventError> {
    with.apply(&mut envelope);
    decode_envelope(envelope)
}
