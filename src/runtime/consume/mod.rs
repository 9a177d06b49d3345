//! The consume loop: receive, handle, settle.

mod fetch;
mod inspect;
mod intake;
mod ledger;
mod outcome;
mod phase;
mod proof;
mod pump;
mod queue;
mod responder;
mod running;
mod verdict;

use std::{fmt, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use self::pump::Pump;
use super::{BreakerOptions, Handler, Notice, Observer, RetryPolicy};
use crate::transport::{Failure, SubscribeRequest, Transport, TransportError};

/// How a consumer works.
#[derive(Debug, Clone)]
pub struct ConsumeOptions {
    /// How it joins its group.
    pub request: SubscribeRequest,
    /// Runs at the same time, of different keys.
    pub jobs: usize,
    /// What happens to failed runs.
    pub policy: RetryPolicy,
    /// Whether an event's own `pf_max_attempts` replaces the policy's.
    pub event_decides_attempts: bool,
    /// A run that takes longer has failed.
    pub handler_timeout: Option<Duration>,
    /// How long a drain waits for runs to end.
    pub grace: Duration,
    /// End after so many final outcomes.
    pub count: Option<u64>,
    /// End after this long, whatever is still to come.
    pub timeout: Option<Duration>,
    /// Hand over messages that are no events.
    pub plain: bool,
    /// When to stop trusting the handler.
    pub breaker: BreakerOptions,
}

impl ConsumeOptions {
    /// Returns the defaults of `pf consume` for this request.
    #[must_use]
    pub fn new(request: SubscribeRequest) -> Self {
        Self {
            request,
            jobs: 1,
            policy: RetryPolicy::default(),
            event_decides_attempts: true,
            handler_timeout: None,
            grace: Duration::from_secs(30),
            count: None,
            timeout: None,
            plain: false,
            breaker: BreakerOptions::default(),
        }
    }

    /// Reports whether the run ends by itself.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.request.until_end || self.count.is_some() || self.timeout.is_some()
    }
}

/// How a consumer is stopped.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Take nothing new and finish what runs.
    pub drain: CancellationToken,
    /// End at once; what runs goes back uncounted.
    pub abort: CancellationToken,
}

/// Why a consumer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Everything that was there is done (`until_end`).
    Reached,
    /// The count is complete.
    Counted,
    /// The time was up first.
    TimedOut,
    /// A drain was asked for and ended.
    Drained,
    /// Stopped before the drain ended.
    Aborted,
    /// Too much failed in a bounded run.
    Broken,
}

/// What a consumer did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Handled.
    pub acked: u64,
    /// Skipped.
    pub skipped: u64,
    /// Failed runs to be tried again.
    pub retried: u64,
    /// Dead letters made.
    pub dead_lettered: u64,
    /// Given back uncounted.
    pub returned: u64,
    /// Why it ended; `None` while it runs.
    pub end: Option<End>,
}

/// Why a consumer had to stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumeError {
    /// The transport failed for good.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The handler cannot be run at all.
    #[error("the handler cannot be run: {}", .0.message)]
    Unusable(Failure),
    /// The first deliveries are no events; nothing was dead-lettered.
    #[error("the first {count} messages are no CloudEvents: {}", .failure.message)]
    Undecodable {
        /// How many.
        count: u32,
        /// Why the last one is none.
        failure: Failure,
    },
}

/// Reads topics for a group and settles every delivery.
pub struct Consumer<H> {
    transport: Arc<dyn Transport>,
    options: ConsumeOptions,
    handler: H,
    observer: Arc<dyn Observer>,
}

impl<H: Handler> Consumer<H> {
    /// Prepares a consumer.
    pub fn new(
        transport: Arc<dyn Transport>,
        options: ConsumeOptions,
        handler: H,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self {
            transport,
            options,
            handler,
            observer,
        }
    }

    /// Consumes until the end that the options set, or until stopped. What was done before an error is told to the
    /// observer.
    ///
    /// # Errors
    /// See [`ConsumeError`].
    pub async fn run(self, stop: Stop) -> Result<Summary, ConsumeError> {
        let subscription = self
            .transport
            .subscribe(self.options.request.clone())
            .await?;
        for made in subscription.remarks() {
            self.observer.notice(Notice::Made(&made));
        }
        Pump::new(self, subscription, stop).run().await
    }
}

impl<H> fmt::Debug for Consumer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("transport", &self.transport)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
