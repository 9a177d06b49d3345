//! A membership in a group, with what cases do in one word.

use std::{sync::Arc, time::Duration};

use super::message::text;
use crate::{
    event::Group,
    transport::{
        DeadLetterKind, Delivery, Failure, Fingerprint, Result, SubscribeRequest, Subscription,
        Transport, Verdict,
    },
};

/// A membership in a group; dropped without [`close`](Self::close), it leaves as by a crash.
pub(in crate::transport::conformance) struct Member(Arc<dyn Subscription>, Group);

impl Member {
    /// Joins.
    pub(in crate::transport::conformance) async fn join(
        transport: &dyn Transport,
        request: SubscribeRequest,
    ) -> Self {
        let group = request.group.clone();
        let joined = transport.subscribe(request).await;
        Self(joined.expect("a group can be joined"), group)
    }

    /// Returns its group.
    pub(in crate::transport::conformance) fn group(&self) -> &Group {
        &self.1
    }

    /// Waits for deliveries; none means that the end was reached.
    pub(in crate::transport::conformance) async fn next(&self, max: usize) -> Vec<Delivery> {
        let deliveries = self.0.next(max).await.expect("a group can be read");
        assert!(
            deliveries.len() <= max,
            "more deliveries than were asked for"
        );
        deliveries
    }

    /// Waits for exactly `count` deliveries.
    pub(in crate::transport::conformance) async fn take(&self, count: usize) -> Vec<Delivery> {
        let mut taken = Vec::new();
        while taken.len() < count {
            let more = self.next(count - taken.len()).await;
            assert!(!more.is_empty(), "the end came after {}", taken.len());
            taken.extend(more);
        }
        taken
    }

    /// Waits for one delivery.
    pub(in crate::transport::conformance) async fn one(&self) -> Delivery {
        self.take(1).await.remove(0)
    }

    /// Takes and acknowledges everything up to the end, and returns it as text.
    pub(in crate::transport::conformance) async fn drain(&self) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let some = self.next(100).await;
            if some.is_empty() {
                return all;
            }
            for delivery in some {
                all.push(text(&delivery.stored.message));
                self.ack(delivery).await;
            }
        }
    }

    /// Settles one delivery.
    pub(in crate::transport::conformance) async fn try_settle(
        &self,
        delivery: Delivery,
        verdict: Verdict,
    ) -> Result<()> {
        let mut results = self.0.settle(vec![delivery.conclude(verdict)]).await;
        assert_eq!(results.len(), 1, "one result per settlement");
        results.remove(0)
    }

    /// Settles one delivery, expecting that its lease is held.
    pub(in crate::transport::conformance) async fn settle(
        &self,
        delivery: Delivery,
        verdict: Verdict,
    ) {
        let settled = self.try_settle(delivery, verdict).await;
        settled.expect("a delivery under a lease can be settled");
    }

    /// Settles as done.
    pub(in crate::transport::conformance) async fn ack(&self, delivery: Delivery) {
        self.settle(delivery, Verdict::Ack).await;
    }

    /// Settles as failed.
    pub(in crate::transport::conformance) async fn retry(
        &self,
        delivery: Delivery,
        after: Duration,
    ) {
        let failure = Box::new(failure("boom"));
        self.settle(delivery, Verdict::Retry { after, failure })
            .await;
    }

    /// Settles as given up.
    pub(in crate::transport::conformance) async fn bury(
        &self,
        delivery: Delivery,
        kind: DeadLetterKind,
    ) {
        self.settle(delivery, burial(kind)).await;
    }

    /// Returns the subscription.
    pub(in crate::transport::conformance) fn subscription(&self) -> &dyn Subscription {
        &*self.0
    }

    /// Leaves in order.
    pub(in crate::transport::conformance) async fn close(&self) {
        self.0.close().await.expect("a group can be left");
    }
}

/// Returns the verdict that gives a message up.
pub(in crate::transport::conformance) fn burial(kind: DeadLetterKind) -> Verdict {
    Verdict::DeadLetter {
        kind,
        failure: Box::new(failure("boom")),
    }
}

/// Returns a failure with every field set.
pub(in crate::transport::conformance) fn failure(message: &str) -> Failure {
    Failure {
        class: "exit 1".to_owned(),
        message: message.to_owned(),
        detail: Some("line one\nline two".to_owned()),
        duration: Some(Duration::from_millis(12)),
        fingerprint: Fingerprint("1:conformance".to_owned()),
    }
}
