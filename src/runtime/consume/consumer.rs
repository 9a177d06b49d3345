//! A consumer that is set up and then run.

use std::{fmt, sync::Arc};

use super::{ConsumeError, ConsumeOptions, Stop, Summary, pump::Pump};
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
    /// observer.
    ///
    /// # Errors
    /// See [`ConsumeError`].
    pub async fn run(self, stop: Stop) -> Result<Summary, ConsumeError> {
        let subscription = self
            .transport
            .subscribe(self.options.request.clone())
            .await?;
        for made in subscription.remarks() {
            self.observer.notice(Notice::Made(&made));
        }
        Pump::new(self, subscription, stop).run().await
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
