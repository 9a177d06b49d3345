//! Holders of a job: the name of this process, and whether the process of another name is still alive.

use std::time::Duration;

use protoflow::runtime::Triage;
use tokio::time::{Instant, sleep};

use crate::{commands::dlq::operator::is_dead, error::CliResult, output::Remarks};

/// Longer than any lease lasts without its heartbeat.
const LONGEST_LEASE: Duration = Duration::from_secs(90);

/// Takes care of what processes of this host left that have exited: waits for their leases to expire, and undoes their edits.
pub async fn clear(triage: &Triage, remarks: &Remarks) -> CliResult<()> {
    wait_for_dead_holder(triage, remarks).await?;
    triage.recover_edits(is_dead).await?;
    Ok(())
}

/// Waits for the lease of a process of this host that has exited to expire.
pub async fn wait_for_dead_holder(triage: &Triage, remarks: &Remarks) -> CliResult<()> {
    let started = Instant::now();
    let mut reported = false;
    while started.elapsed() < LONGEST_LEASE {
        let jobs = triage.jobs().await?;
        let Some(dead) = jobs
            .iter()
            .filter_map(|job| job.holder.as_deref())
            .find(|name| is_dead(name))
        else {
            break;
        };
        if !reported {
            remarks.remark(&format!(
                "{dead} has exited; waiting for its lease to expire"
            ));
            reported = true;
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
