//! Compiled schemas: which message the data of an event are, and their JSON.

use std::borrow::Cow;

use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde::de::DeserializeSeed as _;

use super::{MessageRule, ProtobufError, framing::unframed};
use crate::event::{
    Data, Encoding, Envelope, Message, Pattern, Topic, codec::binary::is_event_header,
    codec::content::Content, codec::media, codec::sdk, codec::structured, handling::plain::PLAIN,
};

/// Compiled schemas, and the messages of topics. Cheap to clone.
///
/// An event whose `dataschema` names one of the messages has that one; for any other, the first rule for its topic decides.
#[derive(Debug, Clone)]
pub struct Schemas {
    pool: DescriptorPool,
    rules: Vec<(Pattern, MessageDescriptor)>,
}

/// Data that were decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The message as JSON, by the mapping of protobuf: `lowerCamel` names, 64-bit integers as strings.
    pub json: String,
    /// The id in a framing of Confluent's schema registry, which was skipped.
    pub schema_id: Option<u32>,
}

/// Returns the URI that names a message in `dataschema`.
///
/// It is the type URL with its scheme: CloudEvents wants an absolute URI, and in a type URL a missing one means `https`.
#[must_use]
pub fn type_url(message: &str) -> String {
    format!("https://type.googleapis.com/{message}")
}

/// Returns a message as people see it: the event with these JSON data, or for a message that is not an event, just these.
#[must_use]
pub fn with_json(message: &Message, json: &str) -> Message {
    let mut seen = message.clone();
    let mut out = Vec::with_capacity(json.len() + 512);
    let envelope = Envelope::read(message).map(|envelope| envelope.with_json(Some(json)));
    let written = envelope.and_then(|envelope| structured::write(&mut out, &envelope));
    if written.is_ok() {
        seen.headers.retain(|name| !is_event_header(name));
        let kind = Bytes::from_static(media::EVENT.as_bytes());
        seen.headers.push_known("content-type", Some(kind));
    } else {
        out.clear();
        out.extend_from_slice(json.as_bytes());
    }
    seen.payload = Some(out.into());
    seen
}

impl Schemas {
    pub(super) fn new(pool: DescriptorPool, rules: &[MessageRule]) -> Result<Self, ProtobufError> {
        let rules = rules.iter().map(|rule| {
            let message = pool.get_message_by_name(&rule.message);
            let unknown = || ProtobufError::UnknownMessage {
                name: rule.message.clone(),
                known: names(&pool),
            };
            Ok((rule.topics.clone(), message.ok_or_else(unknown)?))
        });
        let rules = rules.collect::<Result<_, ProtobufError>>()?;
        Ok(Self { pool, rules })
    }

    /// Returns the data of an event as JSON; `None` if they are not protobuf, or if the message is not known.
    ///
    /// Data are taken for protobuf if `datacontenttype` says so, or if there is a rule for the topic and they are bytes of no
    /// type.
    ///
    /// # Errors
    /// If the bytes are not the message.
    pub fn decode(
        &self,
        topic: &Topic,
        envelope: &Envelope<'_>,
    ) -> Result<Option<Decoded>, ProtobufError> {
        let kind = envelope.datacontenttype.as_deref();
        let is_plain = envelope.ty == PLAIN;
        if !is_plain && !kind.is_none_or(media::may_be_protobuf) {
            return Ok(None);
        }
        let Some(message) = self.message_of(topic, envelope) else {
            return Ok(None);
        };
        match envelope.content()? {
            Content::Bytes(bytes) => to_json(&message, &bytes).map(Some),
            // Without a content type, bytes that are valid text are taken for it; those of a message may be.
            Content::Text(text) if is_plain || matches!(envelope.data, Data::Bytes(_)) => {
                to_json(&message, text.as_bytes()).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Returns the payload of a message that is not an event as JSON; `None` if there is no rule for its topic.
    ///
    /// # Errors
    /// If the bytes are not the message.
    pub fn decode_plain(&self, message: &Message) -> Result<Option<Decoded>, ProtobufError> {
        match (self.rule_of(&message.topic), message.payload.as_deref()) {
            (Some(ty), Some(payload)) => to_json(ty, payload).map(Some),
            _ => Ok(None),
        }
    }

    /// Returns an event with its JSON data as the bytes of their message; `None` if there is none for it. Data that are not
    /// JSON must be the bytes of the message already.
    ///
    /// # Errors
    /// If the message is not an event, or its data do not fit the schema.
    pub fn encode(
        &self,
        message: &Message,
        encoding: Encoding,
    ) -> Result<Option<Message>, ProtobufError> {
        let mut envelope = Envelope::read(message)?;
        let Some(ty) = self.message_of(&message.topic, &envelope) else {
            return Ok(None);
        };
        let bytes = match envelope.content()? {
            Content::Json(json) => from_json(&ty, &json)?,
            Content::None => return Ok(None),
            given => {
                let bytes = given.into_bytes().unwrap_or_default().into_owned();
                check(&ty, &bytes)?;
                bytes
            }
        };
        let schema = envelope.dataschema.take();
        let schema = schema.unwrap_or_else(|| Cow::Owned(type_url(ty.full_name())));
        let envelope = Envelope {
            data: Data::Bytes(&bytes),
            datacontenttype: Some(Cow::Borrowed(media::PROTOBUF)),
            dataschema: Some(schema),
            ..envelope
        };
        let (mut encoded, _) = sdk::store(envelope, Some(message.topic.clone()), encoding, None)?;
        encoded.key.clone_from(&message.key);
        Ok(Some(encoded))
    }

    fn message_of(&self, topic: &Topic, envelope: &Envelope<'_>) -> Option<MessageDescriptor> {
        let schema = envelope.dataschema.as_deref();
        let name = schema.and_then(|uri| uri.rsplit('/').next());
        let named = name.and_then(|name| self.pool.get_message_by_name(name));
        named.or_else(|| self.rule_of(topic).cloned())
    }

    fn rule_of(&self, topic: &Topic) -> Option<&MessageDescriptor> {
        let mut rules = self.rules.iter();
        let rule = rules.find(|(pattern, _)| pattern.matches(topic));
        rule.map(|(_, message)| message)
    }
}

/// Returns the full names of the messages that the files define, without those of protobuf itself.
fn names(pool: &DescriptorPool) -> Vec<String> {
    let messages = pool.all_messages();
    let own = messages.filter(|message| {
        !message.full_name().starts_with("google.protobuf.") && !message.is_map_entry()
    });
    own.map(|message| message.full_name().to_owned()).collect()
}

fn to_json(message: &MessageDescriptor, bytes: &[u8]) -> Result<Decoded, ProtobufError> {
    let (schema_id, bytes) = unframed(bytes);
    let decoded = DynamicMessage::decode(message.clone(), bytes);
    let decoded = decoded.map_err(|error| not_bytes(message, &error.to_string()))?;
    let json = serde_json::to_string(&decoded);
    Ok(Decoded {
        json: json.map_err(|error| not_bytes(message, &error.to_string()))?,
        schema_id,
    })
}

fn from_json(message: &MessageDescriptor, json: &str) -> Result<Vec<u8>, ProtobufError> {
    let mut reader = serde_json::Deserializer::from_str(json);
    match message.clone().deserialize(&mut reader) {
        Ok(read) => Ok(read.encode_to_vec()),
        Err(_) => Err(misfit(message, json)),
    }
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

fn check(message: &MessageDescriptor, bytes: &[u8]) -> Result<(), ProtobufError> {
    let read = DynamicMessage::decode(message.clone(), bytes);
    read.map(drop)
        .map_err(|error| not_bytes(message, &error.to_string()))
}

fn not_bytes(message: &MessageDescriptor, reason: &str) -> ProtobufError {
    let reason = reason.strip_prefix("failed to decode Protobuf message: ");
    ProtobufError::Bytes {
        ty: message.full_name().to_owned(),
        reason: reason.unwrap_or("it cannot be written as JSON").to_owned(),
    }
}
