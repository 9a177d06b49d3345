//! Gaps: records that retention or truncation removed before they were read, and reading on behind them.
//!
//! Clients are configured to fail where an offset is out of range (`auto.offset.reset=error`), because librdkafka would
//! otherwise jump to an end of the log and say nothing. After that error it fetches nothing more of the partition: a
//! seek has no effect, and only a new assignment reads on.

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::{KafkaError, KafkaResult},
    types::RDKafkaErrorCode as Code,
};

use crate::{
    backends::kafka::{
        codec::topic_partition::{TopicPartition, Watermarks},
        error::{self, error},
    },
    transport::{ErrorKind, Result, TransportError},
};

/// Reports whether an error says that the next records are gone; the client then stops reading the partition.
pub(crate) fn is_gap(failed: &KafkaError) -> bool {
    matches!(
        failed.rdkafka_error_code(),
        Some(Code::AutoOffsetReset | Code::OffsetOutOfRange)
    )
}

/// Records that are missing from a partition.
#[derive(Debug)]
pub(crate) enum Gap {
    /// Retention removed the next records.
    Retention(TransportError),
    /// The log ends before the next offset.
    Truncated(TransportError),
}

impl Gap {
    /// Compares the next offset to read with the offsets that the log has.
    pub(crate) fn find(at: &TopicPartition, next: i64, watermarks: Watermarks) -> Option<Self> {
        if next < watermarks.low {
            return Some(Self::Retention(removed(at, next, watermarks.low)));
        }
        if next <= watermarks.high {
            return None;
        }
        let message = format!(
            "`{}`, partition {}, ends at offset {}, but was read up to {next} before: its broker lost records, or the \
             topic was recreated; it is read from its beginning",
            at.topic, at.partition, watermarks.high
        );
        let hint = "where brokers lose records, see `min.insync.replicas` and `unclean.leader.election.enable`";
        Some(Self::Truncated(error(ErrorKind::Gap, message).hint(hint)))
    }

    pub(crate) fn into_error(self) -> TransportError {
        match self {
            Self::Retention(failed) | Self::Truncated(failed) => failed,
        }
    }
}

/// Returns the error of records that retention removed.
pub(crate) fn removed(at: &TopicPartition, from: i64, to: i64) -> TransportError {
    let message = format!(
        "retention removed {} records of `{}`, partition {}, before they were read",
        to - from,
        at.topic,
        at.partition
    );
    error(ErrorKind::Gap, message).hint("raise the topic's `retention.ms`, or read more often")
}

/// Returns the error of a topic that was deleted and created again after a partition had been read up to an offset.
pub(crate) fn recreated(at: &TopicPartition, read: i64, watermarks: Watermarks) -> TransportError {
    let message = format!(
        "`{}` was deleted and created again after partition {} had been read up to offset {read}: unread records of the \
         old topic are gone; the new topic ({} records so far) is read from its beginning",
        at.topic,
        at.partition,
        watermarks.high - watermarks.low
    );
    error(ErrorKind::Gap, message)
}

/// Reads a partition on from an offset, though the client may have stopped reading it: a seek would have no effect then.
pub(crate) fn resume_at<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    at: &TopicPartition,
    offset: i64,
) -> Result<()> {
    let begin = || -> KafkaResult<()> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&at.topic, at.partition, Offset::Offset(offset))?;
        // This fails for a partition that is already unassigned; the new assignment is what counts.
        let _ = client.incremental_unassign(&list);
        client.incremental_assign(&list)
    };
    begin().map_err(|failed| error::from_kafka(failed, "reading"))
}
