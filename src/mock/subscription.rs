//! A subscription that records how each delivery was settled.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::recorder::{Recorder, Settled};
use crate::transport::{
    Backlog, Delivery, HeldElsewhere, Marks, Result, Settlement, Subscription, Ticket, Verdict,
};

/// A subscription to the store that records each verdict.
#[derive(Debug)]
pub(super) struct Recording {
    recorder: Recorder,
    inner: Arc<dyn Subscription>,
}

impl Recording {
    pub(super) fn new(recorder: Recorder, inner: Arc<dyn Subscription>) -> Self {
        Self { recorder, inner }
    }
}

#[async_trait]
impl Subscription for Recording {
    async fn next(&self, max: usize) -> Result<Vec<Delivery>> {
        self.inner.next(max).await
    }

    async fn settle(&self, batch: Vec<Settlement>) -> Vec<Result<()>> {
        let records: Vec<Settled> = batch.iter().map(record).collect();
        let results = self
            .inner
            .settle(batch.into_iter().map(at_once).collect())
            .await;
        let settled = records.into_iter().zip(&results);
        let settled = settled.filter_map(|(record, result)| result.is_ok().then_some(record));
        self.recorder.record_settled(settled);
        results
    }

    async fn extend(&self, tickets: &[Ticket]) -> Result<Vec<Ticket>> {
        self.inner.extend(tickets).await
    }

    fn marks(&self) -> Option<&dyn Marks> {
        self.inner.marks()
    }

    async fn held_elsewhere(&self) -> Result<Option<HeldElsewhere>> {
        self.inner.held_elsewhere().await
    }

    async fn backlog(&self) -> Result<Vec<Backlog>> {
        self.inner.backlog().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

fn record(settlement: &Settlement) -> Settled {
    Settled {
        message: settlement.delivery.stored.message.clone(),
        attempts: settlement.delivery.attempts.clone(),
        verdict: settlement.verdict.clone(),
    }
}

/// Removes the delay of a retry: tests of a handler should not wait for it.
fn at_once(settlement: Settlement) -> Settlement {
    let Settlement { delivery, verdict } = settlement;
    let verdict = match verdict {
        Verdict::Retry { failure, .. } => Verdict::Retry {
            after: Duration::ZERO,
            failure,
        },
        verdict => verdict,
    };
    delivery.conclude(verdict)
}
