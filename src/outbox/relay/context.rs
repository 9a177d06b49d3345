//! What the relay of a shard works with, and how it rides out outages.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::options::{RelayNotice, RelayObserver, RelayOptions};
use crate::{
    outbox::table::{Shard, Table},
    transport::{ErrorKind, Result, Transport, TransportError},
};

/// How long to wait after an outage began, ...
const FIRST_RETRY: Duration = Duration::from_millis(100);
/// ... and the longest wait.
const LONGEST_RETRY: Duration = Duration::from_secs(2);

/// How long a table may be empty before it is polled less often.
const QUIET: Duration = Duration::from_mins(1);
/// How much less often.
const QUIET_FACTOR: u32 = 2;

/// What the relay of a shard works with.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) table: Arc<dyn Table>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) options: RelayOptions,
    pub(super) shard: Shard,
    pub(super) observer: Arc<dyn RelayObserver>,
    pub(super) stop: CancellationToken,
    /// How often in a row something did not answer.
    pub(super) outages: u32,
}

impl Context {
    /// Reports an outage and waits before the next attempt.
    ///
    /// # Errors
    /// The error, if no retry can help.
    pub(super) async fn outage(&mut self, error: TransportError) -> Result<()> {
        let is_transient = matches!(
            error.kind(),
            ErrorKind::Unavailable | ErrorKind::Ambiguous | ErrorKind::Full | ErrorKind::Held
        );
        if !is_transient {
            return Err(error);
        }
        if self.outages == 0 {
            self.observer.notice(RelayNotice::Outage(error));
        }
        let wait = FIRST_RETRY * (1 << self.outages.min(8));
        self.outages += 1;
        self.rest(wait.min(LONGEST_RETRY)).await;
        Ok(())
    }

    /// Notes that everything answers.
    pub(super) fn answered(&mut self) {
        if std::mem::take(&mut self.outages) > 0 {
            self.observer.notice(RelayNotice::Recovered);
        }
    }

    /// Waits, unless the relay is stopped.
    pub(super) async fn rest(&self, time: Duration) {
        tokio::select! {
            () = sleep(time) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Waits until the table may have rows; less attentively if it has been empty for this long.
    pub(super) async fn wait_for_rows(&self, empty: Duration) {
        let factor = if empty >= QUIET { QUIET_FACTOR } else { 1 };
        tokio::select! {
            () = self.table.wait(self.options.poll * factor) => {}
            () = self.stop.cancelled() => {}
        }
    }
}

/// Returns the error of a relay whose lease another one has.
pub(super) fn taken_over() -> TransportError {
    TransportError::new("outbox", ErrorKind::Held, "another relay took over")
}
