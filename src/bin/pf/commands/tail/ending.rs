//! When a tail ends, and whether it has shown what was asked for.

use std::time::{Duration, Instant, SystemTime};

use crate::{
    error::{CliError, CliResult, Exit},
    signals::Signals,
    values::times::sleep,
};

/// What ends a tail, beside a signal and the end of what is stored.
#[derive(Debug)]
pub struct Ending {
    count: Option<u64>,
    until: Option<SystemTime>,
    timeout: Option<Duration>,
    /// Since when the timeout counts.
    begun: Instant,
    /// The end of what was stored at the start has to be reached.
    until_end: bool,
    shown: u64,
}

/// Why nothing more is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// What was there at the start has been read.
    Reached,
    /// The time of `--timeout` is over.
    TimedOut,
    /// Enough was shown.
    Counted,
    /// A signal came.
    Stopped,
}

impl Ending {
    /// Takes over the flags.
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

    /// Waits until no more time is left.
    pub fn time_is_up(&self) -> impl Future<Output = ()> + use<> {
        let elapsed = self.begun.elapsed();
        sleep(self.timeout.map(|limit| limit.saturating_sub(elapsed)))
    }

    /// Waits until the time of `--until` has come, unless the reading has an end already.
    pub fn until_has_come(&self) -> impl Future<Output = ()> + use<> {
        let until = self.until.filter(|_| !self.until_end);
        let left = until.map(|until| until.duration_since(SystemTime::now()));
        sleep(left.map(Result::unwrap_or_default))
    }

    /// Reports whether an event stored at this time belongs to it.
    pub fn covers(&self, time: SystemTime) -> bool {
        self.until.is_none_or(|until| time < until)
    }

    /// Counts an event that is about to be shown; `false` means that it is one too many.
    pub fn take(&mut self) -> bool {
        if self.is_complete() {
            return false;
        }
        self.shown += 1;
        true
    }

    /// Reports whether enough was shown.
    pub fn is_complete(&self) -> bool {
        self.count.is_some_and(|count| self.shown >= count)
    }

    /// Decides how the command ends.
    pub fn conclude(&self, end: End) -> CliResult<()> {
        let too_few = match (end, self.count) {
            (End::Counted | End::Stopped, _) => None,
            (End::TimedOut, None) if self.until_end => {
                Some("the time was up before the end was reached".to_owned())
            }
            (_, Some(count)) if self.shown < count => {
                Some(format!("{} of {count} events came", self.shown))
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
        let lacks = self.lacks();
        lacks.map_or(Ok(()), |text| Err(signals.interrupted(text)))
    }

    /// Returns what is missing if a signal ends it now: what has no end of its own lacks nothing.
    fn lacks(&self) -> Option<String> {
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
    fn too_few_is_an_error_and_a_mere_timeout_is_not() {
        assert!(exit(None, false, 0, End::TimedOut));
        assert!(exit(Some(2), false, 2, End::Counted));
        assert!(!exit(Some(2), false, 1, End::TimedOut));
        assert!(!exit(Some(2), true, 1, End::Reached));
        assert!(!exit(None, true, 5, End::TimedOut));
        assert!(exit(Some(2), false, 1, End::Stopped));
    }
}
