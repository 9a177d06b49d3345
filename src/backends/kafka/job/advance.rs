//! Dealing with the letters of a job: messages, a receipt and how far the job is, in one transaction each time.

use std::{sync::Arc, thread, time::SystemTime};

use bytes::Bytes;
use tokio::sync::OwnedMutexGuard;

use super::{
    letters::{Item, What},
    worker::{Bench, Doubt, Triage, Worker},
};
use crate::{
    backends::kafka::{
        codec::record::{self, LINEAGE, OutgoingRecord},
        connection::{
            handle::{self, Connection},
            producer::RecordMetadata,
            transaction::Failed,
        },
        consume::retry_topics::support_topics,
        dead_letter::{
            resolved,
            state_records::Receipt,
            state_topic::{self, State},
            store::Found,
        },
        delay::delayed_record::{self, DelayedRecord},
        error::error,
    },
    event::Topic,
    failpoint,
    transport::{ErrorKind, JobAction, JobLease, LetterId, Resolution, Result, TransportError},
};

/// The most letters of one transaction.
const BATCH: usize = 1000;
/// How often in a row the same letters are sent again at once.
const DROPPED: usize = 3;

type Outcomes = Vec<(LetterId, Resolution)>;
/// What became of letters, and why it went no further.
type Settled = (Outcomes, Option<(TransportError, Option<Doubt>)>);

/// Why a step went no further.
enum Halt {
    /// The broker does not want what was sent; nothing was stored.
    Refused(String),
    /// The client dropped what was sent; nothing was stored.
    Dropped(TransportError),
    Failed(TransportError),
}

/// Deals with the next letters of a job.
pub(crate) async fn advance(
    connection: &Arc<Connection>,
    triage: &Triage,
    lease: &JobLease,
    max: usize,
) -> Result<Outcomes> {
    let mut bench = triage.bench().await;
    let mut is_last = false;
    loop {
        if let Some(outcomes) = ready(connection, &mut bench, lease).await? {
            return Ok(outcomes);
        }
        let (back, step) = step(connection, bench, max.clamp(1, BATCH)).await?;
        bench = back;
        let failed = match step {
            Ok(outcomes) => return Ok(outcomes),
            Err(failed) => failed,
        };
        bench.dismiss().await;
        // Shut out by one who found out too late that somebody holds the lease, or without an answer: look again.
        let may_pass = matches!(failed.kind(), ErrorKind::Held | ErrorKind::Ambiguous);
        if is_last || !may_pass {
            return Err(failed);
        }
        is_last = true;
    }
}

/// Makes the worker ready; returns what became of a step that got no answer, if it was committed.
async fn ready(
    connection: &Arc<Connection>,
    bench: &mut Bench,
    lease: &JobLease,
) -> Result<Option<Outcomes>> {
    let is_lost = match bench.ready(connection, lease).await {
        Ok(()) => None,
        Err(failed) if failed.kind() == ErrorKind::Held => Some(failed),
        Err(failed) => return Err(failed),
    };
    if let Some(doubt) = bench.doubt.take() {
        let through = match &bench.worker {
            Some(worker) if is_lost.is_none() => worker.known.through,
            _ => {
                let state = State::read(connection).await?;
                state.jobs.get(&doubt.job.0).map_or(0, |job| job.through)
            }
        };
        if doubt.job == lease.job && through >= doubt.through {
            return Ok(Some(doubt.outcomes));
        }
    }
    is_lost.map_or(Ok(None), Err)
}

type Stepped = (OwnedMutexGuard<Bench>, Result<Outcomes>);

async fn step(
    connection: &Arc<Connection>,
    bench: OwnedMutexGuard<Bench>,
    max: usize,
) -> Result<Stepped> {
    let (mut bench, items) = with_worker(bench, move |worker| worker.next(max)).await?;
    let mut items = match items {
        Ok(items) if items.is_empty() => return Ok((bench, Ok(Vec::new()))),
        Ok(items) => items,
        Err(failed) => return Ok((bench, Err(failed))),
    };
    if let Some(worker) = &bench.worker
        && let JobAction::Replay { to } = &worker.action
    {
        for item in &mut items {
            aim(connection, to.as_ref(), item).await?;
        }
    }
    let connection = Arc::clone(connection);
    let settled = with_worker(bench, move |worker| worker.deal(&connection, items, max)).await?;
    bench = settled.0;
    let (outcomes, halted) = settled.1;
    if let Some((failed, doubt)) = halted {
        bench.doubt = doubt;
        if outcomes.is_empty() {
            return Ok((bench, Err(failed)));
        }
        // What was done is told first; the failure shows again.
        bench.dismiss().await;
    }
    Ok((bench, Ok(outcomes)))
}

/// Lets the worker do something that blocks.
async fn with_worker<T: Send + 'static>(
    mut bench: OwnedMutexGuard<Bench>,
    work: impl FnOnce(&mut Worker) -> T + Send + 'static,
) -> Result<(OwnedMutexGuard<Bench>, T)> {
    handle::blocking(move || {
        let worker = bench.worker.as_mut();
        let worker = worker.ok_or_else(|| error(ErrorKind::Other, "nobody is at work"))?;
        let done = work(worker);
        Ok((bench, done))
    })
    .await
}

/// Makes sure that the place where a letter's message goes is there.
async fn aim(connection: &Arc<Connection>, to: Option<&Topic>, item: &mut Item) -> Result<()> {
    let What::Deal(found) = &item.what else {
        return Ok(());
    };
    let failed = match target(connection, to, found) {
        Ok(name) if connection.topics.cached_partitions(&name).is_some() => return Ok(()),
        Ok(name) if to.is_some() || found.is_foreign => {
            match connection.topics.partitions(&name).await? {
                Some(_) => return Ok(()),
                None => format!("there is no topic `{name}`"),
            }
        }
        Ok(_) => {
            let letter = &found.letter;
            let (group, topic) = (&letter.record.group, &letter.message.topic);
            match support_topics::create_retries(connection, group, topic).await {
                Ok(_) => return Ok(()),
                Err(failed) if failed.kind() == ErrorKind::Invalid => failed.to_string(),
                Err(failed) => return Err(failed),
            }
        }
        Err(failed) => failed.to_string(),
    };
    item.what = What::Failed(failed);
    Ok(())
}

fn target(connection: &Connection, to: Option<&Topic>, found: &Found) -> Result<String> {
    match to {
        Some(topic) => connection.names().topic_name(topic),
        None if found.is_foreign => connection.names().topic_name(&found.letter.message.topic),
        None => {
            let letter = &found.letter;
            let (group, topic) = (&letter.record.group, &letter.message.topic);
            connection.names().retry_topic(group, topic)
        }
    }
}

/// Lays out the message of a letter so that it lives again.
fn revive(connection: &Connection, to: Option<&Topic>, found: &Found) -> Result<OutgoingRecord> {
    let letter = &found.letter;
    let name = target(connection, to, found)?;
    if to.is_some() || found.is_foreign {
        let lineage = record::json(&letter.lineage())?;
        return Ok(OutgoingRecord {
            topic: name,
            partition: None,
            key: letter.message.key.clone(),
            payload: letter.message.payload.clone(),
            headers: Some(record::headers(&letter.message, &[(LINEAGE, &lineage)])),
        });
    }
    let waiting = DelayedRecord {
        stored: Some(record::millis(letter.record.origin.time)),
        lineage: Some(Box::new(letter.lineage())),
        ..DelayedRecord::new(letter.message.topic.clone(), SystemTime::now())
    };
    let partitions = connection.topics.cached_partitions(&name).unwrap_or(1);
    let id = letter.id.as_str();
    let partition = delayed_record::partition(&letter.message, id.as_bytes(), partitions);
    let key = Bytes::from(format!("replay/{id}"));
    delayed_record::encode((&name, partition), key, &waiting, &letter.message)
}

impl Worker {
    /// Returns the letters that come next.
    fn next(&mut self, max: usize) -> Result<Vec<Item>> {
        let Some(reading) = &mut self.reading else {
            return Err(error(ErrorKind::Other, "nobody reads letters"));
        };
        reading.next(self.known.through, max, &self.resolved)
    }

    /// Deals with letters, and reads those that come next meanwhile.
    fn deal(&mut self, connection: &Connection, mut items: Vec<Item>, max: usize) -> Settled {
        let next = self.known.through + items.len() as u64;
        let mut reading = self.reading.take();
        let mut resolved = std::mem::take(&mut self.resolved);
        let settled = thread::scope(|scope| {
            if let Some(reading) = &mut reading {
                scope.spawn(|| reading.look_ahead(next, max, &resolved));
            }
            self.settle(connection, &mut items)
        });
        for (item, _) in items.iter().zip(&settled.0) {
            if let What::Deal(found) = &item.what {
                resolved.add(resolved::number(&item.id), found.place());
            }
        }
        (self.reading, self.resolved) = (reading, resolved);
        settled
    }

    /// Deals with letters; a batch that the broker refuses is halved until the one that it does not want stands alone.
    fn settle(&mut self, connection: &Connection, items: &mut [Item]) -> Settled {
        let mut outcomes = Vec::with_capacity(items.len());
        let (mut at, mut size, mut dropped) = (0, items.len(), 0);
        while at < items.len() {
            let end = (at + size).min(items.len());
            let part = &items[at..end];
            match self.together(connection, part) {
                Ok(()) => {
                    dropped = 0;
                    outcomes.extend(part.iter().map(Item::outcome));
                    at = end;
                    size = items.len() - at;
                }
                Err(Halt::Refused(reason)) if part.len() == 1 => {
                    if !matches!(part[0].what, What::Deal(_)) {
                        return (outcomes, Some((error(ErrorKind::Other, reason), None)));
                    }
                    items[at].what = What::Failed(reason);
                }
                Err(Halt::Refused(_)) => size = part.len() / 2,
                // Having been refused something, the client counts anew, but only after another try.
                Err(Halt::Dropped(_)) if dropped < DROPPED => dropped += 1,
                Err(Halt::Dropped(failed)) => return (outcomes, Some((failed, None))),
                Err(Halt::Failed(failed)) => {
                    let is_doubtful =
                        matches!(failed.kind(), ErrorKind::Ambiguous | ErrorKind::Held);
                    let doubt = is_doubtful.then(|| Doubt {
                        job: self.job.clone(),
                        through: self.known.through + part.len() as u64,
                        outcomes: part.iter().map(Item::outcome).collect(),
                    });
                    return (outcomes, Some((failed, doubt)));
                }
            }
        }
        (outcomes, None)
    }

    fn together(&mut self, connection: &Connection, items: &[Item]) -> Result<(), Halt> {
        let mut receipt = Receipt {
            through: self.known.through + items.len() as u64,
            letters: Vec::new(),
        };
        let mut records = Vec::with_capacity(items.len() + 1);
        for item in items {
            let What::Deal(found) = &item.what else {
                continue;
            };
            if let JobAction::Replay { to } = &self.action {
                let revived = revive(connection, to.as_ref(), found);
                records.push(revived.map_err(|failed| Halt::Refused(failed.to_string()))?);
            }
            receipt.add(&item.id, found.place());
        }
        let key = state_topic::receipt_key(&self.job, self.known.through);
        records.push(state_topic::record(connection, key, Some(&receipt)).map_err(Halt::Failed)?);
        self.commit(records)?;
        match self.action {
            JobAction::Replay { .. } => failpoint::reach("kafka.replay_committed"),
            JobAction::Purge => failpoint::reach("kafka.receipts_stored"),
        }
        self.known.through = receipt.through;
        for dealt in receipt.letters {
            self.touched.insert((dealt.topic, dealt.partition));
        }
        Ok(())
    }

    /// Commits records, of which the receipt is the last. Who lists jobs sees it at once; of what else was written, that
    /// is waited for at the end.
    fn commit(&mut self, records: Vec<OutgoingRecord>) -> Result<(), Halt> {
        let topics: Vec<String> = records.iter().map(|record| record.topic.clone()).collect();
        let placed = self.transactor.commit(records, None).map_err(halt)?;
        let mut stored = topics.into_iter().zip(&placed);
        let receipt = stored.next_back();
        let place =
            |(topic, placed): (String, &RecordMetadata)| ((topic, placed.partition), placed.offset);
        self.unseen.extend(stored.map(place));
        self.transactor
            .wait_until_seen(&receipt.map(place).into_iter().collect());
        Ok(())
    }
}

fn halt(failed: Failed) -> Halt {
    let is_refused = matches!(
        failed.error.kind(),
        ErrorKind::TooLarge | ErrorKind::Invalid | ErrorKind::Denied | ErrorKind::NotFound
    );
    match failed.record {
        Some(_) if is_refused => Halt::Refused(failed.error.to_string()),
        // Nothing was committed: what a single record heard says nothing about the whole.
        Some(_) => Halt::Failed(unstored(failed.error)),
        None if failed.error.is_transient() => Halt::Dropped(failed.error),
        None => Halt::Failed(failed.error),
    }
}

fn unstored(failed: TransportError) -> TransportError {
    error(ErrorKind::Unavailable, "a transaction was not committed").because(failed)
}
