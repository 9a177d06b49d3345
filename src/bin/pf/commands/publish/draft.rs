//! Events out of flags and data.
//!
//! The envelope is encoded once with markers for id and data; each event only fills them in. Encoding every event
//! would dominate the time of a stream.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use memchr::memmem;
use protoflow::{
    cloudevents::event::ExtensionValue,
    event::{
        Encoding, EventError, Headers, Message, Mode, Topic, encode, event, is_json_type, new_id,
        without_byte_order_mark,
    },
};
use serde_json::value::RawValue;

use super::args::PublishArgs;
use crate::error::{CliError, CliResult, Exit};

/// Age at which the encoded envelope is replaced, because it contains the time of the event.
const FRESH: Duration = Duration::from_millis(1);

const CORRELATION_ID: &str = "correlationid";
/// Marker for the data in an encoded envelope.
const DATA_MARK: &str = "protoflow:data:01ARZ3NDEKTSV4RRFFQ69G5FAV";
/// Marker for the id in an encoded envelope.
const ID_MARK: &str = "protoflow-id-01ARZ3NDEKTSV4RRFFQ69G5FAW";

/// The attributes of every event, out of the flags.
#[derive(Debug)]
pub struct Draft {
    attributes: Attributes,
    topic: Topic,
    encoding: Encoding,
    template: Option<(Instant, Template)>,
}

#[derive(Debug)]
struct Attributes {
    ty: String,
    source: String,
    id: Option<String>,
    subject: Option<String>,
    time: Option<SystemTime>,
    dataschema: Option<String>,
    correlation_id: Option<String>,
    content_type: String,
    extensions: Vec<(String, ExtensionValue)>,
}

/// A new event.
#[derive(Debug)]
pub struct NewEvent {
    /// Its id.
    pub id: String,
    /// The message.
    pub message: Message,
}

impl Draft {
    /// Creates a draft from the flags.
    pub fn new(args: &PublishArgs, encoding: Encoding) -> CliResult<Self> {
        let ty = args.event_type.clone().unwrap_or_default();
        let topic = match &args.topic {
            Some(topic) => topic.clone(),
            None => ty.parse()?,
        };
        let draft = Self {
            attributes: Attributes {
                ty,
                source: args.source.clone().unwrap_or_else(default_source),
                id: args.id.clone(),
                subject: args.subject.clone(),
                time: args.time,
                dataschema: args.dataschema.clone(),
                correlation_id: args.correlation_id.clone(),
                content_type: args.content_type.clone(),
                extensions: args.extension.clone(),
            },
            topic,
            encoding,
            template: None,
        };
        // An invalid attribute is reported before any data is read.
        draft
            .empty()
            .map_err(|error| CliError::from(error).ending(Exit::Usage))?;
        Ok(draft)
    }

    /// Returns the topic of every event.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Creates an event without data.
    pub fn empty(&self) -> Result<NewEvent, EventError> {
        let id = self.attributes.id.clone().unwrap_or_else(new_id);
        let message = self
            .attributes
            .encode(&id, None, &self.topic, self.encoding)?;
        Ok(NewEvent { id, message })
    }

    /// Creates an event with this data.
    pub fn fill(&mut self, data: &[u8]) -> Result<NewEvent, EventError> {
        if !is_json_type(&self.attributes.content_type) {
            let id = self.attributes.id.clone().unwrap_or_else(new_id);
            let message = self
                .attributes
                .encode(&id, Some(data), &self.topic, self.encoding)?;
            return Ok(NewEvent { id, message });
        }
        let json: &RawValue = serde_json::from_slice(without_byte_order_mark(data))
            .map_err(|error| EventError::Json(error.to_string()))?;
        let json = one_line(json.get());
        let id = self.attributes.id.clone().unwrap_or_else(new_id);
        // An envelope in base64 has no gaps to fill, and protobuf has lengths.
        let message = if matches!(self.encoding.mode, Mode::Hexa | Mode::Protobuf) {
            let (attributes, data) = (&self.attributes, Some(json.as_bytes()));
            attributes.encode(&id, data, &self.topic, self.encoding)?
        } else {
            self.template()?.fill(&id, json.as_bytes())
        };
        Ok(NewEvent { id, message })
    }

    fn template(&mut self) -> Result<&Template, EventError> {
        let now = Instant::now();
        let fresh = self.template.take();
        let kept = match fresh.filter(|(made, _)| now - *made < FRESH) {
            Some(kept) => kept,
            None => (now, self.encoded()?),
        };
        Ok(&self.template.insert(kept).1)
    }

    fn encoded(&self) -> Result<Template, EventError> {
        let id = self.attributes.id.as_deref().unwrap_or(ID_MARK);
        let data = format!("\"{DATA_MARK}\"").into_bytes();
        let message = self
            .attributes
            .encode(id, Some(&data), &self.topic, self.encoding)?;
        Template::of(message)
    }
}

impl Attributes {
    fn encode(
        &self,
        id: &str,
        data: Option<&[u8]>,
        topic: &Topic,
        encoding: Encoding,
    ) -> Result<Message, EventError> {
        let mut builder = event(&self.ty, &self.source).id(id);
        if let Some(subject) = &self.subject {
            builder = builder.subject(subject);
        }
        if let Some(time) = self.time {
            builder = builder.time(time);
        }
        if let Some(uri) = &self.dataschema {
            builder = builder.dataschema(uri);
        }
        if let Some(correlation_id) = &self.correlation_id {
            builder = builder.correlation_id(correlation_id);
        }
        for (n, (name, value)) in self.extensions.iter().enumerate() {
            let earlier = self.extensions[..n].iter().map(|(other, _)| other.as_str());
            let flag = self.correlation_id.as_ref().map(|_| CORRELATION_ID);
            if let Some(rule) = broken_rule(name, earlier.chain(flag)) {
                return Err(EventError::Attribute {
                    name: name.clone(),
                    rule: rule.to_owned(),
                });
            }
            builder = builder.extension(name, value.clone());
        }
        if let Some(data) = data {
            builder = builder.data_bytes(&self.content_type, data);
        }
        encode(&builder.build()?, topic.clone(), encoding)
    }
}

/// Returns the rule that an extension breaks in addition to those of CloudEvents, if it does.
fn broken_rule<'a>(name: &str, mut others: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    let meant = |name| match name {
        "pf_correlation_id" => CORRELATION_ID,
        "pf_max_attempts" => "pfmaxattempts",
        "pf_event_version" => "pfeventversion",
        name => name,
    };
    match name {
        "pf_delay_ms" => Some("is set by `--delay`"),
        name if others.any(|other| meant(other) == meant(name)) => Some("is given twice"),
        _ => None,
    }
}

/// An encoded event with gaps for id and data.
#[derive(Debug)]
struct Template {
    message: Message,
    payload: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Fixed(Bytes),
    Id,
    Data,
}

impl Template {
    fn of(message: Message) -> Result<Self, EventError> {
        let payload = message.payload.clone().unwrap_or_default();
        let data_mark = format!("\"{DATA_MARK}\"");
        let data = memmem::find(&payload, data_mark.as_bytes())
            .ok_or_else(|| EventError::Data("was not found in the encoded event".to_owned()))?;
        let after = data + data_mark.len();
        let mut parts = Vec::new();
        cut_id(&mut parts, payload.slice(..data));
        parts.push(Part::Data);
        cut_id(&mut parts, payload.slice(after..));
        Ok(Self {
            message,
            payload: parts,
        })
    }

    fn fill(&self, id: &str, data: &[u8]) -> Message {
        let mut payload = Vec::with_capacity(self.message.bytes().len() + data.len());
        for part in &self.payload {
            payload.extend_from_slice(match part {
                Part::Fixed(bytes) => bytes,
                Part::Id => id.as_bytes(),
                Part::Data => data,
            });
        }
        Message {
            topic: self.message.topic.clone(),
            key: self.message.key.clone(),
            headers: self.headers(id),
            payload: Some(payload.into()),
        }
    }

    fn headers(&self, id: &str) -> Headers {
        self.message
            .headers
            .iter()
            .map(|(name, value)| {
                let is_id = value.is_some_and(|value| value == ID_MARK);
                let value = if is_id {
                    Some(Bytes::copy_from_slice(id.as_bytes()))
                } else {
                    value.cloned()
                };
                (name.to_owned(), value)
            })
            .collect()
    }
}

fn cut_id(parts: &mut Vec<Part>, bytes: Bytes) {
    match memmem::find(&bytes, ID_MARK.as_bytes()) {
        Some(at) => {
            parts.push(Part::Fixed(bytes.slice(..at)));
            parts.push(Part::Id);
            parts.push(Part::Fixed(bytes.slice(at + ID_MARK.len()..)));
        }
        None => parts.push(Part::Fixed(bytes)),
    }
}

/// Returns valid JSON on one line. A raw line break in valid JSON can only be white space between tokens.
fn one_line(json: &str) -> std::borrow::Cow<'_, str> {
    if memchr::memchr2(b'\n', b'\r', json.as_bytes()).is_none() {
        return json.into();
    }
    json.lines().map(str::trim_start).collect::<String>().into()
}

/// Returns the source of an event that names none.
pub fn default_source() -> String {
    let name = rustix::system::uname();
    let host = name.nodename().to_string_lossy();
    let host: String = host
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '-'
            }
        })
        .collect();
    format!("//{host}/pf")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_put_on_one_line_and_not_changed_otherwise() {
        assert_eq!(one_line("{ \"a\": 1.0 }"), "{ \"a\": 1.0 }");
        assert_eq!(
            one_line("{\n  \"a\": \"b \\n c\",\r\n  \"d\": 1\n}"),
            "{\"a\": \"b \\n c\",\"d\": 1}"
        );
    }
}
