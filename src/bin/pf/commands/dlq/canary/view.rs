//! One run of a canary, to be shown.

use std::{
    fmt,
    io::{self, Write},
};

use protoflow::{
    event::write_event,
    runtime::{Masks, Outcome},
    transport::{DeadLetter, DeadLetterId, Outgoing},
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    handler::{ExitKind, RunFacts},
    output::{Paint, Painter, Report, abridged},
};

/// A dead letter that a command is tried on.
#[derive(Debug)]
pub struct Tried {
    /// What the command gets.
    pub copy: DeadLetter,
    /// The dead letter as it is stored: an edit may have moved what is masked in it.
    pub original: DeadLetter,
}

/// What a consumer would do with the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    Acknowledged,
    Skipped,
    Retried,
    DeadLettered,
    /// The command cannot be run, or stops its consumer.
    Stopped,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Acknowledged => "would be acknowledged",
            Self::Skipped => "would be skipped",
            Self::Retried => "would be retried",
            Self::DeadLettered => "would be dead-lettered",
            Self::Stopped => "would stop its consumer",
        })
    }
}

/// One run.
#[derive(Serialize)]
pub struct TrialView<'a> {
    canary: Trial<'a>,
}

#[derive(Serialize)]
struct Trial<'a> {
    id: &'a DeadLetterId,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    outcome: Ended,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u128>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    emits: Vec<Box<RawValue>>,
    /// The end of it. All of it was passed on while the command ran, so that the text form does not repeat it.
    #[serde(skip_serializing_if = "Option::is_none")]
    stderr: Option<String>,
}

impl<'a> TrialView<'a> {
    /// Shows a run, without what is masked.
    pub fn new(
        tried: &'a Tried,
        outcome: &Outcome,
        facts: Option<RunFacts>,
        masks: Option<&Masks>,
    ) -> Self {
        let Tried { copy, original } = tried;
        let hide = |text: String| match masks {
            Some(masks) => masks.hide_in(original, &masks.hide_in(copy, &text)),
            None => text,
        };
        let (ended, reason) = judge(outcome);
        let exit = facts.as_ref().map(|facts| facts.exit);
        Self {
            canary: Trial {
                id: &copy.id,
                event: copy.record.event_id.clone().map(hide),
                event_type: copy.record.event_type.clone().map(hide),
                outcome: ended,
                reason: reason.map(|reason| hide(reason.to_owned())),
                status: exit.and_then(ExitKind::status),
                signal: exit.and_then(ExitKind::signal),
                duration_ms: facts.as_ref().map(|facts| facts.took.as_millis()),
                emits: match outcome {
                    Outcome::Ack(responses) => responses
                        .iter()
                        .filter_map(|response| event(response, tried, masks))
                        .collect(),
                    _ => Vec::new(),
                },
                stderr: facts.and_then(|facts| facts.stderr.text()).map(hide),
            },
        }
    }

    /// Returns what a consumer would do with the event.
    pub fn outcome(&self) -> Ended {
        self.canary.outcome
    }

    /// Returns how it ended, in words.
    pub fn summary(&self) -> String {
        let Trial {
            outcome, reason, ..
        } = &self.canary;
        match reason {
            Some(reason) => format!("{outcome}: {}", abridged(reason)),
            None => outcome.to_string(),
        }
    }
}

fn judge(outcome: &Outcome) -> (Ended, Option<&str>) {
    match outcome {
        Outcome::Ack(_) => (Ended::Acknowledged, None),
        Outcome::Skip(reason) => (Ended::Skipped, Some(reason)),
        Outcome::Retry(_, failure) => (Ended::Retried, Some(&failure.message)),
        Outcome::DeadLetter(failure) | Outcome::Undecodable(failure) => {
            (Ended::DeadLettered, Some(&failure.message))
        }
        Outcome::Unusable(failure) => (Ended::Stopped, Some(&failure.message)),
        Outcome::Return => (Ended::Stopped, None),
    }
}

/// Returns the event that would be published.
fn event(response: &Outgoing, tried: &Tried, masks: Option<&Masks>) -> Option<Box<RawValue>> {
    let mut event = Vec::new();
    write_event(&mut event, &response.message).ok()?;
    let event = match masks {
        Some(masks) => {
            let sources = [&tried.copy, &tried.original];
            masks.event_of(&sources, &serde_json::from_slice(&event).ok()?)
        }
        None => String::from_utf8(event).ok()?,
    };
    RawValue::from_string(event).ok()
}

impl Report for TrialView<'_> {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let trial = &self.canary;
        write!(out, "{}", paint(Paint::Name, trial.id.as_str()))?;
        for part in [&trial.event_type, &trial.event].into_iter().flatten() {
            write!(out, "  {part}")?;
        }
        let status = trial.status.map(|status| format!("exit status {status}"));
        let signal = trial.signal.map(|signal| format!("signal {signal}"));
        for part in status.into_iter().chain(signal) {
            write!(out, "  {part}")?;
        }
        if let Some(milliseconds) = trial.duration_ms {
            write!(out, "  {milliseconds}ms")?;
        }
        writeln!(out, "  {}", self.summary())?;
        for event in &trial.emits {
            writeln!(out, "  emits {event}")?;
        }
        Ok(())
    }
}
