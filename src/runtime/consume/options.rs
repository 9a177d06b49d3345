//! How a consumer works.

use std::time::Duration;

use crate::{
    event::Naming,
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
    /// Whether the number of attempts that an event's publisher wishes for (`pfmaxattempts`) replaces the policy's.
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
    /// Whose attribute names a handler is given; what is stored has those of the transport's
    /// [`encoding`](crate::transport::Transport::encoding).
    pub handler_naming: Naming,
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
            handler_naming: Naming::CloudEvents,
            breaker: BreakerOptions::default(),
        }
    }

    /// Reports whether the run ends by itself.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.request.until_end || self.count.is_some() || self.timeout.is_some()
    }
}
