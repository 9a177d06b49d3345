//! Acknowledging resolved letters on the subscription that keeps them, so that the broker may delete them.
//!
//! Nothing depends on it: the journal says which letters are resolved. An operator who reads the subscription keeps this out.

use std::collections::HashMap;

use crate::backends::pulsar::{
    codec::message_id::MessageId,
    connection::{consumer::Consumer, handle::Connection, keeper::keeper, names::KEEPER},
};

/// Gaps that a subscription may have: a broker forgets those beyond 10,000 when it restarts.
const GAPS: usize = 5_000;

/// The subscriptions of the logs of a job.
#[derive(Debug, Default)]
pub(super) struct Keepers(HashMap<String, Keeper>);

#[derive(Debug, Default)]
struct Keeper {
    consumer: Option<Consumer>,
    acknowledged: usize,
}

impl Keepers {
    /// Acknowledges letters. A member of a batch is left: its entry has others.
    pub(super) async fn acknowledge(
        &mut self,
        connection: &Connection,
        letters: Vec<(String, MessageId)>,
    ) {
        let mut by_log: HashMap<String, Vec<MessageId>> = HashMap::new();
        for (log, id) in letters {
            if id.batch_index == -1 {
                by_log.entry(log).or_default().push(id);
            }
        }
        for (log, mut ids) in by_log {
            let keeper_of = self.0.entry(log.clone()).or_default();
            // Counted as if no two of them were neighbours.
            ids.truncate(GAPS.saturating_sub(keeper_of.acknowledged));
            if ids.is_empty() {
                continue;
            }
            keeper_of.acknowledged += gaps(&mut ids);
            if let Err(failed) = keeper_of.acknowledge(connection, log, ids).await {
                tracing::debug!(%failed, "resolved letters are not acknowledged");
                keeper_of.consumer = None;
            }
        }
    }

    /// Leaves the subscriptions.
    pub(super) async fn close(self) {
        for consumer in self.0.into_values().filter_map(|one| one.consumer) {
            // One that is lost is left too.
            let _ = consumer.handle.close().await;
        }
    }
}

impl Keeper {
    async fn acknowledge(
        &mut self,
        connection: &Connection,
        log: String,
        ids: Vec<MessageId>,
    ) -> crate::transport::Result<()> {
        if self.consumer.is_none() {
            let spec = keeper(log, KEEPER);
            self.consumer = Some(Consumer::subscribe(connection, &spec).await?);
        }
        match &self.consumer {
            Some(consumer) => consumer.handle.ack(ids).await,
            None => Ok(()),
        }
    }
}

/// Returns how many ranges of neighbours there are.
fn gaps(ids: &mut [MessageId]) -> usize {
    ids.sort_unstable_by_key(|id| id.place());
    let is_gap =
        |pair: &[MessageId]| pair[0].ledger != pair[1].ledger || pair[0].entry + 1 != pair[1].entry;
    1 + ids.windows(2).filter(|pair| is_gap(pair)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::pulsar::codec::message_id::parse_id;

    #[test]
    fn neighbours_are_one_range() {
        let ids = ["1:5:-1", "1:3:-1", "1:4:-1", "2:5:-1", "1:9:-1"];
        let mut ids: Vec<_> = ids.into_iter().filter_map(parse_id).collect();
        assert_eq!(gaps(&mut ids), 3);
    }
}
