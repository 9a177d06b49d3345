//! The relay of a shard: it waits for the lease, and leads while it holds it.

use std::time::Duration;

use super::{
    context::Context,
    leader::{Leader, Turn},
    options::{RelayNotice, RelaySummary},
};
use crate::{failpoint, outbox::table::Lease, transport::Result};

/// How often the lease is asked for.
const STANDBY: Duration = Duration::from_millis(500);

/// Relays until it is stopped, or done.
pub(super) async fn run(mut context: Context) -> Result<RelaySummary> {
    let mut summary = RelaySummary::default();
    let outbox = identify(&mut context).await?;
    while let Some(lease) = wait_for_lease(&mut context).await? {
        failpoint::reach("outbox.leased");
        let mut leader = Leader::new(&mut context, lease, &outbox);
        let turn = leader.lead().await;
        leader.add_to(&mut summary);
        match turn? {
            Turn::Lost => {
                context.observer.notice(RelayNotice::Lost);
                context.rest(STANDBY).await;
            }
            Turn::Done => break,
        }
    }
    Ok(summary)
}

async fn identify(context: &mut Context) -> Result<String> {
    loop {
        match context.table.identify(true).await {
            Ok(name) => return Ok(name),
            Err(error) if context.stop.is_cancelled() => return Err(error),
            Err(error) => context.outage(error).await?,
        }
    }
}

/// Takes the lease once it is free; none if the relay is stopped before.
async fn wait_for_lease(context: &mut Context) -> Result<Option<Lease>> {
    let mut known = None;
    while !context.stop.is_cancelled() {
        let options = &context.options;
        let asked = context
            .table
            .lease(context.shard, &options.holder, options.lease);
        match asked.await {
            Ok(Ok(lease)) => return Ok(Some(lease)),
            Ok(Err(holder)) => {
                context.answered();
                if known.as_ref() != Some(&holder) {
                    known = Some(holder.clone());
                    let shard = (context.shard.number, context.shard.of);
                    context
                        .observer
                        .notice(RelayNotice::Waits { shard, holder });
                }
                if context.options.until_end && context.table.status().await?.pending == 0 {
                    return Ok(None);
                }
                context.rest(STANDBY).await;
            }
            Err(error) => context.outage(error).await?,
        }
    }
    Ok(None)
}
