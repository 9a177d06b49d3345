//! What became of each line of a stream: nothing is forgotten, and the exit code says so.

use std::ops::RangeInclusive;

use protoflow::{
    event::{Message, Topic},
    transport::{ErrorKind, Outgoing, Receipt, Result as TransportResult},
};

use super::report::{self, Told};
use crate::{
    error::{CliError, CliResult, Exit},
    output::{Format, Printer},
    signals::Signals,
};

/// What is known of a line that is under way.
#[derive(Debug)]
pub struct Tag {
    line: u64,
    /// What a receipt names, where receipts are shown.
    event: Option<(Option<String>, Topic)>,
}

/// How reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// All was read.
    End,
    /// A line could not be published.
    Error,
    /// A signal came.
    Signal,
}

/// The account of a stream.
pub struct Ledger<'a> {
    printer: &'a mut Printer,
    dry_run: bool,
    line: u64,
    empty: u64,
    sent: u64,
    confirmed: u64,
    failed: u64,
    /// Lines refused after they were sent.
    bounced: u64,
    first_failure: Option<Exit>,
    /// Whether a topic was not there.
    misses_topic: bool,
}

impl<'a> Ledger<'a> {
    /// Opens the account.
    pub fn new(printer: &'a mut Printer, dry_run: bool) -> Self {
        Self {
            printer,
            dry_run,
            line: 0,
            empty: 0,
            sent: 0,
            confirmed: 0,
            failed: 0,
            bounced: 0,
            first_failure: None,
            misses_topic: false,
        }
    }

    /// Begins a line.
    pub fn next_line(&mut self) {
        self.line += 1;
    }

    /// Counts the line as empty.
    pub fn skip(&mut self) {
        self.empty += 1;
    }

    /// Counts the line as sent, and returns by what it is known until it is confirmed.
    pub fn tag(&mut self, id: Option<String>, message: &Message) -> Tag {
        self.sent += 1;
        let shown = self.printer.format() == Format::Json;
        Tag {
            line: self.line,
            event: shown.then(|| (id.or_else(|| report::id_of(message)), message.topic.clone())),
        }
    }

    /// Returns how many lines were sent.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Reports whether something was sent and is neither confirmed nor refused.
    pub fn is_waiting(&self) -> bool {
        self.sent > self.confirmed + self.bounced
    }

    /// Reports whether a topic was not there.
    pub fn misses_topic(&self) -> bool {
        self.misses_topic
    }

    /// Reports whether a line could not be published.
    pub fn has_failed(&self) -> bool {
        self.failed > 0
    }

    /// Says something beside the account.
    pub fn remark(&self, text: &str) {
        self.printer.remarks().remark(text);
    }

    /// Says what the transport warns of.
    pub fn warn(&self, warnings: &[String]) {
        let remarks = self.printer.remarks();
        for warning in warnings {
            remarks.warning(warning);
        }
    }

    /// Says why the line is not published.
    pub fn refuse(&mut self, error: &CliError) -> CliResult<()> {
        self.fail(self.line..=self.line, error)
    }

    /// Shows what would be published.
    pub fn show(&mut self, outgoing: Outgoing) -> CliResult<()> {
        self.confirmed += 1;
        self.sent += 1;
        report::show(self.printer, outgoing)
    }

    /// Takes down what was confirmed or refused; neighbours that were refused alike are told in one line.
    pub fn tell(&mut self, results: Vec<(Tag, TransportResult<Receipt>)>) -> CliResult<()> {
        let mut alike: Option<(RangeInclusive<u64>, CliError)> = None;
        for (tag, result) in results {
            let error = match result {
                Ok(receipt) => {
                    self.confirm(&tag, &receipt)?;
                    continue;
                }
                Err(error) => {
                    self.misses_topic |= error.kind() == ErrorKind::NotFound;
                    CliError::from(error)
                }
            };
            self.bounced += 1;
            alike = match alike {
                Some((lines, first))
                    if lines.end() + 1 == tag.line && first.chain().eq(error.chain()) =>
                {
                    Some((*lines.start()..=tag.line, first))
                }
                before => {
                    self.fail_alike(before)?;
                    Some((tag.line..=tag.line, error))
                }
            };
        }
        self.fail_alike(alike)
    }

    fn confirm(&mut self, tag: &Tag, receipt: &Receipt) -> CliResult<()> {
        self.confirmed += 1;
        if let Some((id, topic)) = &tag.event {
            let told = Told::stored(id.as_deref(), topic, receipt);
            let told = self.printer.report(&told.of_line(tag.line));
            self.written(told)?;
        }
        Ok(())
    }

    /// Tells a failure to write from one that leaves nothing behind.
    fn written<E: Into<CliError>>(&self, result: Result<(), E>) -> CliResult<()> {
        let may_be_stored = !self.dry_run && self.sent > self.bounced;
        result.map_err(|error| {
            let error = error.into();
            if may_be_stored { error.untold() } else { error }
        })
    }

    fn fail_alike(&mut self, alike: Option<(RangeInclusive<u64>, CliError)>) -> CliResult<()> {
        match alike {
            Some((lines, error)) => self.fail(lines, &error),
            None => Ok(()),
        }
    }

    /// Writes the receipts that are waiting.
    pub fn flush(&mut self) -> CliResult<()> {
        let flushed = self.printer.flush();
        self.written(flushed)
    }

    fn fail(&mut self, lines: RangeInclusive<u64>, error: &CliError) -> CliResult<()> {
        let chain: Vec<String> = error.chain().collect();
        // A line of input has one line; where in it counts.
        let text = chain
            .join(": ")
            .replace(" at line 1 column ", " at column ");
        let remarks = self.printer.remarks();
        let (first, last) = (*lines.start(), *lines.end());
        remarks.failure(&if first == last {
            format!("line {first}: {text}")
        } else {
            format!("lines {first} to {last}: {text}")
        });
        if self.failed == 0 {
            error.hints().iter().for_each(|hint| remarks.hint(hint));
        }
        self.failed += last - first + 1;
        self.first_failure.get_or_insert(error.code());
        if self.printer.format() == Format::Json && !self.dry_run {
            for line in lines {
                let told = self.printer.report(&Told::refused(line, &text));
                self.written(told)?;
            }
        }
        Ok(())
    }

    /// Sums up, and decides how the command ends.
    pub fn conclude(self, finished: Finished, signals: &Signals) -> CliResult<()> {
        self.printer.remarks().remark(&self.summary());
        let rest = match finished {
            Finished::End => "",
            Finished::Error | Finished::Signal => "; the rest was not read",
        };
        if finished == Finished::Signal {
            let text = format!("interrupted after line {}{rest}", self.line);
            return Err(signals.interrupted(text));
        }
        let Some(first) = self.first_failure else {
            return self.all_accounted_for();
        };
        let exit = if self.confirmed > 0 {
            Exit::Partly
        } else {
            first
        };
        let lines = if self.failed == 1 {
            "line was"
        } else {
            "lines were"
        };
        let error = CliError::message(exit, format!("{} {lines} not published{rest}", self.failed));
        Err(if finished == Finished::Error {
            error.hint("`--on-error continue` goes on with the next line")
        } else {
            error
        })
    }

    /// Fails unless every line that was sent is known to be stored.
    fn all_accounted_for(&self) -> CliResult<()> {
        match self.sent - self.confirmed {
            0 => Ok(()),
            missing => Err(CliError::message(
                Exit::Partly,
                format!("of {missing} lines nobody knows whether they were published"),
            )),
        }
    }

    fn summary(&self) -> String {
        let verb = if self.dry_run {
            "would publish"
        } else {
            "published"
        };
        let events = if self.confirmed == 1 {
            "event"
        } else {
            "events"
        };
        let empty = match self.empty {
            0 => String::new(),
            1 => ", skipped 1 empty line".to_owned(),
            empty => format!(", skipped {empty} empty lines"),
        };
        format!("{verb} {} {events}{empty}", self.confirmed)
    }
}
