//! Running a relay: one leader or standby for each shard, and a cleaner of kept rows.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    cleaner::{self, Cleaner},
    context::Context,
    options::{RelayObserver, RelayOptions, RelaySummary},
    standby,
};
use crate::{
    outbox::{Outbox, table::Shard},
    transport::{ErrorKind, Result, Transport, TransportError},
};

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
        // Both are aborted with this future.
        let (mut shards, mut cleaner) = (JoinSet::new(), JoinSet::new());
        let ended = stop.child_token();
        if let Some(keep) = self.options.keep {
            cleaner.spawn(cleaner::run(Cleaner {
                outbox: self.outbox.again()?,
                keep,
                once: self.options.until_end,
                observer: Arc::clone(&self.observer),
                stop: ended.clone(),
            }));
        }
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
            match ended.unwrap_or_else(|_| Err(died("the relay of a shard panicked"))) {
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
        if result.is_err() || !self.options.until_end {
            ended.cancel();
        }
        if let Some(Err(_)) = cleaner.join_next().await {
            result = result.and(Err(died("the cleaner of kept rows panicked")));
        }
        result.map(|()| summary)
    }
}

fn died(message: &'static str) -> TransportError {
    TransportError::new("outbox", ErrorKind::Other, message)
}
