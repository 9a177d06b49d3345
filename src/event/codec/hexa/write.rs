//! Writing hexa-event's form.

use std::{borrow::Cow, collections::BTreeMap};

use bytes::Bytes;

use super::{ATTRIBUTE, CONTEXT, ENCODER, HEADER, JSON, PAYLOAD, PROTOBUF, PROTOBUF_TYPE, USER};
use crate::event::{
    Dialect, Envelope, EventError, Headers, attributes::names, codec::content::Content,
    json::write, json::write::ObjectWriter,
};

/// Further content types of protobuf messages.
const ALSO_PROTOBUF: [&str; 2] = ["application/x-protobuf", "application/vnd.google.protobuf"];

/// Writes an event as headers and payload. Without data the payload is `null`, which hexa-event decodes.
pub(in crate::event) fn write(
    envelope: &Envelope<'_>,
    dialect: Dialect,
    headers: &mut Headers,
) -> Result<Option<Bytes>, EventError> {
    let (encoder, payload) = payload(envelope)?;
    let mut fields = context(envelope)?;
    fields.push((Cow::Borrowed(ENCODER), Cow::Borrowed(encoder)));
    attributes(envelope, &mut fields);
    if dialect == Dialect::Kafka {
        for (name, value) in fields {
            let value = Bytes::copy_from_slice(value.as_bytes());
            headers.push(name, Some(value));
        }
        return Ok(Some(Bytes::from(payload.into_owned())));
    }
    let mut out = Vec::with_capacity(512 + payload.len() * 4 / 3);
    let mut object = ObjectWriter::begin(&mut out);
    // In the order in which Go writes them.
    let sorted: BTreeMap<_, _> = fields.into_iter().collect();
    let mut header = ObjectWriter::begin(object.name(HEADER));
    for (name, value) in &sorted {
        write::push_base64(header.name(name), value.as_bytes());
    }
    header.end();
    write::push_base64(object.name(PAYLOAD), &payload);
    object.end();
    Ok(Some(out.into()))
}

type Field<'e> = (Cow<'e, str>, Cow<'e, str>);

/// Returns the headers of hexa-event's own. A value that would be read as a default is an attribute too.
fn context<'e>(envelope: &'e Envelope<'_>) -> Result<Vec<Field<'e>>, EventError> {
    let mut fields = Vec::with_capacity(16);
    for context in &CONTEXT {
        let default = (context.default)(&envelope.id);
        let given = match context.extension {
            names::CORRELATION_ID => envelope.correlation_id(),
            name => envelope.extension(name),
        };
        if let Some(value) = &given {
            let is_object = || {
                serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(value).is_ok()
            };
            if context.header == USER && !is_object() {
                let rule = "is not a JSON object, which hexa-event requires of a user";
                return Err(EventError::attribute(context.extension, rule));
            }
            if value.is_empty() || value == default {
                let name = format!("{ATTRIBUTE}{}", context.extension);
                fields.push((Cow::Owned(name), value.clone()));
            }
        }
        let value = given.unwrap_or(Cow::Borrowed(default));
        fields.push((Cow::Borrowed(context.header), value));
    }
    Ok(fields)
}

/// Adds the attributes and the other extensions.
fn attributes<'e>(envelope: &'e Envelope<'_>, fields: &mut Vec<Field<'e>>) {
    let mut push = |name: &str, value| {
        fields.push((Cow::Owned(format!("{ATTRIBUTE}{name}")), value));
    };
    for (name, value) in envelope.attributes() {
        push(name, Cow::Borrowed(value));
    }
    let is_context = |name: &str| {
        name == names::PF_CORRELATION_ID || CONTEXT.iter().any(|one| one.extension == name)
    };
    for (name, json) in &envelope.extensions {
        if !is_context(name) {
            push(name, names::text_of(json));
        }
    }
}

/// Returns the name of the encoder and the payload.
fn payload<'e>(envelope: &'e Envelope<'_>) -> Result<(&'static str, Cow<'e, [u8]>), EventError> {
    match envelope.content()? {
        Content::None => Ok((JSON, Cow::Borrowed(b"null"))),
        content @ Content::Json(_) => Ok((JSON, content.into_bytes().unwrap_or_default())),
        Content::Bytes(bytes) if is_protobuf(envelope) => Ok((PROTOBUF, bytes)),
        Content::Text(_) | Content::Bytes(_) => {
            let rule = "is neither JSON nor protobuf, and hexa-event has no other encoder";
            Err(EventError::Data(rule.to_owned()))
        }
    }
}

fn is_protobuf(envelope: &Envelope<'_>) -> bool {
    let kind = envelope.datacontenttype.as_deref().unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let mut known = ALSO_PROTOBUF.iter().chain([&PROTOBUF_TYPE]);
    known.any(|known| essence.eq_ignore_ascii_case(known))
}
