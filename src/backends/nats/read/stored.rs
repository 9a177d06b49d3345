//! Delivered messages as stored ones.

use crate::{
    backends::nats::{
        codec::headers,
        connection::{direct_get::StoredMessage, handle::Connection},
        read::pull::Received,
    },
    event::{Position, Stored, Topic},
};

/// Decodes a delivered message; none if its subject does not map to a topic.
pub(crate) fn decode(connection: &Connection, received: Received) -> Option<Stored> {
    let topic = connection.names.topic(&received.subject)?;
    Some(with_topic(topic, received))
}

/// Decodes a delivered message of a topic.
pub(crate) fn with_topic(topic: Topic, received: Received) -> Stored {
    Stored {
        message: headers::read(topic, received.headers.as_ref(), received.payload),
        position: Position::number(received.stream_sequence),
        time: received.published,
    }
}

/// Decodes a message that was read by its sequence; none if its subject does not map to a topic.
pub(crate) fn from_message(connection: &Connection, message: StoredMessage) -> Option<Stored> {
    let topic = connection.names.topic(&message.subject)?;
    Some(Stored {
        message: headers::read(topic, Some(&message.headers), message.payload),
        position: Position::number(message.sequence),
        time: message.time,
    })
}
