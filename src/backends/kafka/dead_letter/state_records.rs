//! What is written down of dead letters, a record each: plans, receipts and the lease.

use std::{collections::BTreeMap, time::SystemTime};

use serde::{Deserialize, Serialize};

use crate::transport::{JOB_LEASE, JobAction, JobId, LetterId};

/// A job as written down.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) action: JobAction,
    pub(crate) selection: String,
    /// Milliseconds since the epoch.
    pub(crate) created: i64,
    pub(crate) started: bool,
}

/// A letter as a job knows it: its name, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry(pub(crate) LetterId, pub(crate) Option<String>);

/// What a step of a job did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    /// How many letters of the job have been dealt with since.
    pub(crate) through: u64,
    /// Those that are letters no more.
    pub(crate) letters: Vec<Dealt>,
}

/// Letters of a partition that were dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dealt {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) ids: Vec<LetterId>,
    pub(crate) offsets: Vec<i64>,
}

impl Receipt {
    /// Adds a letter.
    pub(crate) fn add(&mut self, id: &LetterId, (topic, partition, offset): (&str, i32, i64)) {
        let mut known = self.letters.iter_mut();
        let known = known.find(|dealt| dealt.topic == topic && dealt.partition == partition);
        if let Some(dealt) = known {
            dealt.ids.push(id.clone());
            dealt.offsets.push(offset);
            return;
        }
        self.letters.push(Dealt {
            topic: topic.to_owned(),
            partition,
            ids: vec![id.clone()],
            offsets: vec![offset],
        });
    }
}

/// Who works on the dead letters of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) job: JobId,
    /// None once it was given back.
    pub(crate) holder: Option<String>,
    /// The offset of the first record of this lease; none in that record itself.
    pub(crate) token: Option<u64>,
}

/// A lease and when it was written.
#[derive(Debug, Clone)]
pub(crate) struct Leased {
    pub(crate) lease: Lease,
    pub(crate) token: u64,
    pub(crate) time: SystemTime,
}

impl Leased {
    /// Reports whether somebody holds it at this time.
    pub(crate) fn is_live(&self, now: SystemTime) -> bool {
        let age = now.duration_since(self.time).unwrap_or_default();
        self.lease.holder.is_some() && age < JOB_LEASE
    }
}

/// Letters of a job that stand in one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) count: u64,
    pub(crate) offset: i64,
}

/// What is known of a job.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub(crate) plan: Option<Plan>,
    /// By the number of letters before each.
    pub(crate) chunks: BTreeMap<u64, Chunk>,
    /// How many letters were dealt with.
    pub(crate) through: u64,
}

impl Known {
    /// Counts the letters.
    pub(crate) fn planned(&self) -> u64 {
        self.chunks.values().map(|chunk| chunk.count).sum()
    }
}

/// A receipt that is kept, and the last offset of each partition that it speaks of.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) time: SystemTime,
    pub(crate) last: Vec<(String, i32, i64)>,
}
