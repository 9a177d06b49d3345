//! Flags of `pf publish`.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use clap::{ArgGroup, Args, ValueEnum};
use protoflow::{
    event::{Message, Mode, Topic},
    transport::Outgoing,
};

use crate::values::times;

/// Publish one event, or a stream of them
///
/// Done means stored: an event counts as published once the transport has confirmed it. Every line of a
/// stream is either published or told as an error with its number.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("stream").args(["lines", "ndjson"]))]
#[command(group = ArgGroup::new("later").args(["delay", "at"]))]
#[command(after_help = "\
Examples:
  pf publish order.created '{\"order\":1}'
  pf publish order.created < order.json
  pf publish reminder.due '{}' --delay 15m
  pf publish order.created --lines < orders.ndjson
  pf tail order.created --until-end -o json | pf publish --ndjson --url nats://localhost

Exit codes: 0 all published, 1 none, 4 some.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct PublishArgs {
    /// The type of the event
    #[arg(value_name = "TYPE", required_unless_present = "ndjson")]
    pub event_type: Option<String>,
    /// The data; `-`, or nothing when stdin is no terminal, reads stdin
    #[arg(conflicts_with = "stream", allow_hyphen_values = true)]
    pub data: Option<String>,
    /// Each line of stdin, without its LF or CRLF, is the data of an event
    #[arg(long, help_heading = "Streams")]
    pub lines: bool,
    /// Each line of stdin is an event, or a record of `-o json`
    #[arg(long, help_heading = "Streams")]
    #[arg(conflicts_with_all = ["event_type", "source", "subject", "id", "correlation_id"])]
    #[arg(conflicts_with_all = ["extension", "content_type"])]
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
    /// At most so many events per second
    #[arg(long, value_parser = times::rate, value_name = "N", help_heading = "Streams")]
    pub rate: Option<f64>,
    /// Send an event only once the one before it of its key is confirmed: order holds also where a connection
    /// is lost meanwhile
    #[arg(long, requires = "stream", help_heading = "Streams")]
    pub ordered: bool,
    /// Publish without data
    #[arg(long, conflicts_with_all = ["data", "stream"])]
    pub no_data: bool,
    /// Deliver no sooner than after this time, as in `90s`
    #[arg(long, value_parser = times::duration, value_name = "DURATION", allow_hyphen_values = true)]
    pub delay: Option<Duration>,
    /// Deliver no sooner than at this time, as in `2026-03-01T09:00:00Z` or `tomorrow 09:00`
    #[arg(long, value_parser = times::moment, value_name = "TIME")]
    pub at: Option<SystemTime>,
    /// The topic [default: the type]
    #[arg(long)]
    pub topic: Option<Topic>,
    /// Where the event comes from [default: `//HOST/pf`]
    #[arg(long, value_name = "URI")]
    pub source: Option<String>,
    /// What the event is about
    #[arg(long)]
    pub subject: Option<String>,
    /// The id of the event [default: a ULID]
    #[arg(long, conflicts_with = "stream")]
    pub id: Option<String>,
    /// What keeps related events in order [default: `partitionkey`, else the subject]
    #[arg(long)]
    pub key: Option<String>,
    /// What this event belongs to
    #[arg(long, value_name = "ID")]
    pub correlation_id: Option<String>,
    /// Adds an extension attribute
    #[arg(long, value_parser = pair, value_name = "NAME=VALUE")]
    pub extension: Vec<(String, String)>,
    /// Adds a transport header
    #[arg(long, value_parser = pair, value_name = "NAME=VALUE")]
    pub header: Vec<(String, String)>,
    /// Let headers through that the broker reads as commands (`Nats-*`)
    #[arg(long)]
    pub allow_broker_headers: bool,
    /// Refuse an event that would be dropped because no consumer covers its topic (JetStream, interest retention)
    #[arg(long)]
    pub require_consumer: bool,
    /// How the event is laid out [default: as the URL says, else structured]
    #[arg(long, value_enum)]
    pub mode: Option<ModeArg>,
    /// What the data is; other than JSON, it is not checked
    #[arg(long, default_value = "application/json", value_name = "TYPE")]
    pub content_type: String,
    /// Refuse data and lines that are longer, in bytes, as in `4M`
    #[arg(long, value_parser = size, default_value = "1M", value_name = "SIZE")]
    pub max_size: usize,
    /// Make the topic if it is not there
    #[arg(long)]
    pub create: bool,
    /// Check everything and show what would be published
    #[arg(long)]
    pub dry_run: bool,
}

/// What to do when a line cannot be published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum OnError {
    /// Read no further
    #[default]
    Stop,
    /// Go on with the next line
    Continue,
}

/// How an event is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// One JSON object
    Structured,
    /// Attributes as headers
    Binary,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Structured => Self::Structured,
            ModeArg::Binary => Self::Binary,
        }
    }
}

impl PublishArgs {
    pub fn due(&self) -> Option<SystemTime> {
        self.delay
            .map(|delay| SystemTime::now() + delay)
            .or(self.at)
    }

    /// Applies the flags that are the same for every kind of input.
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
        Outgoing { message, due }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it like `name=value`".to_owned()),
    }
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
        .ok_or_else(|| "write it like `512K` or `4M`".to_owned())
}
