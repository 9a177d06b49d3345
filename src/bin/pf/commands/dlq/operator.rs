//! The operator: who changes dead letters, and why; both go to the log of the store.

use std::{env, fs, sync::Arc};

use clap::Args;
use protoflow::{
    backends::OpenOptions,
    runtime::{LogEntry, Policy, Triage, TriageError},
    transport::{ErrorKind, NoteName, Transport},
};
use rustix::{
    process::{Pid, test_kill_process},
    system::uname,
};

use crate::{
    context::Context,
    error::{CliError, CliResult},
};

/// The variable that names a file with a further policy.
const POLICY: &str = "PF_DLQ_POLICY";

/// Why a change is made.
#[derive(Debug, Clone, Default, Args)]
pub struct Because {
    /// Why, for the log of the store (`pf dlq log`)
    #[arg(long, value_name = "TEXT")]
    pub because: Option<String>,
}

/// Returns the user of this process, as `name@host`.
pub fn who() -> String {
    let user = ["USER", "LOGNAME"]
        .into_iter()
        .find_map(|variable| env::var(variable).ok().filter(|name| !name.is_empty()))
        .unwrap_or_else(|| format!("uid-{}", rustix::process::getuid().as_raw()));
    format!("{user}@{}", host())
}

/// Returns the name of this host.
pub fn host() -> String {
    uname().nodename().to_string_lossy().into_owned()
}

/// Opens the store for triage, under its policy and the one of this machine.
pub async fn open(context: &mut Context) -> CliResult<(Arc<dyn Transport>, Triage)> {
    open_with(OpenOptions::default(), context).await
}

/// Does the same with options.
pub async fn open_with(
    options: OpenOptions,
    context: &mut Context,
) -> CliResult<(Arc<dyn Transport>, Triage)> {
    let local = local_policy()?;
    let transport = context.open(options).await?;
    let triage = Triage::new(Arc::clone(&transport));
    let triage = match local {
        Some(policy) => triage.with_policy(policy),
        None => triage,
    };
    Ok((transport, triage))
}

/// Reads the policy of this machine, which can only forbid more than that of the store.
fn local_policy() -> CliResult<Option<Policy>> {
    let Some(file) = env::var_os(POLICY).filter(|file| !file.is_empty()) else {
        return Ok(None);
    };
    let name = file.to_string_lossy().into_owned();
    let text = fs::read_to_string(&file);
    let text = text.map_err(|error| {
        CliError::configuration(error.to_string())
            .during(format!("cannot read the policy `{name}` of {POLICY}"))
    })?;
    let policy = Policy::from_json(&text);
    let policy = policy.map_err(|error| {
        CliError::configuration(error.to_string())
            .during(format!("in `{name}`, which {POLICY} names"))
    })?;
    Ok(Some(policy))
}

/// Does something that the log notes before: if this process is killed, the log says that it was begun. `ended` returns the
/// entry that stays, or none if nothing was done; after an error that leaves open what was done, the note stays as it is.
pub async fn noted<T>(
    triage: &Triage,
    entry: LogEntry,
    work: impl Future<Output = Result<T, TriageError>>,
    ended: impl FnOnce(&T, LogEntry) -> Option<LogEntry>,
    context: &Context,
) -> Result<T, TriageError> {
    let begun = log_begin(triage, &entry, context).await;
    let result = work.await;
    let last = match &result {
        Ok(done) => ended(done, entry),
        Err(TriageError::Transport(error)) if error.kind() != ErrorKind::Held => return result,
        Err(_) => None,
    };
    log_end(triage, begun, last.as_ref(), context).await;
    result
}

/// Appends an entry before what it describes is done, so that it is there even if this process is killed.
pub async fn log_begin(triage: &Triage, entry: &LogEntry, context: &Context) -> Option<NoteName> {
    match triage.note_begin(entry).await {
        Ok(begun) => Some(begun),
        Err(error) => {
            let remarks = context.printer.remarks();
            remarks.warning(&format!(
                "this is not noted in the log of the store: {error}"
            ));
            None
        }
    }
}

/// Replaces such an entry by one with the result, or removes it if nothing was begun.
pub async fn log_end(
    triage: &Triage,
    begun: Option<NoteName>,
    entry: Option<&LogEntry>,
    context: &Context,
) {
    let Some(begun) = begun else { return };
    if let Err(error) = triage.note_end(&begun, entry).await {
        let remarks = context.printer.remarks();
        remarks.warning(&format!(
            "the result is not in the log of the store: {error}"
        ));
    }
}

/// Returns the name of this process as the holder of a job or an edit.
pub fn process() -> String {
    format!("{} (process {})", who(), std::process::id())
}

/// Reports whether the holder is a process of this host that has exited.
pub fn is_dead(holder: &str) -> bool {
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
        assert!(!is_dead(&process()));
        assert!(!is_dead("ann@elsewhere (process 999999999)"));
        assert!(!is_dead("unknown"));
        assert!(is_dead(&format!("ann@{} (process 999999999)", host())));
    }
}
