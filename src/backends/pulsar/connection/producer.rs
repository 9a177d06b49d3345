//! A producer of one log: a task that keeps a window of messages in flight, and sends them again after an outage.
//!
//! Messages that were in flight when the connection was lost are sent again under their sequence ids, in order, by a producer
//! of the same name. On a topic with deduplication they are stored once; on any other, those of which only the receipt was
//! lost are stored twice.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use pulsar::{
    message::Payload,
    proto::{CommandProducer, MessageIdData},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    handle::Connection,
    retry::{Backoff, RIDE_OUT},
    wire::{Link, ProducerEvent, commands},
};
use crate::{
    backends::pulsar::{
        codec::{message::Outbound, message_id::MessageId},
        error::{connection_lost, error},
    },
    event::unix_millis,
    transport::{ErrorKind, Result, TransportError},
};

/// Messages in flight. More of them only wait longer.
const WINDOW: usize = 500;
/// A producer that has had nothing to send for so long is closed on the broker.
const IDLE: Duration = Duration::from_secs(60);

/// The result of a message: where it is stored, or nothing if it was stored before under the same sequence id.
pub(crate) type Sent = Result<Option<MessageId>>;

/// A producer of a log.
#[derive(Debug)]
pub(crate) struct Producer {
    queue: mpsc::UnboundedSender<Item>,
    task: AbortOnDropHandle<()>,
}

/// A message that is on its way.
#[derive(Debug)]
struct Item {
    outbound: Outbound,
    /// The number that the caller gave it, else the next one.
    sequence: Option<u64>,
    deadline: Instant,
    /// Whether the broker may have got it.
    was_sent: bool,
    done: oneshot::Sender<Sent>,
}

impl Producer {
    /// Creates a producer under a name of its own, which connects with the first message.
    pub(crate) fn new(connection: &Arc<Connection>, log: String) -> Self {
        Self::start(connection, log, None)
    }

    /// Creates a producer under a fixed name, whose messages have numbers that the caller gives them. Only one such producer
    /// can be connected.
    pub(crate) fn named(connection: &Arc<Connection>, log: String, name: String) -> Self {
        Self::start(connection, log, Some(name))
    }

    fn start(connection: &Arc<Connection>, log: String, name: Option<String>) -> Self {
        let (queue, items) = mpsc::unbounded_channel();
        let worker = Worker {
            connection: Arc::clone(connection),
            log,
            is_named: name.is_some(),
            name,
            epoch: 0,
            next_sequence: 0,
            items,
            pending: VecDeque::new(),
        };
        Self {
            queue,
            task: AbortOnDropHandle::new(tokio::spawn(worker.run())),
        }
    }

    /// Enqueues a message behind the earlier ones. The result arrives once it is known.
    pub(crate) fn send(&self, outbound: Outbound) -> impl Future<Output = Sent> + use<> {
        self.enqueue(outbound, None)
    }

    /// The same under a number, which must be higher than those of the messages before.
    pub(crate) fn send_numbered(
        &self,
        outbound: Outbound,
        sequence: u64,
    ) -> impl Future<Output = Sent> + use<> {
        self.enqueue(outbound, Some(sequence))
    }

    fn enqueue(
        &self,
        outbound: Outbound,
        sequence: Option<u64>,
    ) -> impl Future<Output = Sent> + use<> {
        let (done, result) = oneshot::channel();
        let item = Item {
            outbound,
            sequence,
            deadline: Instant::now() + RIDE_OUT,
            was_sent: false,
            done,
        };
        let is_queued = self.queue.send(item).is_ok();
        async move {
            match result.await {
                Ok(result) => result,
                Err(_) if is_queued => Err(unknown("the producer was closed")),
                Err(_) => Err(error(ErrorKind::Other, "the producer was closed")),
            }
        }
    }

    /// Closes it on the broker once everything has its result.
    pub(crate) async fn close(self) {
        let Self { queue, task } = self;
        drop(queue);
        // A worker that panicked has nothing to close.
        let _ = task.await;
    }
}

struct Worker {
    connection: Arc<Connection>,
    log: String,
    /// The name that the broker or the caller gave it; a producer that comes back has the same.
    name: Option<String>,
    is_named: bool,
    epoch: u64,
    next_sequence: u64,
    items: mpsc::UnboundedReceiver<Item>,
    /// Messages without a result, in order.
    pending: VecDeque<(u64, Item)>,
}

/// A producer as the broker knows it.
struct Session {
    link: Arc<Link>,
    id: u64,
    events: mpsc::UnboundedReceiver<ProducerEvent>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.link.remove_producer(self.id);
    }
}

/// Why a session ended.
enum End {
    /// Nobody sends any more, and everything has its result.
    Done,
    /// There was nothing to send for a while.
    Idle,
    Lost(TransportError),
}

impl Worker {
    async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            if self.pending.is_empty() {
                match self.items.recv().await {
                    Some(item) => self.number(item),
                    None => return,
                }
            }
            let end = match self.open().await {
                Ok(mut session) => {
                    backoff = Backoff::default();
                    let end = self.serve(&mut session).await;
                    if !matches!(end, End::Lost(_)) {
                        let id = session.id;
                        let closing = session.link.request(|no| commands::close_producer(no, id));
                        // If that fails, the connection is gone, and the producer with it.
                        let _ = closing.await;
                    }
                    end
                }
                Err(failed) => End::Lost(failed),
            };
            match end {
                End::Done => return,
                End::Idle => {}
                End::Lost(why) => {
                    self.give_up(&why);
                    if !self.pending.is_empty() {
                        backoff.pause().await;
                    }
                }
            }
        }
    }

    fn number(&mut self, item: Item) {
        let sequence = item.sequence.unwrap_or(self.next_sequence);
        self.next_sequence = sequence + 1;
        self.pending.push_back((sequence, item));
    }

    async fn open(&mut self) -> Result<Session> {
        let link = self.connection.broker_of(&self.log).await?;
        let id = link.next_id();
        let events = link.add_producer(id);
        let session = Session { link, id, events };
        let (topic, producer_name) = (self.log.clone(), self.name.clone());
        let (epoch, is_named) = (self.epoch, self.is_named);
        let answer = session
            .link
            .request(|request_id| {
                commands::producer(CommandProducer {
                    topic,
                    producer_id: id,
                    request_id,
                    producer_name,
                    epoch: Some(epoch),
                    user_provided_producer_name: Some(is_named),
                    ..CommandProducer::default()
                })
            })
            .await?;
        let opened = answer.producer_success;
        let opened = opened.ok_or_else(|| commands::unexpected("producer"))?;
        self.name = Some(opened.producer_name);
        self.epoch += 1;
        Ok(session)
    }

    /// Sends what has no result, then what comes, until the session ends.
    async fn serve(&mut self, session: &mut Session) -> End {
        for number in 0..self.pending.len() {
            self.transmit(session, number);
        }
        loop {
            let has_room = self.pending.len() < WINDOW;
            let oldest = self.pending.front().map(|(_, item)| item.deadline);
            let wake = oldest.unwrap_or_else(|| Instant::now() + IDLE);
            let step = async {
                tokio::select! {
                    event = session.events.recv() => Step::Event(event),
                    item = self.items.recv(), if has_room => Step::Item(item),
                }
            };
            match timeout_at(wake, step).await {
                Ok(Step::Event(event)) => {
                    let closed = connection_lost("it was closed");
                    let event = event.unwrap_or(ProducerEvent::Closed(closed));
                    if let Some(why) = self.take(event) {
                        return End::Lost(why);
                    }
                }
                Ok(Step::Item(Some(item))) => {
                    self.number(item);
                    self.transmit(session, self.pending.len() - 1);
                }
                Ok(Step::Item(None)) => return self.finish(session).await,
                Err(_) if self.pending.is_empty() => return End::Idle,
                Err(_) => return End::Lost(connection_lost("the broker does not answer")),
            }
        }
    }

    /// Waits for the last results.
    async fn finish(&mut self, session: &mut Session) -> End {
        while let Some((_, oldest)) = self.pending.front() {
            let Ok(Some(event)) = timeout_at(oldest.deadline, session.events.recv()).await else {
                return End::Lost(connection_lost("the broker does not answer"));
            };
            if let Some(why) = self.take(event) {
                return End::Lost(why);
            }
        }
        End::Done
    }

    fn transmit(&mut self, session: &Session, number: usize) {
        let (sequence, item) = &mut self.pending[number];
        item.was_sent = true;
        let mut metadata = item.outbound.metadata.clone();
        metadata.producer_name = self.name.clone().unwrap_or_default();
        metadata.sequence_id = *sequence;
        metadata.publish_time = unix_millis(std::time::SystemTime::now());
        let data = item.outbound.payload.to_vec();
        let command = commands::send(session.id, *sequence);
        session.link.send(command, Some(Payload { metadata, data }));
    }

    /// Takes a result; returns why the session ended, if it did.
    fn take(&mut self, event: ProducerEvent) -> Option<TransportError> {
        match event {
            ProducerEvent::Closed(why) => return Some(why),
            ProducerEvent::Refused(_, why) if why.is_transient() => return Some(why),
            ProducerEvent::Refused(sequence, why) => self.settle(sequence, Err(why)),
            ProducerEvent::Stored(sequence, id) => {
                let id = self.stored(id.as_ref());
                self.settle(sequence, id);
            }
        }
        None
    }

    /// Reads the id in a receipt. A broker that recognises a duplicate confirms it with an id that is none.
    fn stored(&self, id: Option<&MessageIdData>) -> Sent {
        match id.map(MessageId::of_entry).filter(|id| !id.is_none()) {
            Some(id) => Ok(Some(id)),
            None if self.is_named || self.epoch > 1 => Ok(None),
            None => Err(error(
                ErrorKind::Other,
                "the broker confirmed the message as a duplicate and did not store it",
            )),
        }
    }

    fn settle(&mut self, sequence: u64, result: Sent) {
        let place = self
            .pending
            .iter()
            .position(|(number, _)| *number == sequence);
        if let Some((_, item)) = place.and_then(|place| self.pending.remove(place)) {
            // The caller may have dropped its future.
            let _ = item.done.send(result);
        }
    }

    /// Fails what cannot wait any longer; everything, if another attempt would fail alike.
    fn give_up(&mut self, why: &TransportError) {
        while let Ok(item) = self.items.try_recv() {
            self.number(item);
        }
        let now = Instant::now();
        let kept = std::mem::take(&mut self.pending);
        for (sequence, item) in kept {
            if why.is_transient() && item.deadline > now {
                self.pending.push_back((sequence, item));
            } else {
                let failed = match item.was_sent {
                    true => unknown(why.message()).because(why.clone()),
                    false => why.clone(),
                };
                let _ = item.done.send(Err(failed));
            }
        }
    }
}

enum Step {
    Event(Option<ProducerEvent>),
    Item(Option<Item>),
}

fn unknown(why: &str) -> TransportError {
    error(ErrorKind::Ambiguous, format!("outcome unknown: {why}"))
}
