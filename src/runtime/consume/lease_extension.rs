//! Extension of leases while deliveries wait, run, or are settled.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    runtime::{Notice, Observer},
    transport::{Result, Subscription, Ticket},
};

type Request = Pin<Box<dyn Future<Output = Result<Vec<Ticket>>> + Send>>;

/// Extends the leases of everything in flight at a third of the lease, so that two requests may fail before one runs out.
pub(super) struct LeaseExtension {
    subscription: Arc<dyn Subscription>,
    observer: Arc<dyn Observer>,
    interval: Duration,
    next_at: Instant,
    request: Option<Request>,
    /// Set while requests fail, so that an outage is reported once.
    failing: bool,
}

impl LeaseExtension {
    pub(super) fn new(
        subscription: Arc<dyn Subscription>,
        observer: Arc<dyn Observer>,
        lease: Duration,
    ) -> Self {
        let interval = (lease / 3).max(Duration::from_millis(10));
        Self {
            subscription,
            observer,
            interval,
            next_at: Instant::now() + interval,
            request: None,
            failing: false,
        }
    }

    /// Returns the time of the next request.
    pub(super) fn wake_at(&self) -> Instant {
        self.next_at
    }

    /// Starts a request if it is time, unless the previous one has not been answered yet.
    pub(super) fn start_if_due(&mut self, now: Instant, tickets: impl FnOnce() -> Vec<Ticket>) {
        if now < self.next_at {
            return;
        }
        self.next_at = now + self.interval;
        if self.request.is_some() {
            return;
        }
        let tickets = tickets();
        if tickets.is_empty() {
            return;
        }
        let subscription = Arc::clone(&self.subscription);
        self.request = Some(Box::pin(async move { subscription.extend(&tickets).await }));
    }

    /// Waits for the answer to the request; indefinitely if there is none. Cancellation-safe.
    pub(super) async fn next(&mut self) -> Result<Vec<Ticket>> {
        let Some(request) = &mut self.request else {
            return std::future::pending().await;
        };
        let result = request.await;
        self.request = None;
        result
    }

    /// Takes an answer; returns the deliveries whose lease was lost.
    pub(super) fn apply(&mut self, result: Result<Vec<Ticket>>) -> Vec<Ticket> {
        match result {
            Ok(lost) => {
                self.failing = false;
                lost
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    self.observer.notice(Notice::TransientError(&error));
                }
                Vec::new()
            }
        }
    }
}
