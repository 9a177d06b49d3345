//! Making verdicts true: the effect is confirmed first, then the message counts as dealt with.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::time::timeout;

use super::{
    retry_topics::support_topics,
    session::Shared,
    state::{Claim, Desk, End, Waited, Waiting},
};
use crate::{
    backends::kafka::{
        codec::record::{self, OutgoingRecord},
        dead_letter::store,
        delay::delayed_record,
        error::{self, SCHEME, error},
    },
    failpoint,
    transport::{
        DeadLetter, Delivery, ErrorKind, Failure, LetterKind, Result, Settlement, TransportError,
        Verdict,
    },
};

/// How many verdicts other than acknowledgements are worked on at once.
const AT_ONCE: usize = 512;

/// A verdict that takes more than a note.
struct Task {
    number: usize,
    claim: Claim,
    delivery: Delivery,
    effect: Effect,
}

enum Effect {
    /// What waited is done.
    End,
    /// It waits for another run.
    Wait(SystemTime),
    /// It is a dead letter.
    Bury(LetterKind, Box<Failure>),
}

/// Makes verdicts true, one result each, in order.
pub(crate) async fn settle_all(shared: &Arc<Shared>, batch: Vec<Settlement>) -> Vec<Result<()>> {
    let mut results: Vec<Result<()>> = Vec::with_capacity(batch.len());
    let mut tasks = Vec::new();
    {
        let mut desk = shared.desk();
        for (number, settlement) in batch.into_iter().enumerate() {
            let (result, task) = note(&mut desk, number, settlement);
            results.push(result);
            tasks.extend(task);
        }
    }
    failpoint::reach("kafka.acked");
    let has_effects = !tasks.is_empty();
    let mut done = stream::iter(tasks)
        .map(|task| carry_out(shared, task))
        .buffer_unordered(AT_ONCE);
    while let Some((number, result)) = done.next().await {
        if let Some(place) = results.get_mut(number) {
            *place = result;
        }
    }
    drop(done);
    if has_effects {
        commit(shared).await;
    }
    shared.wake();
    results
}

/// Waits until what is settled is committed, or nobody can wait any more: an effect that is stored is not to be
/// repeated with the message that it came from.
async fn commit(shared: &Shared) {
    let asked = {
        let mut desk = shared.desk();
        desk.commits_asked += 1;
        desk.commits_asked
    };
    shared.wake();
    let committed = async {
        loop {
            let committed = shared.committed.notified();
            tokio::pin!(committed);
            committed.as_mut().enable();
            {
                let desk = shared.desk();
                if desk.commits_made >= asked || matches!(desk.end, End::Closed | End::Abandoned) {
                    return;
                }
            }
            committed.await;
        }
    };
    if timeout(shared.lease, committed).await.is_err() {
        tracing::debug!("a position is committed later");
    }
}

/// Notes what needs no more than that, and begins the rest.
fn note(desk: &mut Desk, number: usize, settlement: Settlement) -> (Result<()>, Option<Task>) {
    let Settlement { delivery, verdict } = settlement;
    let Some(claim) = desk.begin(delivery.ticket()) else {
        return (Err(lost(&delivery)), None);
    };
    let effect = match verdict {
        Verdict::Ack if claim.waited.is_none() => {
            desk.conclude(&claim);
            desk.settle(&claim);
            return (Ok(()), None);
        }
        Verdict::Return => {
            desk.conclude(&claim);
            desk.put_back(returned(delivery, claim));
            return (Ok(()), None);
        }
        Verdict::Ack => Effect::End,
        Verdict::Retry { after, .. } => Effect::Wait(SystemTime::now() + after),
        Verdict::DeadLetter { kind, failure } => Effect::Bury(kind, failure),
    };
    let task = Task {
        number,
        claim,
        delivery,
        effect,
    };
    (Ok(()), Some(task))
}

fn returned(delivery: Delivery, claim: Claim) -> Waiting {
    Waiting {
        stored: delivery.stored,
        attempts: delivery.attempts,
        lineage: delivery.lineage,
        claim,
    }
}

fn lost(delivery: &Delivery) -> TransportError {
    TransportError::lease_lost(SCHEME, &delivery.stored.position)
}

async fn carry_out(shared: &Arc<Shared>, task: Task) -> (usize, Result<()>) {
    let Task {
        number,
        claim,
        delivery,
        effect,
    } = task;
    let made = match effect {
        Effect::End => end(shared, &claim).await,
        Effect::Wait(due) => wait(shared, &claim, &delivery, due).await,
        Effect::Bury(kind, failure) => bury(shared, &claim, &delivery, (kind, *failure)).await,
    };
    let mut desk = shared.desk();
    desk.conclude(&claim);
    let result = match made {
        Ok(()) if desk.settle(&claim) => Ok(()),
        Ok(()) => Err(lost(&delivery)),
        Err(failed) => {
            desk.put_back(returned(delivery, claim));
            Err(failed)
        }
    };
    (number, result)
}

/// Stores a record of a message that waits, or the end of one.
async fn store(shared: &Shared, record: OutgoingRecord, doing: &str) -> Result<()> {
    let stream = shared.connection.producer().await?;
    match stream.send(vec![record]).await.pop() {
        Some(Ok(_)) => Ok(()),
        Some(Err(code)) => Err(error::from_code(code, doing)),
        None => Err(TransportError::unanswered(SCHEME)),
    }
}

/// Ends what waited under a key.
async fn end(shared: &Shared, claim: &Claim) -> Result<()> {
    let Some(waited) = &claim.waited else {
        return Ok(());
    };
    // Whoever owns the partition now hands it out again.
    if !shared.desk().parts.contains_key(&claim.part) {
        return Ok(());
    }
    let (topic, key) = (&*waited.topic, waited.key.clone());
    let record = OutgoingRecord::tombstone(topic, waited.partition, key);
    store(shared, record, "ending a retry").await?;
    failpoint::reach("kafka.retry_ended");
    shared.desk().retrying.remove(&waited.key);
    Ok(())
}

/// Lets a message wait for another run, in the topic of the group's retries of its topic.
async fn wait(shared: &Shared, claim: &Claim, delivery: &Delivery, due: SystemTime) -> Result<()> {
    let message = &delivery.stored.message;
    let now = record::millis(SystemTime::now());
    let first_failed = delivery.attempts.first_failed.map_or(now, record::millis);
    let story = delayed_record::DelayedRecord {
        position: Some(delivery.stored.position.clone()),
        stored: Some(record::millis(delivery.stored.time)),
        failed: delivery.attempts.failed.saturating_add(1),
        first_failed: Some(first_failed),
        lineage: delivery.lineage.clone(),
        ..delayed_record::DelayedRecord::new(message.topic.clone(), due)
    };
    let Some(place) = place(shared, claim, delivery)? else {
        return Ok(());
    };
    let (topic, key) = (&*place.topic, place.key);
    let record = delayed_record::encode((topic, place.partition), key.clone(), &story, message)?;
    {
        // A bounded membership must not take it for done while it is being written down.
        let mut desk = shared.desk();
        if let Some(part) = desk.part(topic, place.partition) {
            desk.retrying.insert(key.clone(), part);
        }
    }
    let stored = store(shared, record, "keeping a retry").await;
    failpoint::reach("kafka.retry_stored");
    if stored.is_err() && claim.waited.is_none() {
        shared.desk().retrying.remove(&key);
    }
    stored.map_err(|failed| support_topics::explain(&shared.connection, &shared.group, failed))
}

/// Returns where a message waits: what waited before stays where it was. None if that is ours no more: whoever owns it
/// now hands the message out again, and may be done with it already.
fn place(shared: &Shared, claim: &Claim, delivery: &Delivery) -> Result<Option<Waited>> {
    let desk = shared.desk();
    if let Some(waited) = &claim.waited {
        let is_ours = desk.parts.contains_key(&claim.part);
        return Ok(is_ours.then(|| waited.clone()));
    }
    let message = &delivery.stored.message;
    let name = shared.connection.names().topic_name(&message.topic)?;
    let source = desk.sources.get(&name).ok_or_else(|| {
        let message = format!("there is no topic for retries of `{}`", message.topic);
        error(ErrorKind::NotFound, message)
    })?;
    let fallback = delivery.stored.position.as_str().as_bytes();
    Ok(Some(Waited {
        key: Bytes::copy_from_slice(fallback),
        topic: Arc::clone(&source.retries.name),
        partition: delayed_record::partition(message, fallback, source.retries.partitions),
    }))
}

async fn bury(
    shared: &Arc<Shared>,
    claim: &Claim,
    delivery: &Delivery,
    (kind, failure): (LetterKind, Failure),
) -> Result<()> {
    let group = &shared.group;
    let dead = DeadLetter::of(SCHEME, &shared.store, group, delivery, kind, failure);
    store::store(&shared.connection, &dead).await?;
    failpoint::reach("kafka.letter_stored");
    end(shared, claim).await
}
