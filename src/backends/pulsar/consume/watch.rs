//! Topics that a pattern matches and that are created while a group reads.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::time::sleep;

use super::{logs, session::Session, tasks::Tasks};
use crate::transport::Result;

/// How often topics are looked for.
const EVERY: Duration = Duration::from_secs(1);

/// Adds new topics until the subscription ends.
pub(super) fn run(session: Arc<Session>, tasks: Arc<Tasks>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        loop {
            sleep(EVERY).await;
            if session.state().closed {
                return;
            }
            if let Err(failed) = look(&session, &tasks).await {
                if failed.is_transient() {
                    tracing::debug!(%failed, "topics could not be listed");
                } else {
                    session.fail(failed);
                }
            }
        }
    })
}

async fn look(session: &Arc<Session>, tasks: &Tasks) -> Result<()> {
    for (topic, info) in logs::requested(session).await? {
        let is_known = session.state().logs.iter().any(|log| log.topic == topic);
        if !is_known {
            let made = logs::provision(session, &info, &topic, true).await?;
            tasks.add(session, made.logs).await?;
        }
    }
    Ok(())
}
