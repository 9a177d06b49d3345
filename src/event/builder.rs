//! The builder of events.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use cloudevents::{
    AttributesWriter, Data, Event, EventBuilder as _, EventBuilderV10, event::ExtensionValue,
};

use crate::event::{EventError, attributes::names, codec::media, codec::sdk, grammar};

/// Starts an event; the id defaults to a ULID and the time to now.
pub fn event(ty: impl Into<String>, source: impl Into<String>) -> EventBuilder {
    EventBuilder {
        ty: ty.into(),
        source: source.into(),
        id: None,
        time: None,
        subject: None,
        datacontenttype: None,
        dataschema: None,
        data: None,
        extensions: Vec::new(),
    }
}

/// Returns a new ULID.
#[must_use]
pub fn new_id() -> String {
    ulid::Ulid::generate().to_string()
}

/// An event under construction.
#[derive(Debug, Clone)]
#[must_use = "`build` returns the event"]
pub struct EventBuilder {
    ty: String,
    source: String,
    id: Option<String>,
    time: Option<SystemTime>,
    subject: Option<String>,
    datacontenttype: Option<String>,
    dataschema: Option<String>,
    data: Option<Data>,
    extensions: Vec<(String, ExtensionValue)>,
}

impl EventBuilder {
    /// Sets JSON data.
    ///
    /// # Errors
    /// If it cannot be serialized.
    pub fn data(self, data: &impl serde::Serialize) -> Result<Self, EventError> {
        let value = serde_json::to_value(data);
        let value =
            value.map_err(|error| EventError::Data(format!("is not valid JSON: {error}")))?;
        Ok(self.with_data(media::JSON, Data::Json(value)))
    }

    /// Sets JSON data that is already serialized; it is stored as it is.
    pub fn data_json(self, text: impl Into<String>) -> Self {
        self.with_data(media::JSON, Data::String(text.into()))
    }

    /// Sets data of another type. Valid text and JSON are stored as such, anything else as base64.
    pub fn data_bytes(self, content_type: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        let kind = content_type.into();
        let data = match String::from_utf8(data.into()) {
            Ok(text) if media::is_text(&kind) || media::is_json(&kind) => Data::String(text),
            Ok(text) => Data::Binary(text.into_bytes()),
            Err(error) => Data::Binary(error.into_bytes()),
        };
        self.with_data(kind, data)
    }

    /// Sets a protobuf message as data. [`type_url`](crate::event::protobuf::type_url) names it for
    /// [`dataschema`](Self::dataschema), by which others find its schema.
    ///
    /// ```
    /// # use protoflow::{event, event::protobuf::type_url};
    /// # let order = String::from("any prost::Message");
    /// let event = event("order.created", "/shop")
    ///     .data_protobuf(&order)
    ///     .dataschema(type_url("shop.v1.Order"))
    ///     .build()?;
    /// # Ok::<(), protoflow::event::EventError>(())
    /// ```
    #[cfg(feature = "protobuf")]
    pub fn data_protobuf(self, message: &impl prost::Message) -> Self {
        self.with_data(media::PROTOBUF, Data::Binary(message.encode_to_vec()))
    }

    fn with_data(self, content_type: impl Into<String>, data: Data) -> Self {
        Self {
            datacontenttype: Some(content_type.into()),
            data: Some(data),
            ..self
        }
    }

    /// Sets the id.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets the time at which it happened.
    pub fn time(mut self, time: SystemTime) -> Self {
        self.time = Some(time);
        self
    }

    /// Sets the subject.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Sets the URI of the schema of the data.
    pub fn dataschema(mut self, uri: impl Into<String>) -> Self {
        self.dataschema = Some(uri.into());
        self
    }

    /// Sets an extension attribute; the last value of a name counts. `build` refuses the attributes of CloudEvents itself,
    /// those of a delivery (`pfattempt`), and names that begin with `pf_` and are not Protoflow's.
    pub fn extension(mut self, name: impl Into<String>, value: impl Into<ExtensionValue>) -> Self {
        self.extensions.push((name.into(), value.into()));
        self
    }

    /// Sets the id that related events share.
    pub fn correlation_id(self, id: impl Into<String>) -> Self {
        self.extension(names::CORRELATION_ID, id.into())
    }

    /// Sets the W3C trace context.
    pub fn traceparent(self, traceparent: impl Into<String>) -> Self {
        self.extension(names::TRACEPARENT, traceparent.into())
    }

    /// Sets the id of the trace, where there is no W3C trace context.
    pub fn trace_id(self, id: impl Into<String>) -> Self {
        self.extension(names::PF_TRACE_ID, id.into())
    }

    /// Sets the id of the span that sends it, where there is no W3C trace context.
    pub fn parent_id(self, id: impl Into<String>) -> Self {
        self.extension(names::PF_PARENT_ID, id.into())
    }

    /// Sets the version of the event's own schema.
    pub fn event_version(self, version: impl Into<String>) -> Self {
        self.extension(names::EVENT_VERSION, version.into())
    }

    /// Sets the maximum number of attempts; a consumer with a limit of its own ignores it.
    pub fn max_attempts(self, attempts: u32) -> Self {
        self.extension(names::MAX_ATTEMPTS, i64::from(attempts))
    }

    /// Sets the delay after which it is delivered.
    pub fn delay(self, delay: Duration) -> Self {
        let millis = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        self.extension(names::PF_DELAY_MS, millis)
    }

    /// Checks and returns the event.
    ///
    /// # Errors
    /// If an attribute breaks a rule; names both.
    pub fn build(self) -> Result<Event, EventError> {
        if self.source.is_empty() {
            return Err(EventError::attribute("source", "is empty"));
        }
        let mut event = EventBuilderV10::new()
            .id(self.id.unwrap_or_else(new_id))
            .source(self.source)
            .ty(self.ty)
            .build()
            .map_err(|error| EventError::NotAnEvent(error.to_string()))?;
        let time = self.time.unwrap_or_else(SystemTime::now);
        event.set_time(Some(DateTime::<Utc>::from(time)));
        event.set_subject(self.subject);
        event.set_datacontenttype(self.datacontenttype);
        if let Some(uri) = self.dataschema {
            // The parser of URLs repairs what is not a URI, and then another one would be published.
            let parsed = url::Url::parse(&uri).ok();
            let parsed = parsed.filter(|_| grammar::is_absolute_uri(&uri));
            let broken = || EventError::attribute("dataschema", "is not an absolute URI");
            event.set_dataschema(Some(parsed.ok_or_else(broken)?));
        }
        if let Some(data) = self.data {
            event.set_data_unchecked(data);
        }
        for (name, value) in self.extensions {
            names::check_extension(&name)?;
            event.set_extension(&name, value);
        }
        sdk::check(&event)?;
        Ok(event)
    }
}

#[cfg(test)]
mod tests {
    use cloudevents::AttributesReader;

    use super::*;

    #[test]
    fn what_is_not_said_has_a_default() {
        let event = event("order.created", "/shop").build().unwrap();
        assert_eq!(event.id().len(), 26);
        assert!(event.time().is_some());
        assert_eq!(event.datacontenttype(), None);
    }

    #[test]
    fn a_broken_rule_is_named() {
        let said = |builder: EventBuilder| builder.build().unwrap_err().to_string();
        assert_eq!(said(event("", "/s")), "attribute `type` is empty");
        assert_eq!(
            said(event("t", "a b")),
            "attribute `source` is not a URI reference"
        );
        assert_eq!(
            said(event("t", "/s").extension("id", "x")),
            "attribute `id` is not an extension"
        );
        assert_eq!(
            said(event("t", "/s").extension("pf_mine", "x")),
            "attribute `pf_mine` is not an attribute of Protoflow"
        );
        for name in ["pfattempt", "pfattemptlimit", "pf_attempt"] {
            assert_eq!(
                said(event("t", "/s").extension(name, 5)),
                format!("attribute `{name}` belongs to a delivery and is set by Protoflow")
            );
        }
        for uri in ["/x", "http://a b/", " urn:x"] {
            assert_eq!(
                said(event("t", "/s").dataschema(uri)),
                "attribute `dataschema` is not an absolute URI"
            );
        }
        assert_eq!(
            said(event("t", "/s").traceparent("x")),
            "attribute `traceparent` is not a W3C trace parent"
        );
        assert_eq!(
            said(event("t", "/s").data_json("{")),
            "data is not valid JSON, which `datacontenttype` requires"
        );
    }
}
