//! The stdin of a command.

use protoflow::{
    event::{Envelope, EventError, HandOver, HandlingKey, hand_over_envelope},
    runtime::Run,
    transport::Delivery,
};

/// Form of a command's stdin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum StdinForm {
    /// The event as one line of JSON.
    #[default]
    Event,
    /// The data alone, unchanged.
    Data,
}

/// Returns the event as one line of JSON with its line break.
///
/// # Errors
/// If its data does not match its content type.
pub fn line(envelope: Envelope<'_>, delivery: &Delivery, run: &Run) -> Result<Vec<u8>, EventError> {
    line_with(envelope, delivery, run, None)
}

/// Returns the same with the key of the handling, for a worker: it has no environment per event.
///
/// # Errors
/// If its data does not match its content type.
pub fn line_with_key(
    envelope: Envelope<'_>,
    delivery: &Delivery,
    run: &Run,
) -> Result<Vec<u8>, EventError> {
    let key = run.handling_key(&envelope.source, &envelope.id);
    line_with(envelope, delivery, run, Some(key))
}

fn line_with(
    envelope: Envelope<'_>,
    delivery: &Delivery,
    run: &Run,
    dedup_key: Option<HandlingKey>,
) -> Result<Vec<u8>, EventError> {
    run.refused.check(delivery, &envelope);
    let with = HandOver {
        dedup_key,
        ..run.hand_over()
    };
    let mut line = hand_over_envelope(envelope, &with)?;
    line.push(b'\n');
    Ok(line)
}

/// Returns the data alone: text without its quotes, bytes without base64.
///
/// # Errors
/// If it is declared as base64 and is not valid base64.
pub fn data(envelope: &Envelope<'_>) -> Result<Vec<u8>, EventError> {
    let data = envelope.data_bytes()?;
    Ok(data.map_or_else(Vec::new, std::borrow::Cow::into_owned))
}
