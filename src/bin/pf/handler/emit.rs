//! Responses of `--emit` and `--reply`: events that a handler writes, or data that go to the sender of a request, published
//! before their cause is acknowledged.

use std::time::SystemTime;

use protoflow::{
    event::{Emission, Encoding, EventError, complete_emitted},
    runtime::{Answer, Run, create_span, trace_of},
    transport::{Delivery, Outgoing},
};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::process::pipes::CapturedStdout;

/// Bytes of events that one run may publish.
const LIMIT: usize = 4 * 1024 * 1024;
/// Bytes of replies to one request, ...
const REPLY_LIMIT: usize = 1024 * 1024;
/// ... and how many there may be.
const MOST_REPLIES: usize = 100;

/// Settings for responses.
#[derive(Debug)]
pub struct Emit {
    /// Bytes that one run may write to stdout.
    pub limit: usize,
    /// Encoding of the store.
    pub encoding: Encoding,
    /// Whether a line is the data of a reply, and not an event.
    pub replies: bool,
}

impl Emit {
    /// Returns the settings for a store.
    pub fn new(encoding: Encoding) -> Self {
        Self {
            limit: LIMIT,
            encoding,
            replies: false,
        }
    }

    /// Returns the settings for replies in a store.
    pub fn replies(encoding: Encoding) -> Self {
        Self {
            limit: REPLY_LIMIT,
            encoding,
            replies: true,
        }
    }

    /// Parses responses out of NDJSON on stdout.
    ///
    /// # Errors
    /// The line that cannot be published, and why.
    pub fn collected(
        &self,
        stdout: &CapturedStdout,
        delivery: &Delivery,
        run: &Run,
    ) -> Result<Vec<Outgoing>, String> {
        if stdout.overflowed {
            return Err(format!(
                "the run wrote more than {} bytes of {}",
                self.limit,
                if self.replies { "replies" } else { "events" }
            ));
        }
        let lines = stdout.bytes.split(|byte| *byte == b'\n');
        let lines = lines
            .enumerate()
            .filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace));
        let responses = lines.enumerate().map(|(index, (line, text))| {
            let response = self.response(text, index, delivery, run);
            response.map_err(|error| {
                format!("line {} of stdout cannot be published: {error}", line + 1)
            })
        });
        responses.filter_map(Result::transpose).collect()
    }

    /// Turns the events of a worker's answer into responses.
    ///
    /// # Errors
    /// The event that cannot be published, and why.
    pub fn listed(
        &self,
        events: &[Box<RawValue>],
        delivery: &Delivery,
        run: &Run,
    ) -> Result<Vec<Outgoing>, String> {
        let name = if self.replies { "reply" } else { "emit" };
        let responses = events.iter().enumerate().map(|(index, event)| {
            let response = self.response(event.get().as_bytes(), index, delivery, run);
            response.map_err(|error| {
                format!(
                    "event {} of `{name}` cannot be published: {error}",
                    index + 1
                )
            })
        });
        responses.filter_map(Result::transpose).collect()
    }

    fn response(
        &self,
        event: &[u8],
        index: usize,
        delivery: &Delivery,
        run: &Run,
    ) -> Result<Option<Outgoing>, EventError> {
        if self.replies {
            return self.reply(event, index, delivery, run);
        }
        // The same on every host, so that a repeat on another one is the same event.
        let source = format!("//pf/{}", run.group);
        let mut emission = Emission {
            cause: &delivery.stored.message,
            group: &run.group,
            index,
            max_attempts: run.max_attempts,
            source: &source,
            encoding: self.encoding,
            trace: None,
        };
        let mut record = complete_emitted(event, &emission)?;
        emission.trace = trace_of(&create_span(run.system, &record.message));
        if emission.trace.is_some() {
            record = complete_emitted(event, &emission)?;
        }
        Ok(Some(Outgoing {
            message: record.message,
            due: record.delay.map(|delay| SystemTime::now() + delay),
            dedup: false,
        }))
    }

    /// Makes a line the data of a reply: JSON, or else text.
    fn reply(
        &self,
        line: &[u8],
        index: usize,
        delivery: &Delivery,
        run: &Run,
    ) -> Result<Option<Outgoing>, EventError> {
        if index >= MOST_REPLIES {
            let text = format!("is one reply too many: a request gets at most {MOST_REPLIES}");
            return Err(EventError::Data(text));
        }
        let answer = Answer {
            request: &delivery.stored.message,
            group: &run.group,
            rules: &run.replies,
            index,
            encoding: self.encoding,
        };
        let line = line.trim_ascii();
        let kind = match serde_json::from_slice::<IgnoredAny>(line) {
            Ok(_) => "application/json",
            Err(_) => "text/plain",
        };
        answer.reply(kind, line)
    }
}
