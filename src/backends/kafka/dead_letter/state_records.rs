//! The records of `pf.state`: plans, receipts and the lease.

use std::{collections::BTreeMap, time::SystemTime};

use serde::{Deserialize, Serialize};

use crate::{
    backends::kafka::codec::topic_partition::RecordPlace,
    transport::{DeadLetterId, JOB_LEASE, JobAction, JobId},
};

/// A job as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) action: JobAction,
    pub(crate) selection: String,
    /// Milliseconds since the epoch.
    pub(crate) created: i64,
    pub(crate) started: bool,
}

/// A letter of a job: its id and its position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry(pub(crate) DeadLetterId, pub(crate) Option<String>);

/// The result of a step of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    /// How many letters of the job are processed with this step.
    pub(crate) through: u64,
    /// The letters that this step resolved.
    pub(crate) letters: Vec<ResolvedAt>,
}

/// Letters of one partition that were resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResolvedAt {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) ids: Vec<DeadLetterId>,
    pub(crate) offsets: Vec<i64>,
}

impl Receipt {
    /// Adds a letter.
    pub(crate) fn add(&mut self, id: &DeadLetterId, at: RecordPlace<'_>) {
        let mut known = self.letters.iter_mut();
        let known = known.find(|known| known.topic == at.topic && known.partition == at.partition);
        if let Some(resolved_at) = known {
            resolved_at.ids.push(id.clone());
            resolved_at.offsets.push(at.offset);
            return;
        }
        self.letters.push(ResolvedAt {
            topic: at.topic.to_owned(),
            partition: at.partition,
            ids: vec![id.clone()],
            offsets: vec![at.offset],
        });
    }
}

/// The lease on the dead letters of a store: one job at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) job: JobId,
    /// None once it was released.
    pub(crate) holder: Option<String>,
    /// The offset of the first record of this lease; none in that record itself.
    pub(crate) token: Option<u64>,
}

/// A lease and when it was written.
#[derive(Debug, Clone)]
pub(crate) struct LeaseRecord {
    pub(crate) lease: Lease,
    pub(crate) token: u64,
    pub(crate) time: SystemTime,
}

impl LeaseRecord {
    /// Reports whether it is held at this time.
    pub(crate) fn is_live(&self, now: SystemTime) -> bool {
        let age = now.duration_since(self.time).unwrap_or_default();
        self.lease.holder.is_some() && age < JOB_LEASE
    }
}

/// Letters of a job that are stored in one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) count: u64,
    pub(crate) offset: i64,
}

/// The state of a job.
#[derive(Debug, Clone, Default)]
pub(crate) struct JobState {
    pub(crate) plan: Option<Plan>,
    /// By the number of letters before each.
    pub(crate) chunks: BTreeMap<u64, Chunk>,
    /// How many letters were processed.
    pub(crate) through: u64,
}

impl JobState {
    /// Counts the letters.
    pub(crate) fn planned(&self) -> u64 {
        self.chunks.values().map(|chunk| chunk.count).sum()
    }
}

/// A receipt that was not ended, and its last offset of each partition.
#[derive(Debug, Clone)]
pub(crate) struct RetainedReceipt {
    pub(crate) time: SystemTime,
    pub(crate) last: Vec<(String, i32, i64)>,
}
