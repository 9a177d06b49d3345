//! Reading in the background and printing; stdout is flushed whenever no batch is waiting.

use std::{io, sync::Arc, time::Duration};

use protoflow::{
    event::{Stored, identified, write_record, write_record_seen},
    runtime::Filter,
    transport::{ErrorKind, Result, Tail},
};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::sleep,
};

use super::{
    batch::Batch,
    limits::{End, Ending},
};
use crate::{
    error::{CliError, CliResult, Exit},
    output::{Format, Printer, Remarks, counted, reader_gone},
    schemas::Decoder,
    signals::Signals,
};

/// Messages per batch.
const BATCH: usize = 1000;

/// Messages printed before the background task gets a turn.
const CHUNK: usize = 128;

/// Batches read ahead.
const AHEAD: usize = 1;

/// Pause before a request to a store that did not answer is repeated.
const PAUSE: Duration = Duration::from_secs(1);

/// A tail that is read in the background.
pub struct Reader {
    batches: mpsc::Receiver<Result<Vec<Stored>>>,
    /// Asks the tail to end after everything stored by then.
    end: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reader {
    /// Starts reading.
    pub fn start(tail: Box<dyn Tail>, remarks: Remarks) -> Self {
        let (sender, batches) = mpsc::channel(AHEAD);
        let end = Arc::new(Notify::new());
        let task = tokio::spawn(read(tail, Arc::clone(&end), sender, remarks));
        Self { batches, end, task }
    }

    /// Prints everything until the end.
    pub async fn show(mut self, mut screen: Screen<'_>, signals: &Signals) -> CliResult<()> {
        let timed_out = screen.ending.timed_out();
        tokio::pin!(timed_out);
        let until_reached = screen.ending.until_reached();
        tokio::pin!(until_reached);
        let reader_gone = reader_gone();
        tokio::pin!(reader_gone);
        let mut is_reached = false;
        let end = loop {
            let batch = tokio::select! {
                biased;
                () = signals.stop.drain.cancelled() => break End::Stopped,
                () = &mut timed_out => break End::TimedOut,
                () = &mut reader_gone => return Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
                () = &mut until_reached, if !is_reached => {
                    is_reached = true;
                    self.end.notify_one();
                    continue;
                }
                batch = self.batches.recv() => batch,
            };
            let Some(batch) = batch.transpose()?.filter(|batch| !batch.is_empty()) else {
                break End::Reached;
            };
            for chunk in batch.chunks(CHUNK) {
                screen.show(chunk)?;
                tokio::task::yield_now().await;
            }
            if screen.ending.is_complete() {
                break End::Counted;
            }
            if self.batches.is_empty() {
                screen.printer.flush()?;
            }
        };
        let stopped = match end {
            End::Stopped => screen.ending.conclude_stopped(signals),
            _ => Ok(()),
        };
        stopped.and(screen.conclude(end))
    }
}

/// Reads until the end, or until the receiver is gone.
async fn read(
    mut tail: Box<dyn Tail>,
    end: Arc<Notify>,
    sender: mpsc::Sender<Result<Vec<Stored>>>,
    remarks: Remarks,
) {
    loop {
        let batch = tokio::select! {
            biased;
            () = end.notified() => match ended(&mut *tail).await {
                Ok(()) => continue,
                Err(error) => Err(error),
            },
            batch = tail.next(BATCH) => batch,
        };
        let last = match &batch {
            Ok(batch) => batch.is_empty(),
            Err(error) if matches!(error.kind(), ErrorKind::Gap | ErrorKind::Warning) => {
                remarks.warning(&error.to_string());
                continue;
            }
            Err(_) => true,
        };
        if sender.send(batch).await.is_err() || last {
            return;
        }
    }
}

/// Asks a tail to end, repeating the request until the store answers.
async fn ended(tail: &mut dyn Tail) -> Result<()> {
    loop {
        match tail.until_end().await {
            Err(error) if error.is_transient() => sleep(PAUSE).await,
            answer => return answer,
        }
    }
}

/// Output of a tail, with its filter and limits.
pub struct Screen<'a> {
    printer: &'a mut Printer,
    filter: Option<Filter>,
    decoder: Option<Decoder>,
    ending: Ending,
    filter_failed: u64,
    /// The array of `-o batch`.
    batch: Option<Batch>,
}

impl<'a> Screen<'a> {
    /// Creates the output.
    pub fn new(
        printer: &'a mut Printer,
        filter: Option<Filter>,
        decoder: Option<Decoder>,
        ending: Ending,
    ) -> Self {
        let batch = (printer.format() == Format::Batch).then(Batch::default);
        Self {
            printer,
            filter,
            decoder,
            ending,
            filter_failed: 0,
            batch,
        }
    }

    fn show(&mut self, batch: &[Stored]) -> CliResult<()> {
        let mut record = Vec::new();
        for stored in batch {
            if !self.ending.covers(stored.time) {
                continue;
            }
            let decoder = self.decoder.as_ref();
            let seen = decoder.and_then(|decoder| decoder.seen(stored));
            if !self.matches(stored, seen.as_ref(), &mut record) {
                continue;
            }
            if let Some(batch) = &mut self.batch {
                let shown = seen.as_ref().unwrap_or(stored);
                if !batch.take(&identified(&shown.message, &shown.position)) {
                    continue;
                }
            }
            if !self.ending.take() {
                return Ok(());
            }
            match &mut self.batch {
                Some(batch) => batch.write(self.printer)?,
                None => self.printer.message_as(stored, seen.as_ref())?,
            }
        }
        Ok(())
    }

    /// Applies the filter. Events on which it fails are left out, and the first is reported.
    fn matches(&mut self, stored: &Stored, seen: Option<&Stored>, record: &mut Vec<u8>) -> bool {
        let Some(filter) = &self.filter else {
            return true;
        };
        record.clear();
        match seen {
            Some(seen) => write_record_seen(record, stored, &seen.message, None),
            None => write_record(record, stored, None),
        }
        filter.matches(record).unwrap_or_else(|error| {
            if self.filter_failed == 0 {
                let remarks = self.printer.remarks();
                remarks.warning(&format!("`--where` failed at {}: {error}", stored.position));
            }
            self.filter_failed += 1;
            false
        })
    }

    /// Flushes and decides how the command ends.
    fn conclude(self, end: End) -> CliResult<()> {
        let no_events = match &self.batch {
            Some(batch) => batch.end(self.printer)?,
            None => 0,
        };
        self.printer.flush()?;
        self.ending.conclude(end)?;
        let text = match (self.filter_failed, no_events) {
            (0, 0) => return Ok(()),
            (0, messages) => {
                let messages = counted(messages, "message", "messages");
                format!("left out {messages} that an array of CloudEvents cannot hold")
            }
            (events, _) => {
                let events = counted(events, "event", "events");
                format!("left out {events} on which `--where` failed")
            }
        };
        Err(CliError::message(Exit::Partly, text))
    }
}
