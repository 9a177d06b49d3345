//! A consumer, from joining its group to the end of its loop.

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use super::{
    event_loop::ConsumeLoop,
    metrics::backlog::BacklogReader,
    options::ConsumeOptions,
    setup::Setup,
    summary::{ConsumeError, End, Stop, Summary},
};
use crate::{
    runtime::{Handler, Notice, Observer},
    transport::{ErrorKind, Result, Subscription, Transport, TransportError},
};

/// How often to look whether a subscription that another consumer holds is free.
const TRY_EVERY: Duration = Duration::from_millis(250);

/// Reads topics for a group and settles every delivery.
pub struct Consumer<H> {
    setup: Setup<H>,
}

impl<H: Handler> Consumer<H> {
    /// Creates a consumer; [`Consumer::run`] starts it.
    pub fn new(
        transport: Arc<dyn Transport>,
        options: ConsumeOptions,
        handler: H,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self {
            setup: Setup {
                transport,
                options,
                handler,
                observer,
            },
        }
    }

    /// Consumes until the end that the options set, or until stopped.
    ///
    /// The timeout includes the time for joining the group. The observer is notified of everything that was settled,
    /// also before an error.
    ///
    /// # Cancellation
    /// If the future is dropped, runs end where they are, and their deliveries are redelivered once their lease runs out.
    /// Use [`Stop`] to end without that delay.
    ///
    /// # Errors
    /// See [`ConsumeError`].
    pub async fn run(self, stop: Stop) -> Result<Summary, ConsumeError> {
        let setup = self.setup;
        setup.options.check()?;
        let timeout = setup.options.timeout;
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let joining = join(&setup);
        let joined = tokio::select! {
            biased;
            () = stop.abort.cancelled() => Err(End::Aborted),
            () = stop.drain.cancelled() => Err(End::Drained),
            joined = joining => Ok(joined?),
            () = until(deadline) => Err(End::TimedOut),
        };
        // A rebalance may keep new members waiting for minutes. Nothing was taken yet, so nothing is lost.
        let subscription = match joined {
            Ok(subscription) => subscription,
            Err(end) => return Ok(Summary::before_joining(end)),
        };
        if setup.options.marks() && subscription.marks().is_none() {
            return Err(no_marks(setup.transport.scheme()).into());
        }
        for created in subscription.remarks() {
            setup.observer.notice(Notice::Created(&created));
        }
        setup.observer.notice(Notice::Joined);
        let reader = setup.options.backlog_every.map(|every| BacklogReader {
            subscription: Arc::clone(&subscription),
            observer: Arc::clone(&setup.observer),
            every,
            system: setup.transport.scheme(),
            group: setup.options.request.group.clone(),
        });
        let _reading = reader.map(BacklogReader::start);
        ConsumeLoop::new(setup, subscription, stop, deadline)
            .run()
            .await
    }
}

/// Returns the error for a transport that was asked for marks and keeps none.
fn no_marks(scheme: &'static str) -> TransportError {
    let message = "handled events are not marked here";
    TransportError::new(scheme, ErrorKind::Unsupported, message)
}

/// Joins the group; waits until nobody else holds its subscription, if the options say so.
async fn join<H>(setup: &Setup<H>) -> Result<Arc<dyn Subscription>> {
    let mut is_reported = false;
    loop {
        let joining = setup.transport.subscribe(setup.options.terms());
        let held = match joining.await {
            Err(held) if setup.options.wait && held.kind() == ErrorKind::Held => held,
            result => return result,
        };
        if !is_reported {
            let message = format!("waiting: {}", held.message());
            let warning = held.with_message(message);
            setup.observer.notice(Notice::Warning(&warning));
            is_reported = true;
        }
        sleep(TRY_EVERY).await;
    }
}

/// Waits for a time; indefinitely if there is none.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

impl<H> fmt::Debug for Consumer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("transport", &self.setup.transport)
            .field("options", &self.setup.options)
            .finish_non_exhaustive()
    }
}
