//! Flags of `pf publish`.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use clap::{ArgGroup, Args, ValueEnum};
use protoflow::{
    cloudevents::event::ExtensionValue,
    event::{Message, Mode, Topic},
    transport::Outgoing,
};

use crate::{schemas::SchemaArgs, values::times};

/// Publish one event, or a stream of them
///
/// An event counts as published once the transport has confirmed that it is stored. Every line of a
/// stream is either published or reported as an error with its number.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("stream").args(["lines", "ndjson"]))]
#[command(group = ArgGroup::new("later").args(["delay", "at"]))]
#[command(after_help = "\
Examples:
  pf publish order.created '{\"order\":1}'
  pf publish order.created < order.json
  pf publish reminder.due '{}' --delay 15m
  pf publish order.created --lines < orders.ndjson
  pf tail order.created --until-end -o json | pf publish --ndjson --url nats://localhost

Exit codes: 0 all published, 1 none, 4 some, or a value of several lines is malformed.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct PublishArgs {
    /// The type of the event
    #[arg(value_name = "TYPE", required_unless_present = "ndjson")]
    pub event_type: Option<String>,
    /// The data; `-` reads stdin, which is the default unless stdin is a terminal
    #[arg(conflicts_with = "stream", allow_hyphen_values = true)]
    pub data: Option<String>,
    /// Each line of stdin, without its LF or CRLF, is the data of an event
    #[arg(long, help_heading = "Streams")]
    pub lines: bool,
    /// Each line of stdin is an event, or a record of `-o json`; pretty-printed events, JSON arrays of events and JSON text
    /// sequences are read too
    #[arg(long, help_heading = "Streams")]
    #[arg(conflicts_with_all = ["event_type", "source", "subject", "id", "correlation_id"])]
    #[arg(conflicts_with_all = ["extension", "content_type", "time", "dataschema"])]
    pub ndjson: bool,
    /// What to do when a line cannot be published
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        help_heading = "Streams"
    )]
    pub on_error: OnError,
    /// At most N events per second
    #[arg(long, value_parser = times::rate, value_name = "N", help_heading = "Streams")]
    pub rate: Option<f64>,
    /// Send an event only after the previous one of its key is confirmed, so that order is kept even if the
    /// connection is lost
    #[arg(long, requires = "stream", help_heading = "Streams")]
    pub ordered: bool,
    /// Publish without data
    #[arg(long, conflicts_with_all = ["data", "stream"])]
    pub no_data: bool,
    /// Deliver after this delay, such as `90s`
    #[arg(long, value_parser = times::duration, value_name = "DURATION", allow_hyphen_values = true)]
    pub delay: Option<Duration>,
    /// Deliver at this time, such as `2026-03-01T09:00:00Z` or `tomorrow 09:00`
    #[arg(long, value_parser = times::moment, value_name = "TIME")]
    pub at: Option<SystemTime>,
    /// The topic [default: the type]
    #[arg(long)]
    pub topic: Option<Topic>,
    /// The source of the event [default: `//HOST/pf`]
    #[arg(long, value_name = "URI")]
    pub source: Option<String>,
    /// The subject of the event
    #[arg(long)]
    pub subject: Option<String>,
    /// The id of the event [default: a ULID]
    #[arg(long, conflicts_with = "stream")]
    pub id: Option<String>,
    /// The key: events with the same key are kept in order [default: `partitionkey`, else the subject]
    #[arg(long)]
    pub key: Option<String>,
    /// When it happened: a time such as `2026-03-01T09:00:00Z`, or an age such as `5m` [default: now]
    #[arg(long, value_parser = times::past, value_name = "TIME")]
    pub time: Option<SystemTime>,
    /// The URI of the schema of the data
    #[arg(long, value_name = "URI")]
    pub dataschema: Option<String>,
    /// The correlation id, which related events share
    #[arg(long, value_name = "ID")]
    pub correlation_id: Option<String>,
    /// Add an extension attribute; `NAME=VALUE` is text, `NAME:=JSON` a number or a boolean
    #[arg(long, value_parser = extension, value_name = "NAME=VALUE")]
    pub extension: Vec<(String, ExtensionValue)>,
    /// Add a transport header
    #[arg(long, value_parser = pair, value_name = "NAME=VALUE")]
    pub header: Vec<(String, String)>,
    /// Allow headers that the broker interprets (`Nats-*`)
    #[arg(long)]
    pub allow_broker_headers: bool,
    /// Refuse an event that would be dropped because no consumer covers its topic (JetStream, interest retention)
    #[arg(long)]
    pub require_consumer: bool,
    /// Do not store an event whose topic, source and id were published with this flag before; `pf caps` says for how
    /// long they are known
    #[arg(long)]
    pub dedup: bool,
    /// How the event is encoded [default: set by the URL, else structured]
    #[arg(long, value_enum)]
    pub mode: Option<ModeArg>,
    /// The content type of the data; only JSON is validated
    #[arg(long, default_value = "application/json", value_name = "TYPE")]
    pub content_type: String,
    /// Refuse data and lines longer than this, such as `4M` (bytes)
    #[arg(long, value_parser = size, default_value = "1M", value_name = "SIZE")]
    pub max_size: usize,
    /// Create the topic if it does not exist
    #[arg(long)]
    pub create: bool,
    /// Check everything and show what would be published
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub schemas: SchemaArgs,
}

/// What to do when a line cannot be published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum OnError {
    /// Stop reading
    #[default]
    Stop,
    /// Continue with the next line
    Continue,
}

/// How an event is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// One JSON object
    Structured,
    /// Attributes as headers
    Binary,
    /// One protobuf message
    Protobuf,
    /// As hexa-event writes it (Kafka, NATS, Pulsar)
    Hexa,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Structured => Self::Structured,
            ModeArg::Binary => Self::Binary,
            ModeArg::Protobuf => Self::Protobuf,
            ModeArg::Hexa => Self::Hexa,
        }
    }
}

impl PublishArgs {
    pub fn due(&self) -> Option<SystemTime> {
        self.delay
            .map(|delay| SystemTime::now() + delay)
            .or(self.at)
    }

    /// Applies the flags that are the same for every input format.
    pub fn address(&self, mut message: Message, own_delay: Option<Duration>) -> Outgoing {
        if let Some(topic) = &self.topic {
            message.topic = topic.clone();
        }
        if let Some(key) = &self.key {
            message.key = Some(Bytes::copy_from_slice(key.as_bytes()));
        }
        for (name, value) in &self.header {
            message
                .headers
                .push(name, Some(Bytes::copy_from_slice(value.as_bytes())));
        }
        let due = self
            .due()
            .or_else(|| own_delay.map(|delay| SystemTime::now() + delay));
        Outgoing {
            message,
            due,
            dedup: self.dedup,
        }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("use `name=value`".to_owned()),
    }
}

/// Parses `name=text`, or `name:=json`. The name of an attribute has no colon.
fn extension(text: &str) -> Result<(String, ExtensionValue), String> {
    let (name, value) = pair(text)?;
    let Some(name) = name.strip_suffix(':') else {
        return Ok((name, value.into()));
    };
    let value = match serde_json::from_str(&value) {
        Ok(serde_json::Value::String(text)) => text.into(),
        Ok(serde_json::Value::Bool(flag)) => flag.into(),
        Ok(serde_json::Value::Number(number)) if is_integer(&number) => {
            ExtensionValue::Integer(number.as_i64().unwrap_or_default())
        }
        Ok(_) => return Err("must be a string, a boolean or an integer of 32 bits".to_owned()),
        Err(_) => {
            return Err(format!(
                "`{value}` is not JSON; for text use `{name}={value}`"
            ));
        }
    };
    Ok((name.to_owned(), value))
}

fn is_integer(number: &serde_json::Number) -> bool {
    number.to_string().parse::<i32>().is_ok()
}

fn size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => Some(1),
        "k" | "kb" | "kib" => Some(1 << 10),
        "m" | "mb" | "mib" => Some(1 << 20),
        "g" | "gb" | "gib" => Some(1 << 30),
        _ => None,
    };
    unit.zip(digits.parse::<usize>().ok())
        .and_then(|(unit, count)| count.checked_mul(unit))
        .ok_or_else(|| "use for example `512K` or `4M`".to_owned())
}
