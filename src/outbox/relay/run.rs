//! Running a relay: one leader or standby for each shard, and cleaning.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    context::Context,
    options::{RelayNotice, RelayObserver, RelayOptions, RelaySummary},
    standby,
};
use crate::{
    outbox::{Outbox, table::Shard},
    transport::{ErrorKind, Result, Transport, TransportError},
};

/// How often kept rows are deleted.
const CLEAN: Duration = Duration::from_mins(1);

/// Publishes the rows of an outbox, in the order of each key.
///
/// Any number of relays may run; one of them leads each shard. Exactly once where the target stores receipts
/// ([`Transport::receipted`]), otherwise at least once.
#[derive(Debug)]
pub struct Relay {
    outbox: Outbox,
    transport: Arc<dyn Transport>,
    options: RelayOptions,
    observer: Arc<dyn RelayObserver>,
}

impl Relay {
    /// Creates a relay from an outbox to a transport.
    #[must_use]
    pub fn new(
        outbox: &Outbox,
        transport: &Arc<dyn Transport>,
        options: RelayOptions,
        observer: Arc<dyn RelayObserver>,
    ) -> Self {
        Self {
            outbox: outbox.clone(),
            transport: Arc::clone(transport),
            options,
            observer,
        }
    }

    /// Relays until it is stopped, or until nothing is left if the options say so. An outage of the database or the
    /// target is ridden out. When it is stopped, the batch in flight is published and removed first.
    ///
    /// # Errors
    /// If the database has no outbox of this version, a right is missing, or the target cannot be used at all.
    pub async fn run(self, stop: CancellationToken) -> Result<RelaySummary> {
        let mut shards = JoinSet::new();
        let cleaner = self.options.keep.map(|keep| {
            let (outbox, observer) = (self.outbox.again(), Arc::clone(&self.observer));
            tokio::spawn(async move {
                if let Ok(outbox) = outbox {
                    clean(&outbox, keep, observer.as_ref()).await;
                }
            })
        });
        for number in 0..self.options.shards.max(1) {
            let outbox = self.outbox.again()?;
            shards.spawn(standby::run(Context {
                table: outbox.table,
                transport: Arc::clone(&self.transport),
                options: self.options.clone(),
                shard: Shard {
                    number,
                    of: self.options.shards.max(1),
                },
                observer: Arc::clone(&self.observer),
                stop: stop.clone(),
                outages: 0,
            }));
        }
        let mut summary = RelaySummary::default();
        let mut result = Ok(());
        while let Some(ended) = shards.join_next().await {
            match ended.unwrap_or_else(|_| Err(died())) {
                Ok(done) => {
                    summary.sent += done.sent;
                    summary.refused += done.refused;
                    summary.parked += done.parked;
                }
                Err(error) => {
                    stop.cancel();
                    result = Err(error);
                }
            }
        }
        if let Some(cleaner) = cleaner {
            cleaner.abort();
        }
        result.map(|()| summary)
    }
}

fn died() -> TransportError {
    TransportError::new("outbox", ErrorKind::Other, "the relay of a shard panicked")
}

/// Deletes kept rows whose time is over, now and then.
async fn clean(outbox: &Outbox, keep: Duration, observer: &dyn RelayObserver) {
    loop {
        let began = Instant::now();
        match outbox.clean(keep).await {
            Ok(0) => {}
            Ok(deleted) => observer.notice(RelayNotice::Cleaned(deleted)),
            // The relay reports that the database does not answer.
            Err(error) => tracing::debug!(%error, "kept rows were not deleted"),
        }
        sleep(CLEAN.saturating_sub(began.elapsed())).await;
    }
}
