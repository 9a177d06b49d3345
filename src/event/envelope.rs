//! A borrowed view of a message as a CloudEvent: attributes without a tree.
use super::{EventError, Message};
use std::borrow::Cow;
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
    /// Extension attributes in order: name, value as JSON text (structured) or JSON string made from a header.
    pub extensions: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The data.
    pub data: Data<'a>,
    /// How it was laid out.
    pub form: Form,
}
impl<'a> Envelope<'a> {
    /// Reads any form in the wild. # Errors names the attribute and rule
    pub fn read(message: &'a Message) -> Result<Self, EventError> {
        let _ = message;
        todo!()
    }
    /// Returns an extension's text.
    #[must_use]
    pub fn extension(&self, _name: &str) -> Option<Cow<'_, str>> {
        todo!()
    }
}
