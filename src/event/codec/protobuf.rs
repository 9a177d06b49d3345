//! The protobuf format of CloudEvents: the payload is one `io.cloudevents.v1.CloudEvent`.
//!
//! Numbers and names of fields are those of the specification's `cloudevents.proto`; its prose prints others.

use std::borrow::Cow;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use prost::{
    DecodeError,
    encoding::{
        DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field,
    },
};

use crate::event::{
    Data, Envelope, EventError, attributes::draft::Draft, codec::content::Content, codec::media,
    json::walk::string_of, json::write, time::utc,
};

/// Fields of `CloudEvent`.
mod field {
    pub(super) const ID: u32 = 1;
    pub(super) const SOURCE: u32 = 2;
    pub(super) const SPEC_VERSION: u32 = 3;
    pub(super) const TYPE: u32 = 4;
    pub(super) const ATTRIBUTES: u32 = 5;
    pub(super) const BINARY_DATA: u32 = 6;
    pub(super) const TEXT_DATA: u32 = 7;
    pub(super) const PROTO_DATA: u32 = 8;
}

/// Fields of `CloudEventAttributeValue`.
mod value {
    pub(super) const BOOLEAN: u32 = 1;
    pub(super) const INTEGER: u32 = 2;
    pub(super) const STRING: u32 = 3;
    pub(super) const BYTES: u32 = 4;
    pub(super) const URI: u32 = 5;
    pub(super) const URI_REF: u32 = 6;
    pub(super) const TIMESTAMP: u32 = 7;
}

/// The first and the second field of an entry of a map, of `Any` and of `Timestamp`.
const FIRST: u32 = 1;
const SECOND: u32 = 2;

/// Reads the attributes of an event from a protobuf message; data are borrowed.
pub(in crate::event) fn read(payload: &[u8]) -> Result<Draft<'_>, EventError> {
    let mut draft = Draft::new(Data::None);
    for found in Fields(payload) {
        let (number, value) = found.map_err(|error| malformed(&error))?;
        let Value::Bytes(bytes) = value else {
            continue;
        };
        match number {
            field::ID => draft.id = Some(text("id", bytes)?),
            field::SOURCE => draft.source = Some(text("source", bytes)?),
            field::SPEC_VERSION => draft.specversion = Some(text("specversion", bytes)?),
            field::TYPE => draft.ty = Some(text("type", bytes)?),
            field::ATTRIBUTES => read_attribute(&mut draft, bytes)?,
            field::BINARY_DATA | field::TEXT_DATA => draft.data = Data::Bytes(bytes),
            field::PROTO_DATA => read_any(&mut draft, bytes)?,
            _ => {}
        }
    }
    Ok(draft)
}

fn read_attribute<'a>(draft: &mut Draft<'a>, entry: &'a [u8]) -> Result<(), EventError> {
    let (mut name, mut found) = (Cow::Borrowed(""), None);
    for part in Fields(entry) {
        match part.map_err(|error| malformed(&error))? {
            (FIRST, Value::Bytes(bytes)) => name = text("attributes", bytes)?,
            (SECOND, Value::Bytes(bytes)) => found = Some(bytes),
            _ => {}
        }
    }
    for part in Fields(found.unwrap_or_default()) {
        let (kind, value) = part.map_err(|error| malformed(&error))?;
        let text = match (kind, value) {
            (value::BOOLEAN, Value::Varint(flag)) => {
                draft.typed(name, if flag == 0 { "false" } else { "true" }.into());
                return Ok(());
            }
            (value::INTEGER, Value::Varint(number)) => {
                draft.typed(name, integer(number).to_string().into());
                return Ok(());
            }
            (value::STRING | value::URI | value::URI_REF, Value::Bytes(bytes)) => {
                text(&name, bytes)?
            }
            (value::BYTES, Value::Bytes(bytes)) => Cow::Owned(write::to_base64(bytes)),
            (value::TIMESTAMP, Value::Bytes(bytes)) => Cow::Owned(time(&name, bytes)?),
            _ => continue,
        };
        draft.header(name, text);
        return Ok(());
    }
    Ok(())
}

/// Reads a packed message: its type is the schema unless the event names one.
fn read_any<'a>(draft: &mut Draft<'a>, any: &'a [u8]) -> Result<(), EventError> {
    let (mut data, mut ty): (&[u8], _) = (&[], None);
    for part in Fields(any) {
        match part.map_err(|error| malformed(&error))? {
            (FIRST, Value::Bytes(bytes)) => ty = Some(text("type_url", bytes)?),
            (SECOND, Value::Bytes(bytes)) => data = bytes,
            _ => {}
        }
    }
    draft.data = Data::Bytes(data);
    if draft.datacontenttype.is_none() {
        draft.datacontenttype = Some(Cow::Borrowed(media::PROTOBUF));
    }
    if let (None, Some(ty)) = (&draft.dataschema, ty.filter(|ty| !ty.is_empty())) {
        draft.dataschema = Some(schema_of(ty));
    }
    Ok(())
}

/// Returns the URI of a type URL: without a scheme it means `https`.
fn schema_of(ty: Cow<'_, str>) -> Cow<'_, str> {
    if ty.contains(':') {
        ty
    } else {
        Cow::Owned(format!("https://{ty}"))
    }
}

/// Returns the 32 bits of an integer, which is sent as 64.
fn integer(number: u64) -> i64 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    i64::from(i32::from_le_bytes([a, b, c, d]))
}

fn time(name: &str, bytes: &[u8]) -> Result<String, EventError> {
    let (mut seconds, mut nanos) = (0_i64, 0_u32);
    for part in Fields(bytes) {
        match part.map_err(|error| malformed(&error))? {
            (FIRST, Value::Varint(number)) => seconds = number.cast_signed(),
            (SECOND, Value::Varint(number)) => nanos = u32::try_from(number).unwrap_or(u32::MAX),
            _ => {}
        }
    }
    let time = DateTime::<Utc>::from_timestamp(seconds, nanos);
    let time = time.ok_or_else(|| EventError::attribute(name, "is not a time"))?;
    Ok(time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

fn text<'a>(name: &str, bytes: &'a [u8]) -> Result<Cow<'a, str>, EventError> {
    let text = std::str::from_utf8(bytes);
    text.map(Cow::Borrowed)
        .map_err(|_| EventError::attribute(name, "is not valid Unicode"))
}

fn malformed(error: &DecodeError) -> EventError {
    EventError::NotAnEvent(format!("malformed protobuf: {error}"))
}

/// The fields of a message in order.
struct Fields<'a>(&'a [u8]);

/// The value of a field.
enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Of a wire type that no field of an event has.
    Foreign,
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<(u32, Value<'a>), DecodeError> {
        let (number, wire) = decode_key(&mut self.0)?;
        let value = match wire {
            WireType::Varint => Value::Varint(decode_varint(&mut self.0)?),
            WireType::LengthDelimited => Value::Bytes(self.bytes()?),
            _ => {
                skip_field(wire, number, &mut self.0, DecodeContext::default())?;
                Value::Foreign
            }
        };
        Ok((number, value))
    }

    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let before = self.0;
        let length = decode_varint(&mut self.0)?;
        let split = usize::try_from(length).ok();
        let split = split.and_then(|length| self.0.split_at_checked(length));
        let Some((bytes, rest)) = split else {
            // The same error as that of any other field that is cut off.
            let mut before = before;
            skip_field(
                WireType::LengthDelimited,
                1,
                &mut before,
                DecodeContext::default(),
            )?;
            return Ok(&[]);
        };
        self.0 = rest;
        Ok(bytes)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// Returns an event as a protobuf message. JSON and text are `text_data`, a message whose schema is named is `proto_data`,
/// anything else `binary_data`.
pub(in crate::event) fn write(envelope: &Envelope<'_>) -> Result<Bytes, EventError> {
    let mut out = Vec::with_capacity(512);
    put(&mut out, field::ID, envelope.id.as_bytes());
    put(&mut out, field::SOURCE, envelope.source.as_bytes());
    put(&mut out, field::SPEC_VERSION, b"1.0");
    put(&mut out, field::TYPE, envelope.ty.as_bytes());
    let content = envelope.content()?;
    let mut kind = envelope.datacontenttype.as_deref();
    if matches!(content, Content::Text(_)) {
        kind = kind.or(Some(media::TEXT));
    }
    let attributes = [
        ("subject", value::STRING, envelope.subject.as_deref()),
        ("datacontenttype", value::STRING, kind),
        ("dataschema", value::URI, envelope.dataschema.as_deref()),
    ];
    for (name, kind, text) in attributes {
        if let Some(text) = text {
            put_attribute(&mut out, name, |out| put(out, kind, text.as_bytes()));
        }
    }
    if let Some(time) = envelope.time.as_deref() {
        put_time(&mut out, time)?;
    }
    for (name, json) in &envelope.extensions {
        put_extension(&mut out, name, json)?;
    }
    match content {
        Content::None => {}
        Content::Json(text) | Content::Text(text) => {
            put(&mut out, field::TEXT_DATA, text.as_bytes());
        }
        Content::Bytes(bytes) => put_bytes(&mut out, envelope, &bytes),
    }
    Ok(out.into())
}

fn put_bytes(out: &mut Vec<u8>, envelope: &Envelope<'_>, bytes: &[u8]) {
    let kind = envelope.datacontenttype.as_deref();
    let schema = envelope.dataschema.as_deref();
    match schema.filter(|_| kind.is_some_and(media::is_protobuf)) {
        Some(schema) => {
            let ty = schema.strip_prefix("https://").unwrap_or(schema);
            let mut any = Vec::with_capacity(bytes.len() + ty.len() + 8);
            put(&mut any, FIRST, ty.as_bytes());
            put(&mut any, SECOND, bytes);
            put(out, field::PROTO_DATA, &any);
        }
        None => put(out, field::BINARY_DATA, bytes),
    }
}

fn put_time(out: &mut Vec<u8>, text: &str) -> Result<(), EventError> {
    let time =
        utc(text).ok_or_else(|| EventError::attribute("time", "is not a time (RFC 3339)"))?;
    let mut stamp = Vec::new();
    put_number(&mut stamp, FIRST, time.timestamp());
    put_number(&mut stamp, SECOND, i64::from(time.timestamp_subsec_nanos()));
    put_attribute(out, "time", |out| put(out, value::TIMESTAMP, &stamp));
    Ok(())
}

fn put_extension(out: &mut Vec<u8>, name: &str, json: &str) -> Result<(), EventError> {
    let text = string_of(json).transpose()?;
    put_attribute(out, name, |out| match (json, json.parse::<i32>()) {
        ("true", _) => put_number(out, value::BOOLEAN, 1),
        ("false", _) => put_number(out, value::BOOLEAN, 0),
        (_, Ok(number)) if json != "-0" => put_number(out, value::INTEGER, number.into()),
        _ => put(
            out,
            value::STRING,
            text.as_deref().unwrap_or(json).as_bytes(),
        ),
    });
    Ok(())
}

/// Appends an entry of the map of attributes.
fn put_attribute(out: &mut Vec<u8>, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
    let mut attribute = Vec::new();
    write(&mut attribute);
    let mut entry = Vec::with_capacity(name.len() + attribute.len() + 4);
    put(&mut entry, FIRST, name.as_bytes());
    put(&mut entry, SECOND, &attribute);
    put(out, field::ATTRIBUTES, &entry);
}

fn put(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn put_number(out: &mut Vec<u8>, number: u32, value: i64) {
    encode_key(number, WireType::Varint, out);
    encode_varint(value.cast_unsigned(), out);
}
