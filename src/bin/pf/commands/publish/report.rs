//! Receipts of published events.

use std::{
    io::{self, Write},
    time::SystemTime,
};

use protoflow::{
    event::{
        Encoding, Message, Position, Stored, Topic, format_time, parse_record_to,
        without_byte_order_mark,
    },
    transport::{Outgoing, Receipt},
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::place::Place;
use crate::{
    error::CliResult,
    output::{Painter, Printer, Remarks, Report},
};

/// The receipt of one event, or the error of one line.
#[derive(Debug, Serialize)]
pub struct ReceiptLine<'a> {
    /// The line of a stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The index in the array that the event is an element of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The event's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a str>,
    /// The topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<&'a Topic>,
    /// The position at which it is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<&'a str>,
    /// The id to cancel it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<&'a str>,
    /// When it is delivered, of a delayed event that has no id to cancel it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Whether it was not published because it is a duplicate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
    /// Whether it is valid and was not published, because this is a canary.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub canary: bool,
    /// Why it was not published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
}

impl<'a> ReceiptLine<'a> {
    /// Returns the receipt of an event that is stored, or that was stored before.
    pub fn stored(id: Option<&'a str>, topic: &'a Topic, receipt: &'a Receipt) -> Self {
        Self {
            line: None,
            index: None,
            id,
            topic: Some(topic),
            position: receipt.position.as_ref().map(Position::as_str),
            schedule: receipt.schedule.as_ref().map(|id| id.0.as_str()),
            due: None,
            duplicate: receipt.duplicate,
            canary: false,
            error: None,
        }
    }

    /// Returns the receipt of an event that is valid, and was not published because this is a canary.
    pub fn validated(id: Option<&'a str>, topic: &'a Topic) -> Self {
        Self {
            line: None,
            index: None,
            id,
            topic: Some(topic),
            position: None,
            schedule: None,
            due: None,
            duplicate: false,
            canary: true,
            error: None,
        }
    }

    /// Returns the error of an event that was not published.
    pub fn refused(error: &'a str) -> Self {
        Self {
            line: None,
            index: None,
            id: None,
            topic: None,
            position: None,
            schedule: None,
            due: None,
            duplicate: false,
            canary: false,
            error: Some(error),
        }
    }

    /// Adds when the event is due, if the receipt shows that it waits for that and does not say under which id.
    pub fn due(mut self, due: Option<SystemTime>) -> Self {
        let waits = self.schedule.is_none() && self.position.is_none() && !self.duplicate;
        self.due = due.filter(|_| waits).map(format_time);
        self
    }

    /// Adds the place in a stream.
    pub fn at(mut self, place: Place) -> Self {
        self.line = Some(place.first_line());
        self.index = place.index();
        self
    }

    /// Returns the receipt as a sentence.
    pub fn remark(&self) -> String {
        let topic = self.topic.map_or("?", Topic::as_str);
        let id = self.id.unwrap_or("an event");
        match self.schedule {
            _ if self.canary => format!("would publish {id} to {topic}"),
            _ if self.duplicate => {
                format!("{id} was already published to {topic}: not published again")
            }
            Some(schedule) => {
                format!("scheduled {id} to {topic}; `pf schedule cancel {schedule}` cancels it")
            }
            None => match &self.due {
                Some(due) => format!("scheduled {id} to {topic} for {due}"),
                None => format!("published {id} to {topic}"),
            },
        }
    }
}

impl Report for ReceiptLine<'_> {
    fn human(&self, _: &mut dyn Write, _: Painter<'_>) -> io::Result<()> {
        // The notice on stderr says it.
        Ok(())
    }
}

/// Prints the message that would be published.
pub fn show(printer: &mut Printer, outgoing: Outgoing) -> CliResult<()> {
    let stored = Stored {
        time: outgoing.due.unwrap_or_else(SystemTime::now),
        position: Position::new(""),
        message: outgoing.message,
    };
    Ok(printer.message(&stored)?)
}

/// Remarks that data is itself an event, a record of one, or an array of them.
pub fn remark_event(remarks: &Remarks, data: &[u8], topic: &Topic) {
    let is_event = |json: &[u8]| parse_record_to(json, Some(topic), Encoding::default()).is_ok();
    let data = without_byte_order_mark(data);
    let is_events = match data.trim_ascii_start().first() {
        Some(b'{') => is_event(data),
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_slice(data).unwrap_or_default();
            let first = elements.first();
            first.is_some_and(|first| is_event(first.get().as_bytes()))
        }
        _ => false,
    };
    if is_events {
        remarks.remark(
            "this data is itself a CloudEvent and becomes the data of another; `pf publish --ndjson` publishes it as it is",
        );
    }
}

/// Returns the event's id, if the message is an event.
pub fn id_of(message: &Message) -> Option<String> {
    let envelope = protoflow::event::Envelope::read(message).ok()?;
    Some(envelope.id.into_owned())
}
