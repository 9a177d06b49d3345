//! Reading hexa-event's form: a record of Kafka, or an envelope of NATS or Pulsar.

use std::borrow::Cow;

use super::{
    ATTRIBUTE, CONTEXT, CORRELATION, ENCODER, HEADER, JSON, LOCALE, PAYLOAD, PROTOBUF,
    PROTOBUF_TYPE, ROOT_ID,
};
use crate::event::{
    Data, EventError, Message, attributes::draft::Draft, codec::percent, json::walk::EVENT_DEPTH,
    json::walk::Members, json::walk::utf8, json::write,
};

/// The headers that hexa-event itself needs to read a message. It did need [`super::USER`], until later versions left it
/// out for messages without a user.
const REQUIRED: [&str; 3] = [CORRELATION, LOCALE, ENCODER];

type Field<'a> = (Cow<'a, str>, Cow<'a, [u8]>);

/// Reads a record of Kafka, whose headers say that it is in this form.
pub(in crate::event) fn record(message: &Message) -> Result<Draft<'_>, EventError> {
    let headers = message.headers.iter();
    let fields = headers.map(|(name, value)| {
        let value = value.map_or(&[][..], |value| &value[..]);
        (Cow::Borrowed(name), Cow::Borrowed(value))
    });
    let fields = Fields(fields.collect());
    let payload = message.bytes();
    let content = Kind::of(&fields, payload)?;
    let data = match content {
        Kind::Nothing => Data::None,
        Kind::Json(end) => Data::Bytes(&payload[..end]),
        Kind::Protobuf => Data::Bytes(payload),
    };
    draft(message, &fields, content, data)
}

/// Reads an envelope; none if the payload is not one.
pub(in crate::event) fn envelope(message: &Message) -> Option<Result<Draft<'_>, EventError>> {
    is_envelope(message.bytes()).then(|| read_envelope(message))
}

/// Reports whether a payload begins as an envelope does.
pub(super) fn is_envelope(payload: &[u8]) -> bool {
    let inner = payload.trim_ascii_start().strip_prefix(b"{");
    let inner = inner.unwrap_or_default().trim_ascii_start();
    let name = inner.strip_prefix(b"\"").unwrap_or_default();
    [HEADER, PAYLOAD]
        .iter()
        .any(|known| name.starts_with(known.as_bytes()) && name.get(known.len()) == Some(&b'"'))
}

fn read_envelope(message: &Message) -> Result<Draft<'_>, EventError> {
    let (mut fields, mut payload) = (Fields(Vec::new()), Cow::Borrowed(""));
    let text = utf8(message.bytes())?;
    let mut members = Members::open(text, EVENT_DEPTH).ok_or_else(|| malformed("is not JSON"))?;
    while let Some((name, value)) = members.next()? {
        match name.as_ref() {
            HEADER if value.json != "null" => fields.read(value.json)?,
            PAYLOAD if value.json != "null" => {
                let text = value.text();
                payload = text.ok_or_else(|| malformed("has a payload that is not text"))??;
            }
            _ => {}
        }
    }
    let bytes = decoded(&payload)?;
    let content = Kind::of(&fields, &bytes)?;
    let data = match content {
        Kind::Nothing => Data::None,
        Kind::Json(end) if end < bytes.len() => {
            Data::Base64(write::to_base64(&bytes[..end]).into())
        }
        Kind::Json(_) | Kind::Protobuf => Data::Base64(payload),
    };
    // What a failure adds stands beside the envelope.
    if let Some(root) = message.headers.text(ROOT_ID) {
        let root = Cow::Borrowed(root.as_bytes());
        fields.0.push((Cow::Borrowed(ROOT_ID), root));
    }
    draft(message, &fields, content, data)
}

/// The headers of a message; of a name that occurs twice, the last one counts.
struct Fields<'a>(Vec<Field<'a>>);

impl<'a> Fields<'a> {
    /// Reads the headers of an envelope.
    fn read(&mut self, json: &'a str) -> Result<(), EventError> {
        let members = Members::open(json, EVENT_DEPTH);
        let mut members = members.ok_or_else(|| malformed("has a header that is not an object"))?;
        while let Some((name, value)) = members.next()? {
            let bytes = match value.text() {
                Some(text) => decoded(&text?)?,
                None => Vec::new(),
            };
            self.0.push((name, Cow::Owned(bytes)));
        }
        Ok(())
    }

    fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, EventError> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found.map(|(name, value)| text(name, value)).transpose()
    }
}

/// What the payload holds.
#[derive(Clone, Copy)]
enum Kind {
    Nothing,
    /// JSON, up to this byte: hexa-event reads the first value and ignores the rest.
    Json(usize),
    Protobuf,
}

impl Kind {
    fn of(fields: &Fields<'_>, payload: &[u8]) -> Result<Self, EventError> {
        let missing = REQUIRED
            .iter()
            .find(|name| !fields.0.iter().any(|(known, _)| known == *name));
        if let Some(name) = missing {
            let what = format!("hexa-event's header `{name}` is missing");
            return Err(EventError::NotAnEvent(what));
        }
        let encoder = fields.text(ENCODER)?.unwrap_or_default();
        // The label stood for the binary form, and since August 2021 for JSON. White space is no sign of that: a line break is
        // the tag of a first field.
        let is_json = payload.starts_with(b"{");
        match encoder.as_ref() {
            PROTOBUF if !is_json => Ok(Self::Protobuf),
            JSON | PROTOBUF => Ok(Self::json(payload)),
            other => {
                let what = format!("hexa-event's header `{ENCODER}` is `{other}`");
                Err(EventError::NotAnEvent(what))
            }
        }
    }

    fn json(payload: &[u8]) -> Self {
        let values = serde_json::Deserializer::from_slice(payload);
        let mut values = values.into_iter::<&serde_json::value::RawValue>();
        let first = values.next();
        match first {
            None => Self::Nothing,
            Some(Ok(value)) if value.get() == "null" => Self::Nothing,
            Some(Ok(_)) => Self::Json(values.byte_offset()),
            Some(Err(_)) => Self::Json(payload.len()),
        }
    }
}

fn draft<'a>(
    message: &'a Message,
    fields: &Fields<'a>,
    content: Kind,
    data: Data<'a>,
) -> Result<Draft<'a>, EventError> {
    let mut draft = Draft::new(data);
    draft.specversion = Some(Cow::Borrowed("1.0"));
    for (header, value) in fields.0.iter().rev() {
        match header.split_at_checked(ATTRIBUTE.len()) {
            Some((prefix, name)) if prefix.eq_ignore_ascii_case(ATTRIBUTE) && !name.is_empty() => {
                let value = text(header, value)?;
                draft.header(Cow::Owned(name.to_ascii_lowercase()), value);
            }
            _ => {}
        }
    }
    // Read from the last to the first, so that the last one counts.
    draft.extensions.reverse();
    let written_here = draft.id.clone();
    for context in &CONTEXT {
        let value = fields.text(context.header)?.unwrap_or_default();
        let default = written_here.as_deref().map(context.default);
        if !value.is_empty() && default != Some(value.as_ref()) {
            draft.header(Cow::Borrowed(context.extension), value);
        }
    }
    let root = fields.text(ROOT_ID)?.filter(|root| !root.is_empty());
    if draft.ty.is_none() || draft.source.is_none() {
        let origin = root.as_deref().and_then(split_root_id);
        let topic = origin.map(|(topic, ..)| topic);
        // Under the prefix of a URL, the broker's name is longer than that of the topic.
        let topic = topic.filter(|topic| {
            !topic.ends_with(message.topic.as_str())
                && !is_of(root.as_deref(), message.topic.as_str())
        });
        let topic = topic.unwrap_or(message.topic.as_str()).to_owned();
        let source = || Cow::Owned(format!("hexa:{}", percent::encode(&topic)));
        draft.source.get_or_insert_with(source);
        draft.ty.get_or_insert(Cow::Owned(topic));
    }
    if draft.id.is_none() {
        draft.id = root;
    }
    if matches!(content, Kind::Protobuf) {
        let kind = || Cow::Borrowed(PROTOBUF_TYPE);
        draft.datacontenttype.get_or_insert_with(kind);
    }
    Ok(draft)
}

/// Reports whether an id is that of a place in a topic, whose name may end like a partition.
fn is_of(root: Option<&str>, topic: &str) -> bool {
    let place = root.and_then(|root| root.strip_prefix(topic)?.strip_prefix('-'));
    place.is_some_and(|place| {
        place
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-')
    })
}

/// Splits an id of Kafka, `<topic>-<partition>-<offset>`, from the right.
pub(crate) fn split_root_id(id: &str) -> Option<(&str, i64, i64)> {
    let mut parts = id.rsplitn(3, '-');
    let (offset, partition) = (parts.next()?, parts.next()?);
    let topic = parts.next().filter(|topic| !topic.is_empty())?;
    Some((topic, partition.parse().ok()?, offset.parse().ok()?))
}

fn text<'a>(name: &str, value: &Cow<'a, [u8]>) -> Result<Cow<'a, str>, EventError> {
    let broken = || EventError::NotAnEvent(format!("hexa-event's header `{name}` is not UTF-8"));
    match value {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).ok(),
        Cow::Owned(bytes) => String::from_utf8(bytes.clone()).map(Cow::Owned).ok(),
    }
    .ok_or_else(broken)
}

fn decoded(text: &str) -> Result<Vec<u8>, EventError> {
    write::from_base64(text).ok_or_else(|| malformed("has a value that is not base64"))
}

fn malformed(what: &str) -> EventError {
    EventError::NotAnEvent(format!("an envelope of hexa-event that {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_split_from_the_right() {
        let split = split_root_id("order-created-3-42");
        assert_eq!(split, Some(("order-created", 3, 42)));
        for other in ["", "42", "order-42", "order-x-42", "-3-42", "order-3-"] {
            assert_eq!(split_root_id(other), None, "{other}");
        }
    }
}
