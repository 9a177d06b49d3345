//! The breaker of a consumer: how runs end moves it, and its shifts are reported.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    runtime::{
        Admission, Breaker, Ending, Notice, Observer, OpenBreaker, RecentFailures, Shift,
        consume::options::ConsumeOptions,
    },
    transport::Failure,
};

/// See the module.
pub(in crate::runtime::consume) struct BreakerWatch {
    breaker: Breaker,
    failures: RecentFailures,
    options: Arc<ConsumeOptions>,
    observer: Arc<dyn Observer>,
}

impl BreakerWatch {
    pub(in crate::runtime::consume) fn new(
        options: Arc<ConsumeOptions>,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self {
            breaker: Breaker::new(options.breaker, options.policy),
            failures: RecentFailures::default(),
            options,
            observer,
        }
    }

    /// Returns which events the breaker lets start now.
    pub(in crate::runtime::consume) fn admits(&self) -> Admission {
        self.breaker.admits(Instant::now().into_std())
    }

    /// Reports whether the breaker is closed, so that events flow.
    pub(in crate::runtime::consume) fn is_closed(&self) -> bool {
        self.breaker.is_closed()
    }

    /// Notes that a probe of the open breaker starts.
    pub(in crate::runtime::consume) fn start_probe(&mut self) {
        self.breaker.start_probe();
    }

    /// Returns the time at which the breaker lets the next probe through.
    pub(in crate::runtime::consume) fn probe_at(&self) -> Option<Instant> {
        match self.admits() {
            Admission::NotBefore(until) => Some(Instant::from_std(until)),
            _ => None,
        }
    }

    /// Notes why an event was given up.
    pub(in crate::runtime::consume) fn note_failure(&mut self, failure: &Failure) {
        self.failures.note(failure);
    }

    /// Notes how a run ended; reports whether the breaker opened.
    pub(in crate::runtime::consume) fn note_ending(
        &mut self,
        ending: Option<Ending>,
        probe: bool,
    ) -> bool {
        let now = Instant::now().into_std();
        let dice = fastrand::f64();
        let shift = match (probe, ending) {
            (true, ending) => self.breaker.end_probe(ending, now, dice),
            (false, Some(ending)) => self.breaker.record(ending, now, dice),
            (false, None) => Shift::None,
        };
        match shift {
            Shift::None => return false,
            Shift::Closed => self.closed(),
            Shift::StaysOpen => {
                let open = self.open(now);
                tracing::warn!(group = %self.options.request.group, "breaker stays open: {open}");
                self.observer.notice(Notice::BreakerStaysOpen(&open));
            }
            Shift::Opened => {
                self.opened(now);
                return true;
            }
        }
        false
    }

    fn closed(&mut self) {
        self.failures.clear();
        tracing::warn!(group = %self.options.request.group, "breaker closed: events succeed again");
        self.observer.notice(Notice::BreakerClosed);
    }

    fn opened(&self, now: std::time::Instant) {
        let open = self.open(now);
        let end = if open.next.is_none() {
            "; the consumer stops"
        } else {
            ""
        };
        tracing::warn!(group = %self.options.request.group, "breaker opened, nearly every event fails: {open}{end}");
        self.observer.notice(Notice::BreakerOpened(&open));
    }

    /// Describes the breaker, which is open.
    fn open(&self, now: std::time::Instant) -> OpenBreaker {
        let next = match self.breaker.admits(now) {
            Admission::NotBefore(next) if !self.options.is_bounded() => Some(next - now),
            _ => None,
        };
        let most = self.failures.most_frequent();
        OpenBreaker {
            options: self.options.breaker,
            alike: most.map_or(0, |(_, count)| count),
            failure: most.map(|(failure, _)| failure.clone()),
            failures: self.failures.len(),
            next,
        }
    }
}
