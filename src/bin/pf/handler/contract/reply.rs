//! The reply of a handler: one JSON object, in `$PF_RESULT` or as a line of a worker. Pure.

use std::time::Duration;

use protoflow::event::without_byte_order_mark;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The action for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Handled.
    Ack,
    /// Acknowledged without being handled.
    Skip,
    /// Failed; retried after this pause, otherwise by policy.
    Retry(Option<Duration>),
    /// Failed for good.
    DeadLetter,
    /// The command cannot work at all: the event goes back and the consumer stops.
    Stop,
}

/// A handler's reply.
#[derive(Debug)]
pub struct Reply {
    /// Id of the event; workers only.
    pub id: Option<String>,
    pub action: Action,
    pub reason: Option<String>,
    /// Events to publish; workers only.
    pub emit: Option<Vec<Box<RawValue>>>,
    /// The data of a reply to the sender of the event; workers only.
    pub to_sender: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Option<String>,
    action: Word,
    after: Option<String>,
    reason: Option<String>,
    emit: Option<Vec<Box<RawValue>>>,
    reply: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Ack,
    Skip,
    Retry,
    DeadLetter,
}

impl Reply {
    /// Parses the object.
    ///
    /// # Errors
    /// The problem, as a continuation of "the verdict is malformed: ".
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let text = without_byte_order_mark(text);
        // serde would accept an array with the fields in order.
        if text.trim_ascii_start().first() == Some(&b'[') {
            return Err("expected an object, found a list".to_owned());
        }
        let written: Written =
            serde_json::from_slice(text).map_err(|error| in_one_line(&error.to_string()))?;
        let after = written.after.as_deref().map(parse_pause).transpose()?;
        let action = match (written.action, after) {
            (Word::Retry, after) => Action::Retry(after),
            (_, Some(_)) => return Err("`after` is valid only with `retry`".to_owned()),
            (Word::Ack, None) => Action::Ack,
            (Word::Skip, None) => Action::Skip,
            (Word::DeadLetter, None) => Action::DeadLetter,
        };
        Ok(Self {
            id: written.id,
            action,
            reason: written.reason.map(|reason| in_one_line(&reason)),
            emit: written.emit,
            to_sender: written.reply,
        })
    }
}

/// Parses a pause such as `90s` or `1m 30s`.
///
/// # Errors
/// If it is not a valid duration.
pub fn parse_pause(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|error| format!("`{text}` is not a valid duration: {error}"))
}

/// Returns the text on one line: control characters are replaced by spaces, and it is cut to a length that a list can show.
pub fn in_one_line(text: &str) -> String {
    const LONGEST: usize = 500;
    text.trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Reply::parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_verdict_is_read() {
        let reply = Reply::parse(br#"{"action":"retry","after":"90s","reason":"429"}"#).unwrap();
        assert_eq!(reply.action, Action::Retry(Some(Duration::from_secs(90))));
        assert_eq!(reply.reason.as_deref(), Some("429"));
        let reply = Reply::parse(b"\xef\xbb\xbf {\"action\":\"dead_letter\"}\n").unwrap();
        assert_eq!(reply.action, Action::DeadLetter);
    }

    #[test]
    fn a_malformed_verdict_says_what_is_wrong() {
        assert!(error("yes").starts_with("expected value"));
        assert!(error(r#"[null,"ack",null,null,null]"#).starts_with("expected an object"));
        assert!(error(r#"{"action":"drop"}"#).starts_with("unknown variant `drop`"));
        assert!(error(r#"{"reason":"x"}"#).starts_with("missing field `action`"));
        assert!(error(r#"{"action":"ack","aftr":"1s"}"#).starts_with("unknown field `aftr`"));
        assert!(error(r#"{"action":"ack"}{"action":"ack"}"#).starts_with("trailing characters"));
        assert_eq!(
            error(r#"{"action":"ack","after":"1s"}"#),
            "`after` is valid only with `retry`"
        );
        assert!(
            error(r#"{"action":"retry","after":"soon"}"#)
                .starts_with("`soon` is not a valid duration")
        );
    }
}
