//! Settlements: verdicts on their way to the store, settled in batches, counted and reported once they are durable.

use std::{collections::VecDeque, sync::Arc, task::Poll, time::Duration};

use futures_util::poll;
use tokio::{task::JoinHandle, time::Instant};

use super::{
    deliveries::{
        outlasted,
        queue::{Key, key_of},
    },
    ending::End,
    metrics::meters::{Meters, Slot},
    run::finished::LeftOut,
    summary::{ConsumeError, Summary},
};
use crate::{
    event::{Group, HandlingKey, add_hexa_root},
    failpoint,
    runtime::{Notice, Observer, joined},
    transport::{
        DeadLetterKind, Delivery, ErrorKind, Result, Settlement, Subscription, Ticket,
        TransportError, Verdict,
    },
};

/// While runs are in progress, a verdict waits this long for others. Making a batch durable (a commit or a round trip)
/// costs as much as many runs of a small command, however few verdicts are in it.
const LINGER: Duration = Duration::from_millis(10);

/// A verdict that is not durable yet: what to count and report once it is.
struct Entry {
    ticket: Ticket,
    end: End,
    /// The meters of its topic, and its kind if it becomes a dead letter.
    slot: Slot,
    kind: Option<DeadLetterKind>,
    /// The delivery, if the observer follows single deliveries.
    followed: Option<Box<FollowedDelivery>>,
    /// The key that is held until this verdict is durable.
    hold: Option<Key>,
    /// The key of its mark.
    marked: Option<HandlingKey>,
}

/// A delivery that is reported to the observer with its verdict.
struct FollowedDelivery {
    delivery: Delivery,
    verdict: Verdict,
    /// Reason for not handling it.
    left_out: Option<LeftOut>,
}

impl FollowedDelivery {
    fn notice(&self) -> Notice<'_> {
        let delivery = &self.delivery;
        match (&self.verdict, &self.left_out) {
            (Verdict::Ack, Some(LeftOut::Skipped(reason))) => Notice::Skipped(delivery, reason),
            (Verdict::Ack, Some(LeftOut::Expired(when))) => Notice::Expired(delivery, when),
            (Verdict::Ack, Some(LeftOut::Tombstone)) => Notice::Tombstone(delivery),
            (Verdict::Ack, Some(LeftOut::Filtered)) => Notice::Filtered(delivery),
            (Verdict::Ack, Some(LeftOut::Duplicate)) => Notice::Duplicate(delivery),
            (Verdict::Ack, None) => Notice::Acked(delivery),
            (Verdict::Retry { after, failure }, _) => Notice::Retrying(delivery, *after, failure),
            (Verdict::Return, _) => Notice::Returned(delivery),
            (Verdict::DeadLetter { kind, failure }, _) => {
                Notice::DeadLettered(delivery, *kind, failure)
            }
        }
    }
}

type Results = Vec<Result<()>>;

/// Result of settling a batch.
#[derive(Default)]
pub(super) struct BatchResult {
    /// Keys that the store itself holds from now on.
    pub(super) holds: Vec<Key>,
    /// Keys of marks, and whether the settlement was final.
    pub(super) marked: Vec<(HandlingKey, bool)>,
    /// Error that stops the consumer.
    pub(super) fatal: Option<ConsumeError>,
}

/// See the module.
pub(super) struct Settlements {
    subscription: Arc<dyn Subscription>,
    observer: Arc<dyn Observer>,
    /// The group, if messages of hexa-event that fail get what hexa-event adds to them.
    hexa_group: Option<Group>,
    /// How long marks are kept, if they are.
    window: Option<Duration>,
    follows: bool,
    batch: Vec<Settlement>,
    entries: Vec<Entry>,
    /// Verdicts that are settled without waiting for more. A quarter of what may be in flight: enough for a batch, and the
    /// rest stays free for the next deliveries.
    batch_size: usize,
    settle_at: Option<Instant>,
    /// Batches that are being settled, the earliest first.
    in_progress: VecDeque<(Vec<Entry>, JoinHandle<Results>)>,
    max_batches: usize,
    /// The metrics of the same.
    pub(super) meters: Meters,
    /// Counts of everything that is durable.
    pub(super) summary: Summary,
}

impl Settlements {
    pub(super) fn new(
        subscription: Arc<dyn Subscription>,
        observer: Arc<dyn Observer>,
        meters: Meters,
        max_in_flight: usize,
        hexa_group: Option<Group>,
        window: Option<Duration>,
    ) -> Self {
        let max_batches = subscription.settles_at_once().max(1);
        Self {
            subscription,
            follows: observer.follows_deliveries(),
            observer,
            meters,
            hexa_group,
            window,
            batch: Vec::new(),
            entries: Vec::new(),
            batch_size: max_in_flight / 4,
            settle_at: None,
            in_progress: VecDeque::new(),
            max_batches,
            summary: Summary::default(),
        }
    }

    /// Reports whether the observer follows single deliveries.
    pub(super) fn follows(&self) -> bool {
        self.follows
    }

    /// Counts verdicts that are not durable yet.
    pub(super) fn unsettled(&self) -> usize {
        let in_progress = self.in_progress.iter().map(|(entries, _)| entries.len());
        self.entries.len() + in_progress.sum::<usize>()
    }

    pub(super) fn tickets(&self) -> impl Iterator<Item = Ticket> {
        let in_progress = self.in_progress.iter().flat_map(|(entries, _)| entries);
        self.entries
            .iter()
            .chain(in_progress)
            .map(|entry| entry.ticket)
    }

    /// Takes an acknowledgement; with a reason, the event was not handled.
    pub(super) fn ack(&mut self, delivery: Delivery, left_out: Option<LeftOut>) {
        self.add(delivery, Verdict::Ack, left_out, None);
    }

    /// Takes any other verdict. `holds` means that its key is held until the verdict is durable.
    pub(super) fn conclude(&mut self, mut delivery: Delivery, verdict: Verdict, holds: bool) {
        let has_failed = matches!(verdict, Verdict::Retry { .. } | Verdict::DeadLetter { .. });
        if let Some(group) = self.hexa_group.as_ref().filter(|_| has_failed) {
            let origin = delivery.origin().clone();
            add_hexa_root(&mut delivery.stored.message, &origin, group);
        }
        let warning =
            (self.window).and_then(|window| outlasted::warning(window, &delivery, &verdict));
        if let Some(warning) = warning {
            self.observer.notice(Notice::Warning(&warning));
        }
        let hold = if holds { key_of(&delivery) } else { None };
        self.add(delivery, verdict, None, hold);
    }

    fn add(
        &mut self,
        delivery: Delivery,
        verdict: Verdict,
        left_out: Option<LeftOut>,
        hold: Option<Key>,
    ) {
        let end = End::of(&verdict, left_out.as_ref());
        let slot = self.meters.slot(&delivery.stored.message.topic);
        let kind = match &verdict {
            Verdict::DeadLetter { kind, .. } => Some(*kind),
            _ => None,
        };
        let followed = || FollowedDelivery {
            delivery: delivery.copy(),
            verdict: verdict.clone(),
            left_out,
        };
        self.entries.push(Entry {
            ticket: delivery.ticket(),
            end,
            slot,
            kind,
            followed: self.follows.then(|| Box::new(followed())),
            hold,
            marked: delivery.marked(),
        });
        self.batch.push(delivery.conclude(verdict));
        self.settle_at
            .get_or_insert_with(|| Instant::now() + LINGER);
    }

    /// Returns the time at which a batch is settled even if it is small.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.settle_at
            .filter(|_| self.in_progress.len() < self.max_batches)
    }

    fn is_due(&self) -> bool {
        self.batch.len() >= self.batch_size || self.settle_at.is_none_or(|at| at <= Instant::now())
    }

    /// Starts to settle the pending verdicts, unless the most batches allowed are in progress. With `more` verdicts to come,
    /// it waits until the batch is large or old enough.
    ///
    /// Settling is a task of its own, because it must complete when the consumer is dropped, and while the handler keeps
    /// the loop busy. It is polled once here first, so that the store receives it before the next request.
    pub(super) async fn start(&mut self, more: bool) {
        if self.in_progress.len() >= self.max_batches || self.batch.is_empty() {
            return;
        }
        if more && !self.is_due() {
            return;
        }
        self.settle_at = None;
        failpoint::reach("consume.before_settle");
        let batch = taken(&mut self.batch);
        let subscription = Arc::clone(&self.subscription);
        let mut settling = Box::pin(async move { subscription.settle(batch).await });
        let begun = poll!(settling.as_mut());
        let task = tokio::spawn(async move {
            match begun {
                Poll::Ready(results) => results,
                Poll::Pending => settling.await,
            }
        });
        let entries = taken(&mut self.entries);
        self.in_progress.push_back((entries, task));
    }

    /// Waits for the earliest batch in progress; indefinitely if there is none. Cancellation-safe.
    pub(super) async fn next(&mut self) -> Results {
        let Some((_, task)) = self.in_progress.front_mut() else {
            return std::future::pending().await;
        };
        match joined(task).await {
            Some(results) => results,
            // The executor is shutting down, and this task with it.
            None => std::future::pending().await,
        }
    }

    /// Counts and reports the results of the earliest batch in progress.
    pub(super) fn apply(&mut self, results: Results) -> BatchResult {
        failpoint::reach("consume.after_settle");
        let mut settled = BatchResult::default();
        let Some((entries, _)) = self.in_progress.pop_front() else {
            return settled;
        };
        let mut results = results.into_iter();
        for mut entry in entries {
            let result = results
                .next()
                .unwrap_or_else(|| Err(TransportError::unanswered("consume")));
            settled.holds.extend(entry.hold.take());
            let is_final = result.is_ok() && entry.end.is_final();
            settled
                .marked
                .extend(entry.marked.map(|key| (key, is_final)));
            match result {
                Ok(()) => self.count_and_notify(&entry),
                Err(error) => {
                    if let Some(followed) = &entry.followed {
                        let notice = Notice::Unsettled(&followed.delivery, &error);
                        self.observer.notice(notice);
                    }
                    if is_fatal(entry.end, error.kind()) {
                        settled.fatal = Some(ConsumeError::Transport(error));
                    }
                }
            }
        }
        settled
    }

    fn count_and_notify(&mut self, entry: &Entry) {
        entry.end.count(&mut self.summary);
        (self.meters).settled(entry.slot, entry.end.settled(), entry.kind);
        if let Some(followed) = &entry.followed {
            self.observer.notice(followed.notice());
        }
    }

    /// Counts runs that were dropped; leaving the group gives their deliveries back.
    pub(super) fn abandon(&mut self, count: usize, followed: &[Delivery]) {
        self.summary.returned += count as u64;
        self.meters.returned(count as u64);
        for delivery in followed {
            self.observer.notice(Notice::Returned(delivery));
        }
    }

    /// Counts final outcomes.
    pub(super) fn finals(&self) -> u64 {
        let Summary {
            acked,
            skipped,
            dead_lettered,
            ..
        } = self.summary;
        acked + skipped + dead_lettered
    }
}

/// Takes the batch and leaves an empty one of the same capacity, because the next one will be about as large.
fn taken<T>(batch: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(batch.len());
    std::mem::replace(batch, room)
}

/// Reports whether the consumer must stop: a dead letter that the store refuses would be redelivered without end. An outage
/// passes.
fn is_fatal(end: End, kind: ErrorKind) -> bool {
    let is_dead_letter = matches!(end, End::DeadLettered | End::ExpiredLetter);
    is_dead_letter && !matches!(kind, ErrorKind::Lost | ErrorKind::Unavailable)
}
