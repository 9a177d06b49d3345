//! Verdicts applied: the effect first, then the acknowledgement, which is confirmed.
//!
//! A retry is recorded before its message is held back, a dead letter is stored before its original is acknowledged: a
//! crash in between leads to another delivery, never to a lost event. Acknowledgements are not confirmed one by one, as
//! the server takes those of a consumer in order: the last one confirms all before it.

use std::{sync::Arc, time::Duration};

use futures_util::{
    FutureExt as _, StreamExt as _, TryFutureExt as _,
    future::{BoxFuture, join},
    stream::FuturesUnordered,
};
use tokio::{sync::MutexGuard, time::Instant};

use crate::{
    backends::{
        delivery_buffer::in_flight::Leased,
        nats::{
            connection::{ack::ACK, retry},
            consume::{
                attempts::{self, AttemptRecord},
                confirm::confirm_all,
                marks::begun::{self, Begun},
                session::Session,
                state::{AckHandle, Handle},
            },
            dead_letter::store::{self, OriginalRef},
            error::SCHEME,
        },
    },
    event::HandlingKey,
    failpoint,
    transport::{
        DeadLetter, DeadLetterKind, Delivery, ErrorKind, Failure, MarkChange, Result, Settlement,
        TransportError, Verdict,
    },
};

/// How many verdicts other than acknowledgements are applied at the same time, ...
const CONCURRENCY: usize = 256;
/// ... and after how many the confirmed ones are collected.
const COLLECT_EVERY: usize = 32;

/// A verdict on a message in flight.
struct Work {
    index: usize,
    leased: Leased<Handle, Instant>,
    delivery: Delivery,
    verdict: Verdict,
    mark: Option<MarkChange>,
}

/// An acknowledgement to be sent.
struct PendingAck {
    index: usize,
    handle: AckHandle,
    /// Whether failed runs of it are recorded.
    has_record: bool,
    /// The key of an event to be marked as handled.
    done: Option<HandlingKey>,
    /// When its lease ends.
    until: Instant,
}

/// Applies verdicts and returns one result each, in order. Acknowledgements are sent first: they wait for nothing.
pub(crate) async fn settle_all(session: &Arc<Session>, batch: Vec<Settlement>) -> Vec<Result<()>> {
    let mut results: Vec<Result<()>> = Vec::with_capacity(batch.len());
    let (acks, others) = take(session, batch, &mut results);
    let acknowledged = mark_and_acknowledge(session, acks);
    if others.is_empty() {
        note(acknowledged.await, &mut results);
        session.wake_pull.notify_one();
        return results;
    }
    // The lock is requested at the first poll, however long the acknowledgements take: batches keep their order.
    let (failed, turn) = join(acknowledged, session.sending.lock()).await;
    note(failed, &mut results);
    let letters = apply(session, others, turn, &mut results).await;
    confirm_letters(session, letters, &mut results).await;
    let mut failed = results.iter().filter_map(|result| result.as_ref().err());
    if let Some(denied) = failed.find(|failed| failed.kind() == ErrorKind::Denied) {
        // All further verdicts would be denied too, and every message would be delivered again and again.
        session.fail(denied.clone());
    }
    session.wake_pull.notify_one();
    results
}

fn note(failed: Vec<(usize, Result<()>)>, results: &mut [Result<()>]) {
    for (index, failed) in failed {
        results[index] = failed;
    }
}

/// Applies verdicts other than acknowledgements. Returns the dead letters among them, in the order in which their originals
/// were acknowledged.
async fn apply(
    session: &Session,
    others: Vec<Work>,
    turn: MutexGuard<'_, ()>,
    results: &mut [Result<()>],
) -> Vec<(usize, DeadLettered)> {
    let mut letters = Vec::new();
    let mut settled = |(index, result): Numbered| {
        results[index] = result.map(|dead| letters.extend(dead.map(|dead| (index, dead))));
    };
    let mut applying = FuturesUnordered::new();
    for work in others {
        let index = work.index;
        let applied = settle(session, work).await;
        applying.push(applied.map(move |result| (index, result)));
        if applying.len() >= CONCURRENCY
            && let Some(one) = applying.next().await
        {
            settled(one);
        }
        // The first originals are acknowledged while other dead letters are still encoded.
        if applying.len() % COLLECT_EVERY == 0 {
            while let Some(Some(one)) = applying.next().now_or_never() {
                settled(one);
            }
        }
    }
    drop(turn);
    while let Some(one) = applying.next().await {
        settled(one);
    }
    letters
}

/// A message that was acknowledged after its dead letter was stored.
struct DeadLettered {
    handle: AckHandle,
    /// Whether failed runs of it are recorded.
    has_record: bool,
}

/// Confirms the acknowledgements of the originals of dead letters, in the order in which they were sent: an original that
/// is delivered again after a replay would be dead-lettered a second time.
async fn confirm_letters(
    session: &Session,
    letters: Vec<(usize, DeadLettered)>,
    results: &mut [Result<()>],
) {
    let replies = letters.iter().map(|(_, dead)| dead.handle.reply.clone());
    let replies: Vec<_> = replies.collect();
    let confirmed = confirm_all(session, &replies, session.incarnation()).await;
    for (index, DeadLettered { handle, has_record }) in letters {
        match &confirmed {
            Ok(()) if has_record => {
                attempts::delete(&session.connection, &session.consumer, handle.sequence).await;
            }
            Ok(()) => {}
            Err(failed) => {
                let text = "the original of a dead letter may be delivered again";
                let message = format!("{text}: {}", failed.message());
                results[index] = Err(failed.clone().with_message(message));
            }
        }
    }
}

/// Takes the settled messages out of those in flight, acknowledgements apart. A message whose lease has ended has its
/// result.
fn take(
    session: &Session,
    batch: Vec<Settlement>,
    results: &mut Vec<Result<()>>,
) -> (Vec<PendingAck>, Vec<Work>) {
    let is_done = |settlement: &&Settlement| settlement.verdict == Verdict::Ack;
    let done = batch.iter().filter(is_done).count();
    let mut acks = Vec::with_capacity(done);
    let mut others = Vec::with_capacity(batch.len() - done);
    let mut state = session.state();
    state.expire();
    for (index, settlement) in batch.into_iter().enumerate() {
        let mark = settlement.mark();
        let Settlement { delivery, verdict } = settlement;
        let leased = state.deliveries.in_flight_mut().settle(delivery.ticket());
        let Some(leased) = leased else {
            let lost = TransportError::lease_lost(SCHEME, &delivery.stored.position);
            results.push(Err(lost));
            continue;
        };
        // Before the run is recorded, so that a bounded subscription does not end meanwhile.
        if let Verdict::Retry { after, .. } = &verdict {
            let due = Instant::now() + *after;
            state.retrying.insert(leased.handle.ack.sequence, due);
        }
        results.push(Ok(()));
        if verdict == Verdict::Ack {
            acks.push(PendingAck {
                index,
                handle: leased.handle.ack,
                has_record: delivery.attempts.failed > 0,
                done: match mark {
                    Some(MarkChange::Done(key)) => Some(key),
                    _ => None,
                },
                until: leased.until,
            });
        } else {
            others.push(Work {
                index,
                leased,
                delivery,
                verdict,
                mark,
            });
        }
    }
    (acks, others)
}

type Settled<'a> = BoxFuture<'a, Result<Option<DeadLettered>>>;

/// The result of a verdict, with its index in the batch.
type Numbered = (usize, Result<Option<DeadLettered>>);

/// Starts to apply a verdict: a dead letter is sent, and the future waits for its confirmation.
async fn settle(session: &Session, work: Work) -> Settled<'_> {
    let until = work.leased.until;
    let begun = Begun {
        change: work.mark,
        position: work.delivery.stored.position.clone(),
        until,
    };
    let Handle {
        ack: handle, past, ..
    } = work.leased.handle;
    match work.verdict {
        Verdict::Ack => Box::pin(async move {
            session.send_acks([handle.reply], &ACK).await?;
            Ok(None)
        }),
        Verdict::Return => Box::pin(async move {
            begun::forget(session, begun).await?;
            retry::until(until, || session.hold_back(&handle, Duration::ZERO)).await?;
            Ok(None)
        }),
        Verdict::Retry { after, failure } => {
            let record = AttemptRecord::after(&work.delivery.attempts, past, after, &failure);
            Box::pin(async move {
                retry_later(session, &handle, &record, begun).await?;
                Ok(None)
            })
        }
        Verdict::DeadLetter { kind, failure } => {
            let mut letter = dead_letter(session, &work.delivery, kind, *failure);
            letter.record.earlier = attempts::history_lines(&past);
            let sent = store::send(&session.connection, &letter, original(&handle)).await;
            Box::pin(
                store_dead_letter(session, handle, begun, Sending { letter, sent }).map_ok(Some),
            )
        }
    }
}

/// Marks events as handled, then acknowledges them: a crash in between delivers them again, as duplicates of themselves.
async fn mark_and_acknowledge(
    session: &Session,
    acks: Vec<PendingAck>,
) -> Vec<(usize, Result<()>)> {
    let handled = acks.iter().filter_map(|ack| Some((ack.done?, ack.until)));
    let handled: Vec<(HandlingKey, Instant)> = handled.collect();
    let Some(marks) = session.marks.as_ref().filter(|_| !handled.is_empty()) else {
        return acknowledge(session, acks).await;
    };
    let store = session.store();
    let marked = marks.done(&session.connection, &store, handled).await;
    let mut marked = marked.into_iter();
    failpoint::reach("nats.marked");
    let (mut ready, mut failed) = (Vec::with_capacity(acks.len()), Vec::new());
    for ack in acks {
        match ack.done.and_then(|_| marked.next()) {
            Some(Err(error)) => failed.push((ack.index, Err(error))),
            Some(Ok(())) | None => ready.push(ack),
        }
    }
    failed.extend(acknowledge(session, ready).await);
    failed
}

/// Sends acknowledgements, which are confirmed a moment later; returns those that cannot be sent.
async fn acknowledge(session: &Session, acks: Vec<PendingAck>) -> Vec<(usize, Result<()>)> {
    let (mut sent, mut failed) = (Vec::with_capacity(acks.len()), Vec::new());
    for ack in acks {
        let AckHandle { reply, sequence } = ack.handle;
        if let Err(error) = session.send_acks([reply.clone()], &ACK).await {
            failed.push((ack.index, Err(error)));
            continue;
        }
        failpoint::reach("nats.ack_sent");
        sent.push(reply);
        if ack.has_record {
            attempts::delete(&session.connection, &session.consumer, sequence).await;
        }
    }
    if !sent.is_empty() {
        session.state().unconfirmed.extend(sent);
        session.acknowledged.notify_one();
    }
    failed
}

/// Records a failed run, then forgets that it began, then holds its message back. The other way round, a crash in between
/// would repeat a run that is made at most once, and its failure is not counted.
async fn retry_later(
    session: &Session,
    handle: &AckHandle,
    record: &AttemptRecord,
    begun: Begun,
) -> Result<()> {
    let until = begun.until;
    let (connection, consumer) = (&session.connection, &session.consumer);
    let sequence = handle.sequence;
    retry::until(until, || {
        attempts::write(connection, consumer, sequence, record)
    })
    .await?;
    failpoint::reach("nats.run_written");
    begun::forget(session, begun).await?;
    let due = Instant::now() + record.remaining_delay();
    session.state().retrying.insert(sequence, due);
    retry::until(until, || {
        session.hold_back(handle, record.remaining_delay())
    })
    .await?;
    failpoint::reach("nats.held");
    Ok(())
}

fn dead_letter(
    session: &Session,
    delivery: &Delivery,
    kind: DeadLetterKind,
    failure: Failure,
) -> Box<DeadLetter> {
    let (store, group) = (session.store(), &session.group);
    Box::new(DeadLetter::of(
        SCHEME, &store, group, delivery, kind, failure,
    ))
}

/// A dead letter that was sent, and what waits for its confirmation.
struct Sending<F> {
    letter: Box<DeadLetter>,
    sent: Result<F>,
}

/// Waits until a dead letter is stored, then acknowledges its original. Originals are confirmed in the order of that.
async fn store_dead_letter(
    session: &Session,
    handle: AckHandle,
    begun: Begun,
    sending: Sending<impl Future<Output = Result<bool>>>,
) -> Result<DeadLettered> {
    let Sending { letter, sent } = sending;
    let until = begun.until;
    let stored = match sent {
        Ok(confirmed) => confirmed.await,
        Err(failed) => Err(failed),
    };
    match stored {
        Err(failed) if failed.is_transient() && Instant::now() < until => {
            // Boxed as it is rare, and would make every one of these futures larger.
            let store = || store::store(&session.connection, &letter, original(&handle));
            Box::pin(retry::until(until, store)).await?;
        }
        stored => drop(stored?),
    }
    failpoint::reach("nats.letter_stored");
    begun::bury(session, begun, &letter.id).await?;
    session.send_acks([handle.reply.clone()], &ACK).await?;
    failpoint::reach("nats.letter_acked");
    Ok(DeadLettered {
        handle,
        has_record: !letter.record.earlier.is_empty(),
    })
}

fn original(handle: &AckHandle) -> OriginalRef<'_> {
    OriginalRef {
        sequence: handle.sequence,
        ack_subject: Some(&handle.reply),
    }
}
