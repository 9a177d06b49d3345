//! Responses of `--emit`: events that a handler writes, published before their cause is acknowledged.

use std::time::SystemTime;

use protoflow::{
    event::{Emission, Encoding, EventError, complete_emitted},
    runtime::Run,
    transport::{Delivery, Outgoing},
};
use serde_json::value::RawValue;

use super::process::pipes::CapturedStdout;

/// Bytes of events that one run may publish.
const LIMIT: usize = 4 * 1024 * 1024;

/// Settings for responses.
#[derive(Debug)]
pub struct Emit {
    /// Bytes that one run may write to stdout.
    pub limit: usize,
    /// Encoding of the store.
    pub encoding: Encoding,
}

impl Emit {
    /// Returns the settings for a store.
    pub fn new(encoding: Encoding) -> Self {
        Self {
            limit: LIMIT,
            encoding,
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
                "the run wrote more than {} bytes of events",
                self.limit
            ));
        }
        let lines = stdout.bytes.split(|byte| *byte == b'\n');
        let events = lines
            .enumerate()
            .filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace));
        events
            .enumerate()
            .map(|(index, (line, event))| {
                self.response(event, index, delivery, run).map_err(|error| {
                    format!("line {} of stdout cannot be published: {error}", line + 1)
                })
            })
            .collect()
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
        let events = events.iter().enumerate();
        events
            .map(|(index, event)| {
                self.response(event.get().as_bytes(), index, delivery, run)
                    .map_err(|error| {
                        format!("event {} of `emit` cannot be published: {error}", index + 1)
                    })
            })
            .collect()
    }

    fn response(
        &self,
        event: &[u8],
        index: usize,
        delivery: &Delivery,
        run: &Run,
    ) -> Result<Outgoing, EventError> {
        // The same on every host, so that a repeat on another one is the same event.
        let source = format!("//pf/{}", run.group);
        let emission = Emission {
            cause: &delivery.stored.message,
            group: &run.group,
            index,
            max_attempts: run.max_attempts,
            source: &source,
            encoding: self.encoding,
        };
        let record = complete_emitted(event, &emission)?;
        Ok(Outgoing {
            message: record.message,
            due: record.delay.map(|delay| SystemTime::now() + delay),
            dedup: false,
        })
    }
}
