//! Reading the letters of a job as they are to be dealt with.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    backends::nats::{
        connection::handle::Link,
        dead_letter::store::{self as letter, Claimed},
        job::{
            lifecycle::Entry,
            session::{Ahead, STEP_BYTES},
        },
    },
    transport::{DeadLetter, JobLease, Result, TransportError},
};

/// How many letters are read at once: they may be large.
const AT_ONCE: usize = 16;
/// Fewer letters than this are read one by one, ...
const FEW: usize = 16;
/// ... and those among more others than this for each.
const SPARSE: u64 = 4;

/// A letter of a job, and its message if it is still there.
pub(crate) struct Item {
    pub(crate) entry: Entry,
    pub(crate) letter: Option<DeadLetter>,
    /// Where the delivery that became the letter is acknowledged.
    pub(crate) claim: Option<String>,
    /// Why it stays as it is.
    pub(crate) refused: Option<String>,
}

/// Reads letters of a job, those of the first entries at least: in one go where they stand close together, else one by
/// one.
pub(crate) async fn read(
    link: &Arc<Link>,
    ahead: &Ahead,
    lease: &JobLease,
    entries: &[Entry],
) -> Result<Vec<Item>> {
    let numbers = || entries.iter().map(|entry| entry.1).filter(|&n| n > 0);
    let (first, last) = (numbers().min().unwrap_or(0), numbers().max().unwrap_or(0));
    let span = last - first + 1;
    let is_sparse = entries.len() < FEW || span > SPARSE * entries.len() as u64;
    if is_sparse || !numbers().is_sorted() {
        return read_each(link, entries).await;
    }
    let (mut letters, end) = ahead.span(link, lease, (first, span)).await?;
    let read = entries.iter().take_while(|entry| entry.1 < end);
    Ok(read
        .map(|entry| item(entry, letters.remove(&entry.1)))
        .collect())
}

async fn read_each(link: &Link, entries: &[Entry]) -> Result<Vec<Item>> {
    let mut read = stream::iter(entries.to_vec())
        .map(|entry| async move {
            let letter = match entry.1 {
                0 => None,
                number => letter::fetch(link, number).await?,
            };
            Ok::<_, TransportError>(item(&entry, letter))
        })
        .buffered(AT_ONCE);
    let (mut items, mut bytes) = (Vec::new(), 0);
    while bytes < STEP_BYTES
        && let Some(item) = read.try_next().await?
    {
        bytes += item
            .letter
            .as_ref()
            .map_or(0, |letter| letter.message.bytes().len());
        items.push(item);
    }
    Ok(items)
}

/// Makes the item of an entry, if what was read is its letter.
fn item(entry: &Entry, read: Option<Claimed>) -> Item {
    let (letter, claim) = read.filter(|(letter, _)| letter.id == entry.0).unzip();
    Item {
        entry: entry.clone(),
        letter,
        claim: claim.flatten(),
        refused: None,
    }
}
