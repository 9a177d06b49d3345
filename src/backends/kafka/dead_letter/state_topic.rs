//! `pf.state`, the compacted topic of what became of dead letters: receipts, plans and the lease, a record each.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use bytes::Bytes;
use serde::Serialize;

use super::{
    resolved::{self, Resolved},
    state_records::{Chunk, Kept, Known, Lease, Leased, Receipt},
};
use crate::{
    backends::kafka::{
        codec::{
            record::{self, FetchedRecord, OutgoingRecord},
            topic_partition::OffsetRange,
        },
        connection::{
            admin::{COMPACTED, TopicSpec},
            client::settings::Isolation,
            handle::Connection,
            producer::RecordMetadata,
        },
        error,
        read::partition_reader::PartitionReader,
    },
    transport::{JobId, LetterId, Result, TransportError},
};

/// The key of the lease.
pub(crate) const LEASE: &str = "lease";
/// The key of a record that only asks what time it is at the broker.
const CLOCK: &str = "clock";

/// Everything that was written down.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) jobs: BTreeMap<String, Known>,
    pub(crate) lease: Option<Leased>,
    pub(crate) resolved: Resolved,
    pub(crate) receipts: BTreeMap<i64, Kept>,
}

impl State {
    /// Reads it, up to what is committed now.
    pub(crate) async fn read(connection: &Arc<Connection>) -> Result<Self> {
        let mut state = Self::default();
        let topic = connection.names().state_topic();
        if connection.topics.partitions(&topic).await?.is_none() {
            return Ok(state);
        }
        let bounds = connection
            .topics
            .watermarks(vec![(topic.clone(), 0)])
            .await?;
        let spans = bounds.iter().map(|bounds| OffsetRange {
            topic: topic.clone(),
            partition: 0,
            from: bounds.low,
            until: Some(bounds.high),
        });
        let mut reader = PartitionReader::open(connection, spans.collect(), Isolation::Committed)?;
        while let Some(chunk) = reader.next().await? {
            for read in &chunk {
                state.take(read);
            }
        }
        state.jobs.retain(|_, job| job.plan.is_some());
        Ok(state)
    }

    /// Takes in the next record.
    fn take(&mut self, read: &FetchedRecord) {
        let key = read.key.as_deref().map(std::str::from_utf8);
        let Some(Ok(key)) = key else {
            return;
        };
        let mut parts = key.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("job"), Some(job), None, _) => self.take_job(job, read),
            (Some("chunk"), Some(job), Some(start), Some(count)) => {
                self.take_chunk(job, (start, count), read);
            }
            (Some("done"), Some(job), Some(_), None) => self.take_receipt(job, read),
            (Some("again"), Some(id), None, _) => {
                let id = LetterId::from_stored(id);
                self.resolved.again(resolved::number(&id));
            }
            (Some(LEASE), None, ..) => self.lease = leased(read),
            _ => {}
        }
    }

    fn take_job(&mut self, job: &str, read: &FetchedRecord) {
        match value(read) {
            Some(plan) => self.jobs.entry(job.to_owned()).or_default().plan = Some(plan),
            None => drop(self.jobs.remove(job)),
        }
    }

    fn take_chunk(&mut self, job: &str, (start, count): (&str, &str), read: &FetchedRecord) {
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

    fn take_receipt(&mut self, job: &str, read: &FetchedRecord) {
        let Some(receipt) = value::<Receipt>(read) else {
            return;
        };
        let known = self.jobs.entry(job.to_owned()).or_default();
        known.through = known.through.max(receipt.through);
        let mut kept = Kept {
            time: read.time,
            last: Vec::with_capacity(receipt.letters.len()),
        };
        for dealt in &receipt.letters {
            for (id, offset) in dealt.ids.iter().zip(&dealt.offsets) {
                let place = (&*dealt.topic, dealt.partition, *offset);
                self.resolved.add(resolved::number(id), place);
            }
            let last = dealt.offsets.iter().max().copied().unwrap_or(-1);
            kept.last.push((dealt.topic.clone(), dealt.partition, last));
        }
        self.receipts.insert(read.offset, kept);
    }

    /// Returns the lease, if somebody holds it as far as our own clock tells.
    pub(crate) fn held(&self) -> Option<&Leased> {
        let lease = self.lease.as_ref();
        lease.filter(|lease| lease.is_live(SystemTime::now()))
    }
}

fn value<T: serde::de::DeserializeOwned>(read: &FetchedRecord) -> Option<T> {
    serde_json::from_slice(read.payload.as_ref()?).ok()
}

fn leased(read: &FetchedRecord) -> Option<Leased> {
    let lease: Lease = value(read)?;
    let offset = u64::try_from(read.offset).unwrap_or(0);
    Some(Leased {
        token: lease.token.unwrap_or(offset),
        lease,
        time: read.time,
    })
}

/// Returns the topic as it has to be made.
pub(crate) fn wanted(connection: &Connection) -> TopicSpec {
    let mut settings = COMPACTED.to_vec();
    settings.push(("message.timestamp.type", "LogAppendTime"));
    TopicSpec {
        name: connection.names().state_topic(),
        partitions: 1,
        settings,
    }
}

/// Makes the topic unless it is there.
pub(crate) async fn make(connection: &Arc<Connection>) -> Result<()> {
    connection
        .topics
        .create(&[wanted(connection)])
        .await
        .map(drop)
}

/// Lays out a record; without a value it ends the one of the same key.
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

/// Lays out the end of a record.
pub(crate) fn end(connection: &Connection, key: impl Into<String>) -> OutgoingRecord {
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
    let failed = |code| error::from_code(code, "writing down what becomes of dead letters");
    answers.map(|answer| answer.map_err(failed)).collect()
}

/// Asks what time it is at the broker.
pub(crate) async fn now(connection: &Arc<Connection>) -> Result<SystemTime> {
    let placed = write(connection, vec![record(connection, CLOCK, Some(&0))?]).await?;
    let placed = placed.first();
    let placed =
        placed.ok_or_else(|| TransportError::unanswered(crate::backends::kafka::error::SCHEME))?;
    Ok(record::time(placed.millis))
}

/// Returns the key of a job.
pub(crate) fn job_key(job: &JobId) -> String {
    format!("job/{job}")
}

/// Returns the key of letters of a job, of which so many are before them.
pub(crate) fn chunk_key(job: &JobId, start: u64, count: u64) -> String {
    format!("chunk/{job}/{start}/{count}")
}

/// Returns the key of the receipt of a step that began behind so many letters.
pub(crate) fn receipt_key(job: &JobId, from: u64) -> String {
    format!("done/{job}/{from}")
}

/// Returns the key of the mark that a letter which was dealt with was imported again.
pub(crate) fn again_key(id: &LetterId) -> String {
    format!("again/{id}")
}

/// Returns the records that end a job. Its receipts stay.
pub(crate) fn erased(connection: &Connection, job: &JobId, known: &Known) -> Vec<OutgoingRecord> {
    let chunks = known.chunks.iter();
    let chunks = chunks.map(|(start, chunk)| end(connection, chunk_key(job, *start, chunk.count)));
    let mut records: Vec<OutgoingRecord> = chunks.collect();
    records.push(end(connection, job_key(job)));
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

    #[test]
    fn a_job_is_read_in_whatever_order_compaction_leaves() {
        let mut state = State::default();
        state.take(&written(3, "chunk/j/0/2", Some(serde_json::json!([]))));
        state.take(&written(4, "chunk/j/2/1", Some(serde_json::json!([]))));
        state.take(&written(
            5,
            "done/j/0",
            Some(serde_json::json!({"through": 2, "letters": [
            {"topic": "order.dlq", "partition": 0, "ids": ["aaaaaaaaaaab"], "offsets": [7]}]})),
        ));
        state.take(&written(6, "job/j", Some(plan())));
        let job = &state.jobs["j"];
        assert_eq!((job.planned(), job.through), (3, 2));
        assert!(job.plan.as_ref().is_some_and(|plan| plan.started));
        assert!(state.resolved.contains(1, ("order.dlq", 0, 9)));
        state.take(&written(7, "again/aaaaaaaaaaab", Some(1.into())));
        assert!(!state.resolved.has(1));
        state.take(&written(8, "job/j", None));
        assert!(state.jobs.is_empty());
        assert!(
            state.resolved.contains(1, ("order.dlq", 0, 7)),
            "its receipt stays"
        );
    }

    #[test]
    fn a_lease_runs_out_and_is_given_back() {
        let mut state = State::default();
        let lease = |holder: Option<&str>, token: Option<u64>| serde_json::json!({"job": "j", "holder": holder, "token": token});
        state.take(&written(9, "lease", Some(lease(Some("ann"), None))));
        let live = |state: &State, seconds| {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            state.lease.as_ref().is_some_and(|lease| lease.is_live(now))
        };
        assert!(live(&state, 29) && !live(&state, 30));
        assert_eq!(state.lease.as_ref().map(|lease| lease.token), Some(9));
        state.take(&written(12, "lease", Some(lease(Some("ann"), Some(9)))));
        assert_eq!(state.lease.as_ref().map(|lease| lease.token), Some(9));
        state.take(&written(13, "lease", Some(lease(None, Some(9)))));
        assert!(!live(&state, 0));
    }
}
