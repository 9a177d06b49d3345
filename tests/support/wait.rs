//! Waiting with a deadline.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long anything may take that is waited for.
const TIMEOUT: Duration = Duration::from_mins(4);
/// How often it is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until something is so, and fails the test when it never is.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + TIMEOUT;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        thread::park_timeout(PAUSE);
    }
}

/// Waits as long as something is so, and fails the test when that does not end.
#[track_caller]
pub fn wait_while(mut is_so: impl FnMut() -> bool) {
    until("this is no longer so", || !is_so());
}
