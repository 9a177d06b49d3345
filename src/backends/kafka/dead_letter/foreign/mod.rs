//! Dead letters that other programs stored: Spring Kafka's, Kafka Connect's, those of share groups (KIP-1191), Kafka
//! Streams' (KIP-1034), `SmallRye`'s, those of programs that are not of Kafka alone, and plain messages, of which only the
//! message is known.

mod headers;

use crate::{
    backends::{
        foreign::{ForeignFailure, UNKNOWN_GROUP},
        foreign_letter::StoredAt,
        kafka::{
            codec::record::{self, FetchedRecord},
            connection::names::{DeadLetterStore, Names},
            error::SCHEME,
        },
    },
    event::{Group, Position},
    transport::DeadLetter,
};

/// Decodes a letter that is stored at `at`, and returns the position of its message if it only refers to it.
pub(crate) fn letter(
    names: &Names,
    store: &str,
    (place, at): (&DeadLetterStore, &Position),
    read: FetchedRecord,
) -> Option<(DeadLetter, Option<Position>)> {
    let died = read.time;
    let known = headers::read(&read.headers);
    let mut message = read.message(place.name.parse().ok()?);
    let failure = match known.or_else(|| ForeignFailure::read(&message)) {
        Some(failure) => failure,
        None if place.is_certain => ForeignFailure::unknown(),
        None => return None,
    };
    let origin = failure.topic.as_deref().and_then(|name| names.topic(name));
    let original = origin.as_ref().and_then(|origin| {
        let partition = i32::try_from(failure.partition?).ok()?;
        Some(record::position(origin, partition, failure.offset?))
    });
    let origin = origin.or_else(|| place.origin.clone());
    let origin = origin.unwrap_or_else(|| message.topic.clone());
    let group = failure
        .group
        .as_deref()
        .and_then(|group| group.parse().ok());
    let group: Group = group.or_else(|| UNKNOWN_GROUP.parse().ok())?;
    message.topic = origin;
    message.headers.retain(|name| !headers::is_added(name));
    let reference = original.clone().filter(|_| failure.is_reference);
    let stored = StoredAt {
        transport: SCHEME,
        store,
        at,
        died,
    };
    Some((stored.letter(failure, message, original, &group), reference))
}

#[cfg(test)]
pub(crate) use self::tests::letter as sample;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{backends::kafka::codec::record::InternalHeaders, transport::DeadLetterKind};

    fn read(headers: &[(&str, &[u8])], payload: Option<&'static str>) -> FetchedRecord {
        let headers = headers.iter();
        FetchedRecord {
            topic: "shop.order.dlq".into(),
            partition: 1,
            offset: 9,
            time: record::time(Some(1_700_000_000_000)),
            key: Some("k".into()),
            payload: payload.map(Bytes::from),
            headers: headers
                .map(|(name, value)| {
                    let value = Bytes::copy_from_slice(value);
                    ((*name).to_owned(), Some(value))
                })
                .collect(),
            marks: InternalHeaders::default(),
        }
    }

    fn open(
        headers: &[(&str, &[u8])],
        payload: Option<&'static str>,
    ) -> (DeadLetter, Option<Position>) {
        let names = Names::new("shop.").unwrap();
        let store = names.dead_letter_store("shop.order.dlq").unwrap();
        let at = Position::new("order.dlq/1/9");
        super::letter(&names, "c", (&store, &at), read(headers, payload)).unwrap()
    }

    /// Returns some letter.
    pub(crate) fn letter() -> DeadLetter {
        open(&[], Some("{}")).0
    }

    #[test]
    fn spring_is_understood() {
        let (letter, reference) = open(
            &[
                ("mine", b"1"),
                ("kafka_dlt-original-topic", b"shop.payment"),
                ("kafka_dlt-original-partition", &[0, 0, 0, 2]),
                ("kafka_dlt-original-offset", &[0, 0, 0, 0, 0, 0, 1, 0]),
                ("kafka_dlt-original-consumer-group", b"billing"),
                ("kafka_dlt-exception-fqcn", b"org.Listener"),
                ("kafka_dlt-exception-cause-fqcn", b"java.Broke"),
                ("kafka_dlt-exception-message", b"no stock for 7"),
                ("kafka_dlt-exception-stacktrace", b"at x"),
            ],
            Some("{}"),
        );
        let record = &letter.record;
        assert_eq!(reference, None);
        assert_eq!(letter.message.topic.as_str(), "payment");
        assert_eq!(letter.message.headers.len(), 1, "those added are left out");
        assert_eq!(record.origin.position.as_str(), "payment/2/256");
        assert_eq!(
            (record.group.as_str(), record.kind),
            ("billing", DeadLetterKind::Exhausted)
        );
        assert_eq!(record.failure.class, "java.Broke");
        assert_eq!(record.failure.message, "no stock for 7");
    }

    #[test]
    fn the_headers_of_retryable_topics_are_understood() {
        let (letter, _) = open(
            &[
                ("mine", b"1"),
                ("kafka_original-topic", b"shop.payment"),
                ("kafka_original-partition", &[0, 0, 0, 2]),
                ("kafka_original-offset", &[0, 0, 0, 0, 0, 0, 0, 7]),
                ("kafka_dlt-original-consumer-group", b"billing"),
                ("kafka_exception-fqcn", b"org.Listener"),
                ("kafka_exception-message", b"no stock"),
                ("retry_topic-attempts", &[0, 0, 0, 4]),
            ],
            Some("{}"),
        );
        let record = &letter.record;
        assert_eq!(letter.message.headers.len(), 1, "those added are left out");
        assert_eq!(record.origin.position.as_str(), "payment/2/7");
        assert_eq!((record.group.as_str(), record.attempts), ("billing", 4));
        assert_eq!(record.failure.message, "no stock");
    }

    #[test]
    fn streams_and_smallrye_are_understood() {
        let streams: &[(&str, &[u8])] = &[
            ("mine", b"1"),
            ("__streams.errors.exception", b"java.Broke"),
            ("__streams.errors.message", b"no stock"),
            ("__streams.errors.stacktrace", b"at x"),
            ("__streams.errors.topic", b"shop.payment"),
            ("__streams.errors.partition", b"2"),
            ("__streams.errors.offset", b"7"),
        ];
        let smallrye: &[(&str, &[u8])] = &[
            ("dead-letter-mine", b"1"),
            ("dead-letter-exception-class-name", b"java.Wrapped"),
            ("dead-letter-cause-class-name", b"java.Broke"),
            ("dead-letter-reason", b"no stock"),
            ("dead-letter-topic", b"shop.payment"),
            ("dead-letter-partition", b"2"),
            ("dead-letter-offset", b"7"),
        ];
        for headers in [streams, smallrye] {
            let (letter, _) = open(headers, Some("{}"));
            let record = &letter.record;
            assert!(letter.is_foreign);
            assert_eq!(letter.message.headers.len(), 1, "those added are left out");
            assert_eq!(record.origin.position.as_str(), "payment/2/7");
            assert_eq!(record.group.as_str(), UNKNOWN_GROUP);
            assert_eq!(record.failure.class, "java.Broke");
            assert_eq!(record.failure.message, "no stock");
        }
    }

    #[test]
    fn an_event_in_a_topic_that_only_has_springs_name_is_no_dead_letter() {
        let names = Names::new("shop.").unwrap();
        let store = names.dead_letter_store("shop.order-dlt").unwrap();
        let at = Position::new("order-dlt/1/9");
        let open = |headers| super::letter(&names, "c", (&store, &at), read(headers, Some("{}")));
        assert_eq!(open(&[("mine", b"1")]), None);
        let (letter, _) = open(&[("kafka_dlt-exception-fqcn", b"java.Broke")]).unwrap();
        assert_eq!(letter.record.origin.topic.as_str(), "order");
    }

    #[test]
    fn connect_is_understood() {
        let (letter, _) = open(
            &[
                ("__connect.errors.topic", b"shop.order"),
                ("__connect.errors.partition", b"3"),
                ("__connect.errors.offset", b"17"),
                ("__connect.errors.connector.name", b"sink"),
                ("__connect.errors.exception.class.name", b"DataException"),
            ],
            Some("not json"),
        );
        let record = &letter.record;
        assert_eq!(record.origin.position.as_str(), "order/3/17");
        assert_eq!(record.group.as_str(), "connect-sink");
        assert_eq!(record.kind, DeadLetterKind::Terminated);
        assert_eq!(letter.message.bytes(), b"not json");
    }

    #[test]
    fn a_share_group_leaves_the_message_in_its_topic() {
        let (letter, reference) = open(
            &[
                ("__dlq.errors.topic", b"shop.order"),
                ("__dlq.errors.partition", b"0"),
                ("__dlq.errors.offset", b"5"),
                ("__dlq.errors.group", b"g"),
                ("__dlq.errors.delivery.count", b"5"),
                (
                    "__dlq.errors.message",
                    b"Offset delivery count exceeded the threshold.",
                ),
            ],
            None,
        );
        assert_eq!(reference, Some(Position::new("order/0/5")));
        assert_eq!(letter.record.kind, DeadLetterKind::Exhausted);
        assert_eq!(letter.record.attempts, 5);
    }

    #[test]
    fn plain_messages_are_letters_too() {
        let (letter, _) = open(&[("mine", b"1")], Some("x"));
        assert_eq!(letter.record.group.as_str(), UNKNOWN_GROUP);
        assert_eq!(letter.record.origin.position.as_str(), "order.dlq/1/9");
        assert_eq!(
            (letter.message.headers.len(), letter.message.bytes()),
            (1, &b"x"[..])
        );
        assert_ne!(
            letter.id,
            open(
                &[
                    ("kafka_dlt-original-topic", b"a"),
                    ("kafka_dlt-original-consumer-group", b"g")
                ],
                None
            )
            .0
            .id
        );
    }
}
