//! Binary mode: attributes as headers, in the dialects of the Kafka and NATS bindings.

use std::borrow::Cow;

use bytes::Bytes;

use crate::event::{
    Data, Dialect, Envelope, EventError, Headers, Message, attributes::draft::Draft,
    attributes::names, codec::content::Content, codec::hexa, codec::media, codec::percent,
};

/// The form of a message, as its headers state it.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
pub(in crate::event) struct Marks<'a> {
    content_type: Option<&'a str>,
    id: Option<&'a str>,
    has_specversion: bool,
    has_datacontenttype: bool,
    has_plain: bool,
    has_encoder: bool,
}

impl<'a> Marks<'a> {
    /// Reads the headers, once.
    pub(in crate::event) fn of(headers: &'a Headers) -> Result<Self, EventError> {
        let mut marks = Self::default();
        for (header, value) in headers.iter() {
            match header.as_bytes().first() {
                Some(b'c' | b'C') => marks.see(header, value)?,
                Some(b'_') => marks.has_encoder |= header == hexa::ENCODER,
                Some(b'p' | b'P') => marks.has_plain |= names::from_plain_header(header).is_some(),
                _ => {}
            }
        }
        Ok(marks)
    }

    fn see(&mut self, header: &str, value: Option<&'a Bytes>) -> Result<(), EventError> {
        if header.eq_ignore_ascii_case("content-type") {
            if self.content_type.is_none() {
                self.content_type = value.map(|value| text("content-type", value)).transpose()?;
            }
        } else if let Some((_, name)) = attribute(header) {
            self.has_plain |= names::from_plain_header(name).is_some();
            if name.eq_ignore_ascii_case("specversion") {
                self.has_specversion |= value.is_some();
            } else if name.eq_ignore_ascii_case("datacontenttype") {
                self.has_datacontenttype = true;
            } else if name.eq_ignore_ascii_case("id") && self.id.is_none() {
                self.id = value.and_then(|value| std::str::from_utf8(value).ok());
            }
        }
        Ok(())
    }

    /// Reports whether the content type names one event as a document.
    pub(in crate::event) fn is_structured(&self) -> bool {
        self.content_type.is_some_and(media::is_event)
    }

    /// Reports whether the content type names one event as a protobuf message.
    pub(in crate::event) fn is_protobuf(&self) -> bool {
        self.content_type.is_some_and(media::is_protobuf_event)
    }

    /// Reports whether the content type names an array of events.
    pub(in crate::event) fn is_batch(&self) -> bool {
        self.content_type.is_some_and(media::is_batch)
    }

    /// Reports whether there are attributes among the headers.
    pub(in crate::event) fn is_binary(&self) -> bool {
        self.has_specversion
    }

    /// Reports whether the message is in hexa-event's form.
    pub(in crate::event) fn is_hexa(&self) -> bool {
        self.has_encoder && !self.has_specversion && !self.is_structured()
    }

    /// Reports whether the headers state only that the payload is an event.
    pub(in crate::event) fn leave_it_to_the_payload(&self) -> bool {
        !self.is_batch()
            && !self.is_protobuf()
            && !self.is_binary()
            && !self.has_plain
            && !self.is_hexa()
    }

    /// Reports whether there is a `content-type`.
    pub(in crate::event) fn has_content_type(&self) -> bool {
        self.content_type.is_some()
    }

    /// Reports whether the headers repeat the attributes of the event in the payload.
    pub(in crate::event) fn repeats(&self, draft: &Draft<'_>) -> bool {
        self.id.is_some() && self.id == draft.id.as_deref()
    }

    /// Adds internal attributes from plain headers, or from prefixed ones beside a structured event.
    pub(in crate::event) fn add_plain_headers<'h>(
        &self,
        headers: &'h Headers,
        draft: &mut Draft<'h>,
    ) -> Result<(), EventError> {
        if !self.has_plain {
            return Ok(());
        }
        for (header, value) in headers.iter() {
            let bare = attribute(header).map_or(header, |(_, name)| name);
            if let (Some(name), Some(value)) = (names::from_plain_header(bare), value) {
                draft.header(Cow::Borrowed(name), Cow::Borrowed(text(name, value)?));
            }
        }
        Ok(())
    }
}

/// Reads the attributes of a binary-mode message.
pub(in crate::event) fn read<'a>(
    message: &'a Message,
    marks: &Marks<'a>,
) -> Result<Draft<'a>, EventError> {
    let mut draft = Draft::new(message.payload.as_deref().map_or(Data::None, Data::Bytes));
    // The official Go SDK on NATS uses `content-type` and does not encode; the binding has it the other way.
    let encoded = marks.has_datacontenttype || marks.content_type.is_none();
    for (header, value) in message.headers.iter() {
        let (Some((dialect, name)), Some(value)) = (attribute(header), value) else {
            continue;
        };
        let value = text(name, value)?;
        let value = match dialect {
            Dialect::Nats if encoded => percent::decode(value),
            _ => Cow::Borrowed(value),
        };
        draft.header(lower(name), value);
    }
    if let (None, Some(kind)) = (&draft.datacontenttype, marks.content_type) {
        draft.datacontenttype = Some(Cow::Borrowed(kind));
    }
    marks.add_plain_headers(&message.headers, &mut draft)?;
    Ok(draft)
}

/// Writes an event as headers and payload.
pub(in crate::event) fn write(
    envelope: &Envelope<'_>,
    dialect: Dialect,
    headers: &mut Headers,
) -> Result<Option<Bytes>, EventError> {
    let mut push = |name: &str, value: &str| push_attribute(headers, dialect, name, value);
    push("specversion", "1.0");
    push("id", &envelope.id);
    push("source", &envelope.source);
    push("type", &envelope.ty);
    let optional = [
        ("subject", &envelope.subject),
        ("time", &envelope.time),
        ("dataschema", &envelope.dataschema),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            push(name, value);
        }
    }
    for (name, json) in &envelope.extensions {
        push(name, &names::text_of(json));
    }
    let content = envelope.content()?;
    let implied = match &content {
        Content::Json(_) => Some(media::JSON),
        Content::Text(_) => Some(media::TEXT),
        Content::None | Content::Bytes(_) => None,
    };
    if let Some(kind) = envelope.datacontenttype.as_deref().or(implied) {
        if dialect == Dialect::Nats {
            push("datacontenttype", kind);
        }
        headers.push(
            "content-type",
            Some(Bytes::copy_from_slice(kind.as_bytes())),
        );
    }
    let payload = content
        .into_bytes()
        .map(|bytes| Bytes::from(bytes.into_owned()));
    Ok(match dialect {
        Dialect::Kafka | Dialect::Pulsar => payload,
        Dialect::Nats => Some(payload.unwrap_or_default()),
    })
}

fn push_attribute(headers: &mut Headers, dialect: Dialect, name: &str, value: &str) {
    let (header, value) = match dialect {
        Dialect::Kafka | Dialect::Pulsar => (format!("ce_{name}"), Cow::Borrowed(value)),
        Dialect::Nats => (format!("ce-{name}"), percent::encode(value)),
    };
    headers.push(header, Some(Bytes::copy_from_slice(value.as_bytes())));
}

/// Strips the prefix of either dialect from a header's name.
fn attribute(header: &str) -> Option<(Dialect, &str)> {
    let (prefix, name) = header.split_at_checked(3)?;
    if prefix.eq_ignore_ascii_case("ce_") {
        Some((Dialect::Kafka, name))
    } else if prefix.eq_ignore_ascii_case("ce-") {
        Some((Dialect::Nats, name))
    } else {
        None
    }
}

/// Reports whether a header belongs to the event that a message carries, not to the message.
pub(crate) fn is_event_header(header: &str) -> bool {
    attribute(header).is_some()
        || header.eq_ignore_ascii_case("content-type")
        || hexa::is_own_header(header)
}

fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

fn text<'a>(name: &str, value: &'a [u8]) -> Result<&'a str, EventError> {
    std::str::from_utf8(value).map_err(|_| EventError::attribute(name, "is not valid UTF-8"))
}
