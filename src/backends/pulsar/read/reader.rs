//! A reader of one log: a subscription that is not durable, and continues behind the last message after an outage.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout};

use crate::{
    backends::pulsar::{
        codec::{
            batch::Entry, chunk::Chunks, message::Inbound, message_id::MessageId, protocol::SubType,
        },
        connection::{
            consumer::{Consumer, ConsumerSpec, Start},
            handle::Connection,
            retry::{Backoff, RIDE_OUT},
            wire::ConsumerEvent,
        },
    },
    transport::Result,
};

/// Messages that may be on their way, ...
const PREFETCH: usize = 1000;
/// ... and their bytes, roughly.
const PREFETCH_BYTES: usize = 16 << 20;
/// The permits of a reader to which no message has come: the sizes of its messages are not known yet.
const FIRST_PERMITS: usize = 100;
/// A log whose last entry is gone is silent for this long.
const SILENCE: Duration = Duration::from_secs(10);

/// A reader of one log.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Arc<Connection>,
    spec: ConsumerSpec,
    partition: i32,
    consumer: Option<Consumer>,
    /// The last message that was returned, or before which reading began.
    last: Option<MessageId>,
    /// Messages that the broker may still send.
    permitted: usize,
    /// The size of a message, roughly, from the last ones.
    average: usize,
    /// Entries that came since the consumer is connected.
    received: u64,
    /// Parts of messages of which others are missing.
    chunks: Chunks,
    /// Messages behind the end that the caller asked for.
    behind: Vec<Inbound>,
}

impl Reader {
    /// Opens a reader of a log.
    pub(crate) async fn open(
        connection: &Arc<Connection>,
        log: String,
        partition: i32,
        start: Start,
    ) -> Result<Self> {
        let tag = ulid::Ulid::generate().to_string().to_lowercase();
        let spec = ConsumerSpec {
            log,
            subscription: format!("pf-reader-{tag}"),
            sub_type: SubType::Exclusive,
            is_durable: false,
            start,
            create: false,
            properties: Vec::new(),
        };
        let consumer = Consumer::subscribe(connection, &spec).await?;
        Ok(Self {
            connection: Arc::clone(connection),
            spec,
            partition,
            consumer: Some(consumer),
            last: None,
            permitted: 0,
            average: 0,
            received: 0,
            chunks: Chunks::default(),
            behind: Vec::new(),
        })
    }

    /// Opens a reader of what is stored in a log from now on.
    pub(crate) async fn open_at_end(
        connection: &Arc<Connection>,
        log: String,
        partition: i32,
    ) -> Result<Self> {
        let mut reader = Self::open(connection, log, partition, Start::Latest).await?;
        // After an outage it continues here, and not at the end of that time.
        match reader.last_id().await? {
            Some(last) => {
                reader.spec.start = Start::Entry(last);
                reader.last = Some(MessageId {
                    batch_index: i32::MAX,
                    ..last
                });
            }
            None => reader.spec.start = Start::Earliest,
        }
        Ok(reader)
    }

    /// Returns the last message of the log; none if it is empty.
    pub(crate) async fn last_id(&mut self) -> Result<Option<MessageId>> {
        let consumer = self.connected().await?;
        let last = consumer.handle.last_id().await?;
        let partition = self.partition;
        Ok(last.map(|last| MessageId { partition, ..last }))
    }

    /// Returns the name of the log and the number of its partition.
    pub(crate) fn log(&self) -> (&str, i32) {
        (&self.spec.log, self.partition)
    }

    /// Returns the last message that was returned.
    pub(crate) fn position(&self) -> Option<MessageId> {
        self.last
    }

    /// Reports whether everything up to a message was returned.
    pub(crate) fn has_passed(&self, end: MessageId) -> bool {
        let at = |id: MessageId| (id.ledger, id.entry);
        self.last.is_some_and(|last| at(last) >= at(end))
    }

    /// Reports whether parts of messages came: where a reader starts behind the first one, the message is left out.
    pub(crate) fn has_seen_chunks(&self) -> bool {
        self.chunks.were_seen
    }

    /// Waits for the next messages. May be dropped.
    pub(crate) async fn next(&mut self) -> Result<Vec<Inbound>> {
        if !self.behind.is_empty() {
            return Ok(std::mem::take(&mut self.behind));
        }
        loop {
            self.connected().await?;
            self.permit();
            let Some(consumer) = &mut self.consumer else {
                continue;
            };
            match consumer.next().await {
                ConsumerEvent::Entry(command, payload) => {
                    let entry = Entry::read(&command, payload.metadata, payload.data)?;
                    let messages = self.take(entry)?;
                    if !messages.is_empty() {
                        return Ok(messages);
                    }
                }
                ConsumerEvent::Closed(why) => {
                    tracing::debug!(%why, log = self.spec.log, "reader lost");
                    self.consumer = None;
                }
            }
        }
    }

    /// Waits for the next messages up to `end`; none once all of them were returned.
    pub(crate) async fn next_until(&mut self, end: MessageId) -> Result<Option<Vec<Inbound>>> {
        if self.has_passed(end) {
            return Ok(None);
        }
        match timeout(SILENCE, self.next()).await {
            Ok(messages) => {
                let at = |id: MessageId| (id.ledger, id.entry);
                let within = |message: &Inbound| at(message.id) <= at(end);
                let (messages, behind): (Vec<_>, Vec<_>) = messages?.into_iter().partition(within);
                // The last message up to the end may be gone; those behind it are for another call.
                self.behind = behind;
                Ok(Some(messages).filter(|messages| !messages.is_empty()))
            }
            Err(_) if self.is_drained().await? => Ok(None),
            Err(_) => Ok(Some(Vec::new())),
        }
    }

    /// Reports whether everything that the log has was delivered: its last entry may be gone.
    async fn is_drained(&mut self) -> Result<bool> {
        let Some(consumer) = &self.consumer else {
            return Ok(false);
        };
        match consumer.handle.backlog().await {
            Ok(backlog) => Ok(backlog <= self.received),
            Err(failed) if failed.is_transient() => {
                self.consumer = None;
                Ok(false)
            }
            Err(failed) => Err(failed),
        }
    }

    async fn connected(&mut self) -> Result<&mut Consumer> {
        if self.consumer.is_none() {
            let consumer = self.reconnect().await?;
            self.consumer = Some(consumer);
            (self.permitted, self.received) = (0, 0);
        }
        match &mut self.consumer {
            Some(consumer) => Ok(consumer),
            None => Err(crate::backends::pulsar::error::no_answer()),
        }
    }

    async fn reconnect(&mut self) -> Result<Consumer> {
        // The first parts of a message that is not complete are read again.
        if let Some(here) = self.chunks.first().or(self.last) {
            self.spec.start = Start::Entry(here);
        }
        self.chunks.clear();
        let deadline = Instant::now() + RIDE_OUT;
        let mut backoff = Backoff::default();
        loop {
            match Consumer::subscribe(&self.connection, &self.spec).await {
                Err(failed) if failed.is_transient() && Instant::now() < deadline => {
                    backoff.pause().await;
                }
                result => return result,
            }
        }
    }

    fn permit(&mut self) {
        let by_bytes = match self.average {
            0 => FIRST_PERMITS,
            average => PREFETCH_BYTES / average,
        };
        let most = PREFETCH.min(by_bytes).max(1);
        let Some(consumer) = &self.consumer else {
            return;
        };
        if self.permitted <= most / 2 {
            let permits = most - self.permitted;
            consumer.handle.flow(u32::try_from(permits).unwrap_or(1));
            self.permitted = most;
        }
    }

    /// Takes an entry; what was returned before an outage is left out.
    fn take(&mut self, entry: Entry) -> Result<Vec<Inbound>> {
        let (id, count) = (entry.id, entry.messages.len().max(1));
        self.received += 1;
        self.permitted = self.permitted.saturating_sub(entry.size.max(1));
        self.average = (self.average * 7 + entry.bytes() / count + 512) / 8;
        let last = self.last.map(MessageId::place);
        let mut messages = match self.chunks.add(entry)? {
            Some(entry) => entry.messages,
            None => Vec::new(),
        };
        messages.retain(|message| last.is_none_or(|last| message.id.place() > last));
        for message in &mut messages {
            message.id.partition = self.partition;
        }
        let newest = messages.last().map_or(id, |message| message.id);
        if last.is_none_or(|last| newest.place() > last) {
            self.last = Some(newest);
        }
        Ok(messages)
    }
}
