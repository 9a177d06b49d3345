//! The runs of a canary, one after the other: on copies, so that nothing is published or settled.

use std::{ffi::OsString, sync::Arc, time::Duration};

use protoflow::{
    event::{Encoding, Group},
    runtime::{ConsumeOptions, Masks, Notice, Observer, rehearse},
    transport::SubscribeRequest,
};

use super::view::{Ended, TrialView, Tried};
use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    handler::{Emit, HandlerOptions, Launcher, ObservedCommand, OnExit, StdinForm, program_hint},
    output::{Remarks, counted},
    schemas::SchemaArgs,
};

/// A command that is tried before a replay.
#[derive(Debug)]
pub struct Canary {
    /// Dead letters that it is tried on.
    pub most: usize,
    pub(super) emit: bool,
    pub(super) handler_timeout: Option<Duration>,
    pub(super) on_exit: OnExit,
    pub(super) stdin: StdinForm,
    pub(super) schemas: SchemaArgs,
    pub(super) words: Vec<OsString>,
}

/// Hears what a consumer would: only the attributes that official SDKs refuse matter here.
struct Listener(Remarks);

impl Observer for Listener {
    fn notice(&self, notice: Notice<'_>) {
        if let Notice::RefusedAttribute(_, error) = notice {
            self.0.warning(&error.to_string());
        }
    }
}

impl Canary {
    /// Says what is about to happen, and asks on a terminal.
    ///
    /// # Errors
    /// If the operator refuses.
    pub fn confirm(&self, letters: u64, asks: bool, remarks: &Remarks) -> CliResult<()> {
        let command = shell_words::join(self.words.iter().map(|word| word.to_string_lossy()));
        let letters = counted(letters, "dead letter", "dead letters");
        remarks.remark(&format!("canary: {command} on copies of {letters}"));
        remarks.remark(
            "nothing is published or settled; what the command does elsewhere (calls, writes) is real",
        );
        if asks && !Remarks::confirm("run it? [y/N] ")? {
            return Err(CliError::message(Exit::Failed, "nothing was done"));
        }
        Ok(())
    }

    /// Runs the command on each dead letter and shows how it ended.
    ///
    /// # Errors
    /// If a run did not handle its event, or a signal came.
    pub async fn run(
        &self,
        letters: &[Tried],
        encoding: Encoding,
        masks: Option<&Masks>,
        context: &mut Context,
    ) -> CliResult<()> {
        let remarks = context.printer.remarks();
        let signals = context.signals()?;
        let command = self.command(encoding, context)?;
        let observer: Arc<dyn Observer> = Arc::new(Listener(remarks.clone()));
        let mut failed = Vec::new();
        for tried in letters {
            let letter = &tried.copy;
            if signals.stop.drain.is_cancelled() {
                return Err(signals.interrupted("interrupted; nothing was replayed"));
            }
            let options = self.options(&letter.record.group);
            let outcome =
                rehearse(command.clone(), letter, &options, &observer, &signals.stop).await;
            let view = TrialView::new(tried, &outcome, command.take(), masks);
            context.printer.report(&view)?;
            context.printer.flush()?;
            match view.outcome() {
                Ended::Acknowledged | Ended::Skipped => {}
                _ => failed.push(format!("{} {}", letter.id, view.summary())),
            }
            if view.outcome() == Ended::Stopped {
                break;
            }
        }
        if signals.stop.drain.is_cancelled() {
            return Err(signals.interrupted("interrupted; nothing was replayed"));
        }
        self.conclude(&failed, letters.len(), &remarks)
    }

    fn conclude(&self, failed: &[String], tried: usize, remarks: &Remarks) -> CliResult<()> {
        let letters = counted(tried as u64, "dead letter", "dead letters");
        let Some(first) = failed.first() else {
            remarks.remark(&format!("the canary handled {letters}"));
            return Ok(());
        };
        let text = format!(
            "the canary failed on {} of {letters}: {first}",
            failed.len()
        );
        let error = CliError::message(Exit::Failed, text).hint("nothing was replayed");
        Err(match program_hint(&self.words) {
            Some(hint) => error.hint(hint),
            None => error,
        })
    }

    fn command(&self, encoding: Encoding, context: &mut Context) -> CliResult<ObservedCommand> {
        let remarks = context.printer.remarks();
        ObservedCommand::new(HandlerOptions {
            words: self.words.clone(),
            jobs: 1,
            url: context.url()?.to_string(),
            stdin: self.stdin,
            decoder: self.schemas.decoder(context)?,
            on_exit: self.on_exit.clone(),
            emit: self.emit.then(|| Emit::new(encoding)),
            canary: true,
            launcher: Launcher::new(remarks.clone()),
            remarks,
        })
    }

    /// Returns the options of a consumer of the group, as `pf consume` has them by default.
    fn options(&self, group: &Group) -> ConsumeOptions {
        ConsumeOptions {
            handler_timeout: self.handler_timeout,
            ..ConsumeOptions::new(SubscribeRequest::new(group.clone(), Vec::new()))
        }
    }
}
