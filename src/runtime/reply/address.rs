//! Where a reply goes. The sender of a request chooses that, so the consumer limits it.

use std::borrow::Cow;

use crate::event::{Envelope, Message, Pattern, Topic};

/// The class of a failure that is the address.
pub(in crate::runtime) const ADDRESS: &str = "reply address";

/// The extension that holds the address.
const REPLY_TO: &str = "replyto";
/// The header in which Spring Kafka has it.
const SPRING: &str = "kafka_replyTopic";
/// Endings of dead-letter stores.
const DEAD_LETTERS: [&str; 3] = [".dlq", "_dlq", "-dlq"];
/// Beginnings of topics that belong to Protoflow or to the broker.
const INTERNAL: [&str; 4] = ["pf.", "_", "$", "#"];

/// Which addresses a consumer replies to, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyRules {
    /// The topics that a request may name. Dead-letter stores and internal topics are never allowed.
    pub allowed: Vec<Pattern>,
    /// Whether a request that is dead-lettered gets a reply that says why.
    pub report_failures: bool,
}

impl Default for ReplyRules {
    /// Allows `reply.**`, and reports failures.
    fn default() -> Self {
        Self {
            allowed: "reply.**".parse().into_iter().collect(),
            report_failures: true,
        }
    }
}

/// Returns the address that a message names; `None` if it wants no reply.
///
/// # Errors
/// Why the address is refused.
pub(in crate::runtime) fn address(
    message: &Message,
    rules: &ReplyRules,
) -> Result<Option<Topic>, String> {
    let Some(text) = named(message).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let topic: Topic = match text.parse() {
        Ok(topic) => topic,
        Err(error) => return Err(format!("the reply address is not valid: {error}")),
    };
    let lower = topic.as_str().to_ascii_lowercase();
    if DEAD_LETTERS.iter().any(|end| lower.ends_with(end)) {
        return Err(format!(
            "the reply address `{topic}` is a dead-letter store"
        ));
    }
    if INTERNAL.iter().any(|start| lower.starts_with(start)) {
        return Err(format!("the reply address `{topic}` is an internal topic"));
    }
    if !rules.allowed.iter().any(|pattern| pattern.matches(&topic)) {
        return Err(format!("the reply address `{topic}` is not allowed"));
    }
    Ok(Some(topic))
}

fn named(message: &Message) -> Option<Cow<'_, str>> {
    let envelope = Envelope::read(message).ok();
    let extension = envelope.and_then(|envelope| {
        let text = envelope.extension(REPLY_TO)?;
        Some(Cow::Owned(text.into_owned()))
    });
    extension.or_else(|| message.headers.text(SPRING).map(Cow::Borrowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(replyto: &str) -> Result<Option<String>, String> {
        let payload = format!(
            r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t","replyto":"{replyto}"}}"#
        );
        let message = Message::new("t".parse().unwrap(), payload);
        let topic = address(&message, &ReplyRules::default());
        topic.map(|topic| topic.map(|topic| topic.as_str().to_owned()))
    }

    #[test]
    fn only_allowed_topics_are_addresses() {
        assert_eq!(judged("reply.quotes"), Ok(Some("reply.quotes".to_owned())));
        assert_eq!(judged(""), Ok(None));
        for (replyto, why) in [
            ("order.created", "is not allowed"),
            ("reply.dlq", "is a dead-letter store"),
            ("reply.x.DLQ", "is a dead-letter store"),
            ("pf.state", "is an internal topic"),
            ("_INBOX.a", "is an internal topic"),
            ("$JS.API.STREAM.DELETE.A", "is an internal topic"),
            ("a b", "contains a space or a control character"),
        ] {
            let said = judged(replyto).unwrap_err();
            assert!(said.ends_with(why), "{replyto}: {said}");
        }
    }

    #[test]
    fn spring_names_it_in_a_header() {
        let mut message = Message::new("t".parse().unwrap(), "x");
        let header = Some(bytes::Bytes::from_static(b"reply.a"));
        message.headers.push(SPRING, header);
        let found = address(&message, &ReplyRules::default()).unwrap();
        assert_eq!(found.unwrap().as_str(), "reply.a");
    }
}
