//! A draft: attributes collected from JSON or headers, before they are checked.

use std::borrow::Cow;

use crate::event::{
    Data, Envelope, EventError, Form, attributes::names, attributes::rules,
    attributes::value::Extension, json::walk::EVENT_DEPTH, json::walk::Members, json::walk::Steps,
    json::walk::Value, json::walk::is_json, json::walk::utf8,
};

/// The attributes that every event has, as [`is_plain_event`] marks them.
const REQUIRED: u16 = 0b1111;

/// An event in which any attribute may be missing.
#[derive(Debug)]
pub(in crate::event) struct Draft<'a> {
    pub(in crate::event) specversion: Option<Cow<'a, str>>,
    pub(in crate::event) id: Option<Cow<'a, str>>,
    pub(in crate::event) source: Option<Cow<'a, str>>,
    pub(in crate::event) ty: Option<Cow<'a, str>>,
    pub(in crate::event) subject: Option<Cow<'a, str>>,
    pub(in crate::event) time: Option<Cow<'a, str>>,
    pub(in crate::event) datacontenttype: Option<Cow<'a, str>>,
    pub(in crate::event) dataschema: Option<Cow<'a, str>>,
    pub(in crate::event) extensions: Vec<Extension<'a>>,
    pub(in crate::event) data: Data<'a>,
    /// A broken rule that matters when the event is published, not when it is read.
    pub(in crate::event) flaw: Option<EventError>,
    /// Whether members that mean nothing, because they are `null`, were left out.
    pub(in crate::event) has_nulls: bool,
}

impl<'a> Draft<'a> {
    /// Creates a draft with data alone.
    pub(in crate::event) fn new(data: Data<'a>) -> Self {
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
            has_nulls: false,
        }
    }

    /// Reads one JSON object.
    pub(in crate::event) fn from_json(text: &'a str, depth: u32) -> Result<Self, EventError> {
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
            _ if value.json == "null" => {
                self.null(&name);
                Ok(())
            }
            _ => {
                let Some(slot) = self.slot(&name) else {
                    self.extensions.push((name, Cow::Borrowed(value.json)));
                    return Ok(());
                };
                let repeated = slot.replace(attribute_text(&name, value)?).is_some();
                if repeated {
                    self.forgive(|| EventError::attribute(name, "occurs twice"));
                }
                Ok(())
            }
        }
    }

    /// An attribute that is null is absent, but its name must be lawful all the same.
    fn null(&mut self, name: &str) {
        self.has_nulls = true;
        if let Some(rule) = rules::broken_name_rule(name) {
            self.forgive(|| EventError::attribute(name, rule));
        }
    }

    /// Sets the data. Of `data` and `data_base64`, one that is null is absent; if both are there, base64 counts.
    fn data(&mut self, name: &str, value: Value<'a>) -> Result<(), EventError> {
        let before = std::mem::replace(&mut self.data, Data::None);
        let (is_base64, is_null) = (name == "data_base64", value.json == "null");
        self.has_nulls |= before != Data::None || is_base64 && is_null;
        let (data, is_lawful) = match before {
            Data::Base64(_) if is_base64 => (Data::Base64(attribute_text(name, value)?), false),
            before @ Data::Base64(_) => (before, is_null),
            before if is_base64 && is_null => (before, true),
            before if is_base64 => {
                let is_alone = matches!(before, Data::None | Data::Json("null"));
                (Data::Base64(attribute_text(name, value)?), is_alone)
            }
            before => (Data::Json(value.json), before == Data::None),
        };
        self.data = data;
        if !is_lawful {
            self.forgive(|| EventError::Data("occurs twice".to_owned()));
        }
        Ok(())
    }

    fn forgive(&mut self, flaw: impl FnOnce() -> EventError) {
        self.flaw.get_or_insert_with(flaw);
    }

    /// Sets an attribute from a header, unless an earlier header set it.
    pub(in crate::event) fn header(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        if let Some(slot) = self.slot(&name) {
            slot.get_or_insert(value);
        } else if !self.has_extension(&name) {
            let json = names::json_of(&name, value);
            self.extensions.push((name, json));
        }
    }

    /// Sets an extension whose value is JSON, unless there is one of this name.
    pub(in crate::event) fn typed(&mut self, name: Cow<'a, str>, json: Cow<'a, str>) {
        if self.slot(&name).is_some() {
            self.header(name, json);
        } else if !self.has_extension(&name) {
            self.extensions.push((name, json));
        }
    }

    /// Reports whether it has an extension.
    pub(in crate::event) fn has_extension(&self, name: &str) -> bool {
        names::has(&self.extensions, name)
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

    /// Checks the required attributes.
    pub(in crate::event) fn finish(self, form: Form) -> Result<Envelope<'a>, EventError> {
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

/// Reports whether the bytes are plainly an event, as most are: every attribute occurs once and without escapes. Others
/// may be events too, and take the slow path.
pub(in crate::event) fn is_plain_event(bytes: &[u8]) -> bool {
    let is_text = bytes.is_ascii() || utf8(bytes).is_ok();
    let Some(mut members) = Steps::open(bytes, EVENT_DEPTH).filter(|_| is_text) else {
        return false;
    };
    let mut seen = 0;
    while let Ok(member) = members.next() {
        let Some((name, value)) = member else {
            return seen & REQUIRED == REQUIRED;
        };
        let Some(name) = members.plain(&name) else {
            return false;
        };
        let value = members.plain(&value);
        let has_text = value.is_some_and(|text| !text.is_empty());
        let (bit, is_fit) = match name {
            b"specversion" => (1, value == Some(b"1.0")),
            b"id" => (1 << 1, has_text),
            b"source" => (1 << 2, has_text),
            b"type" => (1 << 3, has_text),
            b"subject" => (1 << 4, has_text),
            b"time" => (1 << 5, has_text),
            b"datacontenttype" => (1 << 6, has_text),
            b"dataschema" => (1 << 7, has_text),
            b"data" => (1 << 8, true),
            b"data_base64" => return false,
            _ => continue,
        };
        if !is_fit || seen & bit != 0 {
            return false;
        }
        seen |= bit;
    }
    false
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

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str =
        r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"n":1.0},"more":7}"#;

    #[test]
    fn a_plain_event_is_an_event() {
        assert!(is_plain_event(EVENT.as_bytes()));
        for (from, to) in [
            ("1.0\"", "0.3\""),
            ("\"id\"", "\"ib\""),
            ("\"/s\"", "7"),
            ("\"/s\"", "\"\""),
            ("\"more\":7", "\"subject\":7"),
            ("{\"n\":1.0}", "{\"n\":01}"),
            ("7}", "7} x"),
            ("7}", "7"),
        ] {
            let text = EVENT.replace(from, to);
            assert_ne!(text, EVENT);
            assert!(!is_plain_event(text.as_bytes()), "{text}");
            let read = Draft::from_json(&text, EVENT_DEPTH);
            let read = read.and_then(|draft| draft.finish(Form::Structured));
            assert!(read.is_err(), "{text}");
        }
    }

    #[test]
    fn data_that_is_null_is_absent_beside_the_other_kind() {
        let read = |members: &str| {
            let text = EVENT.replace(r#""data":{"n":1.0}"#, members);
            let draft = Draft::from_json(&text, EVENT_DEPTH).unwrap();
            let data = match draft.data {
                Data::Base64(text) => text.into_owned(),
                Data::Json(json) => json.to_owned(),
                Data::None | Data::Bytes(_) => "none".to_owned(),
            };
            (data, draft.has_nulls, draft.flaw.is_some())
        };
        for (members, data, has_nulls, is_flawed) in [
            (r#""data":1,"data_base64":null"#, "1", true, false),
            (r#""data_base64":null,"data":1"#, "1", true, false),
            (r#""data_base64":"eA==","data":null"#, "eA==", true, false),
            (r#""data":null,"data_base64":"eA==""#, "eA==", true, false),
            (r#""data_base64":null"#, "none", true, false),
            (r#""data":null"#, "null", false, false),
            (r#""data":null,"data_base64":null"#, "null", true, false),
            (r#""data":1,"data_base64":"eA==""#, "eA==", true, true),
            (r#""data":1,"data":1"#, "1", true, true),
        ] {
            let expected = (data.to_owned(), has_nulls, is_flawed);
            assert_eq!(read(members), expected, "{members}");
        }
    }

    #[test]
    fn what_needs_a_closer_look_may_be_an_event() {
        for (from, to) in [
            ("\"id\"", "\"\\u0069d\""),
            ("\"/s\"", "\"\\/s\""),
            ("\"more\":7", "\"id\":\"2\""),
            ("\"more\":7", "\"subject\":null"),
            ("\"more\":7", "\"data_base64\":\"eA==\""),
        ] {
            let text = EVENT.replace(from, to);
            assert!(!is_plain_event(text.as_bytes()), "{text}");
            let read = Draft::from_json(&text, EVENT_DEPTH).unwrap();
            assert!(read.finish(Form::Structured).is_ok(), "{text}");
        }
    }
}
