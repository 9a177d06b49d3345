//! Repeating an operation while brokers are away, with a pause that grows.
//!
//! A broker that is restarted after a crash waits for its former session to end, so that a topic may be away for a minute
//! and more.

use std::time::Duration;

use tokio::time::sleep;

/// How long an outage is ridden out.
pub(crate) const RIDE_OUT: Duration = Duration::from_mins(2);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

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
