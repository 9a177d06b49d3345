//! `pf dlq replay --canary N` without a command: the first dead letters are replayed, and the rest only once their group has
//! handled them.

use std::{
    io::{self, Write},
    time::Duration,
};

use protoflow::{
    runtime::{Fate, Followed, Follower, Triage},
    transport::{JobAction, JobId},
};
use serde::Serialize;

use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Paint, Painter, Report, counted},
};

/// How long a canary is waited for by default.
const TIME: Duration = Duration::from_mins(5);

/// A canary that is replayed and waited for.
#[derive(Debug, Clone, Copy)]
pub struct CanaryWait {
    /// How many dead letters are replayed first.
    pub most: usize,
    time: Duration,
}

/// Refuses a canary that is waited for where no group's position shows that it was handled.
pub fn check_canary(action: &JobAction) -> CliResult<()> {
    let text = match action {
        JobAction::Replay { to: None } => return Ok(()),
        JobAction::Replay { to: Some(_) } => {
            "`--canary` without a command waits for the group that failed, and `--to` replays to every group"
        }
        _ => "`--canary` is for replays",
    };
    let hint = "try a command on copies instead: `--canary 5 -- ./handle.sh`";
    Err(CliError::usage(text).hint(hint))
}

impl CanaryWait {
    /// Creates it; the default time is five minutes.
    pub fn new(most: u16, time: Option<Duration>) -> Self {
        Self {
            most: usize::from(most),
            time: time.unwrap_or(TIME),
        }
    }

    /// Waits until the group has handled the first dead letters of a job. `has_rest` says whether more of them would follow.
    ///
    /// # Errors
    /// If they were not handled, the store does not show it, or a signal came: with hints that say how to go on.
    pub async fn wait(
        self,
        triage: &Triage,
        job: &JobId,
        has_rest: bool,
        context: &mut Context,
    ) -> CliResult<()> {
        let remarks = context.printer.remarks();
        let signals = context.signals()?;
        let time = humantime::format_duration(self.time);
        remarks.remark(&format!(
            "canary: waiting until the group has handled what was replayed, for at most {time}"
        ));
        let mut replays = Follower::of_job(triage.transport(), job, self.most).await?;
        let followed = replays.wait(self.time, &signals.stop).await?;
        for one in &followed {
            context.printer.report(&CanaryView { canary: one })?;
        }
        context.printer.flush()?;
        let ended = if signals.stop.drain.is_cancelled() {
            Err(signals.interrupted("interrupted while waiting for the canary"))
        } else {
            self.judge(&followed)
        };
        match ended {
            Ok(()) => {
                let letters = counted(followed.len() as u64, "dead letter", "dead letters");
                remarks.remark(&format!("the canary handled {letters}"));
                Ok(())
            }
            Err(error) if has_rest => Err(error
                .hint("the rest was not replayed; run the same command again to wait again")
                .hint(format!(
                    "`pf dlq jobs resume {job}` replays the rest without waiting, `pf dlq jobs cancel {job}` leaves it"
                ))),
            Err(error) => Err(error),
        }
    }

    fn judge(self, followed: &[Followed]) -> CliResult<()> {
        let all = counted(followed.len() as u64, "dead letter", "dead letters");
        let count = |is: fn(&Fate) -> bool| followed.iter().filter(|one| is(&one.fate)).count();
        let again = count(|fate| matches!(fate, Fate::DiedAgain { .. }));
        let still = count(|fate| *fate == Fate::NotReplayed);
        let pending = count(|fate| *fate == Fate::Pending);
        let reason = followed.iter().find_map(|one| match &one.fate {
            Fate::Unknown { reason } => Some((&one.id, reason)),
            _ => None,
        });
        let (exit, text) = if again > 0 {
            let text = format!("the canary failed: {again} of {all} died again");
            (Exit::Partly, text)
        } else if still > 0 {
            let text = format!("the canary failed: {still} of {all} were not replayed");
            (Exit::Partly, text)
        } else if let Some((id, reason)) = reason {
            let text = format!("it is not known whether {id} was handled: {reason}");
            (Exit::Partly, text)
        } else if pending > 0 {
            let time = humantime::format_duration(self.time);
            let text = format!("the group has not handled {pending} of {all} within {time}");
            (Exit::Incomplete, text)
        } else {
            return Ok(());
        };
        Err(CliError::message(exit, text))
    }
}

/// A dead letter of a canary, to be shown.
#[derive(Serialize)]
struct CanaryView<'a> {
    canary: &'a Followed,
}

impl Report for CanaryView<'_> {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let id = paint(Paint::Name, self.canary.id.as_str());
        writeln!(out, "{id}  {}", fate(self.canary))
    }
}

/// Says how the replay of a dead letter ended.
pub fn fate(followed: &Followed) -> String {
    let group = followed
        .group
        .as_ref()
        .map_or("the group", |group| group.as_str());
    match &followed.fate {
        Fate::Handled => format!("handled by {group}"),
        Fate::Pending => format!("not handled by {group} yet"),
        Fate::DiedAgain { dead_letter } => format!("died again as {dead_letter}"),
        Fate::NotReplayed => "not replayed".to_owned(),
        Fate::Unknown { reason } => format!("cannot know: {reason}"),
    }
}
