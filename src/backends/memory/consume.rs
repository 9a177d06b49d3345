//! `Transport::subscribe`: a member of a group takes deliveries, settles them and leaves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use super::{
    error::SCHEME,
    store::{GroupState, Start, State, Store, Terms},
};
use crate::{
    event::{Group, Position},
    transport::{
        Backlog, Beginning, DeadLetter, DeadLetterId, DedupMode, Delivery, Handling, HeldElsewhere,
        Mark, MarkChange, Marks, Result, Settlement, StartFrom, SubscribeRequest, Subscription,
        Ticket, TransportError, Verdict,
    },
};

/// A subscription. Dropped without [`Subscription::close`], it leaves as a crashed process would: its deliveries are
/// redelivered when their leases end.
#[derive(Debug)]
pub(super) struct MemorySubscription {
    store: Arc<Store>,
    group: Group,
    terms: Terms,
    left: AtomicBool,
}

impl MemorySubscription {
    /// Joins the group and creates it if it is new.
    pub(super) fn join(store: &Arc<Store>, request: SubscribeRequest) -> Self {
        let terms = store.change(|state, _| {
            let start = start(state, request.from);
            let group = state.groups.entry(request.group.clone()).or_default();
            for pattern in &request.patterns {
                group.join(pattern, start, &state.log);
            }
            Terms {
                end: request.until_end.then(|| state.end()),
                member: state.number(),
                patterns: request.patterns,
                ordered: request.ordered,
                max_in_flight: request.max_in_flight,
                lease: request.lease,
                max_crashes: request.max_crashes,
                dedup: request.dedup,
            }
        });
        Self {
            store: Arc::clone(store),
            group: request.group,
            terms,
            left: AtomicBool::new(false),
        }
    }

    fn take(&self, state: &mut State, max: usize, now: SystemTime) -> Option<Vec<Delivery>> {
        if self.left.load(Ordering::Acquire) {
            return Some(Vec::new());
        }
        let taken = state.take(&self.group, &self.terms, max.max(1), now);
        let done = || {
            let group = state.groups.get(&self.group);
            self.terms.end.is_some() && group.is_none_or(|group| group.is_done(&self.terms))
        };
        (!taken.is_empty() || done()).then_some(taken)
    }

    fn window(&self) -> Duration {
        self.terms
            .dedup
            .as_ref()
            .map_or(Duration::ZERO, |dedup| dedup.window)
    }

    fn mark(
        &self,
        state: &mut State,
        change: MarkChange,
        letter: Option<DeadLetterId>,
        position: &Position,
        now: SystemTime,
    ) {
        let window = self.window();
        let marks = &mut state.marks;
        match (change, letter) {
            (MarkChange::Dead(key), Some(letter)) => {
                marks.set(key, Mark::Dead(letter), now, window);
            }
            (MarkChange::Done(key) | MarkChange::Dead(key), _) => {
                marks.set(key, Mark::Done, now, window);
            }
            (MarkChange::Forget(key), _) => {
                let (group, position) = (self.group.clone(), position.clone());
                marks.forget(key, &Beginning { group, position });
            }
        }
    }

    fn marks_of(&self, handlings: &[Handling], begins: bool) -> Vec<Option<Mark>> {
        let window = self.window();
        self.store.change(|state, now| {
            let handlings = handlings.iter();
            let look_up = |handling| state.mark_of(handling, begins, now, window);
            handlings.map(look_up).collect()
        })
    }

    fn with_group<T>(&self, step: impl FnOnce(&mut GroupState, SystemTime) -> T) -> T {
        self.store.change(|state, now| {
            let group = state.groups.entry(self.group.clone()).or_default();
            step(group, now)
        })
    }
}

fn start(state: &State, from: StartFrom) -> Start {
    let (number, time) = match from {
        StartFrom::Earliest => (0, SystemTime::UNIX_EPOCH),
        StartFrom::New => (state.end(), SystemTime::UNIX_EPOCH),
        StartFrom::Time(time) => (0, time),
    };
    Start { number, time }
}

#[async_trait]
impl Subscription for MemorySubscription {
    async fn next(&self, max: usize) -> Result<Vec<Delivery>> {
        let taken = self
            .store
            .wait(|state, now| self.take(state, max, now))
            .await;
        self.store.wake();
        Ok(taken)
    }

    async fn settle(&self, batch: Vec<Settlement>) -> Vec<Result<()>> {
        self.store.change(|state, now| {
            let mut results = Vec::with_capacity(batch.len());
            for settlement in batch {
                let marked = settlement.mark();
                let position = settlement.delivery.stored.position.clone();
                let settled = settle(state, &self.group, self.terms.member, settlement, now);
                if let (Ok(letter), Some(change)) = (&settled, marked) {
                    self.mark(state, change, letter.clone(), &position, now);
                }
                results.push(settled.map(drop));
            }
            results
        })
    }

    async fn extend(&self, tickets: &[Ticket]) -> Result<Vec<Ticket>> {
        Ok(self.with_group(|group, now| {
            group.extend(tickets, self.terms.member, now + self.terms.lease)
        }))
    }

    fn marks(&self) -> Option<&dyn Marks> {
        self.terms.dedup.is_some().then_some(self as &dyn Marks)
    }

    async fn held_elsewhere(&self) -> Result<Option<HeldElsewhere>> {
        Ok(self.with_group(|group, _| group.held_elsewhere(&self.terms)))
    }

    async fn backlog(&self) -> Result<Vec<Backlog>> {
        Ok(self.with_group(|group, _| group.backlog(&self.terms)))
    }

    async fn close(&self) -> Result<()> {
        self.left.store(true, Ordering::Release);
        self.with_group(|group, _| group.reclaim_all(self.terms.member));
        Ok(())
    }
}

#[async_trait]
impl Marks for MemorySubscription {
    async fn look_up(&self, handlings: &[Handling]) -> Result<Vec<Option<Mark>>> {
        let mode = self.terms.dedup.as_ref().map(|dedup| dedup.mode);
        let begins = mode == Some(DedupMode::Settled);
        Ok(self.marks_of(handlings, begins))
    }

    async fn begin(&self, handling: &Handling) -> Result<Option<Mark>> {
        let found = self.marks_of(std::slice::from_ref(handling), true);
        Ok(found.into_iter().next().flatten())
    }

    fn forgotten(&self) -> u64 {
        self.store.change(|state, _| state.marks.forgotten())
    }
}

/// Applies one verdict if the member still holds the delivery; returns the dead letter that it made.
fn settle(
    state: &mut State,
    group: &Group,
    member: u64,
    settlement: Settlement,
    now: SystemTime,
) -> Result<Option<DeadLetterId>> {
    let Settlement { delivery, verdict } = settlement;
    let held = state
        .groups
        .get_mut(group)
        .and_then(|group| Some((group.reclaim(delivery.ticket(), member)?, group)));
    let Some((mut item, unfinished)) = held else {
        let position = &delivery.stored.position;
        return Err(TransportError::lease_lost(SCHEME, position));
    };
    match verdict {
        Verdict::Ack => {}
        Verdict::Return => unfinished.put_back(item, None),
        Verdict::Retry { after, failure: _ } => {
            item.attempts.failed += 1;
            item.attempts.first_failed.get_or_insert(now);
            let due = (!after.is_zero()).then(|| now + after);
            unfinished.put_back(item, due);
        }
        Verdict::DeadLetter { kind, failure } => {
            let letter = DeadLetter::of(SCHEME, &state.name, group, &delivery, kind, *failure);
            let id = letter.id.clone();
            state.store_letter(letter);
            return Ok(Some(id));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backends::memory::Memory,
        event::{Message, Topic},
        transport::{Failure, Outgoing, Transport},
    };

    fn topic() -> Topic {
        "order".parse().unwrap()
    }

    fn request() -> SubscribeRequest {
        SubscribeRequest::new("billing".parse().unwrap(), vec![topic().into()])
    }

    async fn take(subscription: &dyn Subscription) -> Delivery {
        subscription.next(1).await.unwrap().remove(0)
    }

    async fn publish(memory: &Memory, payload: &'static str, due: Option<SystemTime>) {
        let message = Message::new(topic(), payload);
        let stored = memory
            .publish(vec![Outgoing {
                message,
                due,
                dedup: false,
            }])
            .await;
        assert!(stored.iter().all(Result::is_ok));
    }

    #[tokio::test(start_paused = true)]
    async fn waits_follow_paused_time() {
        let memory = Memory::new();
        let subscription = memory.subscribe(request()).await.unwrap();
        let hour = Duration::from_hours(1);
        publish(&memory, "later", Some(SystemTime::now() + hour)).await;
        let delivery = take(&*subscription).await;
        let retry = Verdict::Retry {
            after: hour,
            failure: Box::new(Failure::crashed(1)),
        };
        let results = subscription.settle(vec![delivery.conclude(retry)]).await;
        assert!(results[0].is_ok());
        let delivery = take(&*subscription).await;
        assert_eq!(delivery.attempts.attempt(), 2);
        assert!(delivery.attempts.first_failed.unwrap() > SystemTime::now());
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_runs_out_is_a_crash() {
        let memory = Memory::new();
        publish(&memory, "poison", None).await;
        let subscription = memory.subscribe(request()).await.unwrap();
        let first = take(&*subscription).await;
        let second = take(&*subscription).await;
        assert_eq!(second.attempts.crashed, 1);
        let results = subscription
            .settle(vec![first.conclude(Verdict::Ack)])
            .await;
        assert!(results[0].is_err(), "the lease was lost");
    }
}
