//! Ranges of acknowledged entries behind ones that wait.
//!
//! A broker stores at most 10,000 ranges of a subscription and forgets the rest when it restarts: their events come again.
//! Delayed events make such ranges, one each, if others are acknowledged between them. When there are many,
//! they are moved to the end of the group's retry topic, where they wait side by side: stored there first, then acknowledged
//! here. What is in flight is left alone, and is never that much.

use std::{
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::future::{BoxFuture, join_all};

use super::{
    session::Session,
    settle::retry_log,
    state::{Handle, Kind},
};
use crate::{
    backends::{
        delivery_buffer::wait::wait_until,
        pulsar::{
            codec::{
                message::{Inbound, Outbound},
                message_id::MessageId,
                protocol::SubType,
                retry::{RetryRecord, lineage},
            },
            connection::{
                admin,
                consumer::{Consumer, ConsumerSpec, Start},
                names::partition,
            },
            read::{backlog::next_entry, reader::Reader},
        },
    },
    event::Topic,
    transport::{ErrorKind, Result},
};

/// After this many acknowledgements of a log its ranges are counted.
const COUNT_EVERY: usize = 2_000;
/// This many ranges are too many: half of those that a broker stores by default.
const MANY: u64 = 5_000;
/// Events that are due later than this are with no consumer.
const FAR: Duration = Duration::from_secs(15);
/// Events that are moved at the same time.
const AT_ONCE: usize = 500;

/// A log of which the ranges are counted.
#[derive(Debug, Clone)]
struct Place {
    log: usize,
    name: String,
    topic: Topic,
    kind: Kind,
    partition: i32,
}

/// Keeps the ranges few until the subscription ends. Without the admin API nothing can be done.
pub(super) fn run(session: Arc<Session>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        loop {
            let next = wait_until(&session.delivered, || next_place(&session)).await;
            let ControlFlow::Continue(place) = next else {
                return;
            };
            if let Err(failed) = count(&session, &place).await {
                tracing::debug!(%failed, log = place.name, "acknowledged ranges are not counted");
            }
            session.state().logs[place.log].is_held_back = false;
            session.wake.notify_waiters();
        }
    })
}

/// Returns a log that acknowledged much since its ranges were counted.
fn next_place(session: &Session) -> Option<ControlFlow<(), Place>> {
    let mut state = session.state();
    if state.closed {
        return Some(ControlFlow::Break(()));
    }
    let mut logs = state.logs.iter_mut().enumerate();
    let (log, found) = logs.find(|(_, log)| log.acknowledged >= COUNT_EVERY)?;
    found.acknowledged = 0;
    let name = session.connection.config.names.full(&found.local);
    Some(ControlFlow::Continue(Place {
        log,
        name: match u32::try_from(found.partition) {
            Ok(number) => partition(&name, number),
            Err(_) => name,
        },
        topic: found.topic.clone(),
        kind: found.kind,
        partition: found.partition,
    }))
}

async fn count(session: &Arc<Session>, place: &Place) -> Result<()> {
    let (connection, group) = (&session.connection, session.request.group.as_str());
    // A bounded consumer waits for its own retries where it stored them.
    if place.kind == Kind::Retries && session.request.until_end {
        return Ok(());
    }
    let known = admin::subscription(connection, &place.name, group).await?;
    let ranges = known.and_then(|known| known["nonContiguousDeletedMessagesRanges"].as_u64());
    if ranges.is_none_or(|ranges| ranges < MANY) {
        return Ok(());
    }
    session.state().logs[place.log].is_held_back = true;
    // Only one consumer moves events.
    let lock = ConsumerSpec {
        log: place.name.clone(),
        subscription: format!("pf-ranges-{group}"),
        sub_type: SubType::Exclusive,
        is_durable: false,
        start: Start::Latest,
        create: false,
        properties: Vec::new(),
    };
    let lock = match Consumer::subscribe(connection, &lock).await {
        Err(held) if held.kind() == ErrorKind::Held => return Ok(()),
        lock => lock?,
    };
    let moved = move_waiting(session, place).await;
    let closed = lock.handle.close().await;
    let moved = moved.and_then(|moved| closed.map(|()| moved))?;
    tracing::debug!(moved, log = place.name, "waiting events were moved");
    Ok(())
}

/// Moves delayed events that are between acknowledged entries; returns how many.
async fn move_waiting(session: &Arc<Session>, place: &Place) -> Result<usize> {
    let connection = &session.connection;
    let path = format!("{}/internalStats", admin::path_of(&place.name));
    let internal = admin::get(connection, &path).await?.unwrap_or_default();
    let cursor = &internal["cursors"][session.request.group.as_str()];
    let deleted = cursor["individuallyDeletedMessages"].as_str();
    let Some(acknowledged) = Acknowledged::parse(
        cursor["markDeletePosition"].as_str().unwrap_or_default(),
        deleted.unwrap_or_default(),
    ) else {
        return Ok(0);
    };
    let (start, end) = (acknowledged.start, acknowledged.end());
    let name = place.name.clone();
    let mut reader = Reader::open(connection, name, place.partition, Start::Entry(start)).await?;
    let (mut waiting, mut moved) = (Vec::new(), 0);
    while let Some(messages) = reader.next_until(end).await? {
        let far = SystemTime::now() + FAR;
        {
            let state = session.state();
            if state.closed {
                return Ok(moved);
            }
            let here = &state.logs[place.log].entries;
            let waits = |message: &Inbound| {
                let is_alone = message.id.batch_index == -1 && message.parts.is_empty();
                let is_done = acknowledged.contains(message.id) || here.is_here(message.id);
                is_alone && message.due > Some(far) && !is_done
            };
            waiting.extend(messages.into_iter().filter(waits));
        }
        if waiting.len() >= AT_ONCE {
            moved += move_all(session, place, std::mem::take(&mut waiting)).await?;
        }
    }
    Ok(moved + move_all(session, place, waiting).await?)
}

/// Stores events in the retry topic, then acknowledges them. A consumer that is closed meanwhile stays until that is done.
async fn move_all(session: &Arc<Session>, place: &Place, waiting: Vec<Inbound>) -> Result<usize> {
    {
        let mut state = session.state();
        if state.closed {
            return Ok(0);
        }
        state.logs[place.log].is_moving = true;
    }
    let moved = store_and_acknowledge(session, place, waiting).await;
    session.state().logs[place.log].is_moving = false;
    session.wake.notify_waiters();
    moved
}

async fn store_and_acknowledge(
    session: &Arc<Session>,
    place: &Place,
    waiting: Vec<Inbound>,
) -> Result<usize> {
    let (Some(first), Some(consumer)) = (waiting.first(), consumer(session, place)) else {
        return Ok(0);
    };
    let handle = Handle {
        log: place.log,
        id: first.id,
    };
    let Some((_, target)) = retry_log(session, handle) else {
        return Ok(0);
    };
    let producer = session.producer(&target, || session.retry_keeper());
    let sendings: Vec<_> = waiting
        .iter()
        .map(|message| producer.send(outbound(session, place, message)))
        .collect();
    // What is stored is acknowledged even if another one is not: it would be moved again.
    let (mut ids, mut failed) = (Vec::with_capacity(waiting.len()), Ok(()));
    for (message, sent) in waiting.iter().zip(join_all(sendings).await) {
        match sent {
            Ok(_) => ids.push(message.id),
            Err(error) => failed = Err(error),
        }
    }
    let count = ids.len();
    consumer.ack(ids.clone()).await?;
    session.state().logs[place.log].entries.confirmed(&ids);
    failed.map(|()| count)
}

fn consumer(
    session: &Session,
    place: &Place,
) -> Option<crate::backends::pulsar::connection::consumer::ConsumerHandle> {
    session.state().logs[place.log].consumer.clone()
}

/// Encodes an event as it waits in the retry topic: like a retry of an event that never failed.
fn outbound(session: &Session, place: &Place, message: &Inbound) -> Outbound {
    let mut outbound = match place.kind {
        Kind::Retries => Outbound::internal(&message.message(place.topic.clone()), &message.marks),
        Kind::Topic => {
            let stored = message.stored(&place.topic);
            let record = RetryRecord {
                position: stored.position,
                time: stored.time,
                failed: 0,
                first_failed: message.time,
                earlier: Vec::new(),
                added: 0,
            };
            let real_topic = session.connection.config.names.full(place.topic.as_str());
            record.outbound(&stored.message, lineage(message).as_deref(), &real_topic)
        }
    };
    if let Some(due) = message.due {
        outbound.deliver_at(due);
    }
    outbound
}

/// What a group acknowledged of a log, as the admin API writes it.
#[derive(Debug, PartialEq, Eq)]
struct Acknowledged {
    /// Everything up to this entry.
    start: MessageId,
    /// Ranges behind it, in order, each without its first entry.
    ranges: Vec<((u64, u64), (u64, u64))>,
}

impl Acknowledged {
    /// Parses `3:5` and `[(3:6..3:7],(3:9..3:12]]`; none if there are no ranges.
    fn parse(start: &str, ranges: &str) -> Option<Self> {
        let parsed = |range: &str| {
            let (from, to) = range.split_once("..")?;
            Some((next_entry(from)?, next_entry(to)?))
        };
        let ranges = ranges.trim_matches(['[', ']']).split("],");
        let ranges = ranges.filter_map(|range| parsed(range.trim_matches(['(', ']', ' '])));
        let ranges: Vec<_> = ranges.collect();
        let (ledger, next) = next_entry(start)?;
        let acknowledged = Self {
            start: id(ledger, next),
            ranges,
        };
        (!acknowledged.ranges.is_empty()).then_some(acknowledged)
    }

    /// Returns the last acknowledged entry.
    fn end(&self) -> MessageId {
        let last = self.ranges.last().map(|(_, to)| *to);
        last.map_or(self.start, |(ledger, next)| {
            id(ledger, next.saturating_sub(1))
        })
    }

    fn contains(&self, message: MessageId) -> bool {
        let at = (message.ledger, message.entry);
        if at < (self.start.ledger, self.start.entry) {
            return true;
        }
        let before = self.ranges.partition_point(|(from, _)| *from <= at);
        before > 0 && at < self.ranges[before - 1].1
    }
}

fn id(ledger: u64, entry: u64) -> MessageId {
    MessageId {
        ledger,
        entry,
        batch_index: -1,
        partition: -1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_admin_api_writes_them() {
        let read = Acknowledged::parse("3:5", "[(3:6..3:7],(3:9..3:12],(4:-1..4:0]]").unwrap();
        assert_eq!(read.end(), id(4, 0));
        let contains = |ledger, entry| read.contains(id(ledger, entry));
        for (ledger, entry) in [(2, 9), (3, 5), (3, 7), (3, 10), (3, 12), (4, 0)] {
            assert!(contains(ledger, entry), "{ledger}:{entry}");
        }
        for (ledger, entry) in [(3, 6), (3, 8), (3, 9), (3, 13), (4, 1)] {
            assert!(!contains(ledger, entry), "{ledger}:{entry}");
        }
        assert_eq!(Acknowledged::parse("3:5", "[]"), None);
        assert_eq!(Acknowledged::parse("", ""), None);
    }
}
