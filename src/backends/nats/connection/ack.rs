//! Acknowledgements, as they are sent to the reply subject of a delivery.

use std::time::Duration;

use async_nats::{Client, Subject};
use bytes::Bytes;

use crate::{
    backends::nats::error::error,
    transport::{ErrorKind, Result},
};

/// The message is settled.
pub(crate) const ACK: Bytes = Bytes::from_static(b"+ACK");
/// The message is delivered again at once.
pub(crate) const NAK: Bytes = Bytes::from_static(b"-NAK");
/// The message is still being worked on: its ack wait starts over.
pub(crate) const IN_PROGRESS: Bytes = Bytes::from_static(b"+WPI");

/// The message is delivered again after a delay.
pub(crate) fn nak_after(delay: Duration) -> Bytes {
    if delay.is_zero() {
        return NAK;
    }
    format!("-NAK {{\"delay\": {}}}", delay.as_nanos()).into()
}

/// Sends an acknowledgement for deliveries, without waiting for the server to confirm it.
pub(crate) async fn send(
    client: &Client,
    replies: impl IntoIterator<Item = Subject>,
    ack: &Bytes,
) -> Result<()> {
    for reply in replies {
        let sent = client.publish(reply, ack.clone()).await;
        sent.map_err(|source| {
            error(ErrorKind::Unavailable, "the connection is closed").because(source)
        })?;
    }
    Ok(())
}
