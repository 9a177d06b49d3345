//! A borrowed view of a message as a CloudEvent: attributes without a tree.

use std::borrow::Cow;

use super::{
    EventError, Message, TraceParent, binary, draft::Draft, names, rules, scan, structured,
};

/// How the event is laid out in its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The payload is the event as JSON.
    Structured,
    /// Attributes are headers, the payload is the data.
    Binary,
}

/// The data of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data<'a> {
    /// None at all.
    None,
    /// JSON, verbatim.
    Json(&'a str),
    /// `data_base64`, still encoded.
    Base64(Cow<'a, str>),
    /// The payload of a binary-mode message.
    Bytes(&'a [u8]),
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
    /// `time`, as written
    pub time: Option<Cow<'a, str>>,
    /// `datacontenttype`
    pub datacontenttype: Option<Cow<'a, str>>,
    /// `dataschema`
    pub dataschema: Option<Cow<'a, str>>,
    /// Extension attributes in order: the name, and the value as JSON. Our own attributes in plain headers
    /// (`pf_max_attempts`) stand behind those of the event.
    pub extensions: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The data.
    pub data: Data<'a>,
    /// How it was laid out.
    pub form: Form,
}

impl<'a> Envelope<'a> {
    /// Reads any form in the wild: structured JSON, binary mode in every dialect, the Go library's messages.
    ///
    /// Only `specversion`, `id`, `source` and `type` are checked; [`validate`](super::validate) is strict.
    ///
    /// # Errors
    /// If the message is no event; names the attribute and the rule.
    pub fn read(message: &'a Message) -> Result<Self, EventError> {
        let (draft, form) = read_draft(message)?;
        draft.finish(form)
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

    /// Returns how many runs the event's publisher wishes for: `pfmaxattempts`, else `pf_max_attempts`.
    #[must_use]
    pub fn max_attempts(&self) -> Option<u32> {
        names::wish(&self.extensions)
    }

    /// Returns what is wrong with the first attribute whose name, type or value official SDKs refuse, and the whole event
    /// with it. The Go library's own names do not count: a handler is given others for them.
    #[must_use]
    pub fn refused_attribute(&self) -> Option<EventError> {
        rules::refused(self)
    }

    /// Returns what keeps related events in order: `partitionkey`, else `subject`.
    #[must_use]
    pub fn key(&self) -> Option<Cow<'_, str>> {
        self.extension(names::PARTITION_KEY)
            .or_else(|| self.subject.as_deref().map(Cow::Borrowed))
    }
}

/// Gathers the attributes of any form in the wild.
pub(super) fn read_draft(message: &Message) -> Result<(Draft<'_>, Form), EventError> {
    let marks = binary::Marks::of(&message.headers)?;
    if marks.is_batch() {
        let what = "a batch of events in one message".to_owned();
        return Err(EventError::NotAnEvent(what));
    }
    let mut draft = if marks.is_structured() {
        structured(message)?
    } else if !marks.is_binary() {
        if !message.bytes().trim_ascii_start().starts_with(b"{") {
            return Err(no_event(message));
        }
        structured(message)?
    } else {
        // The Go library repeats the attributes of a structured event as headers, without a content type.
        match structured(message) {
            Ok(draft) if !marks.has_content_type() && marks.repeats(&draft) => draft,
            _ => return Ok((binary::read(message, &marks)?, Form::Binary)),
        }
    };
    marks.add_plain_headers(&message.headers, &mut draft)?;
    Ok((draft, Form::Structured))
}

fn structured(message: &Message) -> Result<Draft<'_>, EventError> {
    structured::read(scan::utf8(message.bytes())?)
}

fn no_event(message: &Message) -> EventError {
    let what = match message.payload.as_deref() {
        None => "a null payload without attributes in headers",
        Some([]) => "an empty payload without attributes in headers",
        Some(_) => "neither a JSON object nor attributes in headers",
    };
    EventError::NotAnEvent(what.to_owned())
}
