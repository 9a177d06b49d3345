//! Making verdicts true: the effect first, then the word to the server, which is confirmed.

use std::{sync::Arc, time::Duration};

use async_nats::Subject;
use futures_util::{
    FutureExt as _, StreamExt as _, TryFutureExt as _,
    future::{BoxFuture, join},
    stream::FuturesUnordered,
};
use tokio::{
    sync::MutexGuard,
    time::{Instant, sleep},
};

use crate::{
    backends::nats::{
        connection::confirmed_publish::while_it_may_pass,
        consume::{
            attempts::{self as runs, Past, Runs},
            consumer::durable as consumer,
            state::{Claim, Held},
            subscription::{DONE, Shared},
        },
        dead_letter::store as letter,
        error::{SCHEME, error},
        publish::prepared::reworded,
    },
    failpoint,
    transport::{
        DeadLetter, Delivery, ErrorKind, Failure, LetterKind, Result, Settlement, TransportError,
        Verdict,
    },
};

/// How long acknowledgements are gathered before the last of them is confirmed.
const GATHER: Duration = Duration::from_millis(20);
/// The pause before acknowledgements are sent again.
const PAUSE: Duration = Duration::from_millis(100);
/// How many verdicts other than acknowledgements are worked on at once, ...
const AT_ONCE: usize = 256;
/// ... and after how many it is looked what was confirmed meanwhile.
const SOME: usize = 32;

/// A verdict on what was held.
struct Work {
    index: usize,
    held: Held,
    delivery: Delivery,
    verdict: Verdict,
}

/// An acknowledgement to be sent.
struct Done {
    index: usize,
    claim: Claim,
    /// Whether runs of it were written down.
    had_runs: bool,
}

/// Makes verdicts true, one result each, in order. Acknowledgements go out first: they wait for nothing.
pub(crate) async fn settle_all(shared: &Arc<Shared>, batch: Vec<Settlement>) -> Vec<Result<()>> {
    let mut results: Vec<Result<()>> = Vec::with_capacity(batch.len());
    let (acks, others) = take(shared, batch, &mut results);
    let acknowledged = acknowledge(shared, acks);
    if others.is_empty() {
        note(acknowledged.await, &mut results);
        shared.stirred.notify_one();
        return results;
    }
    // Its turn is that of the first poll, however long the acknowledgements take.
    let (failed, turn) = join(acknowledged, shared.sending.lock()).await;
    note(failed, &mut results);
    let letters = make_true(shared, (others, turn), &mut results).await;
    confirm_letters(shared, letters, &mut results).await;
    let mut failed = results.iter().filter_map(|result| result.as_ref().err());
    if let Some(denied) = failed.find(|failed| failed.kind() == ErrorKind::Denied) {
        // It would be so with all that come, again and again.
        shared.fail(denied.clone());
    }
    shared.stirred.notify_one();
    results
}

fn note(failed: Vec<(usize, Result<()>)>, results: &mut [Result<()>]) {
    for (index, failed) in failed {
        results[index] = failed;
    }
}

/// Makes verdicts other than acknowledgements true, whose turn it is; returns the letters among them, in the order of the
/// acknowledgement of their originals.
async fn make_true(
    shared: &Shared,
    (others, turn): (Vec<Work>, MutexGuard<'_, ()>),
    results: &mut [Result<()>],
) -> Vec<(usize, Buried)> {
    let mut letters = Vec::new();
    let mut settled = |(index, result): Numbered| {
        results[index] = result.map(|buried| letters.extend(buried.map(|buried| (index, buried))));
    };
    let mut under_way = FuturesUnordered::new();
    for work in others {
        let index = work.index;
        let settled_later = settle(shared, work).await;
        under_way.push(settled_later.map(move |result| (index, result)));
        if under_way.len() >= AT_ONCE
            && let Some(one) = under_way.next().await
        {
            settled(one);
        }
        // The first originals are acknowledged while other letters are still laid out.
        if under_way.len() % SOME == 0 {
            while let Some(Some(one)) = under_way.next().now_or_never() {
                settled(one);
            }
        }
    }
    drop(turn);
    while let Some(one) = under_way.next().await {
        settled(one);
    }
    letters
}

/// A message whose letter is stored and that was acknowledged.
struct Buried {
    claim: Claim,
    /// Whether runs of it were written down.
    had_runs: bool,
}

/// Confirms that the originals of letters, in the order in which they were acknowledged, will not come again: after a
/// replay they would die a second time.
async fn confirm_letters(
    shared: &Shared,
    letters: Vec<(usize, Buried)>,
    results: &mut [Result<()>],
) {
    let replies = letters.iter().map(|(_, buried)| buried.claim.reply.clone());
    let confirmed = confirm_all(shared, replies.collect()).await;
    for (index, Buried { claim, had_runs }) in letters {
        match &confirmed {
            Ok(()) if had_runs => {
                shared
                    .link
                    .forget_runs(&shared.consumer, claim.number)
                    .await;
            }
            Ok(()) => {}
            Err(failed) => {
                let text = "the original of a dead letter may come again";
                results[index] = Err(reworded(failed, |words| format!("{text}: {words}")));
            }
        }
    }
}

/// Takes out what is settled, acknowledgements apart; what is not held any more has its result.
fn take(
    shared: &Shared,
    batch: Vec<Settlement>,
    results: &mut Vec<Result<()>>,
) -> (Vec<Done>, Vec<Work>) {
    let is_done = |settlement: &&Settlement| settlement.verdict == Verdict::Ack;
    let done = batch.iter().filter(is_done).count();
    let mut acks = Vec::with_capacity(done);
    let mut others = Vec::with_capacity(batch.len() - done);
    let mut desk = shared.desk();
    desk.expire();
    for (index, Settlement { delivery, verdict }) in batch.into_iter().enumerate() {
        let Some(held) = desk.held.remove(&delivery.ticket()) else {
            let lost = TransportError::lease_lost(SCHEME, &delivery.stored.position);
            results.push(Err(lost));
            continue;
        };
        // A bounded membership must not take it for done while its run is written down.
        if let Verdict::Retry { after, .. } = &verdict {
            let due = Instant::now() + *after;
            desk.retrying.insert(held.claim.number, due);
        }
        results.push(Ok(()));
        if verdict == Verdict::Ack {
            acks.push(Done {
                index,
                claim: held.claim,
                had_runs: delivery.attempts.failed > 0,
            });
        } else {
            others.push(Work {
                index,
                held,
                delivery,
                verdict,
            });
        }
    }
    (acks, others)
}

type Settled<'a> = BoxFuture<'a, Result<Option<Buried>>>;

/// What a verdict came to, with its place in the batch.
type Numbered = (usize, Result<Option<Buried>>);

/// Begins to make a verdict true: a letter is on its way then.
async fn settle(shared: &Shared, work: Work) -> Settled<'_> {
    let Held { claim, until, past } = work.held;
    match work.verdict {
        Verdict::Ack => Box::pin(async move {
            shared.tell([claim.reply], &DONE).await?;
            Ok(None)
        }),
        Verdict::Return => Box::pin(async move {
            while_it_may_pass(until, || shared.hold(&claim, Duration::ZERO)).await?;
            Ok(None)
        }),
        Verdict::Retry { after, failure } => {
            let runs = Runs::after(&work.delivery.attempts, past, after, &failure);
            Box::pin(async move {
                retry(shared, &claim, &runs, until).await?;
                Ok(None)
            })
        }
        Verdict::DeadLetter { kind, failure } => {
            let dead = dead(shared, &work.delivery, (kind, *failure), &past);
            let sent = letter::send(&shared.link, &dead, original(&claim)).await;
            Box::pin(bury(shared, claim, until, (dead, sent)).map_ok(Some))
        }
    }
}

/// Tells the server that these are done, which is confirmed within a moment; returns those that cannot be told.
async fn acknowledge(shared: &Shared, acks: Vec<Done>) -> Vec<(usize, Result<()>)> {
    let (mut sent, mut failed) = (Vec::with_capacity(acks.len()), Vec::new());
    for done in acks {
        let Claim { reply, number } = done.claim;
        if let Err(error) = shared.tell([reply.clone()], &DONE).await {
            failed.push((done.index, Err(error)));
            continue;
        }
        failpoint::reach("nats.ack_sent");
        sent.push(reply);
        if done.had_runs {
            shared.link.forget_runs(&shared.consumer, number).await;
        }
    }
    if !sent.is_empty() {
        shared.desk().unconfirmed.extend(sent);
        shared.acknowledged.notify_one();
    }
    failed
}

async fn retry(shared: &Shared, claim: &Claim, runs: &Runs, until: Instant) -> Result<()> {
    let (link, consumer) = (&shared.link, &shared.consumer);
    while_it_may_pass(until, || link.write_runs(consumer, claim.number, runs)).await?;
    failpoint::reach("nats.run_written");
    let due = Instant::now() + runs.rest();
    shared.desk().retrying.insert(claim.number, due);
    while_it_may_pass(until, || shared.hold(claim, runs.rest())).await?;
    failpoint::reach("nats.held");
    Ok(())
}

fn dead(
    shared: &Shared,
    delivery: &Delivery,
    (kind, failure): (LetterKind, Failure),
    past: &[Past],
) -> Box<DeadLetter> {
    let (store, group) = (shared.store(), &shared.group);
    let mut dead = DeadLetter::of(SCHEME, &store, group, delivery, kind, failure);
    dead.record.earlier = runs::told(past);
    Box::new(dead)
}

/// Waits until a letter is stored, then acknowledges its original, which ends this: originals are confirmed in the order
/// of this.
async fn bury(
    shared: &Shared,
    claim: Claim,
    until: Instant,
    (dead, sent): (Box<DeadLetter>, Result<impl Future<Output = Result<bool>>>),
) -> Result<Buried> {
    let stored = match sent {
        Ok(confirmed) => confirmed.await,
        Err(failed) => Err(failed),
    };
    match stored {
        Err(failed) if failed.is_transient() && Instant::now() < until => {
            // Rare, and not to make room for in every one of these.
            let store = || letter::store(&shared.link, &dead, original(&claim));
            Box::pin(while_it_may_pass(until, store)).await?;
        }
        stored => drop(stored?),
    }
    failpoint::reach("nats.letter_stored");
    shared.tell([claim.reply.clone()], &DONE).await?;
    failpoint::reach("nats.letter_acked");
    Ok(Buried {
        claim,
        had_runs: !dead.record.earlier.is_empty(),
    })
}

fn original(claim: &Claim) -> letter::Original<'_> {
    letter::Original {
        number: claim.number,
        claim: Some(&claim.reply),
    }
}

/// Confirms acknowledgements as they are made.
pub(crate) async fn confirm_for_ever(shared: Arc<Shared>) {
    loop {
        shared.acknowledged.notified().await;
        sleep(GATHER).await;
        match confirm(&shared).await {
            // Everything would be handled again and again.
            Err(failed) if failed.kind() == ErrorKind::Denied => shared.fail(failed),
            Err(failed) => {
                tracing::warn!(%failed, "acknowledgements are not confirmed; their messages may come again");
            }
            Ok(()) => {}
        }
    }
}

/// Makes sure that every acknowledgement so far has arrived.
pub(crate) async fn confirm(shared: &Shared) -> Result<()> {
    let _turn = shared.confirming.lock().await;
    let replies = std::mem::take(&mut shared.desk().unconfirmed);
    confirm_all(shared, replies).await
}

/// Reports whether there is nobody to acknowledge to.
async fn is_gone(shared: &Shared) -> bool {
    match consumer::find(&shared.link, &shared.consumer).await {
        Ok(found) => found.is_none(),
        Err(failed) => failed.kind() == ErrorKind::NotFound,
    }
}

/// Makes sure that acknowledgements have arrived: the server takes them in order, so the last one tells. If it got
/// lost, all of them are sent again.
async fn confirm_all(shared: &Shared, mut replies: Vec<Subject>) -> Result<()> {
    let Some(last) = replies.pop() else {
        return Ok(());
    };
    let (until, life) = (Instant::now() + shared.lease, shared.life());
    let mut unheard = false;
    loop {
        if shared.life() != life {
            // Those numbers are other messages now.
            return Ok(());
        }
        if unheard {
            shared.tell(replies.clone(), &DONE).await?;
        }
        match shared.link.confirm(last.clone(), DONE).await {
            Err(failed) if failed.is_transient() && Instant::now() < until => {
                unheard = true;
                if is_gone(shared).await {
                    let message = format!("the consumer `{}` is gone", shared.consumer);
                    return Err(error(ErrorKind::NotFound, message));
                }
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
