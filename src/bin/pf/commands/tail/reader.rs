//! Reads ahead in the background and shows what was read, flushed whenever nothing is waiting.

use std::{io, sync::Arc, time::Duration};

use protoflow::{
    event::{Stored, write_record},
    runtime::Filter,
    transport::{ErrorKind, Result, Tail},
};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::sleep,
};

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

/// The pause before a store that did not answer is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// A read that goes on in the background.
pub struct Reader {
    batches: mpsc::Receiver<Result<Vec<Stored>>>,
    /// Asks it to end behind what is stored by then.
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

    /// Shows everything until the end.
    pub async fn show(mut self, mut screen: Screen<'_>, signals: &Signals) -> CliResult<()> {
        let time_is_up = screen.ending.time_is_up();
        tokio::pin!(time_is_up);
        let until_has_come = screen.ending.until_has_come();
        tokio::pin!(until_has_come);
        let reader_gone = reader_gone();
        tokio::pin!(reader_gone);
        let mut has_come = false;
        let end = loop {
            let batch = tokio::select! {
                biased;
                () = signals.stop.drain.cancelled() => break End::Stopped,
                () = &mut time_is_up => break End::TimedOut,
                () = &mut reader_gone => return Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
                () = &mut until_has_come, if !has_come => {
                    has_come = true;
                    self.end.notify_one();
                    continue;
                }
                batch = self.batches.recv() => batch,
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
            if self.batches.is_empty() {
                screen.printer.flush()?;
            }
        };
        let stopped = match end {
            End::Stopped => screen.ending.conclude_stopped(signals),
            _ => Ok(()),
        };
        screen.conclude(end)?;
        stopped
    }
}

/// Reads until the end, or nobody takes it any more.
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

/// Lets a tail end, as soon as the store answers.
async fn ended(tail: &mut dyn Tail) -> Result<()> {
    loop {
        match tail.until_end().await {
            Err(error) if error.is_transient() => sleep(PAUSE).await,
            answer => return answer,
        }
    }
}

/// Where messages are shown, and which.
pub struct Screen<'a> {
    printer: &'a mut Printer,
    filter: Option<Filter>,
    ending: Ending,
    unclear: u64,
}

impl<'a> Screen<'a> {
    /// Prepares to show.
    pub fn new(printer: &'a mut Printer, filter: Option<Filter>, ending: Ending) -> Self {
        Self {
            printer,
            filter,
            ending,
            unclear: 0,
        }
    }

    fn show(&mut self, batch: &[Stored]) -> CliResult<()> {
        let mut record = Vec::new();
        for stored in batch {
            if !self.ending.covers(stored.time) || !self.is_meant(stored, &mut record) {
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
