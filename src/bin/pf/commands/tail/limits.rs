//! The end of a tail, and whether it showed everything that was requested.

use std::time::{Duration, Instant, SystemTime};

use crate::{
    error::{CliError, CliResult, Exit},
    signals::Signals,
    values::times::sleep,
};

/// Limits of a tail.
#[derive(Debug)]
pub struct Ending {
    count: Option<u64>,
    until: Option<SystemTime>,
    timeout: Option<Duration>,
    /// Start of the time limit.
    begun: Instant,
    /// Whether everything stored at the start must be read.
    until_end: bool,
    shown: u64,
}

/// Reason why a tail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Everything stored at the start was read.
    Reached,
    /// The time limit was reached.
    TimedOut,
    /// The requested number of events was shown.
    Counted,
    /// A signal arrived.
    Stopped,
}

impl Ending {
    /// Creates the limits from the flags.
    pub fn new(
        count: Option<u64>,
        until: Option<SystemTime>,
        timeout: Option<Duration>,
        until_end: bool,
    ) -> Self {
        Self {
            count,
            until,
            timeout,
            begun: Instant::now(),
            until_end,
            shown: 0,
        }
    }

    /// Waits for the time limit.
    pub fn timed_out(&self) -> impl Future<Output = ()> + use<> {
        let elapsed = self.begun.elapsed();
        sleep(self.timeout.map(|limit| limit.saturating_sub(elapsed)))
    }

    /// Waits for the time of `--until`, unless the tail has an end already.
    pub fn until_reached(&self) -> impl Future<Output = ()> + use<> {
        let until = self.until.filter(|_| !self.until_end);
        let left = until.map(|until| until.duration_since(SystemTime::now()));
        sleep(left.map(Result::unwrap_or_default))
    }

    /// Reports whether an event stored at this time is shown.
    pub fn covers(&self, time: SystemTime) -> bool {
        self.until.is_none_or(|until| time < until)
    }

    /// Counts an event that is about to be shown; returns `false` if it is one too many.
    pub fn take(&mut self) -> bool {
        if self.is_complete() {
            return false;
        }
        self.shown += 1;
        true
    }

    /// Reports whether the requested number was shown.
    pub fn is_complete(&self) -> bool {
        self.count.is_some_and(|count| self.shown >= count)
    }

    /// Decides how the command ends.
    pub fn conclude(&self, end: End) -> CliResult<()> {
        let too_few = match (end, self.count) {
            (End::Counted | End::Stopped, _) => None,
            (End::TimedOut, None) if self.until_end => {
                Some("time limit reached before the end".to_owned())
            }
            (_, Some(count)) if self.shown < count => {
                Some(format!("received {} of {count} events", self.shown))
            }
            _ => None,
        };
        match too_few {
            Some(text) => Err(CliError::message(Exit::Incomplete, text)),
            None => Ok(()),
        }
    }

    /// Decides how the command ends after a signal.
    pub fn conclude_stopped(&self, signals: &Signals) -> CliResult<()> {
        let missing = self.missing();
        missing.map_or(Ok(()), |text| Err(signals.interrupted(text)))
    }

    /// Returns what is missing if a signal ends the tail now. A tail without an end of its own misses nothing.
    fn missing(&self) -> Option<String> {
        match self.count {
            Some(count) if self.shown < count => {
                Some(format!("stopped after {} of {count} events", self.shown))
            }
            Some(_) => None,
            None if self.until_end => Some("stopped before the end was reached".to_owned()),
            None => self
                .until
                .map(|_| "stopped before the time of `--until`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(count: Option<u64>, until_end: bool, shown: u64, end: End) -> bool {
        let mut ending = Ending::new(count, None, None, until_end);
        ending.shown = shown;
        ending.conclude(end).is_ok()
    }

    #[test]
    fn too_few_events_are_an_error_and_a_timeout_alone_is_not() {
        assert!(exit(None, false, 0, End::TimedOut));
        assert!(exit(Some(2), false, 2, End::Counted));
        assert!(!exit(Some(2), false, 1, End::TimedOut));
        assert!(!exit(Some(2), true, 1, End::Reached));
        assert!(!exit(None, true, 5, End::TimedOut));
        assert!(exit(Some(2), false, 1, End::Stopped));
    }
}
