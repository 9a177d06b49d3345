//! The headers by which programs of Kafka say why they dead-lettered a message.

use crate::{
    backends::{
        foreign::{self, ForeignFailure},
        kafka::codec::record,
    },
    event::Headers,
    transport::{DeadLetterKind, Failure, describe_failure},
};

/// Prefixes of the headers that were added to the original when it was dead-lettered.
const ADDED: [&str; 7] = [
    "kafka_dlt-",
    "kafka_original-",
    "kafka_exception-",
    "retry_topic-",
    "__connect.errors.",
    "__dlq.errors.",
    "__streams.errors.",
];
/// The headers that `SmallRye` adds; others may begin like them.
const SMALLRYE: [&str; 7] = [
    "dead-letter-exception-class-name",
    "dead-letter-cause-class-name",
    "dead-letter-reason",
    "dead-letter-cause",
    "dead-letter-topic",
    "dead-letter-partition",
    "dead-letter-offset",
];
/// Reports whether a header was added to the original when it was dead-lettered.
pub(super) fn is_added(name: &str) -> bool {
    SMALLRYE.contains(&name)
        || ADDED.iter().any(|added| name.starts_with(added))
        || foreign::is_added(name)
}

/// Reads the headers by which a program says why it dead-lettered a message.
pub(super) fn read(headers: &Headers) -> Option<ForeignFailure> {
    let has = |name: &str| headers.text(name).is_some();
    // `@RetryableTopic` leaves `dlt` out of most names.
    for prefix in ["kafka_dlt-", "kafka_"] {
        if has(&format!("{prefix}original-topic")) || has(&format!("{prefix}exception-fqcn")) {
            return Some(spring(headers, prefix));
        }
    }
    if has("__connect.errors.topic") || has("__connect.errors.connector.name") {
        return Some(connect(headers));
    }
    if has("__dlq.errors.topic") {
        return Some(share_group(headers));
    }
    if has("__streams.errors.topic") || has("__streams.errors.exception") {
        return Some(streams(headers));
    }
    if has("dead-letter-topic") && has("dead-letter-offset") || has(SMALLRYE[0]) {
        return Some(smallrye(headers));
    }
    None
}

fn spring(headers: &Headers, prefix: &str) -> ForeignFailure {
    let text = |name: &str| headers.text(&format!("{prefix}{name}"));
    let number = |name: &str| number(headers, &format!("{prefix}{name}"));
    let class = text("exception-cause-fqcn").or_else(|| text("exception-fqcn"));
    ForeignFailure {
        topic: text("original-topic").map(str::to_owned),
        partition: number("original-partition"),
        offset: number("original-offset"),
        time: number("original-timestamp").map(|millis| record::time(Some(millis))),
        group: headers
            .text("kafka_dlt-original-consumer-group")
            .map(str::to_owned),
        kind: DeadLetterKind::Exhausted,
        failure: describe_failure(
            class.unwrap_or("exception"),
            text("exception-message").unwrap_or_default(),
            text("exception-stacktrace"),
        ),
        attempts: attempts(self::number(headers, "retry_topic-attempts")),
        is_reference: false,
    }
}

/// The headers with a prefix, which most programs name alike and write as text.
struct Prefixed<'a> {
    headers: &'a Headers,
    prefix: &'static str,
}

impl<'a> Prefixed<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.headers.text(&format!("{}{name}", self.prefix))
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.text(name).and_then(|text| text.parse().ok())
    }

    /// Returns a failure with the place of the original.
    fn failure(&self, kind: DeadLetterKind, failure: Failure) -> ForeignFailure {
        ForeignFailure {
            topic: self.text("topic").map(str::to_owned),
            partition: self.number("partition"),
            offset: self.number("offset"),
            ..ForeignFailure::of(kind, failure)
        }
    }

    /// Returns the failure of an exception, with the names of its class, message and stack.
    fn exception(&self, class: Option<&str>, message: &str, stack: &str) -> ForeignFailure {
        let message = self.text(message).unwrap_or_default();
        let failure = describe_failure(class.unwrap_or("exception"), message, self.text(stack));
        self.failure(DeadLetterKind::Terminated, failure)
    }
}

fn connect(headers: &Headers) -> ForeignFailure {
    let prefix = "__connect.errors.";
    let read = Prefixed { headers, prefix };
    let class = read.text("exception.class.name");
    ForeignFailure {
        // A sink reads under a group of this name.
        group: read
            .text("connector.name")
            .map(|name| format!("connect-{name}")),
        ..read.exception(class, "exception.message", "exception.stacktrace")
    }
}

/// Kafka Streams names no group: it is the application's id, which no header has.
fn streams(headers: &Headers) -> ForeignFailure {
    let prefix = "__streams.errors.";
    let read = Prefixed { headers, prefix };
    read.exception(read.text("exception"), "message", "stacktrace")
}

fn smallrye(headers: &Headers) -> ForeignFailure {
    let prefix = "dead-letter-";
    let read = Prefixed { headers, prefix };
    let class = read.text("cause-class-name");
    let class = class.or_else(|| read.text("exception-class-name"));
    read.exception(class, "reason", "cause")
}

fn share_group(headers: &Headers) -> ForeignFailure {
    let prefix = "__dlq.errors.";
    let read = Prefixed { headers, prefix };
    let message = read.text("message").unwrap_or_default();
    let (kind, class) = if message.contains("rejected") {
        (DeadLetterKind::Terminated, "rejected")
    } else {
        (DeadLetterKind::Exhausted, "exhausted")
    };
    ForeignFailure {
        group: read.text("group").map(str::to_owned),
        attempts: attempts(read.number("delivery.count")),
        is_reference: true,
        ..read.failure(kind, describe_failure(class, message, None))
    }
}

fn attempts(count: Option<i64>) -> u32 {
    count
        .and_then(|count| u32::try_from(count).ok())
        .unwrap_or(1)
}

/// Reads a number that Java wrote as four or eight bytes.
fn number(headers: &Headers, name: &str) -> Option<i64> {
    let (_, value) = headers.iter().find(|(header, _)| *header == name)?;
    let value = &value?[..];
    if let Ok(bytes) = value.try_into() {
        return Some(i64::from(i32::from_be_bytes(bytes)));
    }
    value.try_into().ok().map(i64::from_be_bytes)
}
