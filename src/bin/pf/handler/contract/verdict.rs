//! From how a command ended to what becomes of its event: the table of the handler contract. Pure.

use std::process::ExitStatus;

use super::{
    on_exit::OnExit,
    reply::{Action, Reply},
};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, signal) => Self::Signalled(signal.unwrap_or_default()),
        }
    }
}

/// What becomes of the event, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    pub action: Action,
    /// The sort of failure: `exit 1`, `signal 9`, `result`.
    pub class: String,
    /// One line for people.
    pub reason: String,
    /// Whether the reason says it all, so that the last line of stderr adds nothing.
    pub complete: bool,
}

impl Judgement {
    /// A failed run that is tried again as the policy says.
    pub fn failed(class: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            action: Action::Retry(None),
            class: class.into(),
            reason: reason.into(),
            complete: true,
        }
    }
}

/// Judges a run: what the handler wrote to `$PF_RESULT` beats its exit status.
pub fn judge(ended: Ended, result: Option<&[u8]>, on_exit: &OnExit) -> Judgement {
    match result.map(parse_result) {
        None => by_status(ended, on_exit),
        Some(Ok(reply)) => in_own_words(ended, reply),
        Some(Err(reason)) => {
            let reason = format!("the verdict in $PF_RESULT is malformed: {reason}");
            Judgement::failed("result", reason)
        }
    }
}

/// Returns the sort of failure of a status or signal.
pub fn class(ended: Ended) -> String {
    match ended {
        Ended::Exited(status) => format!("exit {status}"),
        Ended::Signalled(signal) => format!("signal {signal}"),
    }
}

/// Says a status or signal in words.
pub fn words(ended: Ended) -> String {
    match ended {
        Ended::Exited(status) => format!("exit status {status}"),
        Ended::Signalled(signal) => format!("killed by signal {signal}"),
    }
}

fn parse_result(text: &[u8]) -> Result<Reply, String> {
    let reply = Reply::parse(text)?;
    if reply.id.is_some() || reply.emit.is_some() {
        return Err("`id` and `emit` are for workers".to_owned());
    }
    Ok(reply)
}

fn in_own_words(ended: Ended, reply: Reply) -> Judgement {
    Judgement {
        action: reply.action,
        class: class(ended),
        complete: reply.reason.is_some(),
        reason: reply.reason.unwrap_or_else(|| unexplained(ended)),
    }
}

/// What is said of a verdict that gives no reason; that the run ended well would be none.
fn unexplained(ended: Ended) -> String {
    match ended {
        Ended::Exited(0) => "asked for in $PF_RESULT".to_owned(),
        _ => words(ended),
    }
}

fn by_status(ended: Ended, on_exit: &OnExit) -> Judgement {
    let action = match ended {
        Ended::Signalled(_) => Action::Retry(None),
        Ended::Exited(status) => on_exit.get(status).unwrap_or_else(|| usual(status)),
    };
    Judgement {
        action,
        class: class(ended),
        reason: words(ended),
        complete: false,
    }
}

/// Only the band of `sysexits.h` and what shells say of commands that cannot be run mean something:
/// interpreters end with all other statuses by accident.
fn usual(status: i32) -> Action {
    match status {
        0 => Action::Ack,
        65 => Action::DeadLetter,
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
        judge(Ended::Exited(status), None, &OnExit::default()).action
    }

    #[test]
    fn the_table_of_the_contract() {
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
    fn the_reason_names_the_status_or_signal() {
        let judgement = judge(Ended::Signalled(9), None, &OnExit::default());
        assert_eq!(judgement.class, "signal 9");
        assert_eq!(judgement.reason, "killed by signal 9");
        let judgement = judge(Ended::Exited(3), None, &OnExit::default());
        assert_eq!(
            (judgement.class, judgement.reason),
            ("exit 3".to_owned(), "exit status 3".to_owned())
        );
    }

    #[test]
    fn a_worker_only_word_in_the_result_file_is_malformed() {
        let result = br#"{"action":"ack","id":"1"}"#;
        let judgement = judge(Ended::Exited(0), Some(result), &OnExit::default());
        assert_eq!(judgement.action, Action::Retry(None));
    }

    fn any_end() -> impl Strategy<Value = Ended> {
        prop_oneof![
            (0..=255).prop_map(Ended::Exited),
            (1..=64).prop_map(Ended::Signalled)
        ]
    }

    proptest! {
        #[test]
        fn the_written_verdict_beats_the_status(ended in any_end(), seconds in 0_u64..10_000) {
            let result = format!(r#"{{"action":"retry","after":"{seconds}s"}}"#);
            let judgement = judge(ended, Some(result.as_bytes()), &"0=skip".parse().unwrap());
            prop_assert_eq!(
                judgement.action,
                Action::Retry(Some(Duration::from_secs(seconds)))
            );
        }

        #[test]
        fn garbage_in_the_result_file_is_a_failed_run(ended in any_end(), garbage in "[^{]{1,40}") {
            let judgement = judge(ended, Some(garbage.as_bytes()), &OnExit::default());
            prop_assert_eq!(judgement.action, Action::Retry(None));
        }

        #[test]
        fn nothing_but_0_is_an_ack_unless_said(ended in any_end()) {
            let acked = judge(ended, None, &OnExit::default()).action == Action::Ack;
            prop_assert_eq!(acked, ended == Ended::Exited(0));
        }

        #[test]
        fn a_map_changes_its_statuses_only(ended in any_end(), mapped in 0_u8..=255) {
            let map = format!("{mapped}=skip").parse().unwrap();
            let skipped = judge(ended, None, &map).action == Action::Skip;
            prop_assert_eq!(skipped, ended == Ended::Exited(i32::from(mapped)));
        }
    }
}
