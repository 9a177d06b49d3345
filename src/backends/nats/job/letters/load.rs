//! Reading the dead letters of a step.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    backends::nats::{
        connection::handle::Connection,
        dead_letter::{
            decode::{self, DecodedLetter},
            foreign::Place,
        },
        job::{
            entry::JobEntry,
            letters::prefetch::{MAX_STEP_BYTES, Prefetch, SequenceRange},
        },
    },
    transport::{DeadLetter, JobLease, Result, TransportError},
};

/// How many dead letters are read at the same time: they may be large.
const CONCURRENCY: usize = 16;
/// Fewer dead letters than this are read one by one, ...
const MIN_RANGE: usize = 16;
/// ... and so are those among more than this many others for each.
const MAX_SPARSENESS: u64 = 4;

/// A dead letter of a job, with its message if it still exists.
pub(crate) struct JobItem {
    pub(crate) entry: JobEntry,
    pub(crate) letter: Option<DeadLetter>,
    /// The reply subject of the delivery that became the dead letter.
    pub(crate) ack_subject: Option<String>,
    /// Why it is not replayed.
    pub(crate) refused: Option<String>,
}

/// Reads dead letters of a job, at least those of the first entries: as a range where they are close together, else one
/// by one.
pub(crate) async fn load(
    connection: &Arc<Connection>,
    prefetch: &Prefetch,
    lease: &JobLease,
    entries: &[JobEntry],
) -> Result<Vec<JobItem>> {
    let places = || entries.iter().map(|entry| Place::of(entry.place));
    if places().any(|place| matches!(place, Place::User(_))) {
        // Between those of a subject are the events of the others.
        return load_each(connection, entries).await;
    }
    let sequences = || entries.iter().map(|entry| entry.place).filter(|&n| n > 0);
    let (first, last) = (
        sequences().min().unwrap_or(0),
        sequences().max().unwrap_or(0),
    );
    let count = last - first + 1;
    let is_sparse = entries.len() < MIN_RANGE || count > MAX_SPARSENESS * entries.len() as u64;
    if is_sparse || !sequences().is_sorted() {
        return load_each(connection, entries).await;
    }
    let range = SequenceRange { first, count };
    let mut read = prefetch.read_range(connection, lease, range).await?;
    let loaded = entries.iter().take_while(|entry| entry.place < read.end);
    Ok(loaded
        .map(|entry| item(entry, read.letters.remove(&entry.place)))
        .collect())
}

async fn load_each(connection: &Connection, entries: &[JobEntry]) -> Result<Vec<JobItem>> {
    let mut loaded = stream::iter(entries.to_vec())
        .map(|entry| async move {
            let letter = match entry.place {
                0 => None,
                place => decode::fetch(connection, place).await?,
            };
            Ok::<_, TransportError>(item(&entry, letter))
        })
        .buffered(CONCURRENCY);
    let (mut items, mut bytes) = (Vec::new(), 0);
    while bytes < MAX_STEP_BYTES
        && let Some(item) = loaded.try_next().await?
    {
        bytes += item
            .letter
            .as_ref()
            .map_or(0, |letter| letter.message.bytes().len());
        items.push(item);
    }
    Ok(items)
}

/// Creates the item of an entry, with the dead letter that was read if that has its id.
fn item(entry: &JobEntry, read: Option<DecodedLetter>) -> JobItem {
    let read = read.filter(|read| read.letter.id == entry.id);
    let (letter, ack_subject) = read.map(|read| (read.letter, read.ack_subject)).unzip();
    JobItem {
        entry: entry.clone(),
        letter,
        ack_subject: ack_subject.flatten(),
        refused: None,
    }
}
