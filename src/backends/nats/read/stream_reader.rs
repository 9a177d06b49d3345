//! Ordered readers of a stream, each with an ephemeral consumer of its own.
//!
//! The ordered consumer of the client is not used: after a restart of the server it starts again at its beginning. Here,
//! a gap in the consumer's own sequence, a lost request or a deleted consumer leads to a new consumer behind the last
//! message seen. The end of a bounded read is asked of the stream's leader, as the replica that serves the consumer may
//! lack the last messages and would end the read early.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokio::time::sleep;

use crate::{
    backends::nats::{
        connection::{consumer, direct_get, handle::Connection, stream::info},
        read::{
            ephemeral_consumer::{create, create_patiently, create_soon},
            pull::{Pull, PullEvent, Received, refused},
            scope::ReadScope,
            stream_watch::{Cursor, StreamWatch, next_start},
        },
    },
    transport::{Result, TransportError},
};

/// The most messages in one request, ...
const MAX_BATCH: usize = 4000;
/// ... the fewest, ...
const MIN_BATCH: usize = 16;
/// ... and the bytes that they should have together.
const BATCH_BYTES: usize = 16 << 20;
/// The assumed size of a message before one was seen, ...
const INITIAL_SIZE: usize = 64 << 10;
/// ... and what a message has besides its payload.
const OVERHEAD: usize = 512;
/// With this many bytes no further message is taken at a time.
const TAKEN_BYTES: usize = 4 << 20;
/// The pause before another attempt.
const PAUSE: Duration = Duration::from_millis(250);

/// An open read.
#[derive(Debug)]
pub(crate) struct StreamReader {
    connection: Arc<Connection>,
    scope: ReadScope,
    cursor: Cursor,
    pull: Pull,
    /// The sequence before the first that the consumer delivers.
    before: u64,
    /// The last sequence of the stream, where the server of the consumer may lag behind.
    end: Option<u64>,
    watch: Option<StreamWatch>,
    /// A request brought nothing: no other one is sent until those that are open have ended.
    is_ending: bool,
    /// The size of a message, estimated from those that came.
    message_size: usize,
    /// A failure after some messages were taken.
    failed: Option<TransportError>,
}

impl StreamReader {
    /// Starts to read.
    pub(crate) async fn open(connection: &Arc<Connection>, mut scope: ReadScope) -> Result<Self> {
        let watched = scope.watched.take();
        let end = if scope.until_end {
            info::replicated_end(connection, &scope.stream).await?
        } else {
            None
        };
        let consumer = create(connection, &scope, scope.start).await?;
        let pull = Pull::open(connection, &scope.stream, &consumer.name, consumer.limits).await?;
        Ok(Self {
            connection: Arc::clone(connection),
            end,
            before: consumer.before,
            watch: watched.map(|info| StreamWatch::new(&info, scope.start, consumer.pending)),
            cursor: Cursor {
                consumer: consumer.name,
                last: 0,
                last_delivered: 0,
                left: scope.until_end.then_some(consumer.pending),
            },
            pull,
            scope,
            message_size: INITIAL_SIZE,
            failed: None,
            is_ending: false,
        })
    }

    /// Waits for messages and returns at most `max`; none means that the end was reached. Cancel safe.
    pub(crate) async fn take(&mut self, max: usize) -> Result<Vec<Received>> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        if let Some(notice) = self.notice().await? {
            return Err(notice);
        }
        let mut taken = Vec::new();
        taken.extend(self.next().await?);
        let mut bytes = taken.first().map_or(0, |first| first.payload.len());
        while !taken.is_empty() && taken.len() < max && bytes < TAKEN_BYTES {
            match self.next().now_or_never() {
                Some(Ok(Some(received))) => {
                    bytes += received.payload.len();
                    taken.push(received);
                }
                Some(Err(failed)) => {
                    self.failed = Some(failed);
                    break;
                }
                _ => break,
            }
        }
        if let Some(watch) = &mut self.watch {
            watch.leave();
        }
        if taken.is_empty()
            && let Some(notice) = self.notice().await?
        {
            return Err(notice);
        }
        Ok(taken)
    }

    async fn notice(&mut self) -> Result<Option<TransportError>> {
        match &mut self.watch {
            Some(watch) => {
                watch
                    .notice(&self.connection, &self.scope, &self.cursor)
                    .await
            }
            None => Ok(None),
        }
    }

    /// Waits for the next message; none is the end, or a notice. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Option<Received>> {
        loop {
            if self.watch.as_ref().is_some_and(StreamWatch::has_notice) {
                return Ok(None);
            }
            if self.cursor.left == Some(0) {
                if self.is_end().await? {
                    return Ok(None);
                }
                sleep(PAUSE).await;
                self.cursor.left = Some(self.recreate_consumer().await?);
                continue;
            }
            self.request().await?;
            match self.pull.next().await {
                PullEvent::Message(received)
                    if received.consumer_sequence == self.cursor.last_delivered + 1 =>
                {
                    self.is_ending = false;
                    self.cursor.last = received.stream_sequence;
                    self.cursor.last_delivered = received.consumer_sequence;
                    self.cursor.left = self.cursor.left.map(|left| left - 1);
                    self.note_size(&received);
                    return Ok(Some(received));
                }
                PullEvent::Ended(0) if self.cursor.left.is_some() => {
                    self.is_ending = self.pull.outstanding() > 0;
                    if !self.is_ending {
                        self.end_if_nothing_pending().await?;
                    }
                }
                PullEvent::Ended(_) => {}
                PullEvent::Idle => {
                    if let Some(watch) = &mut self.watch {
                        watch
                            .check_idle(&self.connection, &self.scope, &self.cursor)
                            .await?;
                    }
                }
                PullEvent::Refused(text) => return Err(refused(&self.cursor.consumer, &text)),
                PullEvent::Lost => {
                    // Messages that were delivered on the way are lost, and only another consumer delivers them again.
                    sleep(PAUSE).await;
                    self.recreate_consumer().await?;
                }
                PullEvent::Message(_) | PullEvent::Deleted => {
                    self.recreate_consumer().await?;
                }
                PullEvent::Denied(denied) => return Err(denied),
            }
        }
    }

    async fn request(&mut self) -> Result<()> {
        let (outstanding, batch) = (self.pull.outstanding(), self.batch());
        if self.is_ending && outstanding > 0 {
            return Ok(());
        }
        if outstanding > 0 && outstanding >= batch / 2 || !self.pull.may_request() {
            return Ok(());
        }
        let Some(left) = self.cursor.left else {
            return self.pull.request(batch, true).await;
        };
        // The server refuses requests for more than there is.
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        match left.saturating_sub(outstanding).min(batch - outstanding) {
            0 => Ok(()),
            _ if !self.pull.may_request() => Ok(()),
            batch => self.pull.request(batch, false).await,
        }
    }

    /// Returns how many messages to request: the larger they are, the fewer.
    fn batch(&self) -> usize {
        (BATCH_BYTES / self.message_size).clamp(MIN_BATCH, MAX_BATCH)
    }

    /// Updates the estimated size of a message: a large one counts at once and is forgotten gradually.
    fn note_size(&mut self, received: &Received) {
        let bytes = received.payload.len() + OVERHEAD;
        self.message_size = bytes.max(self.message_size - self.message_size / 64);
    }

    /// Ends after the messages that exist now. Cancel safe.
    pub(crate) async fn until_end(&mut self) -> Result<()> {
        if self.cursor.left.is_none() {
            let end = info::replicated_end(&self.connection, &self.scope.stream).await?;
            self.cursor.left = Some(self.recreate_consumer().await?);
            self.end = end;
        }
        Ok(())
    }

    /// Reports whether nothing is left, as the leader of the stream knows it.
    async fn is_end(&mut self) -> Result<bool> {
        let Some(end) = self.end else {
            return Ok(true);
        };
        let next = self.cursor.last.max(self.before) + 1;
        let (scope, connection) = (&self.scope, &self.connection);
        let admits = |time| scope.start.admits(time);
        let left = direct_get::leader_holds(
            connection,
            &scope.stream,
            &scope.filters,
            next..=end,
            admits,
        );
        if left.await? {
            return Ok(false);
        }
        self.end = None;
        Ok(true)
    }

    /// Ends if the consumer has nothing more: the messages that it still had to deliver were removed.
    async fn end_if_nothing_pending(&mut self) -> Result<()> {
        let consumer =
            consumer::find_on(&self.connection, &self.scope.stream, &self.cursor.consumer).await?;
        if consumer.is_some_and(|consumer| consumer.num_pending > 0) {
            sleep(PAUSE).await;
            return Ok(());
        }
        self.reduce_left(0);
        Ok(())
    }

    /// Notes that at most this many messages are left; the difference was removed.
    fn reduce_left(&mut self, count: u64) {
        let Some(left) = self.cursor.left.filter(|left| *left > count) else {
            return;
        };
        self.cursor.left = Some(count);
        if let Some(watch) = &mut self.watch {
            watch.report_removed(left - count, &self.scope);
        }
    }

    /// Creates another consumer behind the last message seen: the old one is gone, a message was lost on the way, or the
    /// rest has to be counted. Returns how many messages it will deliver.
    async fn recreate_consumer(&mut self) -> Result<u64> {
        let (connection, scope) = (&*self.connection, &mut self.scope);
        let start = match &mut self.watch {
            Some(watch) => watch.resume(connection, scope, &mut self.cursor).await?,
            None => next_start(scope, &self.cursor),
        };
        let consumer = if self.scope.patient {
            create_patiently(connection, &self.scope, start).await?
        } else {
            create_soon(connection, &self.scope, start).await?
        };
        let (stream, limits) = (&self.scope.stream, consumer.limits);
        let pull = Pull::open(&self.connection, stream, &consumer.name, limits).await?;
        self.delete_consumer();
        self.cursor.consumer = consumer.name;
        self.pull = pull;
        self.cursor.last_delivered = 0;
        self.before = consumer.before;
        self.reduce_left(consumer.pending);
        Ok(consumer.pending)
    }

    /// Deletes the consumer without waiting for the answer.
    fn delete_consumer(&self) {
        let (connection, stream) = (Arc::clone(&self.connection), &self.scope.stream);
        let verb = format!("CONSUMER.DELETE.{stream}.{}", self.cursor.consumer);
        let subject = connection.api_subject(&verb);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = connection.client.publish(subject, "".into()).await;
            });
        }
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        self.delete_consumer();
    }
}
