//! A consumer of one log, as the protocol has it: entries come as far as they were permitted, and are acknowledged by id.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{
    handle::Connection,
    wire::{ConsumerEvent, Link, commands},
};
use crate::{
    backends::pulsar::{
        codec::message_id::MessageId,
        codec::protocol::{
            AckType, CommandSubscribe, InitialPosition, KeyValue, MessageIdData, SubType,
        },
        error::connection_lost,
    },
    transport::Result,
};

/// Which log a consumer reads, and how.
#[derive(Debug, Clone)]
pub(crate) struct ConsumerSpec {
    /// The name of the log: a topic without partitions, or a partition.
    pub(crate) log: String,
    pub(crate) subscription: String,
    pub(crate) sub_type: SubType,
    /// Whether the subscription and its position stay when the consumer leaves.
    pub(crate) is_durable: bool,
    /// Where a new subscription starts.
    pub(crate) start: Start,
    /// Whether the log is created if it does not exist.
    pub(crate) create: bool,
    /// Properties of a new subscription.
    pub(crate) properties: Vec<(String, String)>,
}

/// Where a new subscription starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Earliest,
    Latest,
    /// With this entry (not durable).
    Entry(MessageId),
    /// With the messages of this many last seconds. This moves a subscription that exists, too.
    Seconds(u64),
}

/// A consumer that is connected.
#[derive(Debug)]
pub(crate) struct Consumer {
    pub(crate) handle: ConsumerHandle,
    events: mpsc::UnboundedReceiver<ConsumerEvent>,
}

/// What can be asked of a consumer from elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct ConsumerHandle {
    link: Arc<Link>,
    id: u64,
}

impl Consumer {
    /// Subscribes. Nothing comes before [`flow`](ConsumerHandle::flow).
    pub(crate) async fn subscribe(connection: &Connection, spec: &ConsumerSpec) -> Result<Self> {
        let link = connection.broker_of(&spec.log).await?;
        let id = link.next_id();
        let consumer = Self {
            events: link.add_consumer(id),
            handle: ConsumerHandle { link, id },
        };
        let link = &consumer.handle.link;
        link.request(|request_id| commands::subscribe(request(spec, id, request_id)))
            .await?;
        Ok(consumer)
    }

    /// Waits for what happens next. May be dropped.
    pub(crate) async fn next(&mut self) -> ConsumerEvent {
        let event = self.events.recv().await;
        event.unwrap_or_else(|| ConsumerEvent::Closed(connection_lost("it was closed")))
    }

    /// Returns what happened already.
    pub(crate) fn try_next(&mut self) -> Option<ConsumerEvent> {
        self.events.try_recv().ok()
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.handle.link.remove_consumer(self.handle.id);
        if !self.handle.link.is_lost() {
            // A consumer that nobody reads would keep its messages until the connection ends.
            let (link, id) = (&self.handle.link, self.handle.id);
            link.send(commands::close_consumer(link.next_id(), id), None);
        }
    }
}

fn request(spec: &ConsumerSpec, consumer_id: u64, request_id: u64) -> CommandSubscribe {
    let position = match spec.start {
        Start::Latest => InitialPosition::Latest,
        _ => InitialPosition::Earliest,
    };
    let start_message_id = match spec.start {
        Start::Entry(id) => Some(id.entry_data()),
        // A subscription that is not durable has no initial position.
        Start::Earliest if !spec.is_durable => Some(end_of_log(u64::MAX)),
        Start::Latest if !spec.is_durable => Some(end_of_log(i64::MAX.cast_unsigned())),
        _ => None,
    };
    let property = |(key, value): &(String, String)| KeyValue {
        key: key.clone(),
        value: value.clone(),
    };
    CommandSubscribe {
        topic: spec.log.clone(),
        subscription: spec.subscription.clone(),
        sub_type: spec.sub_type as i32,
        consumer_id,
        request_id,
        consumer_name: Some(consumer_name()),
        durable: Some(spec.is_durable),
        start_message_id,
        initial_position: Some(position as i32),
        force_topic_creation: Some(spec.create),
        start_message_rollback_duration_sec: match spec.start {
            Start::Seconds(seconds) => Some(seconds),
            _ => None,
        },
        subscription_properties: spec.properties.iter().map(property).collect(),
        ..CommandSubscribe::default()
    }
}

/// Returns the ids by which clients name the first (-1) and the last entry of a log.
fn end_of_log(number: u64) -> MessageIdData {
    MessageIdData {
        ledger_id: number,
        entry_id: number,
        ..MessageIdData::default()
    }
}

/// Returns a name that tells people which process a consumer is.
fn consumer_name() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "pf".to_owned());
    let tag = ulid::Ulid::generate().to_string().to_lowercase();
    format!("{host}-{}-{}", std::process::id(), &tag[20..])
}

impl ConsumerHandle {
    /// Reports whether its connection ended, and not only the consumer.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.link.is_lost()
    }

    /// Permits this many messages more.
    pub(crate) fn flow(&self, permits: u32) {
        if permits > 0 {
            self.link.send(commands::flow(self.id, permits), None);
        }
    }

    /// Acknowledges entries; returns once the broker confirms it.
    pub(crate) async fn ack(&self, entries: Vec<MessageId>) -> Result<()> {
        self.acknowledge(AckType::Individual, entries).await
    }

    /// Acknowledges everything up to an entry.
    pub(crate) async fn ack_up_to(&self, entry: MessageId) -> Result<()> {
        self.acknowledge(AckType::Cumulative, vec![entry]).await
    }

    async fn acknowledge(&self, kind: AckType, entries: Vec<MessageId>) -> Result<()> {
        let entries = entries.into_iter().map(MessageId::entry_data).collect();
        let acknowledging = self
            .link
            .request(|id| commands::ack(id, self.id, kind, entries));
        acknowledging.await.map(drop)
    }

    /// Returns the id of the last message of the log; none if it is empty.
    pub(crate) async fn last_id(&self) -> Result<Option<MessageId>> {
        let answer = self
            .link
            .request(|id| commands::last_id(id, self.id))
            .await?;
        let answer = answer.get_last_message_id_response;
        let answer = answer.ok_or_else(|| commands::unexpected("question for the last message"))?;
        let id = MessageId::of(&answer.last_message_id);
        Ok(Some(id).filter(|id| !id.is_none()))
    }

    /// Returns how many entries of the subscription are not acknowledged, be they in flight, delayed or to be delivered.
    pub(crate) async fn backlog(&self) -> Result<u64> {
        let answer = self
            .link
            .request(|id| commands::consumer_stats(id, self.id))
            .await?;
        let answer = answer.consumer_stats_response;
        let answer = answer.ok_or_else(|| commands::unexpected("question for the backlog"))?;
        Ok(answer.msg_backlog.unwrap_or(0))
    }

    /// Removes the subscription with its position.
    pub(crate) async fn unsubscribe(&self) -> Result<()> {
        let removing = self.link.request(|id| commands::unsubscribe(id, self.id));
        removing.await.map(drop)
    }

    /// Leaves; what is not acknowledged goes to other consumers.
    pub(crate) async fn close(&self) -> Result<()> {
        let closing = self
            .link
            .request(|id| commands::close_consumer(id, self.id));
        closing.await.map(drop)
    }
}
