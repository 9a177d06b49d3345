//! Making verdicts true: the effect first, then the word to the server, which is confirmed.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, sleep};

use super::{
    error, letter,
    member::{Claim, DONE, Held, Shared},
    runs::{self, Past, Runs},
};
use crate::{
    failpoint,
    transport::{
        Attempts, DeadLetter, Delivery, ErrorKind, Failure, LetterKind, Result, Settlement, Verdict,
    },
};

/// How long acknowledgements are gathered before the last of them is confirmed.
const GATHER: Duration = Duration::from_millis(20);
/// The pause before acknowledgements are sent again.
const PAUSE: Duration = Duration::from_millis(100);
/// How many verdicts other than acknowledgements are worked on at once.
const AT_ONCE: usize = 256;

/// Makes verdicts true, one result each, in order.
pub(super) async fn settle_all(shared: &Arc<Shared>, batch: Vec<Settlement>) -> Vec<Result<()>> {
    let results = stream::iter(batch)
        .map(|settlement| settle(shared, settlement))
        .buffered(AT_ONCE)
        .collect()
        .await;
    shared.stirred.notify_one();
    results
}

async fn settle(shared: &Shared, settlement: Settlement) -> Result<()> {
    let Settlement { delivery, verdict } = settlement;
    let held = {
        let mut desk = shared.desk();
        desk.expire();
        let held = desk.held.remove(&delivery.ticket());
        // A bounded membership must not take it for done while its run is written down.
        if let (Some(held), Verdict::Retry { after, .. }) = (&held, &verdict) {
            let due = Instant::now() + *after;
            desk.retrying.insert(held.claim.number, due);
        }
        held
    };
    let Some(Held { claim, until, past }) = held else {
        let message = format!("the lease of {} had run out", delivery.stored.position);
        return Err(error(ErrorKind::Lost, message));
    };
    match verdict {
        Verdict::Ack => acknowledge(shared, claim, &delivery.attempts).await,
        Verdict::Return => ride_out(until, || shared.hold(&claim, Duration::ZERO)).await,
        Verdict::Retry { after, failure } => {
            let runs = Runs::after(&delivery.attempts, past, after, &failure);
            retry(shared, &claim, &runs, until).await
        }
        Verdict::DeadLetter { kind, failure } => {
            let dead = dead(shared, &delivery, (kind, failure), &past);
            bury(shared, &claim, until, dead).await
        }
    }
}

/// Repeats what a lost connection kept from happening, as long as the lease lasts.
async fn ride_out<F>(until: Instant, mut step: impl FnMut() -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    loop {
        match step().await {
            Err(failed) if failed.is_transient() && Instant::now() < until => sleep(PAUSE).await,
            result => return result,
        }
    }
}

async fn acknowledge(shared: &Shared, claim: Claim, attempts: &Attempts) -> Result<()> {
    shared.tell(vec![claim.reply.clone()], &DONE).await?;
    failpoint::reach("nats.ack_sent");
    shared.desk().unconfirmed.push(claim.reply);
    shared.acknowledged.notify_one();
    if attempts.failed > 0 {
        shared
            .link
            .forget_runs(&shared.consumer, claim.number)
            .await;
    }
    Ok(())
}

async fn retry(shared: &Shared, claim: &Claim, runs: &Runs, until: Instant) -> Result<()> {
    let (link, consumer) = (&shared.link, &shared.consumer);
    ride_out(until, || link.write_runs(consumer, claim.number, runs)).await?;
    failpoint::reach("nats.run_written");
    let due = Instant::now() + runs.rest();
    shared.desk().retrying.insert(claim.number, due);
    ride_out(until, || shared.hold(claim, runs.rest())).await?;
    failpoint::reach("nats.held");
    Ok(())
}

fn dead(
    shared: &Shared,
    delivery: &Delivery,
    (kind, failure): (LetterKind, Failure),
    past: &[Past],
) -> DeadLetter {
    let (store, group) = (&shared.store, &shared.group);
    let mut dead = DeadLetter::of(super::SCHEME, store, group, delivery, kind, failure);
    dead.record.earlier = runs::told(past);
    dead
}

async fn bury(shared: &Shared, claim: &Claim, until: Instant, dead: DeadLetter) -> Result<()> {
    let had_runs = !dead.record.earlier.is_empty();
    ride_out(until, || async {
        let original = letter::Original {
            number: claim.number,
            claim: Some(&claim.reply),
        };
        letter::store(&shared.link, &dead, original).await.map(drop)
    })
    .await?;
    failpoint::reach("nats.letter_stored");
    ride_out(until, || shared.link.confirm(claim.reply.clone(), DONE)).await?;
    failpoint::reach("nats.letter_acked");
    if had_runs {
        shared
            .link
            .forget_runs(&shared.consumer, claim.number)
            .await;
    }
    Ok(())
}

/// Confirms acknowledgements as they are made.
pub(super) async fn confirm_for_ever(shared: Arc<Shared>) {
    loop {
        shared.acknowledged.notified().await;
        sleep(GATHER).await;
        if let Err(failed) = confirm(&shared).await {
            tracing::warn!(%failed, "acknowledgements are not confirmed; their messages may come again");
        }
    }
}

/// Makes sure that every acknowledgement so far has arrived: the server takes them in order, so the last one tells.
/// If it got lost, all of them are sent again.
pub(super) async fn confirm(shared: &Shared) -> Result<()> {
    let _turn = shared.confirming.lock().await;
    let mut replies = std::mem::take(&mut shared.desk().unconfirmed);
    let Some(last) = replies.pop() else {
        return Ok(());
    };
    let until = Instant::now() + shared.lease;
    let mut unheard = false;
    loop {
        if unheard {
            shared.tell(replies.clone(), &DONE).await?;
        }
        match shared.link.confirm(last.clone(), DONE).await {
            Err(failed) if failed.is_transient() && Instant::now() < until => {
                unheard = true;
                shared.link.wait_for_connection(until).await;
                sleep(PAUSE).await;
            }
            result => {
                failpoint::reach("nats.acks_confirmed");
                return result;
            }
        }
    }
}
