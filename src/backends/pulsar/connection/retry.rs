//! Repeating an operation while brokers are away, with a pause that grows.
//!
//! A broker that is restarted after a crash waits for its former session to end, so that a topic may be away for a minute
//! and more.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::transport::Result;

/// How long an outage is ridden out.
pub(crate) const RIDE_OUT: Duration = Duration::from_mins(2);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(1000);

/// Pauses between attempts.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST_PAUSE)
    }
}

impl Backoff {
    /// Waits before the next attempt, each time longer.
    pub(crate) async fn pause(&mut self) {
        sleep(self.0).await;
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
    }
}

/// Repeats an operation that may happen twice while its failures are transient, at most until the deadline.
pub(crate) async fn until<T, F>(deadline: Instant, mut operation: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let mut backoff = Backoff::default();
    loop {
        match operation().await {
            Err(failed) if failed.is_transient() && Instant::now() < deadline => {
                tracing::debug!(%failed, "will be repeated");
            }
            result => return result,
        }
        backoff.pause().await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::{backends::pulsar::error::error, transport::ErrorKind};

    async fn tries(kind: ErrorKind, good: u32) -> (bool, u32) {
        let count = Cell::new(0);
        let result = until(Instant::now() + RIDE_OUT, || {
            count.set(count.get() + 1);
            let is_good = count.get() == good;
            std::future::ready(if is_good {
                Ok(())
            } else {
                Err(error(kind, "no"))
            })
        });
        (result.await.is_ok(), count.get())
    }

    #[tokio::test(start_paused = true)]
    async fn only_transient_failures_are_ridden_out() {
        assert_eq!(tries(ErrorKind::Unavailable, 5).await, (true, 5));
        assert_eq!(tries(ErrorKind::Denied, 5).await, (false, 1));
        assert!(!tries(ErrorKind::Unavailable, u32::MAX).await.0);
    }
}
