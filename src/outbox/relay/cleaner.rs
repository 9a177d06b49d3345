//! The cleaner of kept rows, beside the relays of a process.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::options::{RelayNotice, RelayObserver};
use crate::outbox::Outbox;

/// How often kept rows are deleted.
const CLEAN: Duration = Duration::from_mins(1);

/// What a cleaner works with.
#[derive(Debug)]
pub(super) struct Cleaner {
    pub(super) outbox: Outbox,
    /// How long rows are kept.
    pub(super) keep: Duration,
    /// Ends after the first pass.
    pub(super) once: bool,
    pub(super) observer: Arc<dyn RelayObserver>,
    pub(super) stop: CancellationToken,
}

/// Deletes kept rows whose time is over, now and then, until it is stopped. A failure is reported once until the next
/// success: the relay itself may go on.
pub(super) async fn run(cleaner: Cleaner) {
    let mut is_failing = false;
    loop {
        let began = Instant::now();
        let pass = tokio::select! {
            pass = cleaner.outbox.clean(cleaner.keep) => pass,
            () = cleaner.stop.cancelled() => return,
        };
        let observer = &cleaner.observer;
        match pass {
            Ok(deleted) => {
                is_failing = false;
                if deleted > 0 {
                    observer.notice(RelayNotice::Cleaned(deleted));
                }
            }
            Err(error) if !is_failing => {
                is_failing = true;
                observer.notice(RelayNotice::NotCleaned(error));
            }
            Err(_) => {}
        }
        if cleaner.once {
            return;
        }
        tokio::select! {
            () = sleep(CLEAN.saturating_sub(began.elapsed())) => {}
            () = cleaner.stop.cancelled() => return,
        }
    }
}
