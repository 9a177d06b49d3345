//! What is written down of dead letters, a record each: plans, receipts and the lease.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use crate::transport::{JobAction, JobId, LetterId};

/// How long a lease lasts unless it is renewed.
const LASTS: Duration = Duration::from_secs(30);

/// A job as written down.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) action: JobAction,
    pub(super) selection: String,
    /// Milliseconds since the epoch.
    pub(super) created: i64,
    pub(super) started: bool,
}

/// A letter as a job knows it: its name, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry(pub(super) LetterId, pub(super) Option<String>);

/// What a step of a job did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Receipt {
    /// How many letters of the job have been dealt with since.
    pub(super) through: u64,
    /// Those that are letters no more.
    pub(super) letters: Vec<Dealt>,
}

/// Letters of a partition that were dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dealt {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) ids: Vec<LetterId>,
    pub(super) offsets: Vec<i64>,
}

impl Receipt {
    /// Adds a letter.
    pub(super) fn add(&mut self, id: &LetterId, (topic, partition, offset): (&str, i32, i64)) {
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
pub(super) struct Lease {
    pub(super) job: JobId,
    /// None once it was given back.
    pub(super) holder: Option<String>,
    /// The offset of the first record of this lease; none in that record itself.
    pub(super) token: Option<u64>,
}

/// A lease and when it was written.
#[derive(Debug, Clone)]
pub(super) struct Leased {
    pub(super) lease: Lease,
    pub(super) token: u64,
    pub(super) time: SystemTime,
}

impl Leased {
    /// Reports whether somebody holds it at this time.
    pub(super) fn is_live(&self, now: SystemTime) -> bool {
        let age = now.duration_since(self.time).unwrap_or_default();
        self.lease.holder.is_some() && age < LASTS
    }
}

/// Letters of a job that stand in one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) count: u64,
    pub(super) offset: i64,
}

/// What is known of a job.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) plan: Option<Plan>,
    /// By the number of letters before each.
    pub(super) chunks: BTreeMap<u64, Chunk>,
    /// How many letters were dealt with.
    pub(super) through: u64,
}

impl Known {
    /// Counts the letters.
    pub(super) fn planned(&self) -> u64 {
        self.chunks.values().map(|chunk| chunk.count).sum()
    }
}

/// A receipt that is kept, and the last offset of each partition that it speaks of.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) time: SystemTime,
    pub(super) last: Vec<(String, i32, i64)>,
}
