//! What a command is given on stdin.

use protoflow::{
    event::{Envelope, EventError, hand_over_envelope},
    runtime::Run,
    transport::Delivery,
};

/// What to write to a command's stdin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum StdinForm {
    /// The event as one line of JSON.
    #[default]
    Event,
    /// The data alone, as it is.
    Data,
}

/// Returns the event as one line of JSON, its line break included.
///
/// # Errors
/// If its data is not what it claims to be.
pub fn line(envelope: Envelope<'_>, delivery: &Delivery, run: &Run) -> Result<Vec<u8>, EventError> {
    run.refused.look_at(delivery, &envelope);
    let mut line = hand_over_envelope(envelope, &run.hand_over())?;
    line.push(b'\n');
    Ok(line)
}

/// Returns the data as it is: text without its quotes, bytes without their base64.
///
/// # Errors
/// If it claims to be base64 and is not.
pub fn data(envelope: &Envelope<'_>) -> Result<Vec<u8>, EventError> {
    let data = envelope.data_bytes()?;
    Ok(data.map_or_else(Vec::new, std::borrow::Cow::into_owned))
}
