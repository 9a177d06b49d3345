//! Warnings of open transactions that block records of the assigned partitions.

use std::{collections::HashSet, sync::Arc, time::Duration};

use super::{assignment::partition::PartitionKind, session::Session};
use crate::{
    backends::kafka::{error::error, read::open_transactions},
    transport::ErrorKind,
};

/// How often partitions are checked, and the least pause for each of them.
const CHECK: Duration = Duration::from_secs(30);
const EACH: Duration = Duration::from_millis(100);
/// The pause while no partition is assigned.
const UNASSIGNED: Duration = Duration::from_millis(250);

/// Reports each open transaction once, for as long as the subscription lasts.
pub(crate) async fn watch(session: Arc<Session>) {
    let mut reported = HashSet::new();
    let mut is_first = true;
    loop {
        let places: Vec<(String, i32)> = {
            let state = session.state();
            let partitions = state.assignment.partitions.values();
            partitions
                .filter(|partition| matches!(partition.kind, PartitionKind::Messages { .. }))
                .map(|partition| (partition.at.topic.to_string(), partition.at.partition))
                .collect()
        };
        let each = EACH.saturating_mul(u32::try_from(places.len()).unwrap_or(u32::MAX));
        let pause = if places.is_empty() {
            UNASSIGNED
        } else {
            CHECK.max(each)
        };
        let has_places = !places.is_empty();
        match open_transactions::find(&session.connection, places).await {
            Ok(found) => {
                // The first check reports recent ones too: a bounded subscription may wait for them.
                let found = found.into_iter();
                for blocked in found.filter(|blocked| is_first || blocked.is_old()) {
                    let warning = error(ErrorKind::Warning, blocked.text(&session.connection));
                    if reported.insert((blocked.name, blocked.since)) {
                        session.fail(warning);
                    }
                }
            }
            Err(failed) => tracing::debug!(%failed, "cannot look for open transactions"),
        }
        is_first &= !has_places;
        tokio::time::sleep(pause).await;
    }
}
