//! Attributes as they are gathered from JSON or headers, before anything is required of them.

use std::borrow::Cow;

use super::{
    Data, Envelope, EventError, Form,
    scan::{Members, Value, is_json},
};

/// A name, and its value as JSON.
pub(super) type Extension<'a> = (Cow<'a, str>, Cow<'a, str>);

/// An event that may lack anything.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) specversion: Option<Cow<'a, str>>,
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) source: Option<Cow<'a, str>>,
    pub(super) ty: Option<Cow<'a, str>>,
    pub(super) subject: Option<Cow<'a, str>>,
    pub(super) time: Option<Cow<'a, str>>,
    pub(super) datacontenttype: Option<Cow<'a, str>>,
    pub(super) dataschema: Option<Cow<'a, str>>,
    pub(super) extensions: Vec<Extension<'a>>,
    pub(super) data: Data<'a>,
    /// A rule that reading forgives and publishing does not.
    pub(super) flaw: Option<EventError>,
}

impl<'a> Draft<'a> {
    /// Starts with nothing but the data.
    pub(super) fn new(data: Data<'a>) -> Self {
        Self {
            specversion: None,
            id: None,
            source: None,
            ty: None,
            subject: None,
            time: None,
            datacontenttype: None,
            dataschema: None,
            extensions: Vec::new(),
            data,
            flaw: None,
        }
    }

    /// Reads one JSON object.
    pub(super) fn from_json(text: &'a str, depth: u32) -> Result<Self, EventError> {
        let Some(mut members) = Members::open(text, depth) else {
            return Err(if is_json(text) {
                EventError::NotAnEvent("JSON, but not an object".to_owned())
            } else {
                EventError::Json("expected an object at byte 1".to_owned())
            });
        };
        let mut draft = Self::new(Data::None);
        while let Some((name, value)) = members.next()? {
            draft.member(name, value)?;
        }
        Ok(draft)
    }

    fn member(&mut self, name: Cow<'a, str>, value: Value<'a>) -> Result<(), EventError> {
        match name.as_ref() {
            "data" | "data_base64" => self.data(&name, value),
            _ if value.json == "null" => Ok(()),
            _ => {
                let Some(slot) = self.slot(&name) else {
                    self.extensions.push((name, Cow::Borrowed(value.json)));
                    return Ok(());
                };
                let repeated = slot.replace(attribute_text(&name, value)?).is_some();
                if repeated {
                    self.forgive(|| EventError::attribute(name, "stands twice"));
                }
                Ok(())
            }
        }
    }

    /// Takes data over; where both kinds are there, base64 counts.
    fn data(&mut self, name: &str, value: Value<'a>) -> Result<(), EventError> {
        let before = std::mem::replace(&mut self.data, Data::None);
        if before != Data::None {
            self.forgive(|| EventError::Data("stands twice".to_owned()));
        }
        self.data = match (name, before) {
            ("data_base64", before) if value.json == "null" => before,
            ("data_base64", _) => Data::Base64(attribute_text(name, value)?),
            (_, before @ Data::Base64(_)) => before,
            _ => Data::Json(value.json),
        };
        Ok(())
    }

    fn forgive(&mut self, flaw: impl FnOnce() -> EventError) {
        self.flaw.get_or_insert_with(flaw);
    }

    /// Takes over an attribute from a header, unless an earlier header had it.
    pub(super) fn header(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        if let Some(slot) = self.slot(&name) {
            slot.get_or_insert(value);
        } else if !self.has_extension(&name) {
            let json = super::names::json_of(&name, value);
            self.extensions.push((name, json));
        }
    }

    /// Reports whether an extension is there.
    pub(super) fn has_extension(&self, name: &str) -> bool {
        self.extensions.iter().any(|(known, _)| known == name)
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<Cow<'a, str>>> {
        Some(match name {
            "specversion" => &mut self.specversion,
            "id" => &mut self.id,
            "source" => &mut self.source,
            "type" => &mut self.ty,
            "subject" => &mut self.subject,
            "time" => &mut self.time,
            "datacontenttype" => &mut self.datacontenttype,
            "dataschema" => &mut self.dataschema,
            _ => return None,
        })
    }

    /// Requires what every event has.
    pub(super) fn finish(self, form: Form) -> Result<Envelope<'a>, EventError> {
        let version = required("specversion", self.specversion)?;
        if version != "1.0" {
            let rule = format!("is `{version}`; only `1.0` is supported");
            return Err(EventError::attribute("specversion", rule));
        }
        Ok(Envelope {
            id: required("id", self.id)?,
            source: required("source", self.source)?,
            ty: required("type", self.ty)?,
            subject: self.subject,
            time: self.time,
            datacontenttype: self.datacontenttype,
            dataschema: self.dataschema,
            extensions: self.extensions,
            data: self.data,
            form,
        })
    }
}

fn required<'a>(name: &str, value: Option<Cow<'a, str>>) -> Result<Cow<'a, str>, EventError> {
    match value {
        Some(text) if text.is_empty() => Err(EventError::attribute(name, "is empty")),
        Some(text) => Ok(text),
        None => Err(EventError::attribute(name, "is missing")),
    }
}

fn attribute_text<'a>(name: &str, value: Value<'a>) -> Result<Cow<'a, str>, EventError> {
    match value.text() {
        Some(Ok(text)) => Ok(text),
        Some(Err(_)) => Err(EventError::attribute(name, "is not valid Unicode")),
        None => Err(EventError::attribute(name, "must be a string")),
    }
}
