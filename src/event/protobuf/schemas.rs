//! Compiled schemas: which message the data of an event are, and their JSON.

use std::borrow::Cow;

use bytes::Bytes;
use prost_reflect::{DescriptorPool, MessageDescriptor};

use super::{
    MessageRule, ProtobufError,
    json::{Decoded, check, from_json, is_likely, to_json},
};
use crate::event::{
    Data, Encoding, Envelope, Message, Pattern, Topic, codec::binary::is_event_header,
    codec::content::Content, codec::media, codec::sdk, codec::structured, handling::plain::PLAIN,
};

/// Compiled schemas, and the messages of topics. Cheap to clone.
///
/// An event whose `dataschema` names a message has that one, or none if the schemas lack it; for any other, the first rule for
/// its topic decides.
#[derive(Debug, Clone)]
pub struct Schemas {
    pool: DescriptorPool,
    rules: Vec<(Pattern, MessageDescriptor)>,
}

/// The host of type URLs.
const HOST: &str = "type.googleapis.com/";

/// Returns the URI that names a message in `dataschema`.
///
/// It is the type URL with its scheme: CloudEvents wants an absolute URI, and in a type URL a missing one means `https`.
#[must_use]
pub fn type_url(message: &str) -> String {
    format!("https://{HOST}{message}")
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
        let Ok(Some(message)) = self.message_of(topic, envelope) else {
            return Ok(None);
        };
        match envelope.content()? {
            Content::Bytes(bytes) => to_json(&message, &bytes).map(Some),
            // Without a content type, bytes that are valid text are taken for it; those of a message may be.
            Content::Text(text) if is_plain || matches!(envelope.data, Data::Bytes(_)) => {
                let is_message = !is_plain || is_likely(&message, text.as_bytes());
                let decoded = is_message.then(|| to_json(&message, text.as_bytes()));
                decoded.transpose()
            }
            _ => Ok(None),
        }
    }

    /// Returns the payload of a message that is not an event as JSON; `None` if there is no rule for its topic, or the bytes
    /// are not the message.
    ///
    /// # Errors
    /// If the message cannot be written as JSON.
    pub fn decode_plain(&self, message: &Message) -> Result<Option<Decoded>, ProtobufError> {
        match (self.rule_of(&message.topic), message.payload.as_deref()) {
            (Some(ty), Some(payload)) if is_likely(ty, payload) => to_json(ty, payload).map(Some),
            _ => Ok(None),
        }
    }

    /// Returns an event with its JSON data as the bytes of their message; `None` if there is none for it. Data that are not
    /// JSON must be the bytes of the message already.
    ///
    /// # Errors
    /// If the message is not an event, its data do not fit the schema, or its `dataschema` names a message that the schemas
    /// lack.
    pub fn encode(
        &self,
        message: &Message,
        encoding: Encoding,
    ) -> Result<Option<Message>, ProtobufError> {
        let mut envelope = Envelope::read(message)?;
        let kind = envelope.datacontenttype.as_deref();
        if !kind.is_none_or(|kind| media::is_json(kind) || media::may_be_protobuf(kind)) {
            return Ok(None);
        }
        let Some(ty) = self.message_of(&message.topic, &envelope)? else {
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

    fn message_of(
        &self,
        topic: &Topic,
        envelope: &Envelope<'_>,
    ) -> Result<Option<MessageDescriptor>, ProtobufError> {
        let rule = self.rule_of(topic);
        let Some(name) = envelope.dataschema.as_deref().and_then(named) else {
            return Ok(rule.cloned());
        };
        match self.pool.get_message_by_name(name) {
            Some(message) => Ok(Some(message)),
            // Bytes of one message are bytes of nearly any other: what the event names must not be taken for the rule's.
            None if rule.is_some() => Err(ProtobufError::UnknownMessage {
                name: name.to_owned(),
                known: names(&self.pool),
            }),
            None => Ok(None),
        }
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

/// Returns the full name of the message that a `dataschema` names, if it is a type URL or, as others write it, the bare name.
fn named(schema: &str) -> Option<&str> {
    let schema = schema.strip_prefix("https://").unwrap_or(schema);
    let name = schema.strip_prefix(HOST).unwrap_or(schema);
    (!name.is_empty() && !name.contains(['/', ':'])).then_some(name)
}
