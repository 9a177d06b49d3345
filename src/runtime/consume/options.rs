//! Options of a consumer.

use std::time::Duration;

use super::{
    deliveries::lookup::Lookup,
    run::screening::{EventFilter, Screening, Treatment},
    summary::ConsumeError,
};
use crate::{
    event::{Action, Naming},
    runtime::{BreakerOptions, ReplyRules, RetryPolicy},
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
    /// The name of what the handler does, by which copies of an event are recognised; `None` is that of the group.
    pub action: Option<Action>,
    /// What to do with an event whose `expirytime` has passed. An event that was replayed is handled in any case.
    pub expired: Treatment,
    /// What to do with a tombstone: a message with a null payload that is not an event. `None` treats it as any other
    /// message that is not an event.
    pub tombstones: Option<Treatment>,
    /// Naming of attributes for the handler; stored events have that of the transport's
    /// [`encoding`](crate::transport::Transport::encoding).
    pub handler_naming: Naming,
    /// How often the backlog of the group is read for the metrics, at most; `None` never reads it.
    pub backlog_every: Option<Duration>,
    /// When the breaker opens.
    pub breaker: BreakerOptions,
    /// Set if the handler replies: then a request whose address is refused is dead-lettered without a run. `None` lets a
    /// handler reply under the default rules, and reports no failures.
    pub replies: Option<ReplyRules>,
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
            action: None,
            expired: Treatment::DeadLetter,
            tombstones: None,
            handler_naming: Naming::CloudEvents,
            backlog_every: None,
            breaker: BreakerOptions::default(),
            replies: None,
        }
    }

    /// Returns the name of what the handler does.
    #[must_use]
    pub fn action(&self) -> Action {
        let of_marks = self.request.dedup.as_ref();
        let of_marks = of_marks.and_then(|dedup| dedup.action.clone());
        let named = self.action.clone().or(of_marks);
        named.unwrap_or_else(|| self.request.group.clone().into())
    }

    /// Checks that marks of handled events outlast the retries.
    ///
    /// # Errors
    /// [`ConsumeError::ShortWindow`].
    pub fn check(&self) -> Result<(), ConsumeError> {
        let Some(dedup) = &self.request.dedup else {
            return Ok(());
        };
        let runs = self.policy.max_attempts.max(1);
        let running = self.handler_timeout.unwrap_or_default();
        let running = running.saturating_mul(runs);
        let retries = self.policy.longest_course().saturating_add(running);
        if dedup.window >= retries {
            return Ok(());
        }
        Err(ConsumeError::ShortWindow {
            window: dedup.window,
            retries,
        })
    }

    /// Reports whether handled events are marked.
    pub(super) fn marks(&self) -> bool {
        self.request.dedup.is_some()
    }

    /// Returns the terms under which the group is joined: with the action that its marks are kept for.
    pub(super) fn terms(&self) -> SubscribeRequest {
        let mut request = self.request.clone();
        if let Some(dedup) = &mut request.dedup {
            dedup.action = Some(self.action());
        }
        request
    }

    /// Returns which events reach the handler.
    pub(super) fn screening(&self) -> Screening {
        Screening {
            filter: self.filter.clone(),
            expired: self.expired,
            tombstones: self.tombstones,
            plain: self.plain,
            replies: self.replies.clone(),
        }
    }

    /// Returns how marks are looked up.
    pub(super) fn lookup(&self) -> Option<Lookup> {
        let dedup = self.request.dedup.as_ref()?;
        Some(Lookup {
            action: self.action(),
            group: self.request.group.clone(),
            mode: dedup.mode,
        })
    }

    /// Reports whether the consumer ends by itself.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.request.until_end || self.count.is_some() || self.timeout.is_some()
    }
}
