//! Consumers of a service.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use super::{connection::Connection, error::ServiceError};
use crate::{
    event::{Action, Group, NameError, Naming, Pattern, Topic},
    runtime::{
        BreakerOptions, ConsumeOptions, Consumer, EventFilter, Handler, ReplyRules, RetryPolicy,
        Stop, Summary, Treatment,
    },
    transport::{Dedup, StartFrom, SubscribeRequest},
};

/// Topics to consume: one, several, or patterns.
pub trait IntoPatterns {
    /// Converts it to patterns.
    ///
    /// # Errors
    /// If one of them is not valid.
    fn into_patterns(self) -> Result<Vec<Pattern>, NameError>;
}

impl IntoPatterns for &str {
    fn into_patterns(self) -> Result<Vec<Pattern>, NameError> {
        Ok(vec![self.parse()?])
    }
}

impl IntoPatterns for String {
    fn into_patterns(self) -> Result<Vec<Pattern>, NameError> {
        self.as_str().into_patterns()
    }
}

impl IntoPatterns for Topic {
    fn into_patterns(self) -> Result<Vec<Pattern>, NameError> {
        Ok(vec![self.into()])
    }
}

impl IntoPatterns for Pattern {
    fn into_patterns(self) -> Result<Vec<Pattern>, NameError> {
        Ok(vec![self])
    }
}

impl<P: IntoPatterns, const N: usize> IntoPatterns for [P; N] {
    fn into_patterns(self) -> Result<Vec<Pattern>, NameError> {
        Vec::from(self).into_patterns()
    }
}

impl<P: IntoPatterns> IntoPatterns for Vec<P> {
    fn into_patterns(self) -> Result<Vec<Pattern>, NameError> {
        let lists: Result<Vec<_>, _> = self.into_iter().map(P::into_patterns).collect();
        Ok(lists?.into_iter().flatten().collect())
    }
}

/// A consumer that is being configured; await it to consume.
///
/// # Cancellation
/// If the future is dropped, runs end where they are, and their events are redelivered once their lease expires. Use
/// [`stop`](Self::stop) to end without that delay.
#[must_use = "nothing is consumed until it is awaited"]
pub struct Consume<H> {
    connection: Connection,
    patterns: Result<Vec<Pattern>, NameError>,
    handler: H,
    group: Option<String>,
    stop: Stop,
    change: Vec<Change>,
}

/// A change of the options, applied once group and topics are known to be valid.
type Change = Box<dyn FnOnce(&mut ConsumeOptions) + Send>;

impl<H: Handler> Consume<H> {
    pub(super) fn new(
        connection: Connection,
        patterns: Result<Vec<Pattern>, NameError>,
        handler: H,
    ) -> Self {
        Self {
            connection,
            patterns,
            handler,
            group: None,
            stop: Stop::default(),
            change: Vec::new(),
        }
    }

    /// Sets the group.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Sets the number of handlers that run at the same time, for different keys.
    pub fn jobs(self, jobs: usize) -> Self {
        self.set(move |options| options.jobs = jobs)
    }

    /// Keeps order within a key: an event that is retried delays the later ones.
    pub fn ordered(self) -> Self {
        self.set(|options| options.request.ordered = true)
    }

    /// Sets where a new group starts.
    pub fn from(self, from: StartFrom) -> Self {
        self.set(move |options| options.request.from = from)
    }

    /// Sets the number of attempts, overriding that of an event.
    pub fn max_attempts(self, attempts: u32) -> Self {
        self.set(move |options| {
            options.policy.max_attempts = attempts;
            options.event_decides_attempts = false;
        })
    }

    /// Sets the pause after the first failed run; it grows with each further one.
    pub fn backoff(self, base: Duration) -> Self {
        self.set(move |options| options.policy.base = base)
    }

    /// Sets the policy for failed runs.
    pub fn policy(self, policy: RetryPolicy) -> Self {
        self.set(move |options| options.policy = policy)
    }

    /// Reads the backlog of the group this often, or less often where that is slow, and shows it through the `metrics` facade.
    pub fn backlog_every(self, every: Duration) -> Self {
        self.set(move |options| options.backlog_every = Some(every))
    }

    /// Sets the time limit of a run; a longer one counts as failed.
    pub fn handler_timeout(self, limit: Duration) -> Self {
        self.set(move |options| options.handler_timeout = Some(limit))
    }

    /// Handles an event once, however often it is stored: marks what was handled, and acknowledges copies without a run.
    ///
    /// Where the store can, the mark is part of the settlement, as [`Capabilities::dedup_handling`] says.
    ///
    /// [`Capabilities::dedup_handling`]: crate::transport::Capabilities::dedup_handling
    pub fn dedup(self, dedup: Dedup) -> Self {
        self.set(move |options| options.request.dedup = Some(dedup))
    }

    /// Sets the name of what the handler does, by which copies of an event are recognised; that of the group by default.
    pub fn action(self, action: Action) -> Self {
        self.set(move |options| options.action = Some(action))
    }

    /// Ends after this many events were acknowledged, skipped or dead-lettered.
    pub fn count(self, count: u64) -> Self {
        self.set(move |options| options.count = Some(count))
    }

    /// Ends when everything stored at the start is done, including its retries.
    pub fn until_end(self) -> Self {
        self.set(|options| options.request.until_end = true)
    }

    /// Ends after this time.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.set(move |options| options.timeout = Some(timeout))
    }

    /// Also handles messages that are not CloudEvents, wrapped into one.
    pub fn plain(self) -> Self {
        self.set(|options| options.plain = true)
    }

    /// Handles only events that the filter matches; the others are acknowledged. Events on which it fails are
    /// dead-lettered.
    pub fn filter(self, filter: EventFilter) -> Self {
        self.set(move |options| options.filter = Some(filter))
    }

    /// Sets what happens to events whose `expirytime` has passed; [`Treatment::DeadLetter`] by default.
    pub fn expired(self, treatment: Treatment) -> Self {
        self.set(move |options| options.expired = treatment)
    }

    /// Sets what happens to tombstones, messages with a null payload that are not events. By default they are treated as any
    /// other message that is not an event.
    pub fn tombstones(self, treatment: Treatment) -> Self {
        self.set(move |options| options.tombstones = Some(treatment))
    }

    /// Sets the naming of attributes for the handler; see [`ServiceBuilder::handler_naming`](super::ServiceBuilder::handler_naming).
    pub fn handler_naming(self, naming: Naming) -> Self {
        self.set(move |options| options.handler_naming = naming)
    }

    /// Reports requests that are given up to their sender, and limits where replies may go. A request whose address is not
    /// allowed is dead-lettered without a run.
    pub fn replies(self, rules: ReplyRules) -> Self {
        self.set(move |options| options.replies = Some(rules))
    }

    /// Sets when the breaker opens.
    pub fn breaker(self, breaker: BreakerOptions) -> Self {
        self.set(move |options| options.breaker = breaker)
    }

    /// Sets the tokens that stop the consumer.
    pub fn stop(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// Changes any other option.
    pub fn set(mut self, change: impl FnOnce(&mut ConsumeOptions) + Send + 'static) -> Self {
        self.change.push(Box::new(change));
        self
    }

    fn options(&mut self) -> Result<ConsumeOptions, ServiceError> {
        let defaults = &self.connection.defaults;
        let group: Group = match self.group.take() {
            Some(group) => group.try_into()?,
            None => defaults.group.clone().ok_or(ServiceError::NoGroup)?,
        };
        let patterns = std::mem::replace(&mut self.patterns, Ok(Vec::new()))?;
        if patterns.is_empty() {
            return Err(ServiceError::NoTopic);
        }
        let mut options = ConsumeOptions::new(SubscribeRequest::new(group, patterns));
        options.policy = defaults.policy;
        options.jobs = defaults.jobs;
        options.handler_naming = defaults.handler_naming;
        for change in self.change.drain(..) {
            change(&mut options);
        }
        options.request.max_attempts = options.policy.max_attempts;
        Ok(options)
    }

    async fn run(mut self) -> Result<Summary, ServiceError> {
        let options = self.options()?;
        let transport = self.connection.transport.clone();
        let observer = self.connection.defaults.observer.clone();
        let consumer = Consumer::new(transport, options, self.handler, observer);
        Ok(consumer.run(self.stop).await?)
    }
}

impl<H: Handler> IntoFuture for Consume<H> {
    type Output = Result<Summary, ServiceError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<H> std::fmt::Debug for Consume<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consume")
            .field("connection", &self.connection)
            .field("patterns", &self.patterns)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}
