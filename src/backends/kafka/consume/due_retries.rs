//! Handing out what waited for another run once it is due.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use rdkafka::consumer::Consumer as _;

use super::{
    assignment::partition::{Kind, PartId},
    poll_loop::{LOOK, Pump},
    state::{Claim, Desk, Waited, Waiting},
};
use crate::{
    backends::kafka::{
        codec::record::{self, FetchedRecord},
        delay::{delayed_record, index::Due},
    },
    event::{Position, Stored},
    transport::Result,
};

/// When what could not be read is tried again, in milliseconds.
const AGAIN: i64 = 500;

/// Retries of a partition that are due.
struct Batch {
    part: PartId,
    topic: Arc<str>,
    partition: i32,
    due: Vec<Due>,
}

impl Pump {
    /// Takes in what is due of what was to be tried again; returns when the next will be.
    pub(crate) fn hand_out_due(&mut self) -> Result<Duration> {
        let now = record::millis(SystemTime::now());
        let mut batches = Vec::new();
        let mut next = LOOK;
        {
            let mut desk = self.shared.desk();
            let room = self.shared.max_in_flight.saturating_sub(desk.waiting.len());
            let waits = |kind: &mut Kind| match kind {
                Kind::Retries(retries) if retries.is_read() && !retries.is_legacy() => {
                    retries.pending.next().is_some_and(|time| time <= now)
                }
                _ => false,
            };
            let parts = desk.parts.values_mut().map(|part| waits(&mut part.kind));
            // So that no partition takes the room of the others.
            let share = room.div_ceil(parts.filter(|waits| *waits).count().max(1));
            for (id, part) in &mut desk.parts {
                let Kind::Retries(retries) = &mut part.kind else {
                    continue;
                };
                if !retries.is_read() || retries.is_legacy() {
                    continue;
                }
                let due = retries.pending.due(now, share);
                if !due.is_empty() {
                    batches.push(Batch {
                        part: *id,
                        topic: Arc::clone(&part.name),
                        partition: part.partition,
                        due,
                    });
                }
                if let Some(time) = retries.pending.next() {
                    let left = u64::try_from(time - now).unwrap_or(0);
                    next = next.min(Duration::from_millis(left));
                }
            }
        }
        let mut woken = Ok(());
        for batch in batches {
            // A failure in one partition holds up no other.
            woken = woken.and(self.wake_up(batch, now));
        }
        woken.map(|()| next)
    }

    fn wake_up(&mut self, batch: Batch, now: i64) -> Result<()> {
        let id = batch.part;
        let mut absent: Vec<i64> = batch
            .due
            .iter()
            .filter(|due| due.record.is_none())
            .map(|due| due.offset)
            .collect();
        absent.sort_unstable();
        let found = self.fetcher.read(&batch.topic, batch.partition, &absent);
        let (found, failed) = match found {
            Ok(found) => (found, None),
            Err(failed) => (Vec::new(), Some(failed)),
        };
        let mut found: HashMap<i64, FetchedRecord> =
            found.into_iter().map(|read| (read.offset, read)).collect();
        let mut desk = self.shared.desk();
        for due in batch.due {
            let (time, offset) = (due.time, due.offset);
            let read = due.record.or_else(|| found.remove(&offset));
            match read.and_then(|read| self.awake(&desk, id, read)) {
                Some(waiting) => desk.admit(waiting),
                None if failed.is_some() => {
                    let due = Due {
                        time,
                        offset,
                        record: None,
                    };
                    if let Some(retries) = desk.retries(id) {
                        retries.pending.put_back(due, now + AGAIN);
                    }
                }
                None => {}
            }
        }
        drop(desk);
        self.shared.came.notify_waiters();
        failed.map_or(Ok(()), Err)
    }

    /// Makes a delivery of what waited; a bounded membership leaves what others will try again later.
    fn awake(&self, desk: &Desk, part: PartId, read: FetchedRecord) -> Option<Waiting> {
        let key = read.key.clone()?;
        let (partition, offset, time) = (read.partition, read.offset, read.time);
        let topic = Arc::clone(&read.topic);
        let (story, message) = delayed_record::decode(read)?;
        let course = &self.client.context().course;
        if course.until_end && story.due > course.joined && !desk.retrying.contains_key(&key) {
            return None;
        }
        let own = || format!("{topic}/{partition}/{offset}");
        let position = story.position.clone();
        let stored = Stored {
            message,
            position: position.unwrap_or_else(|| Position::new(own())),
            time: story
                .stored
                .map_or(time, |millis| record::time(Some(millis))),
        };
        Some(Waiting {
            stored,
            attempts: story.attempts(),
            lineage: story.lineage,
            claim: Claim {
                part,
                offset,
                waited: Some(Waited {
                    key,
                    topic,
                    partition,
                }),
            },
        })
    }
}
