//! Reads ahead in the background and shows what was read, flushed whenever nothing is waiting.

use std::{io, time::Duration};

use protoflow::{
    event::{Stored, write_record},
    runtime::Filter,
    transport::{ErrorKind, Result, Tail},
};
use tokio::{sync::mpsc, task::JoinHandle, time::sleep};

use super::ending::{End, Ending};
use crate::{
    error::CliResult,
    output::{Printer, Remarks, reader_gone},
    signals::Signals,
};

/// Messages read at once.
const BATCH: usize = 1000;

/// Messages shown before the reading has a turn, which goes on meanwhile.
const PIECE: usize = 128;

/// Batches read before they are asked for.
const AHEAD: usize = 1;

/// When the time of `--until` has come, what was stored before may still be on its way: until one of a later time comes,
/// or nothing for so long.
const QUIET: Duration = Duration::from_secs(1);

/// A read that goes on in the background.
pub struct Reader {
    batches: mpsc::Receiver<Result<Vec<Stored>>>,
    task: JoinHandle<()>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reader {
    /// Starts reading.
    pub fn start(mut tail: Box<dyn Tail>, remarks: Remarks) -> Self {
        let (sender, batches) = mpsc::channel(AHEAD);
        let task = tokio::spawn(async move {
            loop {
                let batch = tail.next(BATCH).await;
                let last = match &batch {
                    Ok(batch) => batch.is_empty(),
                    Err(error) if error.kind() == ErrorKind::Gap => {
                        remarks.warning(&error.to_string());
                        continue;
                    }
                    Err(_) => true,
                };
                if sender.send(batch).await.is_err() || last {
                    return;
                }
            }
        });
        Self { batches, task }
    }

    /// Shows everything until the end.
    pub async fn show(mut self, mut screen: Screen<'_>, signals: &Signals) -> CliResult<()> {
        let time_is_up = screen.ending.time_is_up();
        tokio::pin!(time_is_up);
        let until_has_come = screen.ending.until_has_come();
        tokio::pin!(until_has_come);
        let reader_gone = reader_gone();
        tokio::pin!(reader_gone);
        let mut is_closing = false;
        let end = loop {
            let batch = tokio::select! {
                biased;
                () = signals.stop.drain.cancelled() => break End::Stopped,
                () = &mut time_is_up => break End::TimedOut,
                () = &mut reader_gone => return Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
                () = &mut until_has_come, if !is_closing => {
                    is_closing = true;
                    continue;
                }
                batch = self.batches.recv() => batch,
                () = sleep(QUIET), if is_closing => break End::Until,
            };
            let Some(batch) = batch.transpose()?.filter(|batch| !batch.is_empty()) else {
                break End::Reached;
            };
            for piece in batch.chunks(PIECE) {
                screen.show(piece)?;
                tokio::task::yield_now().await;
            }
            if screen.ending.is_complete() {
                break End::Counted;
            }
            if is_closing && screen.is_past {
                break End::Until;
            }
            if self.batches.is_empty() {
                screen.printer.flush()?;
            }
        };
        let lacks = screen.ending.lacks().filter(|_| end == End::Stopped);
        screen.conclude(end)?;
        lacks.map_or(Ok(()), |text| Err(signals.interrupted(text)))
    }
}

/// Where messages are shown, and which.
pub struct Screen<'a> {
    printer: &'a mut Printer,
    filter: Option<Filter>,
    ending: Ending,
    unclear: u64,
    /// An event of a time after that of `--until` came.
    is_past: bool,
}

impl<'a> Screen<'a> {
    /// Prepares to show.
    pub fn new(printer: &'a mut Printer, filter: Option<Filter>, ending: Ending) -> Self {
        Self {
            printer,
            filter,
            ending,
            unclear: 0,
            is_past: false,
        }
    }

    fn show(&mut self, batch: &[Stored]) -> CliResult<()> {
        let mut record = Vec::new();
        for stored in batch {
            if !self.ending.covers(stored.time) {
                self.is_past = true;
                continue;
            }
            if !self.is_meant(stored, &mut record) {
                continue;
            }
            if !self.ending.take() {
                return Ok(());
            }
            self.printer.message(stored)?;
        }
        Ok(())
    }

    /// Applies the filter; events on which it fails are left out, and the first is told.
    fn is_meant(&mut self, stored: &Stored, record: &mut Vec<u8>) -> bool {
        let Some(filter) = &self.filter else {
            return true;
        };
        record.clear();
        write_record(record, stored, None);
        filter.matches(record).unwrap_or_else(|error| {
            if self.unclear == 0 {
                let remarks = self.printer.remarks();
                remarks.warning(&format!("`--where` fails at {}: {error}", stored.position));
            }
            self.unclear += 1;
            false
        })
    }

    /// Writes what is waiting, and decides how the command ends.
    fn conclude(self, end: End) -> CliResult<()> {
        self.printer.flush()?;
        if self.unclear > 0 {
            let events = if self.unclear == 1 { "event" } else { "events" };
            let text = format!(
                "left out {} {events} on which `--where` fails",
                self.unclear
            );
            self.printer.remarks().remark(&text);
        }
        self.ending.conclude(end)
    }
}
