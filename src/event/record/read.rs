//! Lines of input: a bare event, or a record that holds a message.

use std::time::SystemTime;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::{
    Encoding, EventError, Form, Headers, Message, Record, Topic, attributes::draft::Draft,
    codec::sdk, json::walk, json::walk::LINE_DEPTH, json::walk::Members, json::walk::string_of,
    json::write, time::parse_time,
};

/// Parses a line: an event, to be stored in the default encoding, or a record as
/// [`write_record`](crate::event::write_record) writes it.
///
/// # Errors
/// If it is neither, or a bare event breaks a rule.
pub fn parse_record(line: &[u8]) -> Result<Record, EventError> {
    parse_record_as(line, Encoding::default())
}

/// Parses a line: an event, to be stored in `encoding`, or a record.
///
/// A bare event is validated strictly and loses the attributes of an earlier delivery, and members that are `null`, which
/// other SDKs misread; its bytes stay as they are unless that, or `encoding`, changes something. A record is taken as it is; if it has a payload, the event beside it is ignored.
///
/// # Errors
/// If it is neither, or a bare event breaks a rule.
pub fn parse_record_as(line: &[u8], encoding: Encoding) -> Result<Record, EventError> {
    parse_record_to(line, None, encoding)
}

/// Parses a line as [`parse_record_as`] does, for this topic whatever the type of the event and the topic of the record are.
///
/// # Errors
/// If it is neither, or a bare event breaks a rule.
pub fn parse_record_to(
    line: &[u8],
    topic: Option<&Topic>,
    encoding: Encoding,
) -> Result<Record, EventError> {
    let text = trim(walk::utf8(walk::without_byte_order_mark(line))?);
    let draft = Draft::from_json(text, LINE_DEPTH)?;
    if is_record(&draft) {
        rebuild(&draft, topic)
    } else {
        bare(draft, topic, encoding, Some(text))
    }
}

/// Returns a line without the white space around it.
pub(in crate::event) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// Reports whether an object is a record, not an event.
pub(in crate::event) fn is_record(draft: &Draft<'_>) -> bool {
    draft.specversion.is_none() && draft.has_extension("message")
}

/// Creates the message of a bare event.
pub(in crate::event) fn bare(
    mut draft: Draft<'_>,
    topic: Option<&Topic>,
    encoding: Encoding,
    written: Option<&str>,
) -> Result<Record, EventError> {
    if let Some(flaw) = draft.flaw.take() {
        return Err(flaw);
    }
    let written = written.filter(|_| !draft.has_nulls);
    let envelope = draft.finish(Form::Structured)?;
    let (message, delay) = sdk::store(envelope, topic.cloned(), encoding, written)?;
    Ok(Record {
        message,
        time: None,
        delay,
        bare: true,
        dead_letter: None,
    })
}

/// Rebuilds the message of a record.
pub(in crate::event) fn rebuild(
    draft: &Draft<'_>,
    topic: Option<&Topic>,
) -> Result<Record, EventError> {
    let raw = |wanted: &str| {
        let mut members = draft.extensions.iter().rev();
        let found = members.find(|(name, _)| name == wanted);
        found.map(|(_, json)| json.as_ref())
    };
    let event = raw("event");
    let parts = Parts::read(raw("message").unwrap_or_default())?;
    let payload = match (parts.payload, event) {
        (Payload::Given(payload), _) => payload,
        (Payload::Event, Some(event)) => Some(Bytes::copy_from_slice(event.as_bytes())),
        (Payload::Event, None) => return Err(broken("there is neither an event nor a payload")),
    };
    let dead_letter = raw("dead_letter").map(|json| RawValue::from_string(json.to_owned()));
    Ok(Record {
        message: Message {
            topic: match topic.cloned().or(parts.topic) {
                Some(topic) => topic,
                None => own_topic(event)?,
            },
            key: parts.key,
            headers: parts.headers,
            payload,
        },
        time: parts.time,
        delay: None,
        bare: false,
        dead_letter: dead_letter
            .transpose()
            .map_err(|error| broken(format!("`dead_letter`: {error}")))?,
    })
}

#[derive(Default)]
enum Payload {
    /// None is given: the event itself is it.
    #[default]
    Event,
    Given(Option<Bytes>),
}

/// The part of a record that describes its message.
#[derive(Default)]
struct Parts {
    topic: Option<Topic>,
    key: Option<Bytes>,
    headers: Headers,
    time: Option<SystemTime>,
    payload: Payload,
}

impl Parts {
    fn read(json: &str) -> Result<Self, EventError> {
        let mut parts = Self::default();
        let mut members =
            Members::open(json, LINE_DEPTH).ok_or_else(|| broken("`message` is not an object"))?;
        while let Some((name, value)) = members.next()? {
            parts.member(&name, value.json)?;
        }
        Ok(parts)
    }

    fn member(&mut self, name: &str, json: &str) -> Result<(), EventError> {
        let text = || text_of(name, json);
        match name {
            "topic" => {
                let topic = text()?.map(Topic::try_from).transpose();
                self.topic = topic.map_err(|error| broken(error.to_string()))?;
            }
            "key" => self.key = text()?.map(Bytes::from),
            "key_base64" => self.key = bytes_of(name, text()?)?,
            "payload" => self.payload = Payload::Given(text()?.map(Bytes::from)),
            "payload_base64" => self.payload = Payload::Given(bytes_of(name, text()?)?),
            "headers" => self.headers = headers_of(json)?,
            "time" => self.time = text()?.map(|text| time_of(&text)).transpose()?,
            _ => {}
        }
        Ok(())
    }
}

fn text_of(name: &str, json: &str) -> Result<Option<String>, EventError> {
    if json == "null" {
        return Ok(None);
    }
    let text = string_of(json).ok_or_else(|| broken(format!("`{name}` is not a string")))?;
    Ok(Some(text?.into_owned()))
}

fn bytes_of(name: &str, base64: Option<String>) -> Result<Option<Bytes>, EventError> {
    let Some(base64) = base64 else {
        return Ok(None);
    };
    let bytes = write::from_base64(&base64);
    let bytes = bytes.ok_or_else(|| broken(format!("`{name}` is not valid base64")))?;
    Ok(Some(bytes.into()))
}

fn time_of(text: &str) -> Result<SystemTime, EventError> {
    parse_time(text).ok_or_else(|| broken(format!("`time` is `{text}`, not a time (RFC 3339)")))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum HeaderValue {
    Text(String),
    Bytes { base64: String },
}

fn headers_of(json: &str) -> Result<Headers, EventError> {
    let pairs: Vec<(String, Option<HeaderValue>)> =
        serde_json::from_str(json).map_err(|error| broken(format!("`headers`: {error}")))?;
    let value_of = |value| match value {
        Some(HeaderValue::Text(text)) => Ok(Some(Bytes::from(text))),
        Some(HeaderValue::Bytes { base64 }) => bytes_of("headers", Some(base64)),
        None => Ok(None),
    };
    pairs
        .into_iter()
        .map(|(name, value)| Ok((name, value_of(value)?)))
        .collect()
}

/// Returns the topic of a record without one: the type of its event.
fn own_topic(event: Option<&str>) -> Result<Topic, EventError> {
    let draft = event.and_then(|json| Draft::from_json(json, LINE_DEPTH).ok());
    let draft = draft.ok_or_else(|| broken("`message` has no `topic`, and there is no event"))?;
    sdk::topic_of(&draft.finish(Form::Structured)?)
}

fn broken(what: impl Into<String>) -> EventError {
    EventError::Record(what.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::Envelope;

    const EVENT: &str =
        r#"{"type":"t","specversion":"1.0","id":"1","source":"/s","data":{"n":1.0}}"#;

    fn said(line: &str) -> String {
        parse_record(line.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_bare_event_keeps_its_bytes() {
        let record = parse_record(format!("{EVENT}\r\n").as_bytes()).unwrap();
        assert_eq!(record.message.bytes(), EVENT.as_bytes());
        assert_eq!(record.message.topic.as_str(), "t");
        assert_eq!(record.message.key, None);
        assert!(record.bare && record.delay.is_none());
    }

    #[test]
    fn an_earlier_delivery_is_forgotten() {
        let line = EVENT.replace(
            "\"id\"",
            "\"pf_attempt\":3,\"pf_max_attempts\":5,\"pf_delay_ms\":1500,\"pf_correlation_id\":\"c\",\
             \"pfattempt\":3,\"pfattemptlimit\":5,\"id\"",
        );
        let record = parse_record(line.as_bytes()).unwrap();
        assert_eq!(record.delay, Some(Duration::from_millis(1500)));
        assert_eq!(record.message.headers.text("pf_max_attempts"), None);
        assert_eq!(
            std::str::from_utf8(record.message.bytes()).unwrap(),
            r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","correlationid":"c","data":{"n":1.0}}"#
        );
    }

    #[test]
    fn a_wish_of_the_publisher_is_kept_as_it_is_written() {
        let wish = EVENT.replace("\"id\"", "\"pfmaxattempts\":5,\"id\"");
        let given = wish.replace("\"pfmax", "\"pfattempt\":1,\"pfattemptlimit\":1,\"pfmax");
        for line in [wish.clone(), given] {
            let message = parse_record(line.as_bytes()).unwrap().message;
            assert_eq!(message.headers.text("pf_max_attempts"), Some("5"));
            let read = Envelope::read(&message).unwrap();
            assert_eq!(read.max_attempts(), Some(5));
            if line == wish {
                assert_eq!(message.bytes(), wish.as_bytes());
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(
            said("{"),
            "not valid JSON: expected a name in quotes at byte 2"
        );
        assert_eq!(said("[]"), "not a CloudEvent: JSON, but not an object");
        assert_eq!(said("{}"), "attribute `specversion` is missing");
        assert_eq!(
            said(r#"{"message":1}"#),
            "not a record: `message` is not an object"
        );
        assert_eq!(
            said(r#"{"message":{"topic":"t"}}"#),
            "not a record: there is neither an event nor a payload"
        );
        assert_eq!(
            said(r#"{"message":{"topic":"a b","payload":""}}"#),
            "not a record: topic `a b` contains a space or a control character"
        );
        assert_eq!(
            said(&EVENT.replace("\"t\"", "\"a b\"")),
            "attribute `type` cannot be used as a topic: topic `a b` contains a space or a control character"
        );
    }
}
