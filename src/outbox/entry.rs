//! An event on its way into an outbox.

use std::time::SystemTime;

use cloudevents::{AttributesReader as _, Event};

use crate::event::{Encoding, EventError, Topic, encode};

/// An event to be inserted into an outbox, in the transaction of the change that it reports.
///
/// The event is complete, its id included, so that every relay and every retry publishes the same.
#[derive(Debug, Clone)]
#[must_use = "`enqueue` of the database's module inserts it"]
pub struct Entry {
    pub(super) topic: Topic,
    pub(super) key: Option<String>,
    pub(super) event: String,
    pub(super) due: Option<SystemTime>,
}

impl Entry {
    /// Takes an event; its topic is its type, and its key the attribute `partitionkey`, else the subject.
    ///
    /// # Errors
    /// If an attribute breaks a rule, or the type is not a valid topic.
    pub fn new(event: &Event) -> Result<Self, EventError> {
        let topic = event.ty().parse();
        let topic: Topic = topic.map_err(|error: crate::event::NameError| {
            EventError::NotAnEvent(format!("its type is not a valid topic: {error}"))
        })?;
        let message = encode(event, topic, Encoding::default())?;
        let not_text = || EventError::NotAnEvent("it is not text".to_owned());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| not_text());
        Ok(Self {
            key: message.key.as_deref().map(text).transpose()?,
            event: text(message.bytes())?,
            topic: message.topic,
            due: None,
        })
    }

    /// Sets the topic.
    pub fn topic(mut self, topic: Topic) -> Self {
        self.topic = topic;
        self
    }

    /// Sets the key: events of one key are published in order.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Leaves the event in the outbox until this time; one in the past means now.
    pub fn due(mut self, due: SystemTime) -> Self {
        self.due = Some(due);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::event;

    #[test]
    fn an_entry_has_the_topic_and_key_of_its_event() {
        let order = event("order.created", "/shop").id("1").subject("order-7");
        let entry = Entry::new(&order.build().unwrap()).unwrap();
        assert_eq!(entry.topic.as_str(), "order.created");
        assert_eq!(entry.key.as_deref(), Some("order-7"));
        assert!(entry.event.contains(r#""id":"1""#), "{}", entry.event);
        let entry = entry.topic("orders".parse().unwrap()).key("7");
        assert_eq!(
            (entry.topic.as_str(), entry.key.as_deref()),
            ("orders", Some("7"))
        );
    }
}
