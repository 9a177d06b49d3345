//! A consumer that is set up and then run.

use std::{fmt, sync::Arc};

use tokio::time::{Instant, sleep_until};

use super::{ConsumeError, ConsumeOptions, End, Stop, Summary, event_loop::Pump};
use crate::{
    runtime::{Handler, Notice, Observer},
    transport::Transport,
};

/// Reads topics for a group and settles every delivery.
pub struct Consumer<H> {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) options: ConsumeOptions,
    pub(super) handler: H,
    pub(super) observer: Arc<dyn Observer>,
}

impl<H: Handler> Consumer<H> {
    /// Prepares a consumer.
    pub fn new(
        transport: Arc<dyn Transport>,
        options: ConsumeOptions,
        handler: H,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self {
            transport,
            options,
            handler,
            observer,
        }
    }

    /// Consumes until the end that the options set, or until stopped. What was done before an error is told to the
    /// observer. Joining the group counts: the timeout begins with it, and a stop ends it.
    ///
    /// # Errors
    /// See [`ConsumeError`].
    pub async fn run(self, stop: Stop) -> Result<Summary, ConsumeError> {
        let timeout = self.options.timeout;
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let joining = self.transport.subscribe(self.options.request.clone());
        let joined = tokio::select! {
            biased;
            () = stop.abort.cancelled() => Err(End::Aborted),
            () = stop.drain.cancelled() => Err(End::Drained),
            joined = joining => Ok(joined?),
            () = until(deadline) => Err(End::TimedOut),
        };
        // A group may not let anybody in for minutes; nothing was taken that could be lost.
        let subscription = match joined {
            Ok(subscription) => subscription,
            Err(end) => return Ok(Summary::of_nothing(end)),
        };
        for made in subscription.remarks() {
            self.observer.notice(Notice::Made(&made));
        }
        Pump::new(self, subscription, stop, deadline).run().await
    }
}

/// Waits for a time, or forever.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

impl<H> fmt::Debug for Consumer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("transport", &self.transport)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
