//! The event as a handler gets it, with the attributes of its delivery.

use std::borrow::Cow;

use cloudevents::Event;

use crate::event::{
    Envelope, EventError, HandlingKey, Message, Naming, attributes::names,
    attributes::value::Extension, codec::sdk::decode_envelope, codec::structured,
};

/// The CloudEvents integer has 32 bits, more than any number of attempts.
const MOST: u32 = i32::MAX.unsigned_abs();

/// The attributes that a delivery adds to its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandOver {
    /// The number of this run, from 1.
    pub attempt: u32,
    /// The maximum number of attempts.
    pub max_attempts: u32,
    /// The names of the attributes.
    pub naming: Naming,
    /// The key of the handling, for those who have no environment per event (`pfdedupkey`).
    pub dedup_key: Option<HandlingKey>,
}

impl HandOver {
    /// Sets the attributes of an event that its handler gets.
    ///
    /// With [`Naming::CloudEvents`] every official SDK accepts the event. The delivery adds `pfattempt` and
    /// `pfattemptlimit`. Attributes of the Go library are translated: correlation and trace to `correlationid` and
    /// `traceparent`; `pf_max_attempts`, `pf_event_version`, and trace ids that are not in W3C format, to the
    /// same names without underscores. Attributes of earlier deliveries and an expired delay are left out. Other attributes
    /// that SDKs refuse ([`Envelope::refused_attribute`]) stay as they are.
    ///
    /// With [`Naming::Protoflow`] the event has the Go library's names. There `pf_max_attempts` is the limit of the
    /// delivery, and the publisher's is kept beside it as `pfmaxattempts`, so that it is not lost when the event is published
    /// again.
    pub fn apply(&self, envelope: &mut Envelope<'_>) {
        let extensions = &mut envelope.extensions;
        match self.naming {
            Naming::CloudEvents => self.apply_lawful(extensions),
            Naming::Protoflow => self.apply_protoflow(extensions),
        }
        if let Some(key) = self.dedup_key {
            let name = Cow::Borrowed(names::DEDUP_KEY);
            extensions.retain(|(present, _)| *present != name);
            let text = serde_json::Value::from(key.to_string()).to_string();
            extensions.push((name, Cow::Owned(text)));
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

/// Returns the event as a handler gets it, as one line of JSON without a line break.
///
/// Whatever the form of the message, data and extensions are verbatim, every digit included.
/// Text in binary mode becomes a string, other bytes `data_base64`.
///
/// # Errors
/// If the message is not an event.
pub fn hand_over(message: &Message, with: &HandOver) -> Result<Vec<u8>, EventError> {
    hand_over_envelope(Envelope::read(message)?, with)
}

/// Returns an event whose envelope was read already as [`hand_over`] does.
///
/// # Errors
/// If its data contradicts its content type.
pub fn hand_over_envelope(
    mut envelope: Envelope<'_>,
    with: &HandOver,
) -> Result<Vec<u8>, EventError> {
    with.apply(&mut envelope);
    let mut out = Vec::with_capacity(1024);
    structured::write(&mut out, &envelope)?;
    Ok(out)
}

/// Returns the event as a handler function gets it, decoded as [`decode`](crate::event::decode) does.
///
/// # Errors
/// If it has a time or schema that cannot be represented, or data that contradicts its content type.
pub fn hand_over_event(mut envelope: Envelope<'_>, with: &HandOver) -> Result<Event, EventError> {
    with.apply(&mut envelope);
    decode_envelope(envelope)
}
