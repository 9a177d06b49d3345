//! The id of a message of hexa-event, which is where it is stored.

use std::borrow::Cow;

use bytes::Bytes;

use super::{ROOT_ACTION, ROOT_ID, read};
use crate::event::{Form, Group, Message, Position, codec::read::read_draft};

/// Returns the message as one that is an event by itself: a message of hexa-event that names no id gets that of its position,
/// `<topic>-<partition>-<offset>`, in the header in which hexa-event keeps it. Any other is returned as it is.
#[must_use]
pub fn identified<'m>(message: &'m Message, position: &Position) -> Cow<'m, Message> {
    if !may_lack_id(message) {
        return Cow::Borrowed(message);
    }
    let mut named = message.clone();
    named
        .headers
        .push_known(ROOT_ID, Some(id_at(message, position).into()));
    Cow::Owned(named)
}

/// Adds what hexa-event adds to its messages when they fail for the first time: the id, and the group that failed. What an
/// earlier failure added stays.
pub(crate) fn add_root(message: &mut Message, position: &Position, group: &Group) {
    if !may_be_hexa(message) || !matches!(read_draft(message), Ok((_, Form::Hexa))) {
        return;
    }
    let is_empty = |name: &str| message.headers.text(name).is_none_or(str::is_empty);
    let (lacks_id, lacks_action) = (is_empty(ROOT_ID), is_empty(ROOT_ACTION));
    if lacks_id {
        let id = id_at(message, position);
        message.headers.push_known(ROOT_ID, Some(id.into()));
    }
    if lacks_action {
        let group = Bytes::copy_from_slice(group.as_str().as_bytes());
        message.headers.push_known(ROOT_ACTION, Some(group));
    }
}

fn may_lack_id(message: &Message) -> bool {
    let draft = may_be_hexa(message).then(|| read_draft(message));
    matches!(draft, Some(Ok((draft, Form::Hexa))) if draft.id.is_none())
}

/// Spares the reading of messages that are plainly of another form.
fn may_be_hexa(message: &Message) -> bool {
    let mut headers = message.headers.iter();
    read::is_envelope(message.bytes()) || headers.any(|(name, _)| name == super::ENCODER)
}

/// A position is `<topic>/<partition>/<offset>` on Kafka, and a number where there is one log.
fn id_at(message: &Message, position: &Position) -> String {
    let place = position.as_str().replace('/', "-");
    if place.len() > position.as_str().find('/').unwrap_or(place.len()) {
        return place;
    }
    format!("{}-{place}", message.topic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_the_id_of_a_message_that_has_none() {
        let id = |position: &str, headers: &[(&str, &str)]| {
            let mut message = Message::new("order.created".parse().unwrap(), "{}");
            for (name, value) in headers {
                let value = Bytes::copy_from_slice(value.as_bytes());
                message.headers.push(*name, Some(value));
            }
            let named = identified(&message, &Position::new(position));
            let envelope = crate::event::Envelope::read(&named);
            envelope.map(|envelope| envelope.id.into_owned()).ok()
        };
        let hexa = [
            ("_ctx_correlation_id", "c"),
            ("_ctx_locale", ""),
            ("_payload_encoder", "json"),
        ];
        let with = |more| id("order.created/3/42", &[&hexa[..], &[more]].concat());
        let own = id("order.created/3/42", &hexa);
        assert_eq!(own.as_deref(), Some("order.created-3-42"));
        assert_eq!(id("7", &hexa).as_deref(), Some("order.created-7"));
        assert_eq!(with(("ce_id", "1")).as_deref(), Some("1"));
        assert_eq!(with((ROOT_ID, "war-0-1")).as_deref(), Some("war-0-1"));
        assert_eq!(id("7", &hexa[1..]), None, "a header that is required");
        assert_eq!(id("7", &[]), None);
    }

    /// On NATS a position is a number, and the name of a topic may end with one, too.
    #[test]
    fn a_topic_whose_name_ends_like_a_partition_keeps_it() {
        let mut message = Message::new("order-2".parse().unwrap(), "{}");
        for (name, value) in [
            ("_ctx_correlation_id", "c"),
            ("_ctx_locale", ""),
            ("_payload_encoder", "json"),
        ] {
            message
                .headers
                .push(name, Some(Bytes::from_static(value.as_bytes())));
        }
        let named = identified(&message, &Position::new("42"));
        let envelope = crate::event::Envelope::read(&named).unwrap();
        assert_eq!((&*envelope.id, &*envelope.ty), ("order-2-42", "order-2"));
    }
}
