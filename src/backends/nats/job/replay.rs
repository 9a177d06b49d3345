//! Replaying the dead letters of a step in atomic batches or one by one, and purging them.

use std::sync::Arc;

use async_nats::HeaderMap;
use futures_util::{StreamExt as _, stream};

use crate::{
    backends::nats::{
        codec::headers,
        connection::{
            confirmed_publish::{self, RawMessage},
            handle::Connection,
            kv::{self, Versioned},
            retry::Transient as _,
        },
        error::{self, ApiError, WRONG_LAST_SEQUENCE},
        job::{
            entry::JobEntry,
            journal::{self, Journal, JournalStream, lease_lost},
            letters::{
                ack_origin::{self, AckFloors},
                cleanup,
                load::JobItem,
                retention_guard::NeedsConsumer,
            },
            reported::Outcomes,
            session::JobSession,
        },
    },
    failpoint,
    transport::{
        DeadLetter, DeadLetterId, ErrorKind, Note, NoteName, ReplayEdit, Resolution, Result,
        TransportError,
    },
};

/// The most dead letters in one batch: the server accepts a thousand messages, the journal included.
pub(crate) const MAX_BATCH: usize = 500;
/// How many dead letters are published at the same time.
const CONCURRENCY: usize = 64;

/// The replay of a step in atomic batches.
pub(crate) struct Batches<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) session: &'a JobSession,
    /// How many dead letters the job has.
    pub(crate) planned: u64,
    pub(crate) edit: Option<&'a Arc<dyn ReplayEdit>>,
}

/// The outcome of one batch.
enum Batch {
    Committed(Box<Versioned<Journal>>, Outcomes),
    Refused(String),
}

impl Batches<'_> {
    /// Publishes events and stores the journal in one batch. A batch that the server refuses is halved until the dead
    /// letter that it does not accept is alone.
    pub(crate) async fn replay(
        &self,
        mut journal: Versioned<Journal>,
        items: Vec<JobItem>,
        outcomes: &mut Outcomes,
    ) -> Result<()> {
        let is_last = items.len() < MAX_BATCH;
        let mut rest = items;
        let mut size = MAX_BATCH;
        while !rest.is_empty() {
            let behind = rest.split_off(size.min(rest.len()));
            match commit_batch(self.connection, self.edit, &journal, &rest).await? {
                Batch::Committed(next, done) => {
                    failpoint::reach("nats.replay_committed");
                    journal = *next;
                    outcomes.extend(done);
                    self.clean_up(&mut journal, ack_subjects(&rest), is_last)
                        .await?;
                    rest = behind;
                    size = MAX_BATCH;
                }
                Batch::Refused(reason) if rest.len() == 1 => {
                    let id = rest.swap_remove(0).entry.id;
                    journal = skip(self.connection, journal).await?;
                    outcomes.push((id, Resolution::Failed { reason }));
                    rest = behind;
                    size = MAX_BATCH;
                }
                Batch::Refused(_) => {
                    size = rest.len() / 2;
                    rest.extend(behind);
                }
            }
        }
        Ok(())
    }

    /// Acknowledges the origins of a batch, and deletes its dead letters once it is time to.
    async fn clean_up(
        &self,
        journal: &mut Versioned<Journal>,
        acks: Vec<String>,
        is_last: bool,
    ) -> Result<()> {
        {
            let mut floors = self.session.ack_floors.lock().await;
            ack_origin::acknowledge(self.connection, acks, &mut floors).await?;
        }
        let left = self.planned.saturating_sub(journal.value.resolved);
        let is_edit = self.edit.is_some();
        if is_last
            || is_edit
            || cleanup::should_remove(self.connection, &journal.value.remove, left)
        {
            journal.value.remove(self.connection).await?;
            self.session.note_deleted(journal);
            failpoint::reach("nats.letters_removed");
        }
        Ok(())
    }
}

fn ack_subjects(items: &[JobItem]) -> Vec<String> {
    let subjects = items.iter().filter_map(|item| item.ack_subject.clone());
    subjects.collect()
}

async fn commit_batch(
    connection: &Connection,
    edit: Option<&Arc<dyn ReplayEdit>>,
    journal: &Versioned<Journal>,
    items: &[JobItem],
) -> Result<Batch> {
    let mut next = journal.value.clone();
    next.resolved += items.len() as u64;
    let entries = items.iter().map(|item| &item.entry);
    next.in_doubt.resolve(entries, journal::announced(journal));
    let mut events: Vec<RawMessage> = Vec::with_capacity(items.len());
    let mut done = Vec::with_capacity(items.len());
    for item in items {
        let outcome = match Replayable::of(item, journal) {
            Replayable::Not(outcome) => outcome,
            Replayable::Event(letter) => {
                match event(connection, letter) {
                    Ok(event) => events.push(event),
                    Err(failed) => return Ok(Batch::Refused(failed.to_string())),
                }
                next.remove.push(item.entry.place);
                Resolution::Done
            }
        };
        done.push((item.entry.id.clone(), outcome));
    }
    let all = done.iter().map(|(id, outcome)| (id, outcome));
    next.in_doubt.keep_unknown(all);
    next.archive_note = archive_note(edit, done.iter());
    match journal::commit(connection, &events, &next, journal.revision).await {
        Ok(revision) => {
            let time = journal.time;
            let next = Versioned {
                value: next,
                revision,
                time,
            };
            Ok(Batch::Committed(Box::new(next), done))
        }
        Err(failed) if failed.has_code(WRONG_LAST_SEQUENCE) => Err(lease_lost(failed, &next.job)),
        Err(refused @ ApiError::Refused { .. }) if !refused.is_transient() => {
            Ok(Batch::Refused(TransportError::from(refused).to_string()))
        }
        Err(failed) => Err(failed.into()),
    }
}

/// Returns the note that archives the dead letters that were edited and published, if there are any.
fn archive_note<'a>(
    edit: Option<&Arc<dyn ReplayEdit>>,
    outcomes: impl Iterator<Item = &'a (DeadLetterId, Resolution)>,
) -> Option<(NoteName, String)> {
    let done = outcomes.filter(|(_, outcome)| *outcome == Resolution::Done);
    let done: Vec<_> = done.map(|(id, _)| id.clone()).collect();
    let edit = edit.filter(|_| !done.is_empty())?;
    let Note { name, value } = edit.archive_note(&done);
    Some((name, value))
}

/// Whether the dead letter of an item is published.
enum Replayable<'a> {
    Event(&'a DeadLetter),
    Not(Resolution),
}

impl<'a> Replayable<'a> {
    fn of(item: &'a JobItem, journal: &Versioned<Journal>) -> Self {
        if journal.value.in_doubt.contains(&item.entry.id) {
            let reason = "it may have been published before the last worker crashed, and the stream \
                          was changed since";
            return Self::Not(unknown(reason));
        }
        match (&item.letter, &item.refused) {
            (None, _) => Self::Not(Resolution::Gone),
            (Some(_), Some(reason)) => Self::Not(Resolution::Failed {
                reason: reason.clone(),
            }),
            (Some(letter), None) => Self::Event(letter),
        }
    }
}

/// Returns the event to publish for a dead letter.
fn event(connection: &Connection, letter: &DeadLetter) -> Result<RawMessage> {
    let subject = connection.names.subject(&letter.message.topic)?;
    let mut map: HeaderMap = headers::write(&letter.message)?;
    headers::write_lineage(&mut map, &letter.lineage())?;
    map.insert(headers::EXPECTED_STREAM, connection.names.stream.as_str());
    let payload = letter.message.payload.clone().unwrap_or_default();
    // The headers of a batch are added later.
    if headers::size(&map) + payload.len() + 256 > connection.client.max_payload() {
        return Err(error::too_large());
    }
    Ok(RawMessage {
        subject,
        headers: map,
        payload,
    })
}

/// Leaves a dead letter as it is, and continues behind it.
async fn skip(connection: &Connection, journal: Versioned<Journal>) -> Result<Versioned<Journal>> {
    let mut next = journal.value;
    next.resolved += 1;
    let revision = journal::commit(connection, &[], &next, journal.revision).await;
    let revision = revision.map_err(|failed| lease_lost(failed, &next.job))?;
    Ok(Versioned {
        value: next,
        revision,
        time: journal.time,
    })
}

/// Publishes events under ids that the server recognises within the duplicate window. A dead letter that a crashed worker
/// may have published is published again only within that window.
pub(crate) async fn one_by_one(
    connection: &Connection,
    journal: Versioned<Journal>,
    mut items: Vec<JobItem>,
    (needs_consumer, edit): (bool, Option<&Arc<dyn ReplayEdit>>),
    returned: &mut Outcomes,
) -> Result<()> {
    let key = JournalStream::State.key(connection);
    let is_recognised = journal::is_recognised(connection, &journal).await?;
    let mut next = journal.value.clone();
    let in_doubt = &journal.value.in_doubt;
    let is_in_doubt = |item: &JobItem| in_doubt.contains(&item.entry.id);
    if items.iter().any(is_in_doubt) {
        // Those that were not announced have to wait for the next step.
        items.retain(is_in_doubt);
    } else {
        let announced = items.iter().map(|item| item.entry.clone());
        next.in_doubt.announce(announced.collect());
        next.remove.clear();
        next.archive_note = None;
    }
    let job = next.job.clone();
    let lost = |failed| lease_lost(failed, &job);
    let revision = if next == journal.value {
        journal.revision
    } else {
        let announced = kv::set(connection, &key, &next, journal.revision).await;
        announced.map_err(lost)?
    };
    failpoint::reach("nats.replay_announced");
    let acks = ack_subjects(&items);
    let needs_consumer = NeedsConsumer::of(&items, needs_consumer);
    let mut outcomes: Vec<(JobEntry, Resolution)> = stream::iter(items)
        .map(|item| replay_one(connection, item, &journal.value, is_recognised))
        .buffered(CONCURRENCY)
        .collect()
        .await;
    failpoint::reach("nats.replay_published");
    needs_consumer.check(connection, &mut outcomes).await?;
    next.resolved += outcomes.len() as u64;
    let resolved = outcomes.iter().map(|(entry, _)| entry);
    next.in_doubt
        .resolve(resolved, journal::announced(&journal));
    let all = outcomes.iter().map(|(entry, outcome)| (&entry.id, outcome));
    next.in_doubt.keep_unknown(all);
    let done = outcomes
        .iter()
        .filter(|(_, outcome)| *outcome == Resolution::Done);
    next.remove = done.map(|(entry, _)| entry.place).collect();
    let named = outcomes.into_iter();
    let outcomes: Vec<_> = named.map(|(entry, outcome)| (entry.id, outcome)).collect();
    next.archive_note = archive_note(edit, outcomes.iter());
    kv::set(connection, &key, &next, revision)
        .await
        .map_err(lost)?;
    returned.extend(outcomes);
    ack_origin::acknowledge(connection, acks, &mut AckFloors::new()).await?;
    next.remove(connection).await
}

async fn replay_one(
    connection: &Connection,
    item: JobItem,
    journal: &Journal,
    is_recognised: bool,
) -> (JobEntry, Resolution) {
    let JobItem {
        entry,
        letter,
        refused,
        ..
    } = item;
    let Some(letter) = letter else {
        return (entry, Resolution::Gone);
    };
    let is_in_doubt = journal.in_doubt.contains(&entry.id);
    match refused {
        Some(reason) if is_in_doubt => {
            let reason = format!("it may have been published before, and {reason}");
            return (entry, Resolution::Ambiguous { reason });
        }
        Some(reason) => return (entry, Resolution::Failed { reason }),
        None => {}
    }
    if is_in_doubt && !is_recognised {
        let reason = "it may have been published before the last worker crashed, which is too long ago \
                      for the server to recognise it";
        return (entry, unknown(reason));
    }
    let published = match event(connection, &letter) {
        Err(failed) => Err(ApiError::NotStored(failed)),
        Ok(mut event) => {
            let id = format!("pf-replay/{}/{}", journal.job, entry.id);
            event.headers.insert("Nats-Msg-Id", id);
            confirmed_publish::publish_with_id(connection, &event).await
        }
    };
    let outcome = match published {
        Ok(_) => Resolution::Done,
        Err(ApiError::Unanswered(failed)) if failed.kind() == ErrorKind::Unavailable => {
            Resolution::Ambiguous {
                reason: failed.to_string(),
            }
        }
        Err(failed) => Resolution::Failed {
            reason: TransportError::from(failed).to_string(),
        },
    };
    (entry, outcome)
}

fn unknown(reason: &str) -> Resolution {
    Resolution::Ambiguous {
        reason: reason.to_owned(),
    }
}

/// Deletes dead letters, after the journal has counted them.
pub(crate) async fn purge(
    connection: &Connection,
    stream: JournalStream,
    journal: Versioned<Journal>,
    items: Vec<JobItem>,
    outcomes: &mut Outcomes,
) -> Result<()> {
    let key = stream.key(connection);
    let mut next = journal.value;
    next.resolved += items.len() as u64;
    let existing = items
        .iter()
        .filter(|item| item.letter.is_some() && item.refused.is_none());
    next.remove = existing.map(|item| item.entry.place).collect();
    let announced = kv::set(connection, &key, &next, journal.revision).await;
    announced.map_err(|failed| lease_lost(failed, &next.job))?;
    failpoint::reach("nats.purge_announced");
    let acks = ack_subjects(&items);
    outcomes.extend(items.into_iter().map(|item| {
        let outcome = match (item.letter, item.refused) {
            (None, _) => Resolution::Gone,
            (Some(_), Some(reason)) => Resolution::Failed { reason },
            (Some(_), None) => Resolution::Done,
        };
        (item.entry.id, outcome)
    }));
    ack_origin::acknowledge(connection, acks, &mut AckFloors::new()).await?;
    cleanup::remove(connection, &next.remove, &next.streams).await
}
