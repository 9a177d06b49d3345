//! Progress of a stream by line: every line is confirmed or reported, and the exit code follows from both.

use std::time::SystemTime;

use protoflow::{
    event::Topic,
    transport::{ErrorKind, Outgoing, Receipt, Result as TransportResult},
};

use super::{
    place::Place,
    report::{self, ReceiptLine},
};
use crate::{
    error::{CliError, CliResult, Exit},
    output::{Format, Printer, Remarks},
    signals::Signals,
};

/// An event in flight.
#[derive(Debug)]
pub struct Tag {
    place: Place,
    /// Id and topic for the receipt, if receipts are printed.
    event: Option<(Option<String>, Topic)>,
    /// When it is to be delivered, if later.
    due: Option<SystemTime>,
}

/// Reason why reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// The end of the input.
    End,
    /// A line could not be published.
    Error,
    /// A value of several lines is malformed, so that it is unknown where the next one begins.
    Malformed,
    /// A signal.
    Signal,
}

/// Counts of the lines of a stream.
pub struct LineProgress<'a> {
    printer: &'a mut Printer,
    dry_run: bool,
    line: u64,
    empty: u64,
    sent: u64,
    confirmed: u64,
    /// Confirmed lines whose event was published before.
    duplicates: u64,
    failed: u64,
    /// Lines refused after they were sent.
    refused: u64,
    first_failure: Option<Exit>,
    /// Whether not every event has a line of its own.
    counts_events: bool,
    /// Whether a topic did not exist.
    topic_missing: bool,
}

impl<'a> LineProgress<'a> {
    /// Starts to count.
    pub fn new(printer: &'a mut Printer, dry_run: bool) -> Self {
        Self {
            printer,
            dry_run,
            line: 0,
            empty: 0,
            sent: 0,
            confirmed: 0,
            duplicates: 0,
            failed: 0,
            refused: 0,
            first_failure: None,
            counts_events: false,
            topic_missing: false,
        }
    }

    /// Starts the next line.
    pub fn next_line(&mut self) {
        self.line += 1;
    }

    /// Returns the number of this line.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Returns the place of this line.
    pub fn here(&self) -> Place {
        Place::line(self.line)
    }

    /// Counts the line as empty.
    pub fn skip(&mut self) {
        self.empty += 1;
    }

    /// Counts an event as sent and returns its tag.
    pub fn tag(&mut self, place: Place, id: Option<String>, outgoing: &Outgoing) -> Tag {
        let message = &outgoing.message;
        self.sent += 1;
        let shown = self.printer.format() == Format::Json;
        Tag {
            place,
            event: shown.then(|| (id.or_else(|| report::id_of(message)), message.topic.clone())),
            due: outgoing.due,
        }
    }

    /// Returns how many lines were sent.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Reports whether a line is in flight.
    pub fn is_waiting(&self) -> bool {
        self.sent > self.confirmed + self.refused
    }

    /// Reports whether a topic did not exist.
    pub fn topic_missing(&self) -> bool {
        self.topic_missing
    }

    /// Reports whether a line could not be published.
    pub fn has_failed(&self) -> bool {
        self.failed > 0
    }

    /// Returns the writer to stderr.
    pub fn remarks(&self) -> Remarks {
        self.printer.remarks()
    }

    /// Prints a notice.
    pub fn remark(&self, text: &str) {
        self.printer.remarks().remark(text);
    }

    /// Prints the warnings of the transport.
    pub fn warn(&self, warnings: &[String]) {
        let remarks = self.printer.remarks();
        for warning in warnings {
            remarks.warning(warning);
        }
    }

    /// Reports why the line is not published.
    pub fn refuse(&mut self, error: &CliError) -> CliResult<()> {
        self.refuse_at(self.here(), error)
    }

    /// Reports why what is at this place is not published.
    pub fn refuse_at(&mut self, place: Place, error: &CliError) -> CliResult<()> {
        self.fail(&[place], error)
    }

    /// Prints the message that would be published.
    pub fn show(&mut self, outgoing: Outgoing) -> CliResult<()> {
        self.confirmed += 1;
        self.sent += 1;
        report::show(self.printer, outgoing)
    }

    /// Counts an event of a canary, and prints its receipt.
    pub fn validated(
        &mut self,
        place: Place,
        id: Option<String>,
        outgoing: &Outgoing,
    ) -> CliResult<()> {
        self.confirmed += 1;
        self.sent += 1;
        let id = id.or_else(|| report::id_of(&outgoing.message));
        let receipt_line = ReceiptLine::validated(id.as_deref(), &outgoing.message.topic);
        self.printer.report(&receipt_line.at(place))
    }

    /// Counts results. Consecutive lines that were refused for the same reason are reported together.
    pub fn record(&mut self, results: Vec<(Tag, TransportResult<Receipt>)>) -> CliResult<()> {
        let mut group: Option<(Vec<Place>, CliError)> = None;
        for (tag, result) in results {
            let error = match result {
                Ok(receipt) => {
                    self.confirm(&tag, &receipt)?;
                    continue;
                }
                Err(error) => {
                    self.topic_missing |= error.kind() == ErrorKind::NotFound;
                    CliError::from(error)
                }
            };
            self.refused += 1;
            group = match group {
                Some((mut places, first))
                    if places
                        .last()
                        .is_some_and(|last| last.is_followed_by(tag.place))
                        && first.chain().eq(error.chain()) =>
                {
                    places.push(tag.place);
                    Some((places, first))
                }
                before => {
                    self.fail_group(before)?;
                    Some((vec![tag.place], error))
                }
            };
        }
        self.fail_group(group)
    }

    fn confirm(&mut self, tag: &Tag, receipt: &Receipt) -> CliResult<()> {
        self.confirmed += 1;
        self.duplicates += u64::from(receipt.duplicate);
        if let Some((id, topic)) = &tag.event {
            let receipt_line = ReceiptLine::stored(id.as_deref(), topic, receipt).due(tag.due);
            let receipt_line = self.printer.report(&receipt_line.at(tag.place));
            self.written(receipt_line)?;
        }
        Ok(())
    }

    /// Marks a failure to write if events may already be stored.
    fn written<E: Into<CliError>>(&self, result: Result<(), E>) -> CliResult<()> {
        let may_be_stored = !self.dry_run && self.sent > self.refused;
        result.map_err(|error| {
            let error = error.into();
            if may_be_stored {
                error.after_publish()
            } else {
                error
            }
        })
    }

    fn fail_group(&mut self, group: Option<(Vec<Place>, CliError)>) -> CliResult<()> {
        match group {
            Some((places, error)) => self.fail(&places, &error),
            None => Ok(()),
        }
    }

    /// Flushes the receipts.
    pub fn flush(&mut self) -> CliResult<()> {
        let flushed = self.printer.flush();
        self.written(flushed)
    }

    fn fail(&mut self, places: &[Place], error: &CliError) -> CliResult<()> {
        let (Some(first), Some(last)) = (places.first(), places.last()) else {
            return Ok(());
        };
        let chain: Vec<String> = error.chain().collect();
        // The input is a single line, so only the column matters.
        let text = chain
            .join(": ")
            .replace(" at line 1 column ", " at column ");
        let remarks = self.printer.remarks();
        remarks.failure(&format!("{}: {text}", first.up_to(*last)));
        if self.failed == 0 {
            error.hints().iter().for_each(|hint| remarks.hint(hint));
        }
        self.failed += places.len() as u64;
        self.counts_events |= first.index().is_some() || first.spans_lines();
        self.first_failure.get_or_insert(error.code());
        if self.printer.format() == Format::Json && !self.dry_run {
            for place in places {
                let receipt_line = ReceiptLine::refused(&text).at(*place);
                let receipt_line = self.printer.report(&receipt_line);
                self.written(receipt_line)?;
            }
        }
        Ok(())
    }

    /// Prints the summary and decides how the command ends.
    pub fn conclude(self, finished: Finished, signals: &Signals) -> CliResult<()> {
        self.printer.remarks().remark(&self.summary());
        let rest = match finished {
            Finished::End => "",
            Finished::Error | Finished::Malformed | Finished::Signal => "; the rest was not read",
        };
        if finished == Finished::Signal {
            let text = format!("interrupted after line {}{rest}", self.line);
            return Err(signals.interrupted(text));
        }
        let Some(first) = self.first_failure else {
            return self.all_accounted_for();
        };
        let exit = if self.confirmed > 0 || finished == Finished::Malformed {
            Exit::Partly
        } else {
            first
        };
        let lines = match (self.counts_events, self.failed) {
            (false, 1) => "line was",
            (false, _) => "lines were",
            (true, 1) => "event was",
            (true, _) => "events were",
        };
        let error = CliError::message(exit, format!("{} {lines} not published{rest}", self.failed));
        Err(match finished {
            Finished::Error => error.hint("continue with the next line by `--on-error continue`"),
            Finished::Malformed => error.hint(
                "it is unknown where the value ends; `--on-error continue` needs one event per line, as `jq -c` writes them",
            ),
            Finished::End | Finished::Signal => error,
        })
    }

    /// Fails unless every line that was sent was confirmed.
    fn all_accounted_for(&self) -> CliResult<()> {
        match self.sent - self.confirmed {
            0 => Ok(()),
            missing => Err(CliError::message(
                Exit::Partly,
                format!("{missing} lines: outcome unknown"),
            )),
        }
    }

    fn summary(&self) -> String {
        let verb = if self.dry_run {
            "would publish"
        } else {
            "published"
        };
        let published = self.confirmed - self.duplicates;
        let events = if published == 1 { "event" } else { "events" };
        let duplicates = match self.duplicates {
            0 => String::new(),
            1 => ", 1 duplicate was not published again".to_owned(),
            duplicates => format!(", {duplicates} duplicates were not published again"),
        };
        let empty = match self.empty {
            0 => String::new(),
            1 => ", skipped 1 empty line".to_owned(),
            empty => format!(", skipped {empty} empty lines"),
        };
        format!("{verb} {published} {events}{duplicates}{empty}")
    }
}
