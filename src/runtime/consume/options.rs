//! How a consumer works.

use std::time::Duration;

use crate::{
    runtime::{BreakerOptions, RetryPolicy},
    transport::SubscribeRequest,
};

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
    /// End after this long, whatever is still to come; joining the group counts.
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
