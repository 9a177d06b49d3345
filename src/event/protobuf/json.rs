//! Bytes of a message as JSON, and back.

use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, ReflectMessage as _, Value};
use serde::de::DeserializeSeed as _;

use super::{ProtobufError, framing::unframed};

/// Data that were decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The message as JSON, by the mapping of protobuf: `lowerCamel` names, 64-bit integers as strings.
    pub json: String,
    /// The id in a framing of Confluent's schema registry, which was skipped.
    pub schema_id: Option<u32>,
}

/// The message that holds one of any type.
const ANY: &str = "google.protobuf.Any";
/// How deep such messages may be nested. The decoder's limit starts again in each of them.
const DEEPEST: u32 = 16;

/// Returns the JSON of a message.
pub(super) fn to_json(message: &MessageDescriptor, bytes: &[u8]) -> Result<Decoded, ProtobufError> {
    let (framing, bytes) = unframed(bytes);
    if let Some(framing) = &framing
        && !framing.is_of(message)
    {
        return Err(not_bytes(message, "its framing names another message"));
    }
    let decoded = decode(message, bytes)?;
    if message.parent_pool().get_message_by_name(ANY).is_some() && !is_shallow(&decoded, DEEPEST) {
        return Err(not_bytes(
            message,
            "messages of any type are nested too deep",
        ));
    }
    let json = serde_json::to_string(&decoded).map_err(|error| ProtobufError::Unshown {
        ty: message.full_name().to_owned(),
        reason: error.to_string(),
    });
    Ok(Decoded {
        json: json?,
        schema_id: framing.map(|framing| framing.id),
    })
}

/// Reports whether bytes have at least one field of a message, and so are likely to be it.
pub(super) fn is_likely(message: &MessageDescriptor, bytes: &[u8]) -> bool {
    let (framing, bytes) = unframed(bytes);
    let read = DynamicMessage::decode(message.clone(), bytes);
    let is_foreign = |read: &DynamicMessage| {
        read.fields().next().is_none() && read.unknown_fields().next().is_some()
    };
    framing.is_some() || read.is_ok_and(|read| !bytes.is_empty() && !is_foreign(&read))
}

/// Returns the bytes of a message that is written as JSON.
pub(super) fn from_json(message: &MessageDescriptor, json: &str) -> Result<Vec<u8>, ProtobufError> {
    let mut reader = serde_json::Deserializer::from_str(json);
    match message.clone().deserialize(&mut reader) {
        Ok(read) => Ok(read.encode_to_vec()),
        Err(_) => Err(misfit(message, json)),
    }
}

/// Checks that bytes are a message.
pub(super) fn check(message: &MessageDescriptor, bytes: &[u8]) -> Result<(), ProtobufError> {
    decode(message, bytes).map(drop)
}

fn decode(message: &MessageDescriptor, bytes: &[u8]) -> Result<DynamicMessage, ProtobufError> {
    let read = DynamicMessage::decode(message.clone(), bytes);
    read.map_err(|error| not_bytes(message, &error.to_string()))
}

/// Reports whether messages of any type are nested at most so deep. What cannot be decoded is left to the writer.
fn is_shallow(message: &DynamicMessage, left: u32) -> bool {
    if message.descriptor().full_name() == ANY {
        let Some(inner) = inner_of(message) else {
            return true;
        };
        return left > 0 && is_shallow(&inner, left - 1);
    }
    message.fields().all(|(_, value)| match value {
        Value::Message(inner) => is_shallow(inner, left),
        Value::List(list) => list.iter().all(|value| is_shallow_value(value, left)),
        Value::Map(map) => map.values().all(|value| is_shallow_value(value, left)),
        _ => true,
    })
}

fn is_shallow_value(value: &Value, left: u32) -> bool {
    value
        .as_message()
        .is_none_or(|message| is_shallow(message, left))
}

fn inner_of(any: &DynamicMessage) -> Option<DynamicMessage> {
    let url = any.get_field_by_name("type_url")?;
    let bytes = any.get_field_by_name("value")?;
    let name = url.as_str()?.rsplit('/').next()?.to_owned();
    let inner = any.descriptor().parent_pool().get_message_by_name(&name)?;
    DynamicMessage::decode(inner, bytes.as_bytes()?.clone()).ok()
}

/// Reads JSON again, to name the place that does not fit.
fn misfit(message: &MessageDescriptor, json: &str) -> ProtobufError {
    let mut track = serde_path_to_error::Track::new();
    let mut reader = serde_json::Deserializer::from_str(json);
    let tracked = serde_path_to_error::Deserializer::new(&mut reader, &mut track);
    let read = message.clone().deserialize(tracked);
    let reason = read.map_or_else(|error| error.to_string(), |_| "it does not fit".to_owned());
    let path = track.path().to_string();
    ProtobufError::Json {
        ty: message.full_name().to_owned(),
        path: if path == "." { String::new() } else { path },
        reason: without_place(&reason).to_owned(),
    }
}

/// Returns an error of JSON without line and column, which are those of data on one line.
fn without_place(reason: &str) -> &str {
    reason.split(" at line ").next().unwrap_or(reason)
}

fn not_bytes(message: &MessageDescriptor, reason: &str) -> ProtobufError {
    let short = reason.strip_prefix("failed to decode Protobuf message: ");
    ProtobufError::Bytes {
        ty: message.full_name().to_owned(),
        reason: short.unwrap_or(reason).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::{DescriptorPool, prost_types::Any};

    use super::*;

    fn nested(levels: usize) -> Vec<u8> {
        (0..levels).fold(Vec::new(), |value, _| {
            let type_url = format!("/{ANY}");
            Any { type_url, value }.encode_to_vec()
        })
    }

    #[test]
    fn messages_of_any_type_are_nested_only_so_deep() {
        let any = DescriptorPool::global().get_message_by_name(ANY).unwrap();
        let said = |levels| to_json(&any, &nested(levels)).map(|_| ());
        assert!(!matches!(said(3), Err(ProtobufError::Bytes { .. })));
        for levels in [100, 3000] {
            assert!(matches!(said(levels), Err(ProtobufError::Bytes { .. })));
        }
    }
}
