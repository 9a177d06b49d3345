//! Holders of a job: the name of this process, and whether the process of another name is still alive.

use std::time::Duration;

use protoflow::runtime::Triage;
use rustix::process::{Pid, test_kill_process};
use tokio::time::{Instant, sleep};

use crate::{
    commands::dlq::operator::{host, who},
    error::CliResult,
    output::Remarks,
};

/// Longer than any lease lasts without its heartbeat.
const LONGEST_LEASE: Duration = Duration::from_secs(90);

/// Returns the name of this process as the holder of a job.
pub fn name() -> String {
    format!("{} (process {})", who(), std::process::id())
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

/// Reports whether the holder is a process of this host that has exited.
fn is_dead(holder: &str) -> bool {
    let process = || {
        let (at, process) = holder.strip_suffix(')')?.rsplit_once(" (process ")?;
        let (_, holders_host) = at.rsplit_once('@')?;
        (holders_host == host()).then(|| Pid::from_raw(process.parse().ok()?))?
    };
    process().is_some_and(|process| test_kill_process(process) == Err(rustix::io::Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missing_process_of_this_host_is_dead() {
        assert!(!is_dead(&name()));
        assert!(!is_dead("ann@elsewhere (process 999999999)"));
        assert!(!is_dead("unknown"));
        assert!(is_dead(&format!("ann@{} (process 999999999)", host())));
    }
}
