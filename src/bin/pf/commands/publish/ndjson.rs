//! Streams of events. One event a line is the rule and is fast; an event may also span lines, be an element of an array, or
//! follow a record separator.

use std::{collections::VecDeque, mem::take};

use bytes::{Buf as _, Bytes};
use protoflow::event::{Encoding, EventError, Record, Topic, parse_record_to};

use super::{
    one::too_long,
    place::Place,
    values::{self, Found, Values},
};
use crate::error::{CliError, CliResult};

/// An event, or what is wrong with it, and its place.
pub type ReadEvent = (Place, CliResult<Record>);

/// What there is on a line, or on a part of one.
#[derive(Debug)]
pub enum Line {
    /// Nothing but white space.
    Empty,
    /// One event, or what is wrong with it.
    Whole(Box<CliResult<Record>>),
    /// Any number of events, to be taken one by one.
    Events,
}

/// Reads the events of a stream.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the place of the reader"
)]
pub struct Events {
    /// The topic of every event; without one, each has its own.
    topic: Option<Topic>,
    encoding: Encoding,
    max: usize,
    values: Values,
    /// The number of the line.
    line: u64,
    /// The rest of the line.
    rest: Bytes,
    /// Whether the line ends behind the rest.
    is_line_end: bool,
    /// Events that were read ahead.
    ready: VecDeque<ReadEvent>,
    /// What is wrong with the first line of an object, if that is all of it.
    first_line_error: Option<EventError>,
    /// Whether the next bytes belong to the same line.
    is_within_line: bool,
    /// Whether the rest of the line is dropped.
    is_dropping: bool,
    /// Whether a value of several lines is malformed.
    is_broken: bool,
}

impl Events {
    /// Expects the first line; values longer than `max` are refused.
    pub fn new(topic: Option<Topic>, encoding: Encoding, max: usize) -> Self {
        Self {
            topic,
            encoding,
            max,
            values: Values::new(max),
            line: 0,
            rest: Bytes::new(),
            is_line_end: false,
            ready: VecDeque::new(),
            first_line_error: None,
            is_within_line: false,
            is_dropping: false,
            is_broken: false,
        }
    }

    /// Reports whether the next bytes begin a line.
    pub fn is_line_start(&self) -> bool {
        !self.is_within_line
    }

    /// Reports whether it is unknown where the next value begins.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Reads the line with this number, or the rest of one.
    pub fn read_line(&mut self, line: &Bytes, number: u64) -> Line {
        self.line = number;
        let is_rest = take(&mut self.is_within_line);
        if take(&mut self.is_dropping) && is_rest {
            return Line::Events;
        }
        let text = values::start_of(line);
        if is_rest || !self.values.is_idle() {
            if !is_rest && self.follows_cut_line() {
                self.read_after_cut_line(text);
            }
            if self.ready.is_empty() {
                self.begin(line.clone(), true);
            }
            return Line::Events;
        }
        if text.trim_ascii().is_empty() {
            return Line::Empty;
        }
        if text.len() <= self.max {
            match self.record(text) {
                Err(error) if values::goes_on(text) => self.first_line_error = Some(error),
                read => return Line::Whole(Box::new(read.map_err(CliError::from))),
            }
        } else if !values::may_span_lines(text) {
            return Line::Whole(Box::new(Err(too_long(self.max))));
        }
        self.begin(line.slice_ref(text), true);
        Line::Events
    }

    /// Reads a part of a line that is longer than an event may be.
    pub fn read_part(&mut self, part: &Bytes, number: u64) -> Line {
        self.line = number;
        let is_rest = std::mem::replace(&mut self.is_within_line, true);
        if is_rest && self.is_dropping {
            return Line::Events;
        }
        let mut text: &[u8] = part;
        if !is_rest && self.values.is_idle() {
            self.first_line_error = None;
            text = values::start_of(part);
            if !values::may_span_lines(text) {
                self.is_dropping = true;
                return Line::Whole(Box::new(Err(too_long(self.max))));
            }
        }
        self.begin(part.slice_ref(text), false);
        Line::Events
    }

    /// Returns the next event of the line; none at the end of what was read.
    pub fn next(&mut self) -> Option<ReadEvent> {
        if let Some(ready) = self.ready.pop_front() {
            return Some(ready);
        }
        let mut rest: &[u8] = &self.rest;
        let length = rest.len();
        let found = self.values.next(&mut rest, self.line);
        let read = length - rest.len();
        self.rest.advance(read);
        match found {
            Ok(Some(found)) => Some(self.event(found)),
            Ok(None) if take(&mut self.is_line_end) => {
                self.rest = Bytes::from_static(b"\n");
                self.next()
            }
            Ok(None) => None,
            Err(reason) => {
                self.rest.clear();
                self.is_dropping = !take(&mut self.is_line_end) && self.is_within_line;
                Some(self.malformed(reason))
            }
        }
    }

    /// Ends the stream; a value that has not ended is malformed.
    pub fn end(&mut self) -> Option<ReadEvent> {
        (!self.values.is_idle()).then(|| self.malformed("it ends too early"))
    }

    fn begin(&mut self, rest: Bytes, is_line_end: bool) {
        self.rest = rest;
        self.is_line_end = is_line_end;
    }

    fn event(&mut self, Found { place, value }: Found) -> ReadEvent {
        let Some(text) = value else {
            return (place, Err(too_long(self.max)));
        };
        let read = self.record(&text).map_err(|error| match error {
            EventError::Json(reason) => {
                self.is_broken |= self.values.began_before(self.line);
                // The byte is that of the value on one line.
                let reason = reason.split(" at byte ").next().unwrap_or_default();
                EventError::Json(reason.to_owned())
            }
            error => error,
        });
        (place, read.map_err(CliError::from))
    }

    /// Gives up a malformed value. If it has several lines, it is unknown where the next one begins.
    fn malformed(&mut self, reason: &str) -> ReadEvent {
        let is_object = self.values.is_object();
        let place = self.values.give_up(self.line);
        self.is_broken |= place.spans_lines();
        let error = match self.first_line_error.take() {
            Some(error) if is_object && !place.spans_lines() => error,
            _ if place.spans_lines() => EventError::Json(format!("{reason} on line {}", self.line)),
            _ => EventError::Json(reason.to_owned()),
        };
        (place, Err(error.into()))
    }

    /// Reports whether the line before this one is all of an unfinished object. If this one is a whole event, then that line was
    /// cut off: nobody lays out an event like this.
    fn follows_cut_line(&self) -> bool {
        self.values.is_object()
            && !self.values.began_before(self.line - 1)
            && self.first_line_error.is_some()
    }

    fn read_after_cut_line(&mut self, text: &[u8]) {
        if let Ok(record) = self.record(text)
            && let Some(error) = self.first_line_error.take()
        {
            self.values.give_up(self.line);
            let cut = Place::line(self.line - 1);
            self.ready.push_back((cut, Err(error.into())));
            self.ready.push_back((Place::line(self.line), Ok(record)));
        }
    }

    /// Parses an event or a record.
    fn record(&self, text: &[u8]) -> Result<Record, EventError> {
        parse_record_to(text, self.topic.as_ref(), self.encoding)
            .map_err(|error| utf8_error(error, text))
    }
}

/// Replaces the JSON error for text that is not UTF-8.
pub fn utf8_error(error: EventError, text: &[u8]) -> EventError {
    match std::str::from_utf8(text) {
        Ok(_) => error,
        Err(wrong) => EventError::Json(format!("not UTF-8 at byte {}", wrong.valid_up_to() + 1)),
    }
}
