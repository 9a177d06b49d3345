//! The retry decision, as a pure function.

use std::time::Duration;

/// What to do with a delivery whose run failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Retry after this pause.
    Retry(Duration),
    /// Dead-letter the event.
    DeadLetter,
}

/// Exponential back-off with a ceiling and full jitter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Runs that an event gets in total.
    pub max_attempts: u32,
    /// The pause after the first failed run, before jitter.
    pub base: Duration,
    /// Factor from one pause to the next.
    pub factor: f64,
    /// Longest pause.
    pub cap: Duration,
    /// Draws each pause at random from zero to its full length.
    pub jitter: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            base: Duration::from_secs(1),
            factor: 2.0,
            cap: Duration::from_mins(5),
            jitter: true,
        }
    }
}

impl RetryPolicy {
    /// Decides after run number `attempt` failed. `asked` is the pause that the handler asked for, which may be longer than the
    /// cap; `dice` is a random number from 0 to 1.
    #[must_use]
    pub fn decide(&self, attempt: u32, asked: Option<Duration>, dice: f64) -> Decision {
        if attempt >= self.max_attempts.max(1) {
            return Decision::DeadLetter;
        }
        Decision::Retry(asked.unwrap_or_else(|| self.pause(attempt, dice)))
    }

    /// Returns the pause after this many failures in a row.
    #[must_use]
    pub fn pause(&self, attempt: u32, dice: f64) -> Duration {
        let full = self.full_pause(attempt);
        if self.jitter {
            full.mul_f64(dice.clamp(0.0, 1.0)).min(full)
        } else {
            full
        }
    }

    /// Returns the longest time that all pauses of an event can take together.
    #[must_use]
    pub fn longest_course(&self) -> Duration {
        let mut course = Duration::ZERO;
        for attempt in 1..self.max_attempts.max(1) {
            let pause = self.full_pause(attempt);
            if pause == self.cap {
                let rest = self.max_attempts - attempt;
                return course.saturating_add(pause.saturating_mul(rest));
            }
            course = course.saturating_add(pause);
        }
        course
    }

    fn full_pause(&self, attempt: u32) -> Duration {
        let power = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.base.as_secs_f64() * self.factor.max(1.0).powi(power);
        Duration::try_from_secs_f64(seconds).map_or(self.cap, |pause| pause.min(self.cap))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policies() -> impl Strategy<Value = RetryPolicy> {
        (
            1_u32..50,
            0_u64..100_000,
            1.0_f64..10.0,
            0_u64..1_000_000,
            any::<bool>(),
        )
            .prop_map(|(max_attempts, base, factor, cap, jitter)| RetryPolicy {
                max_attempts,
                base: Duration::from_millis(base),
                factor,
                cap: Duration::from_millis(cap),
                jitter,
            })
    }

    proptest! {
        #[test]
        fn no_pause_is_above_the_cap(policy in policies(), attempt: u32, dice in 0.0_f64..=1.0) {
            prop_assert!(policy.pause(attempt, dice) <= policy.cap);
        }

        #[test]
        fn pauses_never_shrink_without_jitter(policy in policies(), attempt in 1_u32..1000) {
            let policy = RetryPolicy { jitter: false, ..policy };
            prop_assert!(policy.pause(attempt, 0.0) <= policy.pause(attempt + 1, 0.0));
        }

        #[test]
        fn jitter_only_shortens(policy in policies(), attempt in 1_u32..1000, dice in 0.0_f64..=1.0) {
            let steady = RetryPolicy { jitter: false, ..policy };
            prop_assert!(policy.pause(attempt, dice) <= steady.pause(attempt, dice));
        }

        #[test]
        fn only_the_last_allowed_run_gives_up(policy in policies(), attempt in 1_u32..100) {
            let gives_up = policy.decide(attempt, None, 0.5) == Decision::DeadLetter;
            prop_assert_eq!(gives_up, attempt >= policy.max_attempts);
        }

        #[test]
        fn the_pause_that_the_handler_asks_for_wins(policy in policies(), attempt in 1_u32..50, asked: u32) {
            let asked = Duration::from_millis(asked.into());
            let decision = policy.decide(attempt, Some(asked), 0.5);
            if attempt < policy.max_attempts {
                prop_assert_eq!(decision, Decision::Retry(asked));
            }
        }
    }

    #[test]
    fn the_default_doubles_from_a_second() {
        let policy = RetryPolicy {
            jitter: false,
            max_attempts: 20,
            ..RetryPolicy::default()
        };
        let pauses: Vec<_> = [1, 2, 3, 9, 10, 19]
            .map(|n| policy.pause(n, 0.0).as_secs())
            .into();
        assert_eq!(pauses, [1, 2, 4, 256, 300, 300]);
    }

    #[test]
    fn a_policy_of_no_attempts_allows_one() {
        let policy = RetryPolicy {
            max_attempts: 0,
            ..RetryPolicy::default()
        };
        assert_eq!(policy.decide(1, None, 0.0), Decision::DeadLetter);
    }
}
