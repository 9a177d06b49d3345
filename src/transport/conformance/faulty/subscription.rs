//! Faults in handing out and settling.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use super::{Fault, Faulty, key::restore_key};
use crate::{
    event::{Headers, Message, Topic},
    lock::Mutex,
    transport::{
        Backlog, Delivery, Failure, HeldElsewhere, Marks, Result, Settlement, SubscribeRequest,
        Subscription, Ticket, Verdict,
    },
};

/// How long a bounded consumer waits that ends too early.
const IMPATIENCE: Duration = Duration::from_millis(20);

/// A subscription that may forget, double or miscount.
#[derive(Debug)]
pub(super) struct FaultySubscription {
    faulty: Faulty,
    inner: Arc<dyn Subscription>,
    request: SubscribeRequest,
    /// A wait is under way, or was dropped.
    waiting: AtomicBool,
    held: Mutex<HashMap<Ticket, Delivery>>,
}

impl FaultySubscription {
    pub(super) fn new(
        faulty: Faulty,
        inner: Arc<dyn Subscription>,
        request: SubscribeRequest,
    ) -> Self {
        Self {
            faulty,
            inner,
            request,
            waiting: AtomicBool::new(false),
            held: Mutex::default(),
        }
    }

    async fn wait(&self, max: usize) -> Result<Vec<Delivery>> {
        let dropped = self.waiting.swap(true, Ordering::SeqCst);
        if dropped && self.faulty.has(Fault::DropsLose) {
            let skipped = self.inner.next(1).await?;
            self.inner.settle(all(skipped, &Verdict::Ack)).await;
        }
        let impatient = self.faulty.has(Fault::EndsEarly) && self.request.until_end;
        let taken = if impatient {
            let taken = tokio::time::timeout(IMPATIENCE, self.inner.next(max)).await;
            taken.unwrap_or_else(|_| Ok(Vec::new()))
        } else {
            self.inner.next(max).await
        };
        // A fault may make a consumer go in circles; its time limit must still be seen.
        tokio::task::consume_budget().await;
        self.waiting.store(false, Ordering::SeqCst);
        taken
    }

    fn spoil(&self, delivery: &mut Delivery) {
        let Delivery {
            stored,
            attempts,
            lineage,
            ..
        } = delivery;
        match self.faulty.fault {
            Fault::SharesKeys => restore_key(&mut stored.message),
            Fault::CountsCrashes => attempts.failed += attempts.crashed,
            Fault::ForgetsFailures => attempts.failed = 0,
            Fault::ForgetsFirstFailure if attempts.first_failed.is_some() => {
                attempts.first_failed = Some(SystemTime::now());
            }
            Fault::RetriesStripped if attempts.failed > 0 => {
                stored.message.headers = Headers::new();
            }
            Fault::ForgetsLineage => *lineage = None,
            _ => {}
        }
    }

    /// Does what a settlement should not, and returns the verdict that is made true instead.
    async fn pervert(&self, verdict: Verdict, message: &Message) -> Result<Verdict> {
        Ok(match (self.faulty.fault, verdict) {
            (Fault::ReturnsLast, Verdict::Return)
            | (Fault::RetriesToAll, Verdict::Retry { .. }) => {
                self.faulty.republish(message.clone()).await?;
                Verdict::Ack
            }
            (Fault::CountsReturn, Verdict::Return)
            | (Fault::RetriesAtOnce, Verdict::Retry { .. }) => Verdict::Retry {
                after: Duration::ZERO,
                failure: Box::new(Failure::crashed(0)),
            },
            (Fault::LosesRetries, Verdict::Retry { .. })
            | (Fault::LosesLetters, Verdict::DeadLetter { .. }) => Verdict::Ack,
            (Fault::KeepsOriginal, verdict @ Verdict::DeadLetter { .. }) => {
                self.faulty.republish(message.clone()).await?;
                verdict
            }
            (Fault::OwnTopicsShow, verdict @ Verdict::DeadLetter { .. }) => {
                self.faulty.republish(dead(message)).await?;
                verdict
            }
            (_, verdict) => verdict,
        })
    }

    async fn settle_one(&self, settlement: Settlement) -> Result<()> {
        let Settlement {
            mut delivery,
            verdict,
        } = settlement;
        if self.faulty.has(Fault::ForgetsMarks) {
            delivery.set_mark(None);
        }
        self.held.lock().remove(&delivery.ticket());
        if self.faulty.has(Fault::AcksEarly)
            || self.faulty.has(Fault::ForgetsAcks) && verdict == Verdict::Ack
        {
            return Ok(());
        }
        let verdict = self.pervert(verdict, &delivery.stored.message).await?;
        let result = self
            .inner
            .settle(vec![delivery.conclude(verdict)])
            .await
            .remove(0);
        if self.faulty.has(Fault::ForgivesLost) {
            return Ok(());
        }
        result
    }
}

#[async_trait]
impl Subscription for FaultySubscription {
    async fn next(&self, max: usize) -> Result<Vec<Delivery>> {
        let mut taken = self.wait(max).await?;
        for delivery in &mut taken {
            self.spoil(delivery);
        }
        self.held
            .lock()
            .extend(taken.iter().map(|one| (one.ticket(), one.copy())));
        match self.faulty.fault {
            Fault::ReversesNext => taken.reverse(),
            Fault::AcksEarly => {
                let copies = taken.iter().map(Delivery::copy).collect();
                self.inner.settle(all(copies, &Verdict::Ack)).await;
            }
            Fault::RepeatsMatches if self.request.patterns.len() > 1 => {
                let twice = |delivery: Delivery| [delivery.copy(), delivery];
                taken = taken.into_iter().flat_map(twice).collect();
            }
            _ => {}
        }
        Ok(taken)
    }

    async fn settle(&self, batch: Vec<Settlement>) -> Vec<Result<()>> {
        let mut results = Vec::new();
        for settlement in batch {
            results.push(self.settle_one(settlement).await);
        }
        if self.faulty.has(Fault::DropsResults) {
            results.pop();
        }
        results
    }

    async fn extend(&self, tickets: &[Ticket]) -> Result<Vec<Ticket>> {
        match self.faulty.fault {
            Fault::IgnoresExtend => Ok(Vec::new()),
            _ => self.inner.extend(tickets).await,
        }
    }

    fn marks(&self) -> Option<&dyn Marks> {
        self.inner.marks()
    }

    async fn held_elsewhere(&self) -> Result<Option<HeldElsewhere>> {
        self.inner.held_elsewhere().await
    }

    async fn backlog(&self) -> Result<Vec<Backlog>> {
        match self.faulty.fault {
            Fault::HidesBacklog => Ok(Vec::new()),
            _ => self.inner.backlog().await,
        }
    }

    async fn close(&self) -> Result<()> {
        if self.faulty.has(Fault::LeavesNothing) {
            return Ok(());
        }
        if self.faulty.has(Fault::CountsLeaving) {
            let held = std::mem::take(&mut *self.held.lock());
            let failed = Verdict::Retry {
                after: Duration::ZERO,
                failure: Box::new(Failure::crashed(0)),
            };
            self.inner
                .settle(all(held.into_values().collect(), &failed))
                .await;
        }
        self.inner.close().await
    }
}

fn all(deliveries: Vec<Delivery>, verdict: &Verdict) -> Vec<Settlement> {
    let deliveries = deliveries.into_iter();
    deliveries
        .map(|delivery| delivery.conclude(verdict.clone()))
        .collect()
}

/// Returns a copy for a topic of dead letters, beside the topic.
fn dead(message: &Message) -> Message {
    let topic = format!("{}.dlq", message.topic);
    let topic: Topic = topic.parse().unwrap_or_else(|_| message.topic.clone());
    Message {
        topic,
        ..message.clone()
    }
}
