//! The verdict on a run: the table of the handler contract. Pure.

use std::process::ExitStatus;

use super::{
    on_exit::OnExit,
    reply::{Action, Reply},
};

/// The exit of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitKind {
    /// It exited with this status.
    Status(i32),
    /// This signal killed it.
    Signal(i32),
}

impl ExitKind {
    /// Returns the status, if it exited.
    pub fn status(self) -> Option<i32> {
        match self {
            Self::Status(status) => Some(status),
            Self::Signal(_) => None,
        }
    }

    /// Returns the signal that killed it, if one did.
    pub fn signal(self) -> Option<i32> {
        match self {
            Self::Status(_) => None,
            Self::Signal(signal) => Some(signal),
        }
    }
}

impl From<ExitStatus> for ExitKind {
    fn from(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Status(code),
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }
}

/// The action for the event, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub action: Action,
    /// The class of the failure: `exit 1`, `signal 9`, `result`.
    pub class: String,
    /// One line for people.
    pub reason: String,
    /// Whether the reason is complete; otherwise the last line of stderr is added.
    pub complete: bool,
}

impl Verdict {
    /// Returns the verdict on a failed run that is retried by policy.
    pub fn failed(class: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            action: Action::Retry(None),
            class: class.into(),
            reason: reason.into(),
            complete: true,
        }
    }
}

/// Judges a run: a verdict in `$PF_RESULT` beats the exit status.
pub fn judge(exit: ExitKind, result: Option<&[u8]>, on_exit: &OnExit) -> Verdict {
    match result.map(parse_result) {
        None => from_exit(exit, on_exit),
        Some(Ok(reply)) => from_reply(exit, reply),
        Some(Err(reason)) => {
            let reason = format!("the verdict in $PF_RESULT is malformed: {reason}");
            Verdict::failed("result", reason)
        }
    }
}

/// Returns the class of a failure with this exit.
pub fn class(exit: ExitKind) -> String {
    match exit {
        ExitKind::Status(status) => format!("exit {status}"),
        ExitKind::Signal(signal) => format!("signal {signal}"),
    }
}

/// Describes a status or signal.
pub fn describe(exit: ExitKind) -> String {
    match exit {
        ExitKind::Status(status) => format!("exit status {status}"),
        ExitKind::Signal(signal) => format!("killed by signal {signal}"),
    }
}

fn parse_result(text: &[u8]) -> Result<Reply, String> {
    let reply = Reply::parse(text)?;
    if reply.id.is_some() || reply.emit.is_some() {
        return Err("`id` and `emit` are for workers".to_owned());
    }
    Ok(reply)
}

fn from_reply(exit: ExitKind, reply: Reply) -> Verdict {
    Verdict {
        action: reply.action,
        class: class(exit),
        complete: reply.reason.is_some(),
        reason: reply.reason.unwrap_or_else(|| default_reason(exit)),
    }
}

/// The reason for a verdict that gives none. Exit status 0 would explain nothing.
fn default_reason(exit: ExitKind) -> String {
    match exit {
        ExitKind::Status(0) => "asked for in $PF_RESULT".to_owned(),
        _ => describe(exit),
    }
}

fn from_exit(exit: ExitKind, on_exit: &OnExit) -> Verdict {
    let action = match exit {
        ExitKind::Signal(_) => Action::Retry(None),
        ExitKind::Status(status) => on_exit
            .get(status)
            .unwrap_or_else(|| default_action(status)),
    };
    Verdict {
        action,
        class: class(exit),
        reason: describe(exit),
        complete: false,
    }
}

/// Returns the action for an exit status that `--on-exit` does not map.
///
/// Only statuses of `sysexits.h`, and those with which a shell reports a command that it cannot run, have a meaning of
/// their own. Interpreters exit with the others by accident (1 for an uncaught exception, 2 for a usage error), so they are
/// failed runs.
#[expect(
    clippy::match_same_arms,
    reason = "a status with a meaning of its own has an arm of its own"
)]
fn default_action(status: i32) -> Action {
    match status {
        0 => Action::Ack,
        // EX_DATAERR: no retry can help.
        65 => Action::DeadLetter,
        // EX_TEMPFAIL: the command asks for a retry. It is the policy's, as for any failed run; the delay it may ask for
        // comes from `--on-exit` or `$PF_RESULT`.
        75 => Action::Retry(None),
        // EX_CONFIG, and a command that is not executable or not found: every other event would fail the same way.
        78 | 126 | 127 => Action::Stop,
        _ => Action::Retry(None),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn action(status: i32) -> Action {
        judge(ExitKind::Status(status), None, &OnExit::default()).action
    }

    #[test]
    fn exit_statuses_have_the_actions_of_the_contract() {
        assert_eq!(action(0), Action::Ack);
        assert_eq!(action(65), Action::DeadLetter);
        assert_eq!(action(75), Action::Retry(None));
        for status in [78, 126, 127] {
            assert_eq!(action(status), Action::Stop);
        }
        for status in [1, 2, 64, 66, 120, 128, 255] {
            assert_eq!(action(status), Action::Retry(None));
        }
    }

    #[test]
    fn exit_status_75_is_a_retry_by_policy_unless_it_is_mapped() {
        let verdict = judge(ExitKind::Status(75), None, &OnExit::default());
        assert_eq!(verdict.action, Action::Retry(None));
        assert_eq!(verdict.class, "exit 75");
        let mapped = judge(ExitKind::Status(75), None, &"75=retry:30s".parse().unwrap());
        let pause = Duration::from_secs(30);
        assert_eq!(mapped.action, Action::Retry(Some(pause)));
        let asked = br#"{"action":"retry","after":"90s"}"#;
        let asked = judge(ExitKind::Status(75), Some(asked), &OnExit::default());
        assert_eq!(asked.action, Action::Retry(Some(Duration::from_secs(90))));
    }

    #[test]
    fn the_reason_names_the_status_or_signal() {
        let verdict = judge(ExitKind::Signal(9), None, &OnExit::default());
        assert_eq!(verdict.class, "signal 9");
        assert_eq!(verdict.reason, "killed by signal 9");
        let verdict = judge(ExitKind::Status(3), None, &OnExit::default());
        assert_eq!(
            (verdict.class, verdict.reason),
            ("exit 3".to_owned(), "exit status 3".to_owned())
        );
    }

    #[test]
    fn a_field_for_workers_in_the_result_file_is_malformed() {
        let result = br#"{"action":"ack","id":"1"}"#;
        let verdict = judge(ExitKind::Status(0), Some(result), &OnExit::default());
        assert_eq!(verdict.action, Action::Retry(None));
    }

    fn any_end() -> impl Strategy<Value = ExitKind> {
        prop_oneof![
            (0..=255).prop_map(ExitKind::Status),
            (1..=64).prop_map(ExitKind::Signal)
        ]
    }

    proptest! {
        #[test]
        fn a_written_verdict_beats_the_status(exit in any_end(), seconds in 0_u64..10_000) {
            let result = format!(r#"{{"action":"retry","after":"{seconds}s"}}"#);
            let verdict = judge(exit, Some(result.as_bytes()), &"0=skip".parse().unwrap());
            prop_assert_eq!(
                verdict.action,
                Action::Retry(Some(Duration::from_secs(seconds)))
            );
        }

        #[test]
        fn garbage_in_the_result_file_is_a_failed_run(exit in any_end(), garbage in "[^{]{1,40}") {
            let verdict = judge(exit, Some(garbage.as_bytes()), &OnExit::default());
            prop_assert_eq!(verdict.action, Action::Retry(None));
        }

        #[test]
        fn only_status_0_is_an_ack_by_default(exit in any_end()) {
            let acked = judge(exit, None, &OnExit::default()).action == Action::Ack;
            prop_assert_eq!(acked, exit == ExitKind::Status(0));
        }

        #[test]
        fn a_map_changes_only_its_own_statuses(exit in any_end(), mapped in 0_u8..=255) {
            let map = format!("{mapped}=skip").parse().unwrap();
            let skipped = judge(exit, None, &map).action == Action::Skip;
            prop_assert_eq!(skipped, exit == ExitKind::Status(i32::from(mapped)));
        }
    }
}
