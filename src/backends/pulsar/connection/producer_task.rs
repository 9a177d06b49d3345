//! The task of a producer of one log: it keeps a window of messages in flight, and sends them again after an outage.
//!
//! Messages that were in flight when the connection was lost are sent again under their sequence ids, in order, by a producer
//! of the same name. On a topic with deduplication they are stored once; on any other, those of which only the receipt was
//! lost are stored twice.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};

use super::{
    handle::Connection,
    keeper::Keeper,
    retry::Backoff,
    topics,
    wire::{Link, ProducerEvent, commands},
};
use crate::{
    backends::pulsar::{
        codec::{
            chunk::divide,
            message::Outbound,
            message_id::MessageId,
            protocol::{CommandProducer, MessageIdData, ProducerAccessMode},
        },
        error::{connection_lost, error, outcome_unknown},
    },
    event::unix_millis,
    transport::{ErrorKind, Result, TransportError},
};

/// Messages in flight. More of them only wait longer.
const WINDOW: usize = 500;
/// A producer that has had nothing to send for this long is closed on the broker.
const IDLE: Duration = Duration::from_mins(1);
/// An exclusive producer is not closed for being idle.
const HELD: Duration = Duration::from_hours(24);

/// The result of a message: where it is stored, or nothing if it was stored before under the same sequence id.
pub(crate) type Sent = Result<Option<MessageId>>;

/// How a producer differs from others.
#[derive(Debug, Default)]
pub(crate) struct ProducerSpec {
    /// A fixed name: only one such producer can be connected, and its callers number its messages.
    pub(crate) name: Option<String>,
    /// Whether it is the only one of its topic, and how it becomes that.
    pub(crate) exclusive: Option<Exclusive>,
    /// Whether messages that may have been stored before an outage are left alone: their outcome is unknown then.
    pub(crate) sends_once: bool,
    /// The subscription that keeps what is stored. A topic that was deleted has it again before anything is stored.
    pub(crate) keeper: Option<Keeper>,
}

/// How a producer becomes the only one of its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exclusive {
    /// Only if no other is connected.
    IfAlone,
    /// By disconnecting the others.
    Fencing,
}

/// What a broker says of a producer that connected.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Opened {
    /// How often the topic had another exclusive producer before.
    pub(crate) topic_epoch: Option<u64>,
    /// The number of the last message that was stored under its name, if the topic recognises duplicates and remembers it.
    pub(crate) last_sequence: Option<u64>,
}

/// A message that is on its way.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) outbound: Outbound,
    /// The number that the caller gave it, else the next one.
    pub(super) sequence: Option<u64>,
    pub(super) deadline: Instant,
    /// Whether the broker may have got it.
    pub(super) was_sent: bool,
    /// How many receipts it still gets: one for each entry that it was divided into.
    pub(super) entries: usize,
    pub(super) done: oneshot::Sender<Sent>,
}

pub(super) struct Worker {
    connection: Arc<Connection>,
    log: String,
    /// The name that the broker or the caller gave it; a producer that comes back has the same.
    name: Option<String>,
    is_named: bool,
    exclusive: Option<Exclusive>,
    sends_once: bool,
    keeper: Option<Keeper>,
    pub(super) opened: Opened,
    epoch: u64,
    next_sequence: u64,
    items: mpsc::UnboundedReceiver<Item>,
    /// Messages without a result, in order.
    pending: VecDeque<(u64, Item)>,
}

/// A producer as the broker knows it.
pub(super) struct Session {
    link: Arc<Link>,
    id: u64,
    events: mpsc::UnboundedReceiver<ProducerEvent>,
    is_closed: bool,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.link.remove_producer(self.id);
        if !self.is_closed && !self.link.is_lost() {
            // One that is not used any more would keep others of its name out until the connection ends.
            let closing = commands::close_producer(self.link.next_id(), self.id);
            self.link.send(closing, None);
        }
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
    pub(super) fn new(
        connection: &Arc<Connection>,
        log: String,
        items: mpsc::UnboundedReceiver<Item>,
        spec: ProducerSpec,
    ) -> Self {
        Self {
            connection: Arc::clone(connection),
            log,
            is_named: spec.name.is_some(),
            name: spec.name,
            exclusive: spec.exclusive,
            sends_once: spec.sends_once,
            keeper: spec.keeper,
            opened: Opened::default(),
            epoch: 0,
            next_sequence: 0,
            items,
            pending: VecDeque::new(),
        }
    }

    pub(super) async fn run(mut self, mut session: Option<Session>) {
        let mut backoff = Backoff::default();
        loop {
            if session.is_none() && self.pending.is_empty() {
                match self.items.recv().await {
                    Some(item) => self.number(item),
                    None => return,
                }
            }
            let opened = match session.take() {
                Some(session) => Ok(session),
                None => self.open().await,
            };
            let end = match opened {
                Ok(mut session) => {
                    backoff = Backoff::default();
                    let end = self.serve(&mut session).await;
                    if !matches!(end, End::Lost(_)) {
                        session.is_closed = true;
                        let id = session.id;
                        let closing = session.link.request(|no| commands::close_producer(no, id));
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

    pub(super) async fn open(&mut self) -> Result<Session> {
        if self.keeper.is_none() && self.epoch > 0 {
            topics::check_exists(&self.connection, &self.log).await?;
        }
        let link = self.connection.broker_of(&self.log).await?;
        let id = link.next_id();
        let events = link.add_producer(id);
        let session = Session {
            link,
            id,
            events,
            is_closed: false,
        };
        let (topic, producer_name) = (self.log.clone(), self.name.clone());
        let (epoch, access, is_named) = (self.epoch, self.access(), self.is_named);
        let topic_epoch = self.opened.topic_epoch;
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
                    producer_access_mode: Some(access as i32),
                    topic_epoch,
                })
            })
            .await?;
        let opened = answer.producer_success;
        let opened = opened.ok_or_else(|| commands::unexpected("producer"))?;
        if let Some(keeper) = &self.keeper {
            keeper.ensure(&self.connection, &self.log).await?;
        }
        self.name = Some(opened.producer_name);
        self.opened = Opened {
            topic_epoch: opened.topic_epoch,
            last_sequence: opened
                .last_sequence_id
                .and_then(|id| u64::try_from(id).ok()),
        };
        self.epoch += 1;
        Ok(session)
    }

    /// One that comes back after an outage takes nothing from others: meanwhile they may have become the only one.
    fn access(&self) -> ProducerAccessMode {
        match self.exclusive {
            None => ProducerAccessMode::Shared,
            Some(Exclusive::Fencing) if self.epoch == 0 => ProducerAccessMode::ExclusiveWithFencing,
            Some(_) => ProducerAccessMode::Exclusive,
        }
    }

    /// Sends what has no result, then what comes, until the session ends.
    async fn serve(&mut self, session: &mut Session) -> End {
        let mut number = 0;
        while number < self.pending.len() {
            number += usize::from(self.transmit(session, number));
        }
        loop {
            let has_room = self.pending.len() < WINDOW;
            let oldest = self.pending.front().map(|(_, item)| item.deadline);
            let idle = if self.exclusive.is_some() { HELD } else { IDLE };
            let wake = oldest.unwrap_or_else(|| Instant::now() + idle);
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

    /// Sends a message, divided where it is larger than the broker accepts; `false` if it cannot be sent, and has its result.
    fn transmit(&mut self, session: &Session, number: usize) -> bool {
        let (sequence, item) = &mut self.pending[number];
        let sequence = *sequence;
        let mut metadata = item.outbound.metadata.clone();
        metadata.producer_name = self.name.clone().unwrap_or_default();
        metadata.sequence_id = sequence;
        metadata.publish_time = unix_millis(std::time::SystemTime::now());
        let data = item.outbound.payload.clone();
        let limit = session.link.max_message_size;
        let entries = match divide(metadata, data, limit) {
            Ok(entries) => entries,
            Err(refused) => {
                self.settle(sequence, Err(refused));
                return false;
            }
        };
        item.was_sent = true;
        item.entries = entries.len();
        for entry in entries {
            let command = commands::send(session.id, sequence, item.entries > 1);
            session.link.send(command, Some(entry));
        }
        true
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
            // Sent before, by an earlier producer of its name or before an outage.
            None if self.is_named || self.epoch > 1 => Ok(None),
            None => Err(error(
                ErrorKind::Other,
                "the broker confirmed the message as a duplicate and did not store it",
            )),
        }
    }

    /// Ends a message with its result; one that was divided with the last of its receipts, or an error.
    fn settle(&mut self, sequence: u64, result: Sent) {
        let mut pending = self.pending.iter();
        let Some(place) = pending.position(|(number, _)| *number == sequence) else {
            return;
        };
        let entries = &mut self.pending[place].1.entries;
        if result.is_ok() && *entries > 1 {
            *entries -= 1;
        } else if let Some((_, item)) = self.pending.remove(place) {
            let _ = item.done.send(result);
        }
    }

    /// Fails what cannot wait any longer; everything, if another attempt would fail alike.
    fn give_up(&mut self, why: &TransportError) {
        while let Ok(item) = self.items.try_recv() {
            self.number(item);
        }
        for (sequence, item) in std::mem::take(&mut self.pending) {
            let may_repeat = !item.was_sent || !self.sends_once;
            if why.is_transient() && item.deadline > Instant::now() && may_repeat {
                self.pending.push_back((sequence, item));
            } else {
                let unknown = item.was_sent.then(|| outcome_unknown(why.message()));
                let _ = item.done.send(Err(unknown.unwrap_or_else(|| why.clone())));
            }
        }
    }
}

#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
enum Step {
    Event(Option<ProducerEvent>),
    Item(Option<Item>),
}
