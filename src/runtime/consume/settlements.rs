//! Verdicts on their way to the store: gathered, settled in batches, told once they are durable.

use std::{collections::VecDeque, sync::Arc, task::Poll, time::Duration};

use futures_util::poll;
use tokio::{task::JoinHandle, time::Instant};

use super::{
    ConsumeError, Summary,
    deliveries::queue::{Key, key_of},
};
use crate::{
    failpoint,
    runtime::{Notice, Observer, joined},
    transport::{
        Delivery, ErrorKind, Result, Settlement, Subscription, Ticket, TransportError, Verdict,
    },
};

/// While runs go on, verdicts wait for others until one is so old: what makes a batch durable costs as much as
/// many runs of a small command.
const LINGER: Duration = Duration::from_millis(10);

/// What to count and tell when a verdict is durable.
struct Note {
    ticket: Ticket,
    end: End,
    /// What to tell, if anybody follows.
    story: Option<Box<Story>>,
    /// The key that is held until the store knows of this verdict.
    hold: Option<Key>,
}

/// How a delivery ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Acked,
    Skipped,
    Retried,
    Returned,
    DeadLettered,
}

/// A delivery and what becomes of it.
struct Story {
    delivery: Delivery,
    verdict: Verdict,
    /// Why it was skipped.
    skipped: Option<String>,
}

impl Story {
    fn told(&self) -> Notice<'_> {
        let delivery = &self.delivery;
        match (&self.verdict, &self.skipped) {
            (Verdict::Ack, Some(reason)) => Notice::Skipped(delivery, reason),
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

/// What settling a batch brought to light.
#[derive(Default)]
pub(super) struct Settled {
    /// Keys that the store holds itself from now on.
    pub(super) holds: Vec<Key>,
    /// Why the consumer has to stop.
    pub(super) fatal: Option<ConsumeError>,
}

/// See the module.
pub(super) struct Ledger {
    subscription: Arc<dyn Subscription>,
    observer: Arc<dyn Observer>,
    follows: bool,
    gathered: Vec<Settlement>,
    notes: Vec<Note>,
    /// So many settle at once: enough, and they keep little room from what comes next.
    enough: usize,
    settle_at: Option<Instant>,
    /// Batches that are being settled, the earliest first, and how many at most.
    underway: VecDeque<(Vec<Note>, JoinHandle<Results>)>,
    at_once: usize,
    /// What was done so far, durably.
    pub(super) summary: Summary,
}

impl Ledger {
    pub(super) fn new(
        subscription: Arc<dyn Subscription>,
        observer: Arc<dyn Observer>,
        max_in_flight: usize,
    ) -> Self {
        let at_once = subscription.settles_at_once().max(1);
        Self {
            subscription,
            follows: observer.follows_deliveries(),
            observer,
            gathered: Vec::new(),
            notes: Vec::new(),
            enough: max_in_flight / 4,
            settle_at: None,
            underway: VecDeque::new(),
            at_once,
            summary: Summary::default(),
        }
    }

    /// Reports whether anyone is told about single deliveries.
    pub(super) fn follows(&self) -> bool {
        self.follows
    }

    /// Counts verdicts that are not durable yet.
    pub(super) fn unsettled(&self) -> usize {
        let underway = self.underway.iter().map(|(notes, _)| notes.len());
        self.notes.len() + underway.sum::<usize>()
    }

    pub(super) fn tickets(&self) -> impl Iterator<Item = Ticket> {
        let underway = self.underway.iter().flat_map(|(notes, _)| notes);
        self.notes.iter().chain(underway).map(|note| note.ticket)
    }

    /// Takes an acknowledgement; with a reason, the event was skipped.
    pub(super) fn ack(&mut self, delivery: Delivery, skipped: Option<String>) {
        self.add(delivery, Verdict::Ack, skipped, None);
    }

    /// Takes any other verdict. `holds` says that its key is held until the verdict is durable.
    pub(super) fn conclude(&mut self, delivery: Delivery, verdict: Verdict, holds: bool) {
        let hold = if holds { key_of(&delivery) } else { None };
        self.add(delivery, verdict, None, hold);
    }

    fn add(
        &mut self,
        delivery: Delivery,
        verdict: Verdict,
        skipped: Option<String>,
        hold: Option<Key>,
    ) {
        let end = match &verdict {
            Verdict::Ack if skipped.is_some() => End::Skipped,
            Verdict::Ack => End::Acked,
            Verdict::Retry { .. } => End::Retried,
            Verdict::Return => End::Returned,
            Verdict::DeadLetter { .. } => End::DeadLettered,
        };
        let story = || Story {
            delivery: delivery.copy(),
            verdict: verdict.clone(),
            skipped,
        };
        self.notes.push(Note {
            ticket: delivery.ticket(),
            end,
            story: self.follows.then(|| Box::new(story())),
            hold,
        });
        self.gathered.push(delivery.conclude(verdict));
        self.settle_at
            .get_or_insert_with(|| Instant::now() + LINGER);
    }

    /// Returns when to settle even if there is not enough.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.settle_at
            .filter(|_| self.underway.len() < self.at_once)
    }

    fn is_due(&self) -> bool {
        self.gathered.len() >= self.enough || self.settle_at.is_none_or(|at| at <= Instant::now())
    }

    /// Starts to settle what was gathered, unless as many batches as may be are under way; with `more` to come, once that
    /// is worth it.
    ///
    /// Settling is a task of its own: it must go on when the consumer is dropped, and while the handler
    /// keeps the loop busy. It is polled here first, so that the store has it before the next request.
    pub(super) async fn start(&mut self, more: bool) {
        if self.underway.len() >= self.at_once || self.gathered.is_empty() {
            return;
        }
        if more && !self.is_due() {
            return;
        }
        self.settle_at = None;
        failpoint::reach("consume.before_settle");
        let batch = taken(&mut self.gathered);
        let subscription = Arc::clone(&self.subscription);
        let mut settling = Box::pin(async move { subscription.settle(batch).await });
        let begun = poll!(settling.as_mut());
        let task = tokio::spawn(async move {
            match begun {
                Poll::Ready(results) => results,
                Poll::Pending => settling.await,
            }
        });
        let notes = taken(&mut self.notes);
        self.underway.push_back((notes, task));
    }

    /// Waits for the earliest batch under way; for ever if there is none. May be dropped.
    pub(super) async fn next(&mut self) -> Results {
        let Some((_, task)) = self.underway.front_mut() else {
            return std::future::pending().await;
        };
        match joined(task).await {
            Some(results) => results,
            // The executor shuts down, and this task with it.
            None => std::future::pending().await,
        }
    }

    /// Counts and tells what the earliest batch under way came to.
    pub(super) fn apply(&mut self, results: Results) -> Settled {
        failpoint::reach("consume.after_settle");
        let mut settled = Settled::default();
        let Some((notes, _)) = self.underway.pop_front() else {
            return settled;
        };
        let mut results = results.into_iter();
        for mut note in notes {
            let result = results
                .next()
                .unwrap_or_else(|| Err(TransportError::unanswered("consume")));
            settled.holds.extend(note.hold.take());
            match result {
                Ok(()) => self.count_and_tell(&note),
                Err(error) => {
                    if let Some(story) = &note.story {
                        let notice = Notice::Unsettled(&story.delivery, &error);
                        self.observer.notice(notice);
                    }
                    if is_fatal(note.end, error.kind()) {
                        settled.fatal = Some(ConsumeError::Transport(error));
                    }
                }
            }
        }
        settled
    }

    fn count_and_tell(&mut self, note: &Note) {
        let summary = &mut self.summary;
        let counter = match note.end {
            End::Acked => &mut summary.acked,
            End::Skipped => &mut summary.skipped,
            End::Retried => &mut summary.retried,
            End::Returned => &mut summary.returned,
            End::DeadLettered => &mut summary.dead_lettered,
        };
        *counter += 1;
        if let Some(story) = &note.story {
            self.observer.notice(story.told());
        }
    }

    /// Notes runs that were dropped; leaving the group gives them back.
    pub(super) fn abandon(&mut self, count: usize, told: &[Delivery]) {
        self.summary.returned += count as u64;
        for delivery in told {
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

/// Takes what was gathered; the next will be about as many.
fn taken<T>(gathered: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(gathered.len());
    std::mem::replace(gathered, room)
}

/// A dead letter that cannot be stored would come again and again; an outage passes.
fn is_fatal(end: End, kind: ErrorKind) -> bool {
    end == End::DeadLettered && !matches!(kind, ErrorKind::Lost | ErrorKind::Unavailable)
}
