//! Options of a consumer.

use std::time::Duration;

use super::run::screening::{EventFilter, Treatment};
use crate::{
    event::Naming,
    runtime::{BreakerOptions, RetryPolicy},
    transport::SubscribeRequest,
};

/// Options of a consumer.
#[derive(Debug, Clone)]
pub struct ConsumeOptions {
    /// Group, topics and position.
    pub request: SubscribeRequest,
    /// Runs at the same time. Events with the same key never run at the same time.
    pub jobs: usize,
    /// Policy for failed runs.
    pub policy: RetryPolicy,
    /// Whether the number of attempts that an event's publisher asked for (`pfmaxattempts`) replaces the policy's.
    pub event_decides_attempts: bool,
    /// Time limit of a run; a run that takes longer is a failed run.
    pub handler_timeout: Option<Duration>,
    /// Time that a drain waits for runs to finish.
    pub grace: Duration,
    /// End after this many events were acknowledged, skipped or dead-lettered.
    pub count: Option<u64>,
    /// End after this time, which includes joining the group.
    pub timeout: Option<Duration>,
    /// Wait while another consumer holds an exclusive subscription of the group, and take over when it ends.
    pub wait: bool,
    /// Hand over messages that are not CloudEvents, wrapped into an event.
    pub plain: bool,
    /// Handle only events that it matches.
    pub filter: Option<EventFilter>,
    /// What to do with an event whose `expirytime` has passed. An event that was replayed is handled in any case.
    pub expired: Treatment,
    /// What to do with a tombstone: a message with a null payload that is not an event. `None` treats it as any other
    /// message that is not an event.
    pub tombstones: Option<Treatment>,
    /// Naming of attributes for the handler; stored events have that of the transport's
    /// [`encoding`](crate::transport::Transport::encoding).
    pub handler_naming: Naming,
    /// When the breaker opens.
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
            wait: false,
            plain: false,
            filter: None,
            expired: Treatment::DeadLetter,
            tombstones: None,
            handler_naming: Naming::CloudEvents,
            breaker: BreakerOptions::default(),
        }
    }

    /// Reports whether the consumer ends by itself.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.request.until_end || self.count.is_some() || self.timeout.is_some()
    }
}
