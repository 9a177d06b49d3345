//! Runs the command once per event.

use std::{
    io,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

use protoflow::{
    event::{Envelope, EventError},
    runtime::{Outcome, Run},
    transport::Delivery,
};
use rustix::process::Signal;

use super::{
    HandlerOptions, StdinForm, environment, failure, input,
    leash::{Held, LAST_MOMENT, Leash},
    pump::{self, Gathered},
    reply::Action,
    result_file::{self, ResultFiles},
    stderr_tail::StderrTail,
    verdict::{self, Ended, Judgement},
};
use crate::output::is_reader_gone;

/// A command that is run once per event.
#[derive(Debug)]
pub struct Exec {
    options: HandlerOptions,
    results: ResultFiles,
}

/// One run that has not begun.
struct Job {
    command: Command,
    payload: Vec<u8>,
    result: PathBuf,
    /// Bytes of stdout to keep.
    limit: usize,
}

/// One run that has ended.
struct Finished {
    ended: Ended,
    gathered: Gathered,
    result: io::Result<Option<Vec<u8>>>,
}

impl Exec {
    /// Prepares the command.
    ///
    /// # Errors
    /// If there is no place for the files of `$PF_RESULT`.
    pub fn new(options: HandlerOptions) -> io::Result<Self> {
        let results = ResultFiles::new()?;
        Ok(Self { options, results })
    }

    /// Runs the command for one delivery.
    pub async fn handle(&self, delivery: &Delivery, run: &Run) -> Outcome {
        let job = match self.job(delivery, run) {
            Ok(job) => job,
            Err(error) => return failure::undecodable(&error),
        };
        let started = Instant::now();
        match leashed(job, run).await {
            Ok(finished) => self.conclude(&finished, started, delivery, run),
            Err(error) => self.options.not_started(&error),
        }
    }

    fn job(&self, delivery: &Delivery, run: &Run) -> Result<Job, EventError> {
        let envelope = Envelope::read(&delivery.stored.message)?;
        let result = self.results.path();
        let mut command = self.options.command();
        environment::set_event(&mut command, &envelope, delivery, run);
        command.env("PF_RESULT", &result);
        let limit = self.options.emit.as_ref().map(|emit| emit.limit);
        command.stdout(limit.map_or_else(Stdio::inherit, |_| Stdio::piped()));
        let payload = match self.options.stdin {
            StdinForm::Event => input::line(envelope, run)?,
            StdinForm::Data => input::data(&envelope)?,
        };
        Ok(Job {
            command,
            payload,
            result,
            limit: limit.unwrap_or_default(),
        })
    }

    fn conclude(
        &self,
        finished: &Finished,
        started: Instant,
        delivery: &Delivery,
        run: &Run,
    ) -> Outcome {
        let options = &self.options;
        let judgement = match &finished.result {
            Ok(result) => verdict::judge(finished.ended, result.as_deref(), &options.on_exit),
            Err(error) => {
                let reason = format!("the verdict in $PF_RESULT cannot be read: {error}");
                Judgement::failed("result", reason)
            }
        };
        if self.writes_to_nobody(&judgement, finished) {
            return failure::no_reader();
        }
        let stderr = &finished.gathered.stderr;
        match &options.emit {
            Some(emit) if judgement.action == Action::Ack => {
                match emit.collected(&finished.gathered.stdout, delivery, run) {
                    Ok(responses) => Outcome::Ack(responses),
                    Err(reason) => {
                        failure::outcome(&Judgement::failed("emit", reason), stderr, started)
                    }
                }
            }
            _ => failure::outcome(&judgement, stderr, started),
        }
    }
}

impl Exec {
    /// Reports whether a run failed while nobody reads the stdout that it shares with us: not its fault.
    fn writes_to_nobody(&self, judgement: &Judgement, finished: &Finished) -> bool {
        matches!(judgement.action, Action::Retry(_))
            && matches!(finished.result, Ok(None))
            && self.options.emit.is_none()
            && is_reader_gone()
    }
}

/// Runs a job on a thread of its own; ends it when the run should end at once.
async fn leashed(job: Job, run: &Run) -> io::Result<Finished> {
    let leash = Arc::new(Leash::default());
    let held = Held(Arc::clone(&leash));
    let mut work = tokio::task::spawn_blocking(move || work(job, &leash));
    tokio::select! {
        done = &mut work => return done.map_err(io::Error::other)?,
        () = run.abort.cancelled() => held.0.pull(Signal::TERM),
    }
    tokio::select! {
        done = &mut work => return done.map_err(io::Error::other)?,
        () = tokio::time::sleep(LAST_MOMENT) => held.0.pull(Signal::KILL),
    }
    work.await.map_err(io::Error::other)?
}

fn work(mut job: Job, leash: &Leash) -> io::Result<Finished> {
    let mut child = job.command.spawn()?;
    let pid = leash.attach(&child);
    let gathered = pump::pump(
        &mut child,
        pid,
        &job.payload,
        job.limit,
        StderrTail::default(),
    );
    if gathered.is_err() {
        leash.pull(Signal::KILL);
    }
    let ended = leash.reap(&mut child)?.into();
    Ok(Finished {
        ended,
        gathered: gathered?,
        result: result_file::take(&job.result),
    })
}
