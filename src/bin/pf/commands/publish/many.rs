//! A stream of events: every line is confirmed, or told as an error with its number.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use protoflow::{
    event::{Encoding, EventError, Pattern, Topic, parse_record_as},
    runtime::{Publisher, PublisherOptions},
    transport::{Outgoing, Transport},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    args::{OnError, PublishArgs},
    draft::{Draft, Made},
    input::{self, Piece},
    progress::{Finished, Ledger, Tag},
};
use crate::{context::Context, error::CliResult, values::topics};

/// Publishes every line of stdin.
pub async fn publish(
    args: &PublishArgs,
    context: &mut Context,
    transport: Arc<dyn Transport>,
) -> CliResult<()> {
    let draft = if args.ndjson {
        None
    } else {
        Some(Draft::new(args, transport.encoding())?)
    };
    let signals = context.signals()?;
    let options = PublisherOptions {
        ordered: args.ordered,
        ..PublisherOptions::default()
    };
    let remarks = context.printer.remarks();
    let mut stream = Stream {
        publisher: Publisher::new(transport.clone(), options),
        ledger: Ledger::new(&mut context.printer, args.dry_run),
        transport,
        args,
        draft,
        linger: options.linger,
        drain: signals.stop.drain.clone(),
        started: Instant::now(),
        created: HashSet::new(),
    };
    let all = async {
        let finished = stream
            .read(input::read(input::stdin()?, args.max_size))
            .await?;
        stream.ledger.tell(stream.publisher.finish().await)?;
        stream.ledger.warn(&stream.transport.warnings());
        if let Some(draft) = stream.draft.filter(|_| stream.ledger.misses_topic()) {
            let named = [Pattern::from(draft.topic().clone())];
            topics::hint_unknown(stream.transport.as_ref(), &named, &remarks).await;
        }
        stream.ledger.flush()?;
        stream.ledger.conclude(finished, &signals)
    };
    tokio::select! {
        result = all => result,
        () = signals.stop.abort.cancelled() => {
            Err(signals.interrupted("interrupted before everything was confirmed"))
        }
    }
}

struct Stream<'a> {
    publisher: Publisher<Tag>,
    ledger: Ledger<'a>,
    transport: Arc<dyn Transport>,
    args: &'a PublishArgs,
    /// What each line is filled into; none where lines are events.
    draft: Option<Draft>,
    linger: Duration,
    drain: CancellationToken,
    started: Instant,
    created: HashSet<Topic>,
}

impl Stream<'_> {
    async fn read(&mut self, mut pieces: mpsc::Receiver<Piece>) -> CliResult<Finished> {
        loop {
            let finished = tokio::select! {
                () = self.drain.cancelled() => Some(Finished::Signal),
                piece = pieces.recv() => match piece {
                    None => Some(Finished::End),
                    Some(piece) => self.piece(piece).await?,
                },
                () = sleep(self.linger), if self.ledger.is_waiting() => {
                    self.send().await?;
                    None
                }
            };
            if let Some(finished) = finished {
                return Ok(finished);
            }
        }
    }

    async fn piece(&mut self, piece: Piece) -> CliResult<Option<Finished>> {
        match piece {
            Piece::Lines(piece) => {
                for line in input::lines(&piece) {
                    self.line(&line).await?;
                    if let Some(finished) = self.must_end() {
                        return Ok(Some(finished));
                    }
                }
            }
            Piece::TooLong => {
                self.ledger.next_line();
                let error = super::one::too_long(self.args.max_size);
                self.ledger.refuse(&error)?;
            }
            Piece::Failed(error) => {
                self.ledger.next_line();
                self.ledger.refuse(&error.into())?;
                return Ok(Some(Finished::Error));
            }
        }
        Ok(self.must_end())
    }

    fn must_end(&self) -> Option<Finished> {
        if self.args.on_error == OnError::Stop && self.ledger.has_failed() {
            return Some(Finished::Error);
        }
        // Lines can be slow to come by under `--rate`.
        (self.args.rate.is_some() && self.drain.is_cancelled()).then_some(Finished::Signal)
    }

    async fn line(&mut self, line: &Bytes) -> CliResult<()> {
        self.ledger.next_line();
        if line.trim_ascii().is_empty() {
            self.ledger.skip();
            return Ok(());
        }
        if line.len() > self.args.max_size {
            return self
                .ledger
                .refuse(&super::one::too_long(self.args.max_size));
        }
        let (id, outgoing) = match self.outgoing(line) {
            Ok(made) => made,
            Err(error) => return self.ledger.refuse(&error),
        };
        if self.args.dry_run {
            return self.ledger.show(outgoing);
        }
        if self.args.create
            && let Err(error) = self.create(&outgoing.message.topic).await
        {
            return self.ledger.refuse(&error);
        }
        self.pace().await?;
        let tag = self.ledger.tag(id, &outgoing.message);
        let results = self.publisher.push(outgoing, tag).await;
        self.ledger.tell(results)
    }

    fn outgoing(&mut self, line: &[u8]) -> CliResult<(Option<String>, Outgoing)> {
        if let Some(draft) = &mut self.draft {
            let Made { id, message } = draft.fill(line).map_err(|error| better(error, line))?;
            return Ok((Some(id), self.args.address(message, None)));
        }
        let record = parse_record_as(line, self.encoding()).map_err(|error| better(error, line))?;
        let own_delay = record.delay.filter(|_| record.bare);
        let outgoing = self.args.address(record.message, own_delay);
        topics::refuse_dead_letters(&outgoing.message.topic)?;
        Ok((None, outgoing))
    }

    /// Returns how bare events are stored: as the URL says, and `--mode` before it. Records are kept as they are.
    fn encoding(&self) -> Encoding {
        let usual = self.transport.encoding();
        Encoding {
            mode: self.args.mode.map_or(usual.mode, Into::into),
            ..usual
        }
    }

    async fn create(&mut self, topic: &Topic) -> CliResult<()> {
        if !self.created.contains(topic) {
            for made in self.transport.create(topic).await? {
                self.ledger.remark(&made);
            }
            self.created.insert(topic.clone());
        }
        Ok(())
    }

    /// Waits for the turn of this line.
    async fn pace(&mut self) -> CliResult<()> {
        let Some(rate) = self.args.rate else {
            return Ok(());
        };
        #[expect(clippy::cast_precision_loss, reason = "nobody counts that far")]
        let turn = self.started + Duration::from_secs_f64(self.ledger.sent() as f64 / rate);
        if turn > Instant::now() + self.linger {
            self.send().await?;
        }
        tokio::select! {
            () = sleep_until(turn) => {}
            () = self.drain.cancelled() => {}
        }
        Ok(())
    }

    async fn send(&mut self) -> CliResult<()> {
        let results = self.publisher.flush().await;
        self.ledger.warn(&self.transport.warnings());
        self.ledger.tell(results)?;
        self.ledger.flush()
    }
}

/// Says of bytes that are no text that they are none.
fn better(error: EventError, line: &[u8]) -> EventError {
    match std::str::from_utf8(line) {
        Ok(_) => error,
        Err(wrong) => EventError::Json(format!("no UTF-8 at byte {}", wrong.valid_up_to() + 1)),
    }
}
