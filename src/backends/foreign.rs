//! Dead letters of other programs in forms that do not depend on the transport: Go protoflow's attributes, Watermill's poison
//! queue, Knative's error extensions, hexa-event's and `RustStream`'s headers.
//!
//! What a program added when it dead-lettered a message is left out of the message that is replayed, as far as it is in
//! headers: `RustStream` would otherwise count the attempts from before, and Watermill's middleware would find reasons of
//! an earlier failure. Payloads stay as they are. hexa-event's id of the first delivery stays too: it is the event's id.

use std::{borrow::Cow, collections::HashMap, time::SystemTime};

use serde::Deserialize;

use crate::{
    event::{Envelope, HEXA_ROOT_ACTION, HEXA_ROOT_ID, Headers, Message, split_hexa_root_id},
    transport::{DeadLetterKind, Failure, describe_failure},
};

/// Watermill's names, as headers or as metadata within the payload.
const REASON: &str = "reason_poisoned";
const TOPIC: &str = "topic_poisoned";
const HANDLER: &str = "handler_poisoned";
const SUBSCRIBER: &str = "subscriber_poisoned";
/// How often `RustStream` published the message again.
const RUSTSTREAM: &str = "x-ruststream-retry-count";
/// Go protoflow's, as headers and as attributes of the event.
const GO_DEAD_LETTER: &str = "pf_dead_letter";
const GO_TOPIC: &str = "pf_original_topic";
const GO_REASON: &str = "pf_error_message";
const GO_ATTEMPT: &str = "pf_attempt";
const GO_NEXT: &str = "pf_next_attempt_at";
/// Knative's extensions: where the event was not delivered, the status and the body of the answer.
const KNATIVE: [&str; 3] = ["knativeerrordest", "knativeerrorcode", "knativeerrordata"];

const ADDED: [&str; 11] = [
    GO_DEAD_LETTER,
    GO_TOPIC,
    GO_REASON,
    GO_ATTEMPT,
    GO_NEXT,
    REASON,
    TOPIC,
    HANDLER,
    SUBSCRIBER,
    HEXA_ROOT_ACTION,
    RUSTSTREAM,
];

/// The group of a dead letter that names none.
pub(crate) const UNKNOWN_GROUP: &str = "unknown";

/// What a program says about a message that it dead-lettered.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "kafka"),
    expect(dead_code, reason = "only Kafka finds the original by these")
)]
pub(crate) struct ForeignFailure {
    /// The broker's name of the topic.
    pub(crate) topic: Option<String>,
    pub(crate) partition: Option<i64>,
    pub(crate) offset: Option<i64>,
    pub(crate) time: Option<SystemTime>,
    pub(crate) group: Option<String>,
    pub(crate) kind: DeadLetterKind,
    pub(crate) failure: Failure,
    pub(crate) attempts: u32,
    /// Whether the message was left in its topic.
    pub(crate) is_reference: bool,
}

/// Reports whether a header was added to the original when it was dead-lettered.
pub(crate) fn is_added(name: &str) -> bool {
    let is_knative = || {
        let attribute = name
            .get(..3)
            .filter(|start| start.eq_ignore_ascii_case("ce_") || start.eq_ignore_ascii_case("ce-"));
        attribute.is_some()
            && KNATIVE
                .iter()
                .any(|one| name[3..].eq_ignore_ascii_case(one))
    };
    ADDED.iter().any(|added| name.eq_ignore_ascii_case(added)) || is_knative()
}

impl ForeignFailure {
    /// Reads what a message of a dead-letter topic says about its failure; none if nothing.
    pub(crate) fn read(message: &Message) -> Option<Self> {
        let headers = &message.headers;
        // An event of hexa-event keeps its headers where another program gives it up.
        Self::watermill(|name| headers.text(name).map(Cow::Borrowed))
            .or_else(|| Self::go(message))
            .or_else(|| Self::knative(message))
            .or_else(|| Self::watermill_json(message))
            .or_else(|| Self::ruststream(headers))
            .or_else(|| Self::hexa(headers))
    }

    /// Returns that of a message that says nothing.
    pub(crate) fn unknown() -> Self {
        Self {
            attempts: 0,
            ..Self::of(
                DeadLetterKind::Terminated,
                describe_failure("unknown", "the dead letter has no reason", None),
            )
        }
    }

    /// Returns a failure of one attempt, of which no more is known.
    pub(crate) fn of(kind: DeadLetterKind, failure: Failure) -> Self {
        Self {
            topic: None,
            partition: None,
            offset: None,
            time: None,
            group: None,
            kind,
            failure,
            attempts: 1,
            is_reference: false,
        }
    }

    fn hexa(headers: &Headers) -> Option<Self> {
        let origin = split_hexa_root_id(headers.text(HEXA_ROOT_ID)?);
        let failure = describe_failure("exhausted", "hexa-event keeps no reason", None);
        Some(Self {
            topic: origin.map(|(topic, ..)| topic.to_owned()),
            partition: origin.map(|(_, partition, _)| partition),
            offset: origin.map(|(.., offset)| offset),
            group: headers.text(HEXA_ROOT_ACTION).map(str::to_owned),
            ..Self::of(DeadLetterKind::Exhausted, failure)
        })
    }

    /// Reads what the Go library adds to the event: the number of the attempt that failed is the last one.
    fn go(message: &Message) -> Option<Self> {
        let envelope = Envelope::read(message).ok();
        let text = |name: &str| {
            let header = message.headers.text(name).map(str::to_owned);
            header.or_else(|| Some(envelope.as_ref()?.extension(name)?.into_owned()))
        };
        text(GO_DEAD_LETTER).filter(|mark| mark == "true")?;
        let reason = text(GO_REASON).unwrap_or_default();
        let attempts = text(GO_ATTEMPT).and_then(|attempt| attempt.parse().ok());
        Some(Self {
            topic: text(GO_TOPIC),
            attempts: attempts.unwrap_or(1),
            ..Self::of(
                DeadLetterKind::Exhausted,
                describe_failure("error", &reason, None),
            )
        })
    }

    fn watermill<'a>(text: impl Fn(&str) -> Option<Cow<'a, str>>) -> Option<Self> {
        let reason = text(REASON)?;
        let owned = |name| {
            text(name)
                .map(Cow::into_owned)
                .filter(|text| !text.is_empty())
        };
        let failure = describe_failure("error", &reason, None);
        Some(Self {
            topic: owned(TOPIC),
            group: owned(HANDLER),
            ..Self::of(DeadLetterKind::Terminated, failure)
        })
    }

    /// Reads the form of Watermill's `JSONMarshaler`, which has metadata and payload in one object.
    fn watermill_json(message: &Message) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Wrapped<'a> {
            #[serde(borrow)]
            metadata: HashMap<&'a str, Cow<'a, str>>,
        }
        let payload = message.payload.as_deref()?;
        if !payload.starts_with(b"{") {
            return None;
        }
        let wrapped: Wrapped<'_> = serde_json::from_slice(payload).ok()?;
        Self::watermill(|name| wrapped.metadata.get(name).cloned())
    }

    fn knative(message: &Message) -> Option<Self> {
        let envelope = Envelope::read(message).ok()?;
        let [destination, code, data] = KNATIVE.map(|name| envelope.extension(name));
        if destination.is_none() && code.is_none() {
            return None;
        }
        let class = code.map_or_else(|| "undelivered".to_owned(), |code| format!("HTTP {code}"));
        let body = data.map(|data| body(&data)).unwrap_or_default();
        Some(Self {
            group: destination.map(|text| service(&text).to_owned()),
            ..Self::of(
                DeadLetterKind::Exhausted,
                describe_failure(&class, &body, None),
            )
        })
    }

    fn ruststream(headers: &Headers) -> Option<Self> {
        let again: u32 = headers.text(RUSTSTREAM)?.parse().ok()?;
        let failure = describe_failure("exhausted", "RustStream keeps no reason", None);
        Some(Self {
            attempts: again.saturating_add(1),
            ..Self::of(DeadLetterKind::Exhausted, failure)
        })
    }
}

/// Returns the body of an answer: most channels store it in base64, some as it is.
fn body(text: &str) -> String {
    let decoded = data_encoding::BASE64.decode(text.as_bytes()).ok();
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let is_text = |text: &String| !text.contains(|c: char| c.is_control() && !c.is_whitespace());
    decoded.filter(is_text).unwrap_or_else(|| text.to_owned())
}

/// Returns the host of a destination: the service and its namespace.
fn service(destination: &str) -> &str {
    let behind = destination
        .split_once("://")
        .map_or(destination, |(_, rest)| rest);
    let host = behind.split(['/', ':', '?']).next().unwrap_or_default();
    host.strip_suffix(".svc.cluster.local").unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(headers: &[(&str, &str)], payload: &str) -> Message {
        let mut message = Message::new("dead".parse().unwrap(), payload.to_owned());
        for (name, value) in headers {
            message
                .headers
                .push(*name, Some((*value).to_owned().into()));
        }
        message
    }

    fn read(headers: &[(&str, &str)], payload: &str) -> ForeignFailure {
        ForeignFailure::read(&message(headers, payload)).unwrap()
    }

    const EVENT: &str = r#"{"specversion":"1.0","id":"1","source":"/s","type":"order.created""#;

    #[test]
    fn hexa_names_the_first_delivery() {
        let names = [
            ("HEXA_ROOT_EVENT_ID", "order-created-3-42"),
            ("HEXA_ROOT_EVENT_HANDLER_ACTION_NAME", "check_order"),
        ];
        let found = read(&names, "{}");
        assert_eq!(found.topic.as_deref(), Some("order-created"));
        assert_eq!((found.partition, found.offset), (Some(3), Some(42)));
        assert_eq!(found.group.as_deref(), Some("check_order"));
    }

    #[test]
    fn the_go_library_marks_the_event_or_its_headers() {
        let event = format!(
            r#"{EVENT},"pf_dead_letter":true,"pf_original_topic":"order.created","pf_error_message":"no stock","pf_attempt":3}}"#
        );
        let headers = [
            ("pf_dead_letter", "true"),
            ("pf_original_topic", "order.created"),
            ("pf_error_message", "no stock"),
            ("pf_attempt", "3"),
        ];
        for found in [read(&[], &event), read(&headers, "{}")] {
            assert_eq!(found.topic.as_deref(), Some("order.created"));
            assert_eq!(found.failure.message, "no stock");
            assert_eq!(found.attempts, 3);
        }
    }

    #[test]
    fn watermill_is_read_from_headers_and_from_its_json() {
        let names = [
            ("_watermill_message_uuid", "u"),
            (REASON, "no stock"),
            (TOPIC, "orders"),
            (HANDLER, "charge"),
            (SUBSCRIBER, "kafka.Subscriber"),
        ];
        let json = r#"{"UUID":"u","Metadata":{"reason_poisoned":"no \"stock\"","topic_poisoned":"orders","handler_poisoned":"charge"},"Payload":"e30="}"#;
        for (found, reason) in [
            (read(&names, "{}"), "no stock"),
            (read(&[], json), "no \"stock\""),
        ] {
            assert_eq!(found.topic.as_deref(), Some("orders"));
            assert_eq!(found.group.as_deref(), Some("charge"));
            assert_eq!(found.failure.message, reason);
        }
    }

    #[test]
    fn knative_is_read_from_structured_and_binary_events() {
        let payload = format!(
            r#"{EVENT},"knativeerrordest":"http://fail.default.svc.cluster.local/x","knativeerrorcode":500,"knativeerrordata":"bm8gc3RvY2s="}}"#
        );
        let binary = [
            ("ce_specversion", "1.0"),
            ("ce_id", "1"),
            ("ce_source", "/s"),
            ("ce_type", "order.created"),
            ("ce_knativeerrordest", "http://fail.default:80"),
            ("ce_knativeerrorcode", "500"),
            ("ce_knativeerrordata", "no stock"),
        ];
        for found in [read(&[], &payload), read(&binary, "{}")] {
            assert_eq!(found.group.as_deref(), Some("fail.default"));
            assert_eq!(found.failure.class, "HTTP 500");
            assert_eq!(found.failure.message, "no stock");
        }
    }

    #[test]
    fn ruststream_counts_the_first_delivery_too() {
        assert_eq!(read(&[(RUSTSTREAM, "4")], "x").attempts, 5);
    }

    #[test]
    fn a_message_that_says_nothing_is_none_of_them() {
        for payload in ["", "{", "{}", "x", &format!("{EVENT}}}")] {
            assert!(ForeignFailure::read(&message(&[("mine", "1")], payload)).is_none());
        }
    }

    #[test]
    fn what_was_added_is_known() {
        for name in [
            "ce_knativeerrorcode",
            "Ce-Knativeerrordest",
            REASON,
            HEXA_ROOT_ACTION,
        ] {
            assert!(is_added(name), "{name}");
        }
        for name in [
            "ce_id",
            "_watermill_message_uuid",
            "é",
            "knative",
            HEXA_ROOT_ID,
        ] {
            assert!(!is_added(name), "{name}");
        }
    }
}
