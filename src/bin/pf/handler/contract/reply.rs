//! What a handler says in its own words: one JSON object, in `$PF_RESULT` or as a worker's line. Pure.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What should become of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Handled.
    Ack,
    /// Handled by not handling it.
    Skip,
    /// Failed; again after this long, else as the policy says.
    Retry(Option<Duration>),
    /// Failed for good.
    DeadLetter,
    /// The command cannot work at all: give the event back and stop.
    Stop,
}

/// A handler's own words.
#[derive(Debug)]
pub struct Reply {
    /// The event that is meant; only a worker says it.
    pub id: Option<String>,
    pub action: Action,
    pub reason: Option<String>,
    /// Events to publish; only a worker says them here.
    pub emit: Option<Vec<Box<RawValue>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Option<String>,
    action: Word,
    after: Option<String>,
    reason: Option<String>,
    emit: Option<Vec<Box<RawValue>>>,
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
    /// Reads the one object.
    ///
    /// # Errors
    /// What is wrong with it, to be read after "the verdict is malformed".
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        // A list in the order of the fields would do for serde.
        if text.trim_ascii_start().first() == Some(&b'[') {
            return Err("expected an object, found a list".to_owned());
        }
        let written: Written =
            serde_json::from_slice(text).map_err(|error| in_one_line(&error.to_string()))?;
        let after = written.after.as_deref().map(parse_pause).transpose()?;
        let action = match (written.action, after) {
            (Word::Retry, after) => Action::Retry(after),
            (_, Some(_)) => return Err("`after` goes with `retry` only".to_owned()),
            (Word::Ack, None) => Action::Ack,
            (Word::Skip, None) => Action::Skip,
            (Word::DeadLetter, None) => Action::DeadLetter,
        };
        Ok(Self {
            id: written.id,
            action,
            reason: written.reason.map(|reason| in_one_line(&reason)),
            emit: written.emit,
        })
    }
}

/// Reads a pause such as `90s` or `1m 30s`.
///
/// # Errors
/// What is wrong with it.
pub fn parse_pause(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("`{text}` is no duration: {error}"))
}

/// Returns the text without line breaks and other control characters, cut to what a list can show.
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
        let reply = Reply::parse(b" {\"action\":\"dead_letter\"}\n").unwrap();
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
            "`after` goes with `retry` only"
        );
        assert!(error(r#"{"action":"retry","after":"soon"}"#).starts_with("`soon` is no duration"));
    }
}
