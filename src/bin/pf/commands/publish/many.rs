//! A stream of events: every line is confirmed, or reported as an error with its number.

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
    draft::{Draft, NewEvent},
    input::{self, Chunk},
    progress::{Finished, LineProgress, Tag},
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
        progress: LineProgress::new(&mut context.printer, args.dry_run),
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
        stream.progress.record(stream.publisher.finish().await)?;
        stream.progress.warn(&stream.transport.warnings());
        if let Some(draft) = stream.draft.filter(|_| stream.progress.topic_missing()) {
            let named = [Pattern::from(draft.topic().clone())];
            topics::hint_unknown(stream.transport.as_ref(), &named, &remarks).await;
        }
        stream.progress.flush()?;
        stream.progress.conclude(finished, &signals)
    };
    tokio::select! {
        result = all => result,
        () = signals.stop.abort.cancelled() => {
            Err(signals.interrupted("interrupted before every event was confirmed"))
        }
    }
}

struct Stream<'a> {
    publisher: Publisher<Tag>,
    progress: LineProgress<'a>,
    transport: Arc<dyn Transport>,
    args: &'a PublishArgs,
    /// The draft that each line is the data of; `None` if lines are events.
    draft: Option<Draft>,
    linger: Duration,
    drain: CancellationToken,
    started: Instant,
    created: HashSet<Topic>,
}

impl Stream<'_> {
    async fn read(&mut self, mut chunks: mpsc::Receiver<Chunk>) -> CliResult<Finished> {
        loop {
            let finished = tokio::select! {
                () = self.drain.cancelled() => Some(Finished::Signal),
                chunk = chunks.recv() => match chunk {
                    None => Some(Finished::End),
                    Some(chunk) => self.chunk(chunk).await?,
                },
                () = sleep(self.linger), if self.progress.is_waiting() => {
                    self.send().await?;
                    None
                }
            };
            if let Some(finished) = finished {
                return Ok(finished);
            }
        }
    }

    async fn chunk(&mut self, chunk: Chunk) -> CliResult<Option<Finished>> {
        match chunk {
            Chunk::Lines(chunk) => {
                for line in input::lines(&chunk) {
                    self.line(&line).await?;
                    if let Some(finished) = self.must_end() {
                        return Ok(Some(finished));
                    }
                }
            }
            Chunk::TooLong => {
                self.progress.next_line();
                let error = super::one::too_long(self.args.max_size);
                self.progress.refuse(&error)?;
            }
            Chunk::Failed(error) => {
                self.progress.next_line();
                self.progress.refuse(&error.into())?;
                return Ok(Some(Finished::Error));
            }
        }
        Ok(self.must_end())
    }

    fn must_end(&self) -> Option<Finished> {
        if self.args.on_error == OnError::Stop && self.progress.has_failed() {
            return Some(Finished::Error);
        }
        // With `--rate` a chunk of lines may take long.
        (self.args.rate.is_some() && self.drain.is_cancelled()).then_some(Finished::Signal)
    }

    async fn line(&mut self, line: &Bytes) -> CliResult<()> {
        self.progress.next_line();
        if line.trim_ascii().is_empty() {
            self.progress.skip();
            return Ok(());
        }
        if line.len() > self.args.max_size {
            return self
                .progress
                .refuse(&super::one::too_long(self.args.max_size));
        }
        let (id, outgoing) = match self.outgoing(line) {
            Ok(made) => made,
            Err(error) => return self.progress.refuse(&error),
        };
        if self.args.dry_run {
            return self.progress.show(outgoing);
        }
        if self.args.create
            && let Err(error) = self.create(&outgoing.message.topic).await
        {
            return self.progress.refuse(&error);
        }
        self.pace().await?;
        let tag = self.progress.tag(id, &outgoing.message);
        let results = self.publisher.push(outgoing, tag).await;
        self.progress.record(results)
    }

    fn outgoing(&mut self, line: &[u8]) -> CliResult<(Option<String>, Outgoing)> {
        if let Some(draft) = &mut self.draft {
            let NewEvent { id, message } =
                draft.fill(line).map_err(|error| utf8_error(error, line))?;
            return Ok((Some(id), self.args.address(message, None)));
        }
        let record =
            parse_record_as(line, self.encoding()).map_err(|error| utf8_error(error, line))?;
        let own_delay = record.delay.filter(|_| record.bare);
        let outgoing = self.args.address(record.message, own_delay);
        topics::refuse_dead_letters(&outgoing.message.topic)?;
        Ok((None, outgoing))
    }

    /// Returns the encoding of bare events: `--mode`, otherwise that of the URL. Records are published unchanged.
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
                self.progress.remark(&made);
            }
            self.created.insert(topic.clone());
        }
        Ok(())
    }

    /// Waits until `--rate` allows this line.
    async fn pace(&mut self) -> CliResult<()> {
        let Some(rate) = self.args.rate else {
            return Ok(());
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "a count beyond 2^52 is out of reach"
        )]
        let turn = self.started + Duration::from_secs_f64(self.progress.sent() as f64 / rate);
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
        self.progress.warn(&self.transport.warnings());
        self.progress.record(results)?;
        self.progress.flush()
    }
}

/// Replaces the JSON error for a line that is not UTF-8.
fn utf8_error(error: EventError, line: &[u8]) -> EventError {
    match std::str::from_utf8(line) {
        Ok(_) => error,
        Err(wrong) => EventError::Json(format!("not UTF-8 at byte {}", wrong.valid_up_to() + 1)),
    }
}
