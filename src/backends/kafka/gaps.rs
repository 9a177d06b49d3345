//! Records that are gone before they were read: how that is told, and how reading goes on behind them.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol},
    error::{KafkaError, KafkaResult},
    types::RDKafkaErrorCode as Code,
};

use super::{
    clients::QUEUED,
    connection::{self, Bounds},
    error, errors,
    part::PartId,
    pump::Pump,
    record::Read,
};
use crate::transport::{ErrorKind, Result, TransportError};

/// Reports whether the error says that records are gone; the client then reads the partition no further.
pub(super) fn is_gap(failed: &KafkaError) -> bool {
    matches!(
        failed.rdkafka_error_code(),
        Some(Code::AutoOffsetReset | Code::OffsetOutOfRange)
    )
}

/// What is missing of a partition.
#[derive(Debug)]
pub(super) enum Gap {
    /// Retention removed what came next.
    Removed(TransportError),
    /// The log ends before what came next.
    Cut(TransportError),
}

impl Gap {
    /// Looks whether what comes next is there, or will be.
    pub(super) fn find(topic: &str, partition: i32, next: i64, bounds: Bounds) -> Option<Self> {
        if next < bounds.low {
            return Some(Self::Removed(removed(topic, partition, next, bounds.low)));
        }
        if next <= bounds.high {
            return None;
        }
        let message = format!(
            "`{topic}`, partition {partition}, ends at offset {}, and was read up to {next} before: its broker \
             lost records, or the topic was made anew; it is read again from its beginning",
            bounds.high
        );
        let hint = "where brokers lose records, see `min.insync.replicas` and `unclean.leader.election.enable`";
        Some(Self::Cut(error(ErrorKind::Gap, message).hint(hint)))
    }

    pub(super) fn told(self) -> TransportError {
        match self {
            Self::Removed(told) | Self::Cut(told) => told,
        }
    }
}

/// Returns the error of records that retention removed.
pub(super) fn removed(topic: &str, partition: i32, from: i64, to: i64) -> TransportError {
    let count = to - from;
    let message = format!(
        "retention removed {count} records of `{topic}`, partition {partition}, before they were read"
    );
    error(ErrorKind::Gap, message).hint("raise the topic's `retention.ms`, or read more often")
}

/// Reads on at an offset of a partition that the client may have given up; in one of those it seeks nothing any more.
pub(super) fn go_on<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    topic: &str,
    partition: i32,
    offset: i64,
) -> Result<()> {
    let begin = || -> KafkaResult<()> {
        let mut place = TopicPartitionList::new();
        place.add_partition_offset(topic, partition, Offset::Offset(offset))?;
        // What was given up already cannot be given up again; then only the other half is left to do.
        let _ = client.incremental_unassign(&place);
        client.incremental_assign(&place)
    };
    begin().map_err(|failed| errors::of(failed, "reading"))
}

/// Partitions of a member in one of which the client stopped; it does not say in which.
#[derive(Debug, Default)]
pub(super) struct Torn {
    /// How far each was seen when the client stopped.
    seen: Option<HashMap<PartId, i64>>,
    /// Bytes that came since.
    passed: usize,
}

impl Pump {
    /// Goes on where the client stopped, once all has come that it had fetched by then: a partition that gave nothing
    /// more is the one.
    pub(super) fn mend(&mut self, came: &Came) -> Result<()> {
        let Some(torn) = &mut self.torn else {
            return Ok(());
        };
        let Some(seen) = &torn.seen else {
            let desk = self.shared.desk();
            let parts = desk.parts.iter();
            torn.seen = Some(parts.map(|(id, part)| (*id, part.kind.seen())).collect());
            return Ok(());
        };
        torn.passed += came.bytes;
        if came.count > 0 && torn.passed < QUEUED << 10 {
            return Ok(());
        }
        let seen = seen.clone();
        for (id, next) in seen {
            self.go_on(id, next)?;
        }
        self.torn = None;
        Ok(())
    }

    fn go_on(&self, id: PartId, next: i64) -> Result<()> {
        let (name, partition) = match self.shared.desk().parts.get(&id) {
            Some(part) if part.kind.seen() == next => (Arc::clone(&part.name), part.partition),
            _ => return Ok(()),
        };
        let bounds = connection::bounds(&self.client, &self.shared.link.config, &name, partition)?;
        let told = match Gap::find(&name, partition, next, bounds) {
            None => None,
            Some(Gap::Removed(told)) => Some(told),
            // Who joins anew is told, and begins where it should.
            Some(Gap::Cut(_)) => {
                self.leave();
                return Ok(());
            }
        };
        let offset = next.max(bounds.low);
        match self.client.rebalance_protocol() {
            RebalanceProtocol::Eager => self.assign_anew(id, offset)?,
            _ => go_on(&self.client, &name, partition, offset)?,
        }
        let mut desk = self.shared.desk();
        if let Some(part) = desk.parts.get_mut(&id) {
            part.kind.saw(offset);
        }
        if let Some(told) = told.filter(|_| *name != self.shared.retries) {
            desk.fail(told);
        }
        drop(desk);
        self.shared.came.notify_waiters();
        Ok(())
    }

    /// Reads on at an offset where all partitions can be assigned only together.
    fn assign_anew(&self, id: PartId, offset: i64) -> Result<()> {
        let assign = || -> KafkaResult<()> {
            let mut places = TopicPartitionList::new();
            for (other, part) in &self.shared.desk().parts {
                let next = if *other == id {
                    offset
                } else {
                    part.kind.seen()
                };
                places.add_partition_offset(&part.name, part.partition, Offset::Offset(next))?;
            }
            self.client.assign(&places)
        };
        assign().map_err(|failed| errors::of(failed, "reading"))
    }
}

/// How much came of a poll.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) count: usize,
    pub(super) bytes: usize,
}

impl Came {
    pub(super) fn of(chunk: &[Read]) -> Self {
        let payloads = chunk.iter().filter_map(|read| read.payload.as_ref());
        Self {
            count: chunk.len(),
            bytes: payloads.map(Bytes::len).sum(),
        }
    }
}
