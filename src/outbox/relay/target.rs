//! The store that a relay publishes to: with receipts where it can, at least once elsewhere.

use std::sync::Arc;

use super::{
    batch::{self, Prepared},
    pace::FEW,
};
use crate::{
    failpoint,
    outbox::{
        receipt::{self, Sent},
        table::{Claim, Lease, PendingRow, Table},
    },
    transport::{ErrorKind, ReceiptedPublisher, Result, Transport, TransportError},
};

/// How batches are published.
#[derive(Debug)]
pub(super) enum Target {
    /// Each in one transaction with its receipt: exactly once.
    Receipted(Box<dyn ReceiptedPublisher>),
    /// At least once. Where the target recognises duplicates, it is asked to.
    Plain {
        transport: Arc<dyn Transport>,
        dedup: bool,
    },
}

/// What a batch came to.
#[derive(Debug, Default)]
pub(super) struct Published {
    /// Rows that are stored, in any order.
    pub(super) sent: Vec<i64>,
    /// Rows that the target refused, and why. No later row of their keys was published.
    pub(super) refused: Vec<(Prepared, TransportError)>,
    /// Whether the target refused the batch without naming a row: smaller ones will show which it is.
    pub(super) is_refused_whole: bool,
    /// Why the target could not be asked about the rest. With receipts, it must be opened again.
    pub(super) outage: Option<TransportError>,
}

/// Returns the name under which a shard of an outbox is published.
pub(super) fn name(outbox: &str, lease: &Lease) -> String {
    format!("outbox-{outbox}-{}", lease.shard)
}

impl Target {
    /// Opens the target and fences the relays before; returns the rows of the last batch that was stored.
    pub(super) async fn open(
        transport: &Arc<dyn Transport>,
        outbox: &str,
        lease: &Lease,
    ) -> Result<(Self, Vec<Sent>)> {
        let name = name(outbox, lease);
        let fence = lease.fence.unsigned_abs();
        if let Some(publisher) = transport.receipted(&name, fence).await? {
            let sent = publisher.receipt().map(|receipt| receipt::read(receipt));
            let damaged = || {
                let message = format!("the receipt `{name}` is of another version");
                TransportError::new("outbox", ErrorKind::Configuration, message)
                    .hint("use the newer `pf` that wrote it")
            };
            let sent = sent.map_or(Ok(Vec::new()), |sent| sent.ok_or_else(damaged))?;
            return Ok((Self::Receipted(publisher), sent));
        }
        let dedup = transport.capabilities().await?.dedup.is_present();
        let transport = Arc::clone(transport);
        Ok((Self::Plain { transport, dedup }, Vec::new()))
    }

    /// Returns how many rows a batch may have.
    pub(super) fn limit(&self) -> usize {
        match self {
            Self::Receipted(publisher) => publisher.limit(),
            Self::Plain { .. } => FEW,
        }
    }

    /// Publishes a batch, and meanwhile reads rows of the next one, if any are asked for.
    pub(super) async fn publish_and_read(
        mut self,
        batch: Vec<Prepared>,
        table: Arc<dyn Table>,
        next: Option<Claim>,
    ) -> (Self, Published, Vec<PendingRow>) {
        let reading = async {
            match next {
                // An error comes again where it is waited for.
                Some(next) => table.claim(&next).await.unwrap_or_default(),
                None => Vec::new(),
            }
        };
        let (published, rows) = tokio::join!(self.publish(batch), reading);
        (self, published, rows)
    }

    /// Publishes a batch in its order.
    async fn publish(&mut self, batch: Vec<Prepared>) -> Published {
        match self {
            Self::Receipted(publisher) => receipted(publisher.as_mut(), batch).await,
            Self::Plain { transport, dedup } => plain(transport.as_ref(), *dedup, batch).await,
        }
    }
}

/// Publishes a batch whole; refused rows are left out one after the other.
async fn receipted(publisher: &mut dyn ReceiptedPublisher, mut rows: Vec<Prepared>) -> Published {
    let mut outcome = Published::default();
    while !rows.is_empty() {
        let receipt = batch::receipt(&rows);
        let failed = match publisher
            .publish(batch::outgoing(&rows, false), receipt)
            .await
        {
            Ok(()) => {
                outcome.sent = rows.iter().map(|prepared| prepared.row.id).collect();
                failpoint::reach("outbox.published");
                return outcome;
            }
            Err(failed) => failed,
        };
        if !is_refusal(&failed.error) {
            outcome.outage = Some(failed.error);
            return outcome;
        }
        let only = (rows.len() == 1).then_some(0);
        outcome.is_refused_whole = failed.message.is_none();
        let Some(number) = failed
            .message
            .or(only)
            .filter(|number| *number < rows.len())
        else {
            return outcome;
        };
        let refused = rows[number].clone();
        batch::remove(&mut rows, number);
        outcome.refused.push((refused, failed.error));
    }
    outcome
}

/// Publishes one row of each key at a time, so that no row overtakes one that fails.
async fn plain(transport: &dyn Transport, dedup: bool, mut rows: Vec<Prepared>) -> Published {
    let mut outcome = Published::default();
    while !rows.is_empty() && outcome.outage.is_none() {
        let wave = batch::first_of_each_key(&mut rows);
        let results = transport.publish(batch::outgoing(&wave, dedup)).await;
        let mut results = results.into_iter();
        for prepared in wave {
            let unanswered = || Err(TransportError::unanswered(transport.scheme()));
            match results.next().unwrap_or_else(unanswered) {
                Ok(_) => outcome.sent.push(prepared.row.id),
                Err(error) if is_refusal(&error) => {
                    let key = &prepared.row.key;
                    rows.retain(|behind| key.is_none() || behind.row.key != *key);
                    outcome.refused.push((prepared, error));
                }
                Err(error) => outcome.outage = Some(error),
            }
        }
        failpoint::reach("outbox.published");
    }
    outcome
}

/// Reports whether an error is about one message, and not about the target.
fn is_refusal(error: &TransportError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Invalid
            | ErrorKind::TooLarge
            | ErrorKind::NotFound
            | ErrorKind::Unsupported
            | ErrorKind::Denied
            | ErrorKind::Configuration
            | ErrorKind::Other
    )
}

/// Reports whether a refusal will be repeated whatever happens to the target.
pub(super) fn is_permanent(error: &TransportError) -> bool {
    matches!(error.kind(), ErrorKind::Invalid | ErrorKind::TooLarge)
}
