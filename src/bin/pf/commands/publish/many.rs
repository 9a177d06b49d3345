//! A stream of events: every one is confirmed, or reported as an error with the number of its line.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use protoflow::{
    event::{Encoding, Pattern, Record, Topic, protobuf::Schemas},
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
    input::{self, Chunk, LongLines},
    ndjson::{Events, Line, utf8_error},
    one::with_schema,
    place::Place,
    progress::{Finished, LineProgress, Tag},
    report,
};
use crate::{
    context::Context,
    error::{CliResult, Exit},
    handler::is_canary,
    stdio::Stdin,
    values::topics,
};

/// Publishes every line of stdin.
pub async fn publish(
    args: &PublishArgs,
    schemas: Option<Schemas>,
    context: &mut Context,
    transport: Arc<dyn Transport>,
) -> CliResult<()> {
    let draft = if args.ndjson {
        None
    } else {
        Some(Draft::new(args, transport.encoding())?)
    };
    // Records are published unchanged.
    let encoding = transport.encoding();
    let signals = context.signals()?;
    let options = PublisherOptions {
        ordered: args.ordered,
        ..PublisherOptions::default()
    };
    let remarks = context.printer.remarks();
    let mut stream = Stream {
        publisher: Publisher::new(transport.clone(), options),
        progress: LineProgress::new(&mut context.printer, args.dry_run || is_canary()),
        transport,
        args,
        schemas,
        encoding,
        draft,
        events: Events::new(args.topic.clone(), encoding, args.max_size),
        linger: options.linger,
        drain: signals.stop.drain.clone(),
        started: Instant::now(),
        created: HashSet::new(),
    };
    let all = async {
        let long = if args.ndjson {
            LongLines::Split
        } else {
            LongLines::Drop
        };
        let finished = stream.read(input::read(Stdin, args.max_size, long)).await?;
        stream.progress.record(stream.publisher.finish().await)?;
        stream.progress.warn(&stream.transport.warnings());
        if let Some(draft) = stream.draft.filter(|_| stream.progress.topic_missing()) {
            let named = [Pattern::from(draft.topic().clone())];
            // Whether the server answers is in the results of the lines.
            let _ = topics::hint_unknown(stream.transport.as_ref(), &named, &remarks).await;
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

/// A stream that is being published.
struct Stream<'a> {
    publisher: Publisher<Tag>,
    progress: LineProgress<'a>,
    transport: Arc<dyn Transport>,
    args: &'a PublishArgs,
    schemas: Option<Schemas>,
    encoding: Encoding,
    /// The draft that each line is the data of; `None` if the stream has events.
    draft: Option<Draft>,
    events: Events,
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
                    None => Some(self.end().await?),
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

    /// Ends the stream.
    async fn end(&mut self) -> CliResult<Finished> {
        if let Some((place, event)) = self.events.end() {
            self.event(place, event).await?;
        }
        Ok(if self.events.is_broken() {
            Finished::Malformed
        } else {
            Finished::End
        })
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
            Chunk::Part(part) => {
                let number = self.line_number();
                let read = self.events.read_part(&part, number);
                self.publish_events(read).await?;
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
        if self.events.is_broken() {
            return Some(Finished::Malformed);
        }
        if self.args.on_error == OnError::Stop && self.progress.has_failed() {
            return Some(Finished::Error);
        }
        // With `--rate` a chunk of lines may take long.
        (self.args.rate.is_some() && self.drain.is_cancelled()).then_some(Finished::Signal)
    }

    async fn line(&mut self, line: &Bytes) -> CliResult<()> {
        if self.draft.is_some() {
            return self.data_line(line).await;
        }
        let number = self.line_number();
        let read = self.events.read_line(line, number);
        self.publish_events(read).await
    }

    /// Returns the number of the line that the next bytes of events belong to.
    fn line_number(&mut self) -> u64 {
        if self.events.is_line_start() {
            self.progress.next_line();
        }
        self.progress.line()
    }

    async fn publish_events(&mut self, read: Line) -> CliResult<()> {
        match read {
            Line::Empty => self.progress.skip(),
            Line::Whole(event) => self.event(self.progress.here(), *event).await?,
            Line::Events => {
                while self.must_end().is_none()
                    && let Some((place, event)) = self.events.next()
                {
                    self.event(place, event).await?;
                }
            }
        }
        Ok(())
    }

    async fn event(&mut self, place: Place, event: CliResult<Record>) -> CliResult<()> {
        let outgoing = event.and_then(|record| {
            let own_delay = record.delay.filter(|_| record.bare);
            // Records are published unchanged.
            let schemas = self.schemas.as_ref().filter(|_| record.bare);
            let message = with_schema(schemas, record.message, self.encoding)?;
            let outgoing = self.args.address(message, own_delay);
            // The fault of the event, not of the command line.
            let checked = topics::refuse_dead_letters(&outgoing.message.topic);
            checked.map_err(|error| error.ending(Exit::Failed))?;
            Ok(outgoing)
        });
        match outgoing {
            Ok(outgoing) => self.submit(place, None, outgoing).await,
            Err(error) => self.progress.refuse_at(place, &error),
        }
    }

    async fn data_line(&mut self, line: &Bytes) -> CliResult<()> {
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
        let Some(draft) = &mut self.draft else {
            return Ok(());
        };
        match draft.fill(line).map_err(|error| utf8_error(error, line)) {
            Ok(NewEvent { id, message }) => {
                if self.progress.sent() == 0 {
                    report::remark_event(&self.progress.remarks(), line, &message.topic);
                }
                let message = match with_schema(self.schemas.as_ref(), message, self.encoding) {
                    Ok(message) => message,
                    Err(error) => return self.progress.refuse(&error),
                };
                let outgoing = self.args.address(message, None);
                self.submit(self.progress.here(), Some(id), outgoing).await
            }
            Err(error) => self.progress.refuse(&error.into()),
        }
    }

    /// Publishes what was read at this place.
    async fn submit(
        &mut self,
        place: Place,
        id: Option<String>,
        outgoing: Outgoing,
    ) -> CliResult<()> {
        if self.args.dry_run {
            return self.progress.show(outgoing);
        }
        if is_canary() {
            return self.progress.validated(place, id, &outgoing);
        }
        if self.args.create
            && let Err(error) = self.create(&outgoing.message.topic).await
        {
            return self.progress.refuse_at(place, &error);
        }
        self.pace().await?;
        let tag = self.progress.tag(place, id, &outgoing);
        let results = self.publisher.push(outgoing, tag).await;
        self.progress.record(results)
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
