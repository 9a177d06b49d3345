//! Consuming with the defaults of a service.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use super::{connection::Connection, error::ServiceError};
use crate::{
    event::{Group, NameError, Naming, Pattern, Topic},
    runtime::{BreakerOptions, ConsumeOptions, Consumer, Handler, RetryPolicy, Stop, Summary},
    transport::{StartFrom, SubscribeRequest},
};

/// What can be consumed: a topic, several, or patterns.
pub trait IntoPatterns {
    /// Returns the patterns.
    ///
    /// # Errors
    /// If one of them breaks a rule.
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

/// A consumer that is being set up; await it to consume.
#[must_use = "nothing is consumed until it is awaited"]
pub struct Consume<H> {
    connection: Connection,
    patterns: Result<Vec<Pattern>, NameError>,
    handler: H,
    group: Option<String>,
    stop: Stop,
    change: Vec<Change>,
}

/// A setting that is made once the group and the topics are known to be right.
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

    /// Consumes for this group.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Runs so many handlers at the same time, of different keys.
    pub fn jobs(self, jobs: usize) -> Self {
        self.set(move |options| options.jobs = jobs)
    }

    /// Lets an event that is retried hold up the later ones of its key.
    pub fn ordered(self) -> Self {
        self.set(|options| options.request.ordered = true)
    }

    /// Starts there if the group is new.
    pub fn from(self, from: StartFrom) -> Self {
        self.set(move |options| options.request.from = from)
    }

    /// Gives every event so many runs, whatever it says itself.
    pub fn max_attempts(self, attempts: u32) -> Self {
        self.set(move |options| {
            options.policy.max_attempts = attempts;
            options.event_decides_attempts = false;
        })
    }

    /// Pauses so long after the first failed run, and longer after each further one.
    pub fn backoff(self, base: Duration) -> Self {
        self.set(move |options| options.policy.base = base)
    }

    /// Treats failed runs so.
    pub fn policy(self, policy: RetryPolicy) -> Self {
        self.set(move |options| options.policy = policy)
    }

    /// Counts a run that takes longer as failed.
    pub fn handler_timeout(self, limit: Duration) -> Self {
        self.set(move |options| options.handler_timeout = Some(limit))
    }

    /// Ends after so many events were handled, skipped or given up.
    pub fn count(self, count: u64) -> Self {
        self.set(move |options| options.count = Some(count))
    }

    /// Ends when everything that is there now is done, with the retries of what was taken.
    pub fn until_end(self) -> Self {
        self.set(|options| options.request.until_end = true)
    }

    /// Ends after this time.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.set(move |options| options.timeout = Some(timeout))
    }

    /// Hands over messages that are no events, wrapped into one.
    pub fn plain(self) -> Self {
        self.set(|options| options.plain = true)
    }

    /// Hands events over under these names; see [`ServiceBuilder::handler_naming`](super::ServiceBuilder::handler_naming).
    pub fn handler_naming(self, naming: Naming) -> Self {
        self.set(move |options| options.handler_naming = naming)
    }

    /// Opens the breaker then.
    pub fn breaker(self, breaker: BreakerOptions) -> Self {
        self.set(move |options| options.breaker = breaker)
    }

    /// Ends when it is told to.
    pub fn stop(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// Changes anything else.
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
