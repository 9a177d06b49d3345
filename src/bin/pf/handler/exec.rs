//! A command that is run once per event.

use std::{
    io,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use protoflow::{
    event::{Envelope, EventError},
    runtime::{Outcome, Run},
    transport::Delivery,
};
use rustix::process::Signal;

use super::{
    contract::{
        failure,
        reply::Action,
        verdict::{self, ExitKind, Verdict},
    },
    options::HandlerOptions,
    pooled_run::{EndedRun, run_on_pool},
    process::{
        environment,
        pipes::{self, CapturedStdout},
        process_group::ProcessGroup,
        result_file::{self, ResultFiles},
        stderr_tail::StderrTail,
        stdin::{self, StdinForm},
        thread_pool::ThreadPool,
    },
};
use crate::output::is_reader_gone;

/// A command that is run once per event.
#[derive(Debug)]
pub struct Exec {
    options: Arc<HandlerOptions>,
    results: ResultFiles,
    pool: ThreadPool<()>,
}

/// A run that has not begun.
struct PreparedRun {
    command: Command,
    payload: Vec<u8>,
    result: PathBuf,
    /// Bytes of stdout to keep.
    stdout_limit: usize,
}

/// Output of a run.
struct Output {
    exit: ExitKind,
    stdout: CapturedStdout,
    /// Whether the run wrote its own verdict to `$PF_RESULT`.
    wrote_verdict: bool,
}

/// What is known about a run beside its outcome.
#[derive(Debug, Clone)]
pub struct RunFacts {
    pub exit: ExitKind,
    pub stderr: StderrTail,
    pub took: Duration,
}

impl Exec {
    /// Prepares the command.
    ///
    /// # Errors
    /// If the folder for the files of `$PF_RESULT` cannot be created.
    pub fn new(options: HandlerOptions) -> io::Result<Self> {
        Ok(Self {
            pool: ThreadPool::new(options.jobs),
            options: Arc::new(options),
            results: ResultFiles::new()?,
        })
    }

    /// Runs the command for one delivery.
    pub async fn handle(&self, delivery: &Delivery, run: &Run) -> Outcome {
        self.observe(delivery, run).await.0
    }

    /// Does the same, and returns what is known about the run if it ended.
    pub async fn observe(&self, delivery: &Delivery, run: &Run) -> (Outcome, Option<RunFacts>) {
        let prepared = match self.prepare(delivery, run) {
            Ok(prepared) => prepared,
            Err(error) => return (failure::undecodable(&error), None),
        };
        let options = Arc::clone(&self.options);
        let mut facts = None;
        let outcome = run_on_pool(
            &self.pool,
            &self.options,
            run,
            move |(), group, start| {
                start.mark();
                execute(prepared, group, &options)
            },
            |ended| {
                facts = Some(RunFacts {
                    exit: ended.output.exit,
                    stderr: ended.stderr.clone(),
                    took: ended.started.elapsed(),
                });
                self.conclude(&ended, delivery, run)
            },
        )
        .await;
        (outcome, facts)
    }

    /// Returns how many runs may wait in the queue: one for each thread.
    pub fn max_queued(&self) -> usize {
        self.options.jobs
    }

    fn prepare(&self, delivery: &Delivery, run: &Run) -> Result<PreparedRun, EventError> {
        let envelope = Envelope::read(&delivery.stored.message)?;
        let json = self.options.json_of(delivery, &envelope)?;
        let envelope = envelope.with_json(json.as_deref());
        let result = self.results.path();
        let mut command = self.options.command();
        environment::set_event(&mut command, &envelope, delivery, run);
        command.env("PF_RESULT", &result);
        let limit = self.options.emit.as_ref().map(|emit| emit.limit);
        command.stdout(match limit {
            Some(_) => Stdio::piped(),
            None if self.options.canary => io::stderr().into(),
            None => Stdio::inherit(),
        });
        let payload = match self.options.stdin {
            StdinForm::Event => stdin::line(envelope, delivery, run)?,
            StdinForm::Data => stdin::data(&envelope)?,
        };
        Ok(PreparedRun {
            command,
            payload,
            result,
            stdout_limit: limit.unwrap_or_default(),
        })
    }

    fn conclude(&self, ended: &EndedRun<Output>, delivery: &Delivery, run: &Run) -> Outcome {
        if self.failed_on_closed_stdout(ended) {
            return failure::stdout_closed();
        }
        match &self.options.emit {
            Some(emit) if ended.verdict.action == Action::Ack => {
                match emit.collected(&ended.output.stdout, delivery, run) {
                    Ok(responses) => Outcome::Ack(responses),
                    Err(reason) => ended.emit_failed(reason),
                }
            }
            _ => ended.outcome(),
        }
    }

    /// Reports whether a run failed after the reader of the stdout that it shares with `pf` closed it. That is not the
    /// event's fault, so it must not cost an attempt.
    fn failed_on_closed_stdout(&self, ended: &EndedRun<Output>) -> bool {
        matches!(ended.verdict.action, Action::Retry(_))
            && !ended.output.wrote_verdict
            && self.options.emit.is_none()
            && !self.options.canary
            && is_reader_gone()
    }
}

/// Runs the command. Blocks.
fn execute(
    run: PreparedRun,
    group: &ProcessGroup,
    options: &HandlerOptions,
) -> io::Result<EndedRun<Output>> {
    let started = Instant::now();
    let mut command = options.launcher.spawn(run.command)?;
    let pid = group.attach(&command.child);
    let drained = pipes::drive(
        &mut command.child,
        pid,
        &run.payload,
        run.stdout_limit,
        StderrTail::default(),
    );
    if drained.is_err() {
        group.signal(Signal::KILL);
    }
    let exit: ExitKind = group.reap(command)?.into();
    let result = result_file::take(&run.result);
    let verdict = match &result {
        Ok(result) => verdict::judge(exit, result.as_deref(), &options.on_exit),
        Err(error) => {
            let reason = format!("the verdict in $PF_RESULT cannot be read: {error}");
            Verdict::failed("result", reason)
        }
    };
    let drained = drained?;
    Ok(EndedRun {
        verdict,
        stderr: drained.stderr,
        started,
        output: Output {
            exit,
            stdout: drained.stdout,
            wrote_verdict: !matches!(result, Ok(None)),
        },
    })
}
