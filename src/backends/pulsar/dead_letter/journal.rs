//! The journal of dead-letter jobs, `pf.jobs`: who holds the lease, how far each job is, and which letters are resolved.
//!
//! Only the exclusive producer of the topic can write it, so that the broker fences a holder that lost the lease. Every record
//! adds to what is known or replaces it by a key: a reader may see old records again in front of a summary.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use super::internal_log::read_all;
use crate::{
    backends::pulsar::{codec::message_id::MessageId, connection::handle::Connection},
    transport::{JOB_LEASE, JobId, Result},
};

/// The local name of the topic, without its prefix.
const TOPIC: &str = "jobs";

/// A record of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub(crate) enum Record {
    /// A new writer: what its predecessors wrote stands before this.
    Fence,
    Lease(Lease),
    /// How far a job is, and the letters that it resolved with this step.
    Step {
        job: JobId,
        progress: Progress,
        resolved: Vec<u64>,
    },
    /// Letters that were resolved by earlier records.
    Resolved {
        resolved: Vec<u64>,
    },
}

/// The lease on the dead letters of a namespace: one job at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) job: JobId,
    /// None once it was given back.
    pub(crate) holder: Option<String>,
    pub(crate) token: u64,
    #[serde(with = "crate::transport::stamp")]
    pub(crate) time: SystemTime,
}

impl Lease {
    /// Reports whether it is held, by the clock of its holder.
    pub(crate) fn is_live(&self) -> bool {
        let age = SystemTime::now().duration_since(self.time);
        self.holder.is_some() && age.unwrap_or_default() < JOB_LEASE
    }
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// How many letters are processed.
    pub(crate) through: u64,
    /// Letters up to this number may have been published.
    pub(crate) announced: u64,
    /// When they were announced.
    #[serde(with = "crate::transport::stamp")]
    pub(crate) time: SystemTime,
    /// Logs that recognised duplicates when they were announced.
    pub(crate) exact: Vec<String>,
    /// The last letter of each such log that is confirmed.
    pub(crate) confirmed: BTreeMap<String, u64>,
}

impl Progress {
    /// Returns that of a job that has just begun.
    pub(crate) fn begin() -> Self {
        Self {
            through: 0,
            announced: 0,
            time: SystemTime::now(),
            exact: Vec::new(),
            confirmed: BTreeMap::new(),
        }
    }
}

/// What the journal says.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) lease: Option<Lease>,
    pub(crate) progress: HashMap<String, Progress>,
    /// The keys of letters that are resolved.
    pub(crate) resolved: HashSet<u64>,
    /// How many records there are.
    pub(crate) records: usize,
    /// The last of them.
    pub(crate) last: Option<MessageId>,
}

impl Journal {
    /// Reads it.
    pub(crate) async fn read(connection: &Arc<Connection>) -> Result<Self> {
        let mut journal = Self::default();
        read_all(connection, &topic(connection), |inbound| {
            let payload = inbound.payload.as_deref().unwrap_or_default();
            journal.records += 1;
            journal.last = Some(inbound.id);
            // A later version may write records of other kinds.
            if let Ok(record) = serde_json::from_slice(payload) {
                journal.apply(record);
            }
        })
        .await?;
        Ok(journal)
    }

    fn apply(&mut self, record: Record) {
        match record {
            Record::Fence => {}
            Record::Lease(lease) => self.lease = Some(lease),
            Record::Step {
                job,
                progress,
                resolved,
            } => {
                self.progress.insert(job.0, progress);
                self.resolved.extend(resolved);
            }
            Record::Resolved { resolved } => self.resolved.extend(resolved),
        }
    }
}

/// Returns Pulsar's name of the journal.
pub(crate) fn topic(connection: &Connection) -> String {
    connection.config.names.internal(TOPIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(through: u64, resolved: &[u64]) -> Record {
        Record::Step {
            job: JobId("j".to_owned()),
            progress: Progress {
                through,
                ..Progress::begin()
            },
            resolved: resolved.to_vec(),
        }
    }

    #[test]
    fn later_records_replace_earlier_ones_and_add_to_them() {
        let mut journal = Journal::default();
        for record in [step(1, &[7]), step(3, &[8, 9]), Record::Fence] {
            let text = serde_json::to_string(&record).unwrap();
            journal.apply(serde_json::from_str(&text).unwrap());
        }
        assert_eq!(journal.progress["j"].through, 3);
        assert_eq!(journal.resolved, HashSet::from([7, 8, 9]));
        let summary = Record::Resolved {
            resolved: vec![7, 8, 9],
        };
        journal.apply(summary);
        assert_eq!(journal.resolved.len(), 3);
    }

    #[test]
    fn a_lease_ends_with_its_time_or_its_holder() {
        let mut lease = Lease {
            job: JobId("j".to_owned()),
            holder: Some("ann".to_owned()),
            token: 1,
            time: SystemTime::now(),
        };
        assert!(lease.is_live());
        lease.time -= JOB_LEASE;
        assert!(!lease.is_live());
        lease = Lease {
            holder: None,
            time: SystemTime::now(),
            ..lease
        };
        assert!(!lease.is_live());
    }
}
