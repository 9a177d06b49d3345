//! Deleting resolved dead letters.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use crate::{
    backends::nats::{
        connection::{handle::Connection, stream::info},
        dead_letter::{
            decode::{self, DecodedLetter},
            foreign::Place,
        },
        job::letters::{
            ack_origin::{self, AckFloors},
            stream_identities::StreamIdentities,
        },
    },
    transport::Result,
};

/// How many dead letters are deleted at the same time.
const CONCURRENCY: usize = 64;
/// The most resolved dead letters that a journal collects. A purge costs the server time for every dead letter that
/// stays, so that few large purges are cheaper than many small ones.
const MAX_PENDING_DELETES: usize = 8000;
/// A purge is worth it if at most this many dead letters stay for each that is deleted.
const MAX_KEPT_PER_DELETED: u64 = 128;

/// Acknowledges the deliveries that became resolved dead letters, and deletes the dead letters.
pub(crate) async fn finish(
    connection: &Connection,
    places: &[u64],
    streams: &StreamIdentities,
) -> Result<()> {
    let resolved = Resolved::of(connection, places, streams).await?;
    // A message of another program was no delivery of a group here.
    let acks = ack_subjects(connection, &resolved.own).await?;
    ack_origin::acknowledge(connection, acks, &mut AckFloors::new()).await?;
    resolved.delete(connection).await
}

/// Reads the reply subjects of the deliveries that became dead letters.
async fn ack_subjects(connection: &Connection, sequences: &[u64]) -> Result<Vec<String>> {
    let found: Vec<Option<DecodedLetter>> = stream::iter(sequences.to_vec())
        .map(|sequence| decode::fetch(connection, sequence))
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;
    let found = found.into_iter().flatten();
    Ok(found.filter_map(|one| one.ack_subject).collect())
}

/// Returns the sequences in the dead-letter stream, and those in the user's stream.
fn split(places: &[u64]) -> (Vec<u64>, Vec<u64>) {
    let (mut own, mut theirs) = (Vec::with_capacity(places.len()), Vec::new());
    for place in places {
        match Place::of(*place) {
            Place::DeadLetters(sequence) => own.push(sequence),
            Place::User(sequence) => theirs.push(sequence),
        }
    }
    (own, theirs)
}

/// Deletes resolved dead letters.
pub(crate) async fn remove(
    connection: &Connection,
    places: &[u64],
    streams: &StreamIdentities,
) -> Result<()> {
    let resolved = Resolved::of(connection, places, streams).await?;
    resolved.delete(connection).await
}

/// The sequences of resolved dead letters in the dead-letter stream, and of those in the user's stream.
struct Resolved {
    own: Vec<u64>,
    theirs: Vec<u64>,
}

impl Resolved {
    /// Finds them in the streams that a journal was started with. In a stream that was created again since, other messages have their sequences.
    async fn of(
        connection: &Connection,
        places: &[u64],
        streams: &StreamIdentities,
    ) -> Result<Self> {
        let (mut own, mut theirs) = split(places);
        if !own.is_empty() && !streams.is_same_dead_letter_stream(connection).await? {
            own.clear();
        }
        if !theirs.is_empty() && !streams.is_same_user_stream(connection).await? {
            theirs.clear();
        }
        Ok(Self { own, theirs })
    }

    async fn delete(self, connection: &Connection) -> Result<()> {
        let Self { own, theirs } = self;
        delete_each(connection, &connection.names.stream, theirs).await?;
        let stream = connection.names.dead_letter_stream();
        if own.len() > 1 && purge_front(connection, &stream, &own).await? {
            return Ok(());
        }
        delete_each(connection, &stream, own).await
    }
}

async fn delete_each(connection: &Connection, stream: &str, sequences: Vec<u64>) -> Result<()> {
    let mut deleted = stream::iter(sequences)
        .map(|sequence| connection.delete(stream, sequence))
        .buffer_unordered(CONCURRENCY);
    while deleted.try_next().await?.is_some() {}
    Ok(())
}

/// Reports whether it is time to delete resolved dead letters, for a job that has this many left.
pub(crate) fn should_remove(connection: &Connection, sequences: &[u64], left: u64) -> bool {
    // They are stored with every step, and have to fit into a message.
    let max = MAX_PENDING_DELETES.min(connection.client.max_payload() / 64);
    sequences.len() >= max || sequences.len() as u64 >= left / 2
}

/// Deletes dead letters with one purge if there is no other one up to the last of them, and reports whether it did. Dead
/// letters are only added at the end, so that the check stays true.
async fn purge_front(connection: &Connection, stream: &str, sequences: &[u64]) -> Result<bool> {
    let (Some(&first), Some(&last)) = (sequences.iter().min(), sequences.iter().max()) else {
        return Ok(true);
    };
    let Some(info) = info::find(connection, stream).await? else {
        return Ok(false);
    };
    let count = sequences.len() as u64;
    let is_gapless = last - first + 1 == count;
    let is_slow = info.state.messages > MAX_KEPT_PER_DELETED * count;
    if !is_gapless || is_slow || info.state.first_seq < first || info.config.deny_purge {
        return Ok(false);
    }
    let body = json!({"seq": last + 1});
    let purged = connection.api(format!("STREAM.PURGE.{stream}"), &body);
    purged.await?;
    Ok(true)
}
