//! How far the work on dead letters is: one message per store, written against the one before it.
//!
//! On a stream that allows it, the message stands in the user's stream and is committed in one batch with the events
//! that it speaks of. A batch that is sent twice, or by a worker whose lease was lost, then fails as a whole.

use std::time::{Duration, SystemTime};

use async_nats::HeaderMap;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    backends::nats::{
        codec::headers,
        connection::{
            confirmed_publish::RIDE_OUT,
            handle::Link,
            kv::{Became, Written},
            stream::info::Facts,
        },
        dead_letter::store as letter,
        error::{BATCH_INCOMPLETE, Refusal, WRONG_LAST_SEQUENCE, error},
        job::{
            in_doubt::Doubt,
            letters::ack_origin::{self as claims, Floors},
            lifecycle as jobs,
        },
    },
    transport::{ErrorKind, JobId, JobLease, Result},
};

/// How many letters are deleted at once.
const DELETES: usize = 64;
/// A purge takes the server a while for every letter that stays, which is why letters that were dealt with gather in the
/// journal, so many at most.
const GATHERED: usize = 8000;
/// It is worth that for no more letters that stay than this for each that goes.
const STAYING: u64 = 128;
/// How often a batch of which a part is missing is sent again.
const TRIES: u32 = 8;
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Journal {
    pub(crate) job: JobId,
    pub(crate) token: u64,
    /// How many letters were dealt with.
    pub(crate) resolved: u64,
    /// Letters that are dealt with and are to be deleted, or were since this was written.
    #[serde(with = "crate::backends::nats::codec::sequence_ranges")]
    pub(crate) remove: Vec<u64>,
    #[serde(flatten)]
    pub(crate) doubt: Doubt,
}

impl Journal {
    /// Begins under a lease.
    pub(crate) fn new(lease: &JobLease, resolved: u64) -> Self {
        Self {
            job: lease.job.clone(),
            token: lease.token,
            resolved,
            remove: Vec::new(),
            doubt: Doubt::default(),
        }
    }
}

impl Written<Journal> {
    /// Returns when the letters that may have been replayed were announced.
    pub(crate) fn announced(&self) -> SystemTime {
        self.value.doubt.announced().unwrap_or(self.time)
    }

    /// Returns the doubt as it is written down elsewhere.
    pub(crate) fn doubt(&self) -> Doubt {
        let mut doubt = self.value.doubt.clone();
        doubt.conclude(std::iter::empty(), self.announced());
        doubt
    }
}

/// Where the journal of a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the user's stream, in one step with the events.
    Inside,
    /// Beside it.
    Beside,
}

impl Place {
    /// Finds it. One that was begun beside the stream ends there, even if the stream allows more by now.
    pub(crate) async fn of(link: &Link) -> Result<Self> {
        let (side, journal) = Self::Beside.subject(link);
        if link.last(&side, &journal).await?.is_some() {
            return Ok(Self::Beside);
        }
        let facts: Option<Facts> = link.find_stream(&link.names.stream).await?;
        let inner = link.names.inner();
        let inside = facts.is_some_and(|facts| facts.no_atomic_replay(&inner).is_none());
        Ok(if inside { Self::Inside } else { Self::Beside })
    }

    /// Returns the stream and the subject.
    pub(crate) fn subject(self, link: &Link) -> (String, String) {
        let inside = self == Self::Inside;
        let stream = if inside {
            link.names.stream.clone()
        } else {
            link.names.side()
        };
        (stream, link.names.journal(inside))
    }
}

/// Reads the journal as it was written last.
pub(crate) async fn read(link: &Link) -> Result<Option<Written<Journal>>> {
    let (stream, subject) = Place::of(link).await?.subject(link);
    link.value(&stream, &subject).await
}

/// Finishes what the last worker left half done, then begins a journal under the new lease, which shuts the last
/// worker out.
pub(crate) async fn take_over(link: &Link, lease: &JobLease) -> Result<()> {
    let place = Place::of(link).await?;
    let (stream, subject) = place.subject(link);
    let last: Option<Written<Journal>> = link.value(&stream, &subject).await?;
    let number = last.as_ref().map_or(0, |last| last.number);
    if let Some(last) = last {
        finish(link, &last.value.remove).await?;
        jobs::note_progress(link, &last).await?;
    }
    let journal = jobs::resume(link, lease).await?;
    let begun = link
        .set_value((&stream, &subject), &journal, number, None)
        .await;
    begun.map_err(|refusal| jobs::lost(refusal, &lease.job))?;
    Ok(())
}

/// Ends the journal of a lease, after a last step that is finished or was broken off.
pub(crate) async fn close(link: &Link, lease: &JobLease, is_finished: bool) -> Result<()> {
    let (stream, subject) = Place::of(link).await?.subject(link);
    let place = (&*stream, &*subject);
    let last = if is_finished {
        last_of(link, place, lease).await?
    } else {
        shut(link, place, lease).await?
    };
    let Some(last) = last else {
        return Ok(());
    };
    if is_finished {
        remove(link, &last.value.remove).await?;
    } else {
        finish(link, &last.value.remove).await?;
    }
    jobs::note_progress(link, &last).await?;
    link.purge(&stream, &subject).await?;
    Ok(())
}

async fn last_of(
    link: &Link,
    (stream, subject): (&str, &str),
    lease: &JobLease,
) -> Result<Option<Written<Journal>>> {
    let last: Option<Written<Journal>> = link.value(stream, subject).await?;
    Ok(last.filter(|last| last.value.token == lease.token))
}

/// Shuts out what is still on its way to the server, and returns the journal as it is then.
pub(crate) async fn shut(
    link: &Link,
    place: (&str, &str),
    lease: &JobLease,
) -> Result<Option<Written<Journal>>> {
    loop {
        let Some(last) = last_of(link, place, lease).await? else {
            return Ok(None);
        };
        let mut same = last.value.clone();
        same.doubt = last.doubt();
        match link.set_value(place, &same, last.number, None).await {
            Ok(number) => {
                let time = last.time;
                let value = same;
                return Ok(Some(Written {
                    value,
                    number,
                    time,
                }));
            }
            // It came after all.
            Err(refusal) if refusal.is(WRONG_LAST_SEQUENCE) => {}
            Err(refusal) => return Err(refusal.into()),
        }
    }
}

/// Reads the journal of this lease; it is begun again if the stream has dropped it meanwhile.
pub(crate) async fn current(
    link: &Link,
    place: Place,
    lease: &JobLease,
) -> Result<Written<Journal>> {
    let (stream, subject) = place.subject(link);
    match link.value::<Journal>(&stream, &subject).await? {
        Some(last) if last.value.token == lease.token => Ok(last),
        Some(_) => Err(error(ErrorKind::Held, "somebody else took over this job")),
        None => {
            take_over(link, lease).await?;
            let last = link.value(&stream, &subject).await?;
            last.ok_or_else(|| error(ErrorKind::Other, "the journal of this job does not stay"))
        }
    }
}

/// Does what is left to do about letters that were dealt with.
pub(crate) async fn finish(link: &Link, numbers: &[u64]) -> Result<()> {
    let claimed = claims_of(link, numbers).await?;
    claims::acknowledge(link, claimed, &mut Floors::new()).await?;
    remove(link, numbers).await
}

/// Reads where the deliveries that became letters are acknowledged.
async fn claims_of(link: &Link, numbers: &[u64]) -> Result<Vec<String>> {
    let found: Vec<Option<letter::Claimed>> = stream::iter(numbers.to_vec())
        .map(|number| letter::fetch(link, number))
        .buffered(DELETES)
        .try_collect()
        .await?;
    Ok(found
        .into_iter()
        .flatten()
        .filter_map(|(_, claim)| claim)
        .collect())
}

/// Deletes letters that were dealt with.
pub(crate) async fn remove(link: &Link, numbers: &[u64]) -> Result<()> {
    let letters = link.names.letters();
    if numbers.len() > 1 && clear_front(link, &letters, numbers).await? {
        return Ok(());
    }
    let mut deleted = stream::iter(numbers.to_vec())
        .map(|number| link.delete(&letters, number))
        .buffer_unordered(DELETES);
    while deleted.try_next().await?.is_some() {}
    Ok(())
}

/// Reports whether it is time to delete letters that were dealt with, of a job that has so many left.
pub(crate) fn should_remove(link: &Link, numbers: &[u64], left: u64) -> bool {
    // They are written with every step.
    numbers.len() >= GATHERED.min(link.client.max_payload() / 64)
        || numbers.len() as u64 >= left / 2
}

/// Deletes letters all at once if there is nothing else up to the last of them, and tells whether it did. Letters
/// only come at the end, so that what is looked at stays true.
async fn clear_front(link: &Link, letters: &str, numbers: &[u64]) -> Result<bool> {
    let (Some(&first), Some(&last)) = (numbers.iter().min(), numbers.iter().max()) else {
        return Ok(true);
    };
    let Some(facts) = link.find_stream(letters).await? else {
        return Ok(false);
    };
    let count = numbers.len() as u64;
    let is_gapless = last - first + 1 == count;
    let is_slow = facts.state.messages > STAYING * count;
    if !is_gapless || is_slow || facts.state.first_seq < first || facts.config.deny_purge {
        return Ok(false);
    }
    let body = json!({"seq": last + 1});
    link.api(format!("STREAM.PURGE.{letters}"), &body).await?;
    Ok(true)
}

/// A message of a batch.
pub(crate) type Part = (String, HeaderMap, Bytes);

/// Commits events and the journal in one step, or not at all. Where no answer comes, the journal tells.
pub(crate) async fn commit(
    link: &Link,
    events: &[Part],
    journal: &Journal,
    last: u64,
) -> Result<u64, Refusal> {
    let (stream, subject) = Place::Inside.subject(link);
    let payload = Bytes::from(headers::json(journal).map_err(Refusal::Lost)?);
    let until = Instant::now() + RIDE_OUT;
    let mut tries = 0;
    loop {
        let refusal = match batch(link, events, &payload, (&subject, last)).await {
            Ok(number) => return Ok(number),
            // Another leader took the end of the batch than its beginning.
            Err(refusal) if refusal.is(BATCH_INCOMPLETE) && tries < TRIES => {
                tries += 1;
                sleep(PAUSE).await;
                continue;
            }
            Err(refusal) => refusal,
        };
        let became = link.what_became(&refusal, (&stream, &subject), &payload, last);
        match became.await? {
            Became::Stored(number) => return Ok(number),
            Became::Unsent if Instant::now() < until => sleep(PAUSE).await,
            _ => return Err(refusal),
        }
    }
}

async fn batch(
    link: &Link,
    events: &[Part],
    journal: &Bytes,
    (subject, last): (&str, u64),
) -> Result<u64, Refusal> {
    let mut guard = HeaderMap::new();
    guard.insert("Nats-Expected-Last-Subject-Sequence", last.to_string());
    guard.insert(headers::EXPECTED_STREAM, link.names.stream.as_str());
    if events.is_empty() {
        return link.put(subject.to_owned(), guard, journal.clone()).await;
    }
    let (id, since) = (link.id(), Instant::now());
    for (index, (subject, map, payload)) in events.iter().enumerate() {
        let mut map = map.clone();
        map.insert("Nats-Batch-Id", id.as_str());
        map.insert("Nats-Batch-Sequence", (index + 1).to_string());
        let sent = link
            .client
            .publish_with_headers(subject.clone(), map, payload.clone())
            .await;
        sent.map_err(|source| {
            let message = "a message of the batch cannot be sent";
            Refusal::Lost(error(ErrorKind::Invalid, message).because(source))
        })?;
    }
    guard.insert("Nats-Batch-Id", id.as_str());
    guard.insert("Nats-Batch-Sequence", (events.len() + 1).to_string());
    guard.insert("Nats-Batch-Commit", "1");
    // The messages before it are gone if no leader took them.
    let put = link.put_once(subject.to_owned(), guard, journal.clone());
    let committed = put.await;
    // The server refuses a batch as incomplete if it did not let one of its messages through.
    committed.map_err(|refusal| {
        let mut subjects = events.iter().map(|(subject, ..)| subject);
        let denied = subjects.find_map(|subject| link.denials.of(subject, since));
        denied.map_or(refusal, Refusal::Lost)
    })
}

/// Reports whether the server still recognises what may have been published since the journal was written.
pub(crate) async fn is_recognised(link: &Link, journal: &Written<Journal>) -> Result<bool> {
    if journal.value.doubt.is_none() {
        return Ok(true);
    }
    let window = Duration::from_nanos(link.facts().await?.config.duplicate_window);
    let age = SystemTime::now()
        .duration_since(journal.announced())
        .unwrap_or_default();
    Ok(age < window / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_comes_back() {
        let lease = JobLease {
            job: JobId("j".to_owned()),
            token: 7,
        };
        let journal = Journal {
            remove: vec![1, 2, 4],
            ..Journal::new(&lease, 2)
        };
        let text = headers::json(&journal).unwrap();
        assert!(text.contains("[[1,2],[4,4]]"), "{text}");
        assert_eq!(serde_json::from_str::<Journal>(&text).unwrap(), journal);
    }
}
