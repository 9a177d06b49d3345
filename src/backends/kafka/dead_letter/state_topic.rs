//! `pf.state`, the compacted topic of the dead-letter jobs: plans, receipts and the lease, read into memory.
//!
//! Everything is a record of one partition, so that its order is the order of events for every reader, and so that one
//! transaction can commit replayed messages, the receipt and the progress of a job together.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use bytes::Bytes;
use rdkafka::types::RDKafkaErrorCode as Code;
use serde::Serialize;

use super::{
    resolved::{self, ResolvedLetters},
    state_records::{Chunk, JobState, Lease, LeaseRecord, Receipt, RetainedReceipt},
};
use crate::{
    backends::kafka::{
        codec::{
            record::{self, FetchedRecord, OutgoingRecord},
            topic_partition::RecordPlace,
        },
        connection::{
            access::{self, Access},
            admin::{COMPACTED, TopicSpec, fixed},
            client::settings::Isolation,
            handle::Connection,
            producer::RecordMetadata,
        },
        read::partition_reader::PartitionReader,
    },
    transport::{DeadLetterId, JobId, Result, TransportError},
};

/// The key of the lease.
pub(crate) const LEASE: &str = "lease";
/// The key of a record that is written to learn the time of the broker.
const CLOCK: &str = "clock";

/// The state of all jobs, and the letters that are resolved.
#[derive(Debug, Default)]
pub(crate) struct TriageState {
    pub(crate) jobs: BTreeMap<String, JobState>,
    pub(crate) lease: Option<LeaseRecord>,
    pub(crate) resolved: ResolvedLetters,
    pub(crate) receipts: BTreeMap<i64, RetainedReceipt>,
}

impl TriageState {
    /// Reads it, up to what is committed now.
    pub(crate) async fn read(connection: &Arc<Connection>) -> Result<Self> {
        let mut state = Self::default();
        let topic = connection.names().state_topic();
        if connection.topics.partitions(&topic).await?.is_none() {
            return Ok(state);
        }
        let ranges = connection.topics.ranges(vec![(topic, 0)]).await?;
        let mut reader = PartitionReader::open(connection, ranges, Isolation::Committed)?;
        while let Some(chunk) = reader.next().await? {
            for read in &chunk {
                state.apply(read);
            }
        }
        state.jobs.retain(|_, job| job.plan.is_some());
        Ok(state)
    }

    /// Applies the next record.
    fn apply(&mut self, read: &FetchedRecord) {
        let key = read.key.as_deref().map(std::str::from_utf8);
        let Some(Ok(key)) = key else {
            return;
        };
        let mut parts = key.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("job"), Some(job), None, _) => self.apply_job(job, read),
            (Some("chunk"), Some(job), Some(start), Some(count)) => {
                self.apply_chunk(job, (start, count), read);
            }
            (Some("done"), Some(job), Some(_), None) => self.apply_receipt(job, read),
            (Some("again"), Some(id), None, _) => {
                let id = DeadLetterId::from_stored(id);
                self.resolved.reopen(resolved::compact_id(&id));
            }
            (Some(LEASE), None, ..) => self.lease = leased(read),
            _ => {}
        }
    }

    fn apply_job(&mut self, job: &str, read: &FetchedRecord) {
        match value(read) {
            Some(plan) => self.jobs.entry(job.to_owned()).or_default().plan = Some(plan),
            None => drop(self.jobs.remove(job)),
        }
    }

    fn apply_chunk(&mut self, job: &str, (start, count): (&str, &str), read: &FetchedRecord) {
        let (Ok(start), Ok(count)) = (start.parse(), count.parse()) else {
            return;
        };
        if read.payload.is_none() {
            if let Some(known) = self.jobs.get_mut(job) {
                known.chunks.remove(&start);
            }
            return;
        }
        let chunk = Chunk {
            count,
            offset: read.offset,
        };
        let known = self.jobs.entry(job.to_owned()).or_default();
        known.chunks.insert(start, chunk);
    }

    fn apply_receipt(&mut self, job: &str, read: &FetchedRecord) {
        let Some(receipt) = value::<Receipt>(read) else {
            return;
        };
        let known = self.jobs.entry(job.to_owned()).or_default();
        known.through = known.through.max(receipt.through);
        let mut retained = RetainedReceipt {
            time: read.time,
            last: Vec::with_capacity(receipt.letters.len()),
        };
        for resolved_at in &receipt.letters {
            for (id, offset) in resolved_at.ids.iter().zip(&resolved_at.offsets) {
                let place = RecordPlace {
                    topic: &resolved_at.topic,
                    partition: resolved_at.partition,
                    offset: *offset,
                };
                self.resolved.add(resolved::compact_id(id), place);
            }
            let last = resolved_at.offsets.iter().max().copied().unwrap_or(-1);
            retained
                .last
                .push((resolved_at.topic.clone(), resolved_at.partition, last));
        }
        self.receipts.insert(read.offset, retained);
    }

    /// Returns the lease, if it is held according to the clock of this machine.
    pub(crate) fn held(&self) -> Option<&LeaseRecord> {
        let lease = self.lease.as_ref();
        lease.filter(|lease| lease.is_live(SystemTime::now()))
    }
}

fn value<T: serde::de::DeserializeOwned>(read: &FetchedRecord) -> Option<T> {
    serde_json::from_slice(read.payload.as_ref()?).ok()
}

fn leased(read: &FetchedRecord) -> Option<LeaseRecord> {
    let lease: Lease = value(read)?;
    let offset = u64::try_from(read.offset).unwrap_or(0);
    Some(LeaseRecord {
        token: lease.token.unwrap_or(offset),
        lease,
        time: read.time,
    })
}

/// Returns the topic as it has to be created. Its timestamps are those of the broker, by which leases end.
pub(crate) fn topic_spec(connection: &Connection) -> TopicSpec {
    let mut settings = fixed(&COMPACTED);
    settings.push(("message.timestamp.type", "LogAppendTime".into()));
    TopicSpec {
        name: connection.names().state_topic(),
        partitions: 1,
        settings,
    }
}

/// Creates the topic unless it exists.
pub(crate) async fn ensure_topic(connection: &Arc<Connection>) -> Result<()> {
    connection
        .topics
        .create(&[topic_spec(connection)])
        .await
        .map(drop)
}

/// Encodes a record; without a value it is a tombstone.
pub(crate) fn record(
    connection: &Connection,
    key: impl Into<String>,
    value: Option<&impl Serialize>,
) -> Result<OutgoingRecord> {
    Ok(OutgoingRecord {
        topic: connection.names().state_topic(),
        partition: Some(0),
        key: Some(Bytes::from(key.into())),
        payload: value.map(record::json).transpose()?,
        headers: None,
    })
}

/// Returns the tombstone of a key.
pub(crate) fn tombstone(connection: &Connection, key: impl Into<String>) -> OutgoingRecord {
    OutgoingRecord::tombstone(connection.names().state_topic(), 0, Bytes::from(key.into()))
}

/// Writes records and waits until they are stored.
pub(crate) async fn write(
    connection: &Arc<Connection>,
    records: Vec<OutgoingRecord>,
) -> Result<Vec<RecordMetadata>> {
    let answers = connection
        .unbatched_producer()
        .await?
        .send(records)
        .await
        .into_iter();
    answers
        .map(|answer| answer.map_err(|code| unwritten(connection, code)))
        .collect()
}

fn unwritten(connection: &Connection, code: Code) -> TransportError {
    let topic = connection.names().state_topic();
    let access = Access::topic("Write", &topic);
    let doing = "writing to the topic of dead-letter jobs";
    access::from_code(&connection.config, code, doing, access)
}

/// Returns the time of the broker: leases are compared with it, so that the clocks of consumers do not matter.
pub(crate) async fn now(connection: &Arc<Connection>) -> Result<SystemTime> {
    let clock = record(connection, CLOCK, Some(&0))?;
    let answer = connection.unbatched_producer().await?.send_one(clock).await;
    let stored = answer.map_err(|code| unwritten(connection, code))?;
    Ok(record::time(stored.millis))
}

/// Returns the key of a job.
pub(crate) fn job_key(job: &JobId) -> String {
    format!("job/{job}")
}

/// Returns the key of a chunk of the letters of a job, behind `start` others.
pub(crate) fn chunk_key(job: &JobId, start: u64, count: u64) -> String {
    format!("chunk/{job}/{start}/{count}")
}

/// Returns the key of the receipt of a step that began behind `from` letters.
pub(crate) fn receipt_key(job: &JobId, from: u64) -> String {
    format!("done/{job}/{from}")
}

/// Returns the key of the record that says that a resolved letter was imported again.
pub(crate) fn reopened_key(id: &DeadLetterId) -> String {
    format!("again/{id}")
}

/// Returns the tombstones of a job. Its receipts stay: they say which letters are resolved.
pub(crate) fn tombstones(
    connection: &Connection,
    job: &JobId,
    known: &JobState,
) -> Vec<OutgoingRecord> {
    let chunks = known.chunks.iter();
    let chunks =
        chunks.map(|(start, chunk)| tombstone(connection, chunk_key(job, *start, chunk.count)));
    let mut records: Vec<OutgoingRecord> = chunks.collect();
    records.push(tombstone(connection, job_key(job)));
    records
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{backends::kafka::codec::record::InternalHeaders, event::Headers};

    fn written(offset: i64, key: &str, value: Option<serde_json::Value>) -> FetchedRecord {
        FetchedRecord {
            topic: "pf.state".into(),
            partition: 0,
            offset,
            time: SystemTime::UNIX_EPOCH,
            key: Some(Bytes::copy_from_slice(key.as_bytes())),
            payload: value.map(|value| value.to_string().into()),
            headers: Headers::new(),
            marks: InternalHeaders::default(),
        }
    }

    fn plan() -> serde_json::Value {
        serde_json::json!({"action": {"action": "purge"}, "selection": "--all", "created": 1, "started": true})
    }

    fn at(offset: i64) -> RecordPlace<'static> {
        RecordPlace {
            topic: "order.dlq",
            partition: 0,
            offset,
        }
    }

    #[test]
    fn a_job_is_read_in_whatever_order_compaction_leaves() {
        let mut state = TriageState::default();
        state.apply(&written(3, "chunk/j/0/2", Some(serde_json::json!([]))));
        state.apply(&written(4, "chunk/j/2/1", Some(serde_json::json!([]))));
        state.apply(&written(
            5,
            "done/j/0",
            Some(serde_json::json!({"through": 2, "letters": [
            {"topic": "order.dlq", "partition": 0, "ids": ["aaaaaaaaaaab"], "offsets": [7]}]})),
        ));
        state.apply(&written(6, "job/j", Some(plan())));
        let job = &state.jobs["j"];
        assert_eq!((job.planned(), job.through), (3, 2));
        assert!(job.plan.as_ref().is_some_and(|plan| plan.started));
        assert!(state.resolved.contains(1, at(9)));
        state.apply(&written(7, "again/aaaaaaaaaaab", Some(1.into())));
        assert!(!state.resolved.has(1));
        state.apply(&written(8, "job/j", None));
        assert!(state.jobs.is_empty());
        assert!(state.resolved.contains(1, at(7)), "its receipt stays");
    }

    #[test]
    fn a_lease_runs_out_and_is_given_back() {
        let mut state = TriageState::default();
        let lease = |holder: Option<&str>, token: Option<u64>| serde_json::json!({"job": "j", "holder": holder, "token": token});
        state.apply(&written(9, "lease", Some(lease(Some("ann"), None))));
        let live = |state: &TriageState, seconds| {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            state.lease.as_ref().is_some_and(|lease| lease.is_live(now))
        };
        assert!(live(&state, 29) && !live(&state, 30));
        assert_eq!(state.lease.as_ref().map(|lease| lease.token), Some(9));
        state.apply(&written(12, "lease", Some(lease(Some("ann"), Some(9)))));
        assert_eq!(state.lease.as_ref().map(|lease| lease.token), Some(9));
        state.apply(&written(13, "lease", Some(lease(None, Some(9)))));
        assert!(!live(&state, 0));
    }
}
