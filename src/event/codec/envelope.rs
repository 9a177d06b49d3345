//! The envelope: the attributes of an event, borrowed from its message without building a tree.

use std::borrow::Cow;

use crate::event::{
    EventError, Message, TraceParent, attributes::names, attributes::rules,
    codec::content::Content, codec::content::content, codec::data::Data, codec::media,
};

/// The layout of an event in its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The payload is the event as JSON.
    Structured,
    /// The payload is the event as a protobuf message.
    Protobuf,
    /// Attributes are headers, the payload is the data.
    Binary,
    /// hexa-event's: its own headers and the payload, in one JSON object on NATS and Pulsar.
    Hexa,
}

/// The attributes of an event, borrowed from its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// `id`
    pub id: Cow<'a, str>,
    /// `source`
    pub source: Cow<'a, str>,
    /// `type`
    pub ty: Cow<'a, str>,
    /// `subject`
    pub subject: Option<Cow<'a, str>>,
    /// `time`, verbatim
    pub time: Option<Cow<'a, str>>,
    /// `datacontenttype`
    pub datacontenttype: Option<Cow<'a, str>>,
    /// `dataschema`
    pub dataschema: Option<Cow<'a, str>>,
    /// Extension attributes in order: the name, and the value as JSON. Internal attributes in plain headers
    /// (`pf_max_attempts`) come after those of the event.
    pub extensions: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The data.
    pub data: Data<'a>,
    /// The layout.
    pub form: Form,
}

impl<'a> Envelope<'a> {
    /// Reads a message of any form: structured JSON, binary mode in every dialect, the Go library's messages.
    ///
    /// Only `specversion`, `id`, `source` and `type` are checked; [`validate`](crate::event::validate) is strict.
    ///
    /// # Errors
    /// If the message is not an event; names the attribute and the rule.
    pub fn read(message: &'a Message) -> Result<Self, EventError> {
        Self::try_from(message)
    }

    /// Returns an extension's text: a string without its quotes, anything else as it is written.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<Cow<'_, str>> {
        names::find(&self.extensions, name)
    }

    /// Returns the id that related events share.
    #[must_use]
    pub fn correlation_id(&self) -> Option<Cow<'_, str>> {
        self.extension(names::CORRELATION_ID)
            .or_else(|| self.extension(names::PF_CORRELATION_ID))
    }

    /// Returns the trace that the event belongs to, if it is well-formed.
    #[must_use]
    pub fn traceparent(&self) -> Option<TraceParent> {
        let standard = self.extension(names::TRACEPARENT);
        standard.and_then(|text| text.parse().ok()).or_else(|| {
            let trace = self.extension(names::PF_TRACE_ID)?;
            TraceParent::from_ids(&trace, self.extension(names::PF_PARENT_ID).as_deref())
        })
    }

    /// Returns `tracestate`.
    #[must_use]
    pub fn tracestate(&self) -> Option<Cow<'_, str>> {
        self.extension(names::TRACESTATE)
    }

    /// Returns the maximum number of attempts that the publisher set: `pfmaxattempts`, else `pf_max_attempts`.
    #[must_use]
    pub fn max_attempts(&self) -> Option<u32> {
        names::wish(&self.extensions)
    }

    /// Returns what is wrong with the first attribute whose name, type or value makes official SDKs refuse the whole event.
    /// The Go library's names are accepted: a handler gets them under other names.
    #[must_use]
    pub fn refused_attribute(&self) -> Option<EventError> {
        rules::refused(self.attributes(), &self.extensions)
    }

    /// Returns the key that keeps related events in order: `partitionkey`, else `subject`.
    #[must_use]
    pub fn key(&self) -> Option<Cow<'_, str>> {
        self.extension(names::PARTITION_KEY)
            .or_else(|| self.subject.as_deref().map(Cow::Borrowed))
    }

    /// Returns the data as the bytes of a protobuf message.
    ///
    /// # Errors
    /// If they are of another content type.
    #[cfg(feature = "protobuf")]
    pub(crate) fn protobuf_bytes(&self) -> Result<Cow<'_, [u8]>, EventError> {
        let kind = self.datacontenttype.as_deref();
        if let Some(other) = kind.filter(|kind| !media::may_be_protobuf(kind)) {
            return Err(EventError::Data(format!("is `{other}`, not protobuf")));
        }
        Ok(self.data_bytes()?.unwrap_or_default())
    }

    /// Returns the event with these JSON data instead of its own, if there are any, as handlers and people see data in
    /// protobuf.
    #[must_use]
    pub fn with_json(self, json: Option<&'a str>) -> Self {
        let Some(json) = json else {
            return self;
        };
        Self {
            datacontenttype: Some(Cow::Borrowed(media::JSON)),
            data: Data::Json(json),
            ..self
        }
    }

    /// Returns the attributes that are set, without extensions.
    pub(in crate::event) fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let attributes = [
            ("id", Some(&self.id)),
            ("source", Some(&self.source)),
            ("type", Some(&self.ty)),
            ("subject", self.subject.as_ref()),
            ("time", self.time.as_ref()),
            ("datacontenttype", self.datacontenttype.as_ref()),
            ("dataschema", self.dataschema.as_ref()),
        ];
        let there = attributes.into_iter();
        there.filter_map(|(name, value)| Some((name, value?.as_ref())))
    }

    /// Interprets the data according to its content type. Bytes that contradict their content type stay bytes.
    pub(in crate::event) fn content(&self) -> Result<Content<'_>, EventError> {
        content(&self.data, self.datacontenttype.as_deref())
    }

    /// Returns the data as bytes: JSON verbatim, text without its quotes, `data_base64` decoded.
    ///
    /// # Errors
    /// If `data_base64` is not base64.
    pub fn data_bytes(&self) -> Result<Option<Cow<'_, [u8]>>, EventError> {
        self.content().map(Content::into_bytes)
    }
}
