//! Messages as [`cloudevents::Event`], and back.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use cloudevents::{
    AttributesReader, AttributesWriter, Event, EventBuilder as _, EventBuilderV10,
    event::ExtensionValue,
};

use crate::event::{
    Data, Encoding, Envelope, EventError, Form, Headers, Message, Mode, Topic, attributes::names,
    codec::binary, codec::content::Content, codec::hexa, codec::media, codec::protobuf,
    codec::structured, json::walk, json::walk::string_of, json::write, time::utc, validate,
};

/// Decodes an event. Numbers keep their digits (the sign of an exponent is added: `1e+400`).
///
/// # Errors
/// If the message is not an event, or has a time or schema that cannot be represented.
pub fn decode(message: &Message) -> Result<Event, EventError> {
    decode_envelope(Envelope::read(message)?)
}

/// Decodes an event whose envelope was read already.
pub(in crate::event) fn decode_envelope(envelope: Envelope<'_>) -> Result<Event, EventError> {
    let mut event = EventBuilderV10::new()
        .id(envelope.id.as_ref())
        .source(envelope.source.as_ref())
        .ty(envelope.ty.as_ref())
        .build()
        .map_err(|error| EventError::NotAnEvent(error.to_string()))?;
    if let Some(text) = &envelope.time {
        let time = utc(text).ok_or_else(|| unreadable("time", text, "a time (RFC 3339)"))?;
        event.set_time(Some(time));
    }
    if let Some(text) = &envelope.dataschema {
        let schema = text.parse::<url::Url>();
        let kind = envelope.datacontenttype.as_deref();
        let schema = match schema {
            Err(_) if kind.is_some_and(media::is_protobuf) => named_type(text),
            schema => schema.ok(),
        };
        event.set_dataschema(Some(
            schema.ok_or_else(|| unreadable("dataschema", text, "a URI"))?,
        ));
    }
    match envelope.content()? {
        Content::None => None,
        Content::Json(text) => event.set_data_unchecked(value(&text)?),
        Content::Text(text) => event.set_data_unchecked(text.into_owned()),
        Content::Bytes(bytes) => event.set_data_unchecked(bytes.into_owned()),
    };
    for (name, json) in &envelope.extensions {
        event.set_extension(name, extension_value(json)?);
    }
    event.set_subject(envelope.subject.map(Cow::into_owned));
    event.set_datacontenttype(envelope.datacontenttype.map(Cow::into_owned));
    Ok(event)
}

/// Returns the URI of a protobuf type that is named as in `type.googleapis.com/shop.Order`, or without a host, as others do.
fn named_type(text: &str) -> Option<url::Url> {
    let name = text.rsplit('/').next()?;
    format!("https://type.googleapis.com/{name}").parse().ok()
}

fn unreadable(name: &str, text: &str, what: &str) -> EventError {
    EventError::attribute(name, format!("is `{text}`, not {what}"))
}

fn value(text: &str) -> Result<serde_json::Value, EventError> {
    serde_json::from_str(text).map_err(|error| EventError::Json(format!("{error} of the data")))
}

/// Integers that fit stay numbers; other values that the SDK has no type for become text.
fn extension_value(json: &str) -> Result<ExtensionValue, EventError> {
    if let Some(text) = string_of(json) {
        return Ok(ExtensionValue::String(text?.into_owned()));
    }
    Ok(match (json, json.parse::<i64>()) {
        ("true", _) => ExtensionValue::Boolean(true),
        ("false", _) => ExtensionValue::Boolean(false),
        (_, Ok(number)) if json != "-0" => ExtensionValue::Integer(number),
        _ => ExtensionValue::String(json.to_owned()),
    })
}

/// Encodes an event for a topic; the key is `partitionkey`, else `subject`.
///
/// Attributes of a delivery (`pfattempt`, `pfattemptlimit`; `pf_attempt`, and `pf_max_attempts` beside it) are left out, so
/// that an event that was handed to a handler can be published again. So is `pf_delay_ms`: the caller applies an event's
/// own delay ([`EventExt::delay`](crate::event::EventExt::delay)).
///
/// # Errors
/// If an attribute breaks a rule.
pub fn encode(event: &Event, topic: Topic, encoding: Encoding) -> Result<Message, EventError> {
    let body = Body::of(event)?;
    let (message, _) = store(envelope_of(event, body.data()), Some(topic), encoding, None)?;
    Ok(message)
}

/// Checks an event as [`encode`] does.
pub(in crate::event) fn check(event: &Event) -> Result<(), EventError> {
    let body = Body::of(event)?;
    validate::check(&envelope_of(event, body.data()))
}

/// Data in its serialized form.
enum Body<'a> {
    None,
    Json(Cow<'a, str>),
    Bytes(String),
}

impl<'a> Body<'a> {
    fn of(event: &'a Event) -> Result<Self, EventError> {
        let is_json = event.datacontenttype().is_some_and(media::is_json);
        Ok(match event.data() {
            None => Self::None,
            Some(cloudevents::Data::Json(value)) => Self::Json(Cow::Owned(value.to_string())),
            Some(cloudevents::Data::String(text)) if is_json => {
                let json = walk::json_in(text).ok_or_else(|| {
                    let rule = "is not valid JSON, which `datacontenttype` requires";
                    EventError::Data(rule.to_owned())
                })?;
                Self::Json(Cow::Borrowed(json))
            }
            Some(cloudevents::Data::String(text)) => Self::Json(Cow::Owned(write::quoted(text))),
            Some(cloudevents::Data::Binary(bytes)) => {
                let text = std::str::from_utf8(bytes).ok().filter(|_| is_json);
                match text.and_then(walk::json_in) {
                    Some(json) => Self::Json(Cow::Borrowed(json)),
                    None => Self::Bytes(write::to_base64(bytes)),
                }
            }
        })
    }

    fn data(&self) -> Data<'_> {
        match self {
            Self::None => Data::None,
            Self::Json(text) => Data::Json(text),
            Self::Bytes(text) => Data::Base64(Cow::Borrowed(text)),
        }
    }
}

fn envelope_of<'a>(event: &'a Event, data: Data<'a>) -> Envelope<'a> {
    let mut extensions: Vec<_> = event
        .iter_extensions()
        .map(|(name, value)| (Cow::Borrowed(name), extension_json(name, value)))
        .collect();
    extensions.sort_unstable();
    let time = event
        .time()
        .map(|time| Cow::Owned(time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)));
    Envelope {
        id: Cow::Borrowed(event.id()),
        source: Cow::Borrowed(event.source()),
        ty: Cow::Borrowed(event.ty()),
        subject: event.subject().map(Cow::Borrowed),
        time,
        datacontenttype: event.datacontenttype().map(Cow::Borrowed),
        dataschema: event.dataschema().map(|url| Cow::Borrowed(url.as_str())),
        extensions,
        data,
        form: Form::Structured,
    }
}

/// The CloudEvents integer has 32 bits; a larger one is written as text, so that every SDK reads it. A number under one of
/// Protoflow's names is written as a number, even where it was given as text.
fn extension_json(name: &str, value: &ExtensionValue) -> Cow<'static, str> {
    match value {
        ExtensionValue::String(text) => {
            Cow::Owned(names::json_of(name, Cow::Borrowed(text)).into_owned())
        }
        ExtensionValue::Boolean(true) => Cow::Borrowed("true"),
        ExtensionValue::Boolean(false) => Cow::Borrowed("false"),
        ExtensionValue::Integer(number) => {
            let small = i32::try_from(*number).is_ok() || names::is_protoflow(name);
            let text = number.to_string();
            Cow::Owned(if small { text } else { write::quoted(&text) })
        }
    }
}

/// Creates the message of an event to be published, and returns the delay that the event sets.
///
/// `written` is the event as its publisher wrote it, kept byte for byte if nothing about it has to change. Without a
/// topic, the event's type is the topic.
pub(in crate::event) fn store(
    mut envelope: Envelope<'_>,
    topic: Option<Topic>,
    encoding: Encoding,
    written: Option<&str>,
) -> Result<(Message, Option<Duration>), EventError> {
    let before = envelope.extensions.clone();
    let mut headers = Headers::new();
    let delay = names::forget_delivery(&mut envelope.extensions)?;
    names::rename(&mut envelope.extensions, encoding.naming, &mut headers);
    validate::check(&envelope)?;
    let payload = match encoding.mode {
        Mode::Binary => binary::write(&envelope, encoding.dialect, &mut headers)?,
        Mode::Hexa => hexa::write::write(&envelope, encoding.dialect, &mut headers)?,
        Mode::Protobuf => {
            let kind = Bytes::from_static(media::PROTOBUF_EVENT.as_bytes());
            headers.push("content-type", Some(kind));
            Some(protobuf::write(&envelope)?)
        }
        Mode::Structured => {
            let kind = Bytes::from_static(media::EVENT.as_bytes());
            headers.push("content-type", Some(kind));
            Some(match written.filter(|_| before == envelope.extensions) {
                Some(text) => Bytes::copy_from_slice(text.as_bytes()),
                None => write_structured(&envelope)?,
            })
        }
    };
    let topic = topic.map_or_else(|| topic_of(&envelope), Ok)?;
    let key = envelope
        .key()
        .map(|key| Bytes::copy_from_slice(key.as_bytes()));
    let message = Message {
        topic,
        key,
        headers,
        payload,
    };
    Ok((message, delay))
}

fn write_structured(envelope: &Envelope<'_>) -> Result<Bytes, EventError> {
    let mut out = Vec::with_capacity(512);
    structured::write(&mut out, envelope)?;
    Ok(out.into())
}

/// Returns the default topic of an event: its type.
pub(in crate::event) fn topic_of(envelope: &Envelope<'_>) -> Result<Topic, EventError> {
    envelope.ty.parse().map_err(|error| {
        EventError::attribute("type", format!("cannot be used as a topic: {error}"))
    })
}
