//! Dead letters that other programs stored. Java's clients add properties that say where a message comes from, never why;
//! programs of every transport say it in their own headers.

use crate::{
    backends::{
        foreign::{self, ForeignFailure, UNKNOWN_GROUP},
        foreign_letter::StoredAt,
        pulsar::{
            codec::{
                message::Inbound,
                message_id::{MessageId, parse_id},
                retry::{
                    JAVA, ORIGIN_MESSAGE_ID, ORIGIN_MESSAGE_ID_OLD, REAL_SUBSCRIPTION, REAL_TOPIC,
                    RECONSUME_TIMES,
                },
            },
            connection::names::{LETTERS, Names, split_partition},
            error::SCHEME,
        },
    },
    event::{Group, Position, Topic},
    transport::{DeadLetter, DeadLetterKind},
};

/// Decodes a letter that is stored at `at`, in the dead-letter topic of this local name.
pub(crate) fn letter(
    names: &Names,
    local: &str,
    at: &Position,
    inbound: &Inbound,
) -> Option<DeadLetter> {
    let text = |name: &str| inbound.headers.text(name);
    let stem = local.strip_suffix(LETTERS)?;
    let mut message = inbound.message(local.parse().ok()?);
    message.headers.retain(|name| !JAVA.contains(&name));
    let failure = ForeignFailure::read(&message);
    let failure = failure.unwrap_or_else(|| ForeignFailure {
        // A message is dead-lettered by Java's clients when it was redelivered too often.
        kind: DeadLetterKind::Exhausted,
        ..ForeignFailure::unknown()
    });
    message.headers.retain(|name| !foreign::is_added(name));
    let origin_topic = text(REAL_TOPIC).or(failure.topic.as_deref());
    let group = text(REAL_SUBSCRIPTION).or(failure.group.as_deref());
    let (topic, group) = origin(names, stem, origin_topic, group)?;
    let id = text(ORIGIN_MESSAGE_ID).or_else(|| text(ORIGIN_MESSAGE_ID_OLD));
    let original = id.and_then(parse_foreign_id).map(|id| id.position(&topic));
    message.topic = topic;
    let attempts = text(RECONSUME_TIMES).and_then(|times| times.parse().ok());
    let failure = ForeignFailure {
        attempts: attempts.unwrap_or(failure.attempts),
        ..failure
    };
    let stored = StoredAt {
        transport: SCHEME,
        store: &names.namespace,
        at,
        died: inbound.time,
    };
    Some(stored.letter(failure, message, original, &group))
}

/// Parses the id of an original as clients write it: Java's with colons, Python's and C++'s with commas in brackets.
fn parse_foreign_id(text: &str) -> Option<MessageId> {
    let bare = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'));
    match bare {
        Some(bare) => parse_id(&bare.replace(',', ":")),
        None => parse_id(text),
    }
}

/// Returns the topic and the group of a letter: as its properties name them, else from the name of its topic, where the group
/// is behind the last hyphen.
fn origin(
    names: &Names,
    stem: &str,
    topic: Option<&str>,
    group: Option<&str>,
) -> Option<(Topic, Group)> {
    let topic: Option<Topic> = topic.and_then(|full| {
        let local = names.local(full).or_else(|| full.rsplit('/').next())?;
        split_partition(local).0.parse().ok()
    });
    let group: Option<Group> = group.and_then(|group| group.parse().ok());
    let (before, behind) = stem.rsplit_once('-').unwrap_or((stem, UNKNOWN_GROUP));
    match (topic, group) {
        (Some(topic), Some(group)) => Some((topic, group)),
        (Some(topic), None) => {
            let rest = stem.strip_prefix(topic.as_str());
            let group = rest.and_then(|rest| rest.strip_prefix('-')?.parse().ok());
            Some((topic, group.or_else(|| UNKNOWN_GROUP.parse().ok())?))
        }
        (None, Some(group)) => {
            let rest = stem.strip_suffix(group.as_str());
            let topic = rest.and_then(|rest| rest.strip_suffix('-'));
            Some((topic.unwrap_or(stem).parse().ok()?, group))
        }
        (None, None) => Some((before.parse().ok()?, behind.parse().ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{
        backends::pulsar::codec::properties::Marks,
        event::{Headers, from_unix_millis},
    };

    fn read(local: &str, properties: &[(&str, &str)]) -> DeadLetter {
        let mut headers = Headers::new();
        for (name, value) in properties {
            headers.push(*name, Some(Bytes::from((*value).to_owned())));
        }
        let inbound = Inbound {
            id: parse_id("7:1:-1").unwrap(),
            parts: Vec::new(),
            key: None,
            headers,
            marks: Marks::default(),
            payload: Some(Bytes::from("x")),
            time: from_unix_millis(1_700_000_000_000),
            due: None,
        };
        let names = Names::new("public", "default").unwrap();
        let at = Position::new(format!("{local}/7:1:-1"));
        super::letter(&names, local, &at, &inbound).unwrap()
    }

    #[test]
    fn java_says_where_a_letter_comes_from() {
        let letter = read(
            "order-a-b-DLQ",
            &[
                ("mine", "1"),
                (REAL_TOPIC, "persistent://public/default/order-partition-2"),
                (REAL_SUBSCRIPTION, "a-b"),
                (ORIGIN_MESSAGE_ID, "3:4:2"),
                (RECONSUME_TIMES, "5"),
            ],
        );
        let record = &letter.record;
        assert_eq!(record.origin.topic.as_str(), "order");
        assert_eq!(record.origin.position.as_str(), "order/3:4:2");
        assert_eq!((record.group.as_str(), record.attempts), ("a-b", 5));
        assert_eq!(letter.message.headers.len(), 1, "those added are left out");
        assert!(letter.is_foreign);
    }

    #[test]
    fn the_ids_of_every_client_are_read() {
        for (text, position) in [
            ("3:4:-1", "order/3:4:-1"),
            ("3:4:2:7", "order/3:4:2:7"),
            ("(3,4,-1,-1)", "order/3:4:-1"),
            ("(3,4,2,7)", "order/3:4:2:7"),
        ] {
            let topic = (REAL_TOPIC, "persistent://public/default/order");
            let letter = read("order-g-DLQ", &[topic, (ORIGIN_MESSAGE_ID, text)]);
            assert_eq!(letter.record.origin.position.as_str(), position);
        }
    }

    #[test]
    fn what_the_properties_do_not_say_the_name_does() {
        let named = |properties: &[_]| {
            let record = read("order-a-b-DLQ", properties).record;
            (record.origin.topic.to_string(), record.group.to_string())
        };
        let pair = |topic: &str, group: &str| (topic.to_owned(), group.to_owned());
        assert_eq!(named(&[]), pair("order-a", "b"));
        let topic = (REAL_TOPIC, "persistent://public/default/order");
        assert_eq!(named(&[topic]), pair("order", "a-b"));
        assert_eq!(named(&[(REAL_SUBSCRIPTION, "a-b")]), pair("order", "a-b"));
    }
}
