//! What a subscription needs before its first message: its topics, and a dispatcher of delayed events.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    backends::kafka::{
        codec::record,
        connection::{admin, handle::Connection},
        delay::{dispatcher, scan},
    },
    event::Pattern,
    transport::Result,
};

/// How often a bounded subscription checks for overdue delayed events, and for how long: a dispatcher that was killed is
/// replaced only after its session timed out.
const OVERDUE_CHECK: Duration = Duration::from_millis(100);
const OVERDUE: Duration = Duration::from_secs(20);

/// Creates the topics that are subscribed to by name and do not exist, or fails without `--create`.
pub(crate) async fn create_missing_topics(
    connection: &Arc<Connection>,
    patterns: &[Pattern],
) -> Result<Vec<String>> {
    let mut remarks = Vec::new();
    for topic in patterns.iter().filter_map(Pattern::literal) {
        let name = connection.names().topic_name(&topic)?;
        if connection.topics.partitions(&name).await?.is_some() {
            continue;
        }
        if !connection.create {
            return Err(admin::unknown(&name));
        }
        let created = connection.topics.create_user_topic(&name).await?;
        remarks.extend(created.iter().map(|name| format!("created topic {name}")));
    }
    Ok(remarks)
}

/// Dispatches delayed events for as long as the subscription lasts.
pub(crate) async fn dispatch(connection: Arc<Connection>) {
    if let Err(failed) = dispatcher::dispatch_until_dropped(connection).await {
        tracing::warn!(%failed, "delayed-event dispatcher stopped; this process no longer delivers delayed events");
    }
}

/// Waits until delayed events that are due by now were delivered, by this process or by another.
pub(crate) async fn wait_for_overdue(
    connection: &Arc<Connection>,
    patterns: &[Pattern],
) -> Result<Option<String>> {
    let by = record::now_millis();
    let until = Instant::now() + OVERDUE;
    while scan::is_overdue(connection, patterns, by).await? {
        if Instant::now() >= until {
            let remark =
                "delayed events that are due were not delivered yet: `pf schedule list` shows them";
            return Ok(Some(remark.to_owned()));
        }
        tokio::time::sleep(OVERDUE_CHECK).await;
    }
    Ok(None)
}
