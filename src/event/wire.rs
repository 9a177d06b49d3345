//! Between messages and [`cloudevents::Event`].
use super::{EventError, Message, Topic};
use cloudevents::Event;
/// How an event is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// One JSON object.
    #[default]
    Structured,
    /// Attributes as headers.
    Binary,
}
/// Whose header names binary mode uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// `ce_id`, as the Kafka binding has it.
    #[default]
    Kafka,
    /// `ce-id`, percent-encoded, as the NATS binding has it.
    Nats,
}
/// Under which names correlation and trace are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Naming {
    /// `correlationid`, `traceparent`: every SDK reads them.
    #[default]
    CloudEvents,
    /// `pf_correlation_id` and friends, for topics shared with the Go library.
    Protoflow,
}
/// How events are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Encoding {
    /// Layout.
    pub mode: Mode,
    /// Header names of binary mode.
    pub dialect: Dialect,
    /// Attribute names.
    pub naming: Naming,
}
/// Decodes an event, numbers keeping their digits. # Errors what is wrong
pub fn decode(message: &Message) -> Result<Event, EventError> {
    let _ = message;
    todo!()
}
/// Encodes an event for `topic`; the key is `partitionkey`, else `subject`. # Errors if an attribute breaks a rule
pub fn encode(event: &Event, topic: Topic, encoding: Encoding) -> Result<Message, EventError> {
    let _ = (event, topic, encoding);
    todo!()
}
/// Wraps a message that is no event (`--plain`): type `plain`, the bytes as data, id from the position.
#[must_use]
pub fn wrap_plain(stored: &super::Stored) -> Message {
    let _ = stored;
    todo!()
}
