//! Who works on a job: this process under a name that others can read, and whether another one still lives.

use std::time::Duration;

use protoflow::runtime::Triage;
use rustix::{
    process::{Pid, test_kill_process},
    system::uname,
};
use tokio::time::{Instant, sleep};

use crate::{error::CliResult, output::Remarks};

/// Longer than any lease lasts without its heartbeat.
const PATIENCE: Duration = Duration::from_secs(90);

/// Returns the name under which this process works on a job.
pub fn name() -> String {
    let user = ["USER", "LOGNAME"]
        .into_iter()
        .find_map(|variable| std::env::var(variable).ok().filter(|name| !name.is_empty()))
        .unwrap_or_else(|| format!("uid-{}", rustix::process::getuid().as_raw()));
    format!("{user}@{} (process {})", host(), std::process::id())
}

fn host() -> String {
    uname().nodename().to_string_lossy().into_owned()
}

/// Waits for the lease of a process of this host that has died to run out.
pub async fn outlive_the_dead(triage: &Triage, remarks: &Remarks) -> CliResult<()> {
    let started = Instant::now();
    let mut told = false;
    while started.elapsed() < PATIENCE {
        let jobs = triage.jobs().await?;
        let Some(dead) = jobs
            .iter()
            .filter_map(|job| job.holder.as_deref())
            .find(|name| is_dead(name))
        else {
            break;
        };
        if !told {
            remarks.remark(&format!(
                "{dead} has died; waiting for its lease to run out"
            ));
            told = true;
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Reports whether the holder was a process of this host that is no more.
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
        assert!(!is_dead("somebody"));
        assert!(is_dead(&format!("ann@{} (process 999999999)", host())));
    }
}
