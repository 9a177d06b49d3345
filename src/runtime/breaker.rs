//! A circuit breaker: stops taking events when nearly everything fails. Pure: time and randomness are arguments.

use std::{
    collections::VecDeque,
    fmt,
    time::{Duration, Instant},
};

use super::RetryPolicy;
use crate::transport::Failure;

/// When the breaker opens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerOptions {
    /// Opens after this many final failures in a row; 0 disables the rule.
    pub in_a_row: u32,
    /// Opens if of this many recent events ...
    pub window: u32,
    /// ... more than this share failed; a window of 0 disables the rule.
    pub share: f64,
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self {
            in_a_row: 20,
            window: 100,
            share: 0.5,
        }
    }
}

impl BreakerOptions {
    /// Returns options with which the breaker never opens.
    #[must_use]
    pub fn never() -> Self {
        Self {
            in_a_row: 0,
            window: 0,
            share: 1.0,
        }
    }
}

/// A breaker that opened, or that stays open because the event that it let through failed as well.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OpenBreaker {
    /// When it opens.
    pub options: BreakerOptions,
    /// The latest of the most frequent failures, of those that were dead-lettered last.
    pub failure: Option<Failure>,
    /// How many of them failed in this way ...
    pub alike: usize,
    /// ... out of how many.
    pub failures: usize,
    /// When the next event is let through; none if the consumer ends instead.
    pub next: Option<Duration>,
}

impl fmt::Display for OpenBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(failure) = &self.failure {
            let (alike, failures) = (self.alike, self.failures);
            write!(
                f,
                "{alike} of the last {failures} dead letters: {}",
                failure.message
            )?;
        } else {
            f.write_str("no event was dead-lettered yet")?;
        }
        match self.next {
            Some(next) => {
                let next =
                    Duration::from_millis(u64::try_from(next.as_millis()).unwrap_or(u64::MAX));
                let next = humantime::format_duration(next);
                write!(f, "; the next event is let through in {next}")
            }
            None => Ok(()),
        }
    }
}

/// Events that the breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Everything.
    All,
    /// One event as a probe, whose outcome decides.
    One,
    /// Nothing before this time.
    NotBefore(Instant),
    /// Nothing until the probe has an outcome.
    Nothing,
}

/// Outcome of an event for the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It was handled or skipped.
    Success,
    /// Its run failed; it will be retried.
    Setback,
    /// It was dead-lettered.
    FinalFailure,
}

/// Change of the breaker by an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    /// No change.
    None,
    /// It opened: one event per back-off from now on.
    Opened,
    /// The event that it let through failed: it stays open for another back-off.
    StaysOpen,
    /// It closed: events succeed again: handling all.
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Instant },
    Probing,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Breaker {
    options: BreakerOptions,
    policy: RetryPolicy,
    state: State,
    in_a_row: u32,
    recent: VecDeque<bool>,
    failed: u32,
    probes: u32,
}

impl Breaker {
    /// Creates a closed breaker with the back-off of this policy.
    pub(super) fn new(options: BreakerOptions, policy: RetryPolicy) -> Self {
        Self {
            options,
            policy,
            state: State::Closed,
            in_a_row: 0,
            recent: VecDeque::new(),
            failed: 0,
            probes: 0,
        }
    }

    /// Returns which events may start now.
    pub(super) fn admits(&self, now: Instant) -> Admission {
        match self.state {
            State::Closed => Admission::All,
            State::Open { until } if now >= until => Admission::One,
            State::Open { until } => Admission::NotBefore(until),
            State::Probing => Admission::Nothing,
        }
    }

    /// Reports whether events flow.
    pub(super) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Notes that the probe starts.
    pub(super) fn start_probe(&mut self) {
        self.state = State::Probing;
    }

    /// Notes the outcome of the probe; `None` if it never ran, and another one may start.
    pub(super) fn end_probe(&mut self, ending: Option<Ending>, now: Instant, dice: f64) -> Shift {
        match ending {
            Some(Ending::Success) => {
                *self = Self::new(self.options, self.policy);
                Shift::Closed
            }
            Some(_) => {
                self.open(now, dice);
                Shift::StaysOpen
            }
            None => {
                self.state = State::Open { until: now };
                Shift::None
            }
        }
    }

    /// Notes the outcome of any other event.
    pub(super) fn record(&mut self, ending: Ending, now: Instant, dice: f64) -> Shift {
        let failed = match ending {
            Ending::Setback => return Shift::None,
            Ending::Success => false,
            Ending::FinalFailure => true,
        };
        self.count(failed);
        if !self.is_closed() || !self.is_too_much() {
            return Shift::None;
        }
        self.open(now, dice);
        Shift::Opened
    }

    fn count(&mut self, failed: bool) {
        self.in_a_row = if failed {
            self.in_a_row.saturating_add(1)
        } else {
            0
        };
        if self.options.window == 0 {
            return;
        }
        if self.recent.len() >= self.options.window as usize {
            let oldest = self.recent.pop_front().unwrap_or_default();
            self.failed -= u32::from(oldest);
        }
        self.recent.push_back(failed);
        self.failed += u32::from(failed);
    }

    fn is_too_much(&self) -> bool {
        let BreakerOptions {
            in_a_row,
            window,
            share,
        } = self.options;
        let row = in_a_row > 0 && self.in_a_row >= in_a_row;
        let full = window > 0 && self.recent.len() >= window as usize;
        row || full && f64::from(self.failed) > f64::from(window) * share
    }

    fn open(&mut self, now: Instant, dice: f64) {
        self.probes = self.probes.saturating_add(1);
        let pause = self.policy.pause(self.probes, dice);
        // With jitter a pause may be close to zero, and then the breaker would hold nothing back.
        let least = self.policy.base.min(self.policy.cap) / 2;
        let until = now.checked_add(pause.max(least));
        self.state = State::Open {
            until: until.unwrap_or(now + Duration::from_mins(5)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        let policy = RetryPolicy {
            jitter: false,
            ..RetryPolicy::default()
        };
        Breaker::new(BreakerOptions::default(), policy)
    }

    fn feed(breaker: &mut Breaker, endings: impl IntoIterator<Item = Ending>) -> Vec<usize> {
        let now = Instant::now();
        endings
            .into_iter()
            .enumerate()
            .filter(|(_, ending)| breaker.record(*ending, now, 0.5) == Shift::Opened)
            .map(|(index, _)| index + 1)
            .collect()
    }

    use Ending::{FinalFailure, Setback, Success};

    #[test]
    fn it_opens_at_the_twentieth_failure_in_a_row() {
        assert_eq!(feed(&mut breaker(), [FinalFailure; 20]), [20]);
        let broken = [
            [FinalFailure; 19].as_slice(),
            &[Success],
            &[FinalFailure; 19],
        ]
        .concat();
        assert!(feed(&mut breaker(), broken).is_empty());
    }

    #[test]
    fn a_run_that_will_be_retried_is_not_counted() {
        assert!(feed(&mut breaker(), [Setback; 500]).is_empty());
        let mixed = (0..40).map(|n| if n % 2 == 0 { FinalFailure } else { Setback });
        assert_eq!(feed(&mut breaker(), mixed), [39]);
    }

    #[test]
    fn it_opens_when_more_than_half_of_the_last_hundred_failed() {
        let half = (0..300).map(|n| if n % 2 == 0 { FinalFailure } else { Success });
        assert!(feed(&mut breaker(), half).is_empty());
        let more = (0..300).map(|n| if n % 5 < 3 { FinalFailure } else { Success });
        assert_eq!(feed(&mut breaker(), more), [100]);
    }

    #[test]
    fn one_event_is_let_through_per_back_off_until_one_succeeds() {
        let mut breaker = breaker();
        feed(&mut breaker, [FinalFailure; 20]);
        let mut now = Instant::now() + Duration::from_millis(10);
        for pause in [1, 2, 4] {
            let Admission::NotBefore(until) = breaker.admits(now) else {
                panic!("open for {pause} s");
            };
            assert!(until - now <= Duration::from_secs(pause));
            now = until;
            assert_eq!(breaker.admits(now), Admission::One);
            breaker.start_probe();
            assert_eq!(breaker.admits(now), Admission::Nothing);
            assert_eq!(breaker.end_probe(Some(Setback), now, 0.5), Shift::StaysOpen);
        }
        breaker.start_probe();
        breaker.end_probe(None, now, 0.5);
        assert_eq!(breaker.admits(now), Admission::One);
        assert_eq!(breaker.end_probe(Some(Success), now, 0.5), Shift::Closed);
        assert_eq!(breaker.admits(now), Admission::All);
    }

    #[test]
    fn it_can_be_disabled() {
        let mut breaker = Breaker::new(BreakerOptions::never(), RetryPolicy::default());
        assert!(feed(&mut breaker, [FinalFailure; 1000]).is_empty());
    }
}
