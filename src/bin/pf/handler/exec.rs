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
    contract::{
        failure,
        reply::Action,
        verdict::{self, Ended, Judgement},
    },
    options::HandlerOptions,
    process::{
        environment,
        pipes::{self as pump, Gathered},
        process_group::{Held, Leash},
        result_file::{self, ResultFiles},
        stderr_tail::StderrTail,
        stdin::{self as input, StdinForm},
        thread_pool::{Done, Lanes},
    },
};
use crate::output::is_reader_gone;

/// A command that is run once per event.
#[derive(Debug)]
pub struct Exec {
    options: Arc<HandlerOptions>,
    results: ResultFiles,
    lanes: Lanes<()>,
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
    judgement: Judgement,
    gathered: Gathered,
    /// Whether it said itself what should become of the event.
    in_own_words: bool,
    started: Instant,
}

impl Exec {
    /// Prepares the command.
    ///
    /// # Errors
    /// If there is no place for the files of `$PF_RESULT`.
    pub fn new(options: HandlerOptions) -> io::Result<Self> {
        Ok(Self {
            lanes: Lanes::new(options.jobs),
            options: Arc::new(options),
            results: ResultFiles::new()?,
        })
    }

    /// Runs the command for one delivery.
    pub async fn handle(&self, delivery: &Delivery, run: &Run) -> Outcome {
        let job = match self.job(delivery, run) {
            Ok(job) => job,
            Err(error) => return failure::undecodable(&error),
        };
        let leash = Arc::new(Leash::default());
        let held = Held(Arc::clone(&leash));
        let options = Arc::clone(&self.options);
        let beginning = run.beginning.clone();
        let work = move |(): &mut ()| {
            beginning.mark();
            let result = work(job, &leash, &options);
            let go_on =
                matches!(&result, Ok(finished) if finished.judgement.action != Action::Stop);
            Done { result, go_on }
        };
        match self.lanes.work(work, run, held).await {
            Ok(Some(Ok(finished))) => self.conclude(&finished, delivery, run),
            Ok(Some(Err(error))) | Err(error) => self.options.not_started(&error),
            Ok(None) => Outcome::Return,
        }
    }

    /// Returns how many runs may wait: one for each thread.
    pub fn ahead(&self) -> usize {
        self.options.jobs
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
            StdinForm::Event => input::line(envelope, delivery, run)?,
            StdinForm::Data => input::data(&envelope)?,
        };
        Ok(Job {
            command,
            payload,
            result,
            limit: limit.unwrap_or_default(),
        })
    }

    fn conclude(&self, finished: &Finished, delivery: &Delivery, run: &Run) -> Outcome {
        if self.writes_to_nobody(finished) {
            return failure::no_reader();
        }
        let (stderr, started) = (&finished.gathered.stderr, finished.started);
        match &self.options.emit {
            Some(emit) if finished.judgement.action == Action::Ack => {
                match emit.collected(&finished.gathered.stdout, delivery, run) {
                    Ok(responses) => Outcome::Ack(responses),
                    Err(reason) => {
                        failure::outcome(&Judgement::failed("emit", reason), stderr, started)
                    }
                }
            }
            _ => failure::outcome(&finished.judgement, stderr, started),
        }
    }

    /// Reports whether a run failed while nobody reads the stdout that it shares with us: not its fault.
    fn writes_to_nobody(&self, finished: &Finished) -> bool {
        matches!(finished.judgement.action, Action::Retry(_))
            && !finished.in_own_words
            && self.options.emit.is_none()
            && is_reader_gone()
    }
}

/// Runs the command. Blocks.
fn work(job: Job, leash: &Leash, options: &HandlerOptions) -> io::Result<Finished> {
    let started = Instant::now();
    let mut command = options.launcher.spawn(job.command)?;
    let pid = leash.attach(&command.child);
    let gathered = pump::pump(
        &mut command.child,
        pid,
        &job.payload,
        job.limit,
        StderrTail::default(),
    );
    if gathered.is_err() {
        leash.pull(Signal::KILL);
    }
    let ended: Ended = leash.reap(command)?.into();
    let result = result_file::take(&job.result);
    let judgement = match &result {
        Ok(result) => verdict::judge(ended, result.as_deref(), &options.on_exit),
        Err(error) => {
            let reason = format!("the verdict in $PF_RESULT cannot be read: {error}");
            Judgement::failed("result", reason)
        }
    };
    Ok(Finished {
        judgement,
        gathered: gathered?,
        in_own_words: !matches!(result, Ok(None)),
        started,
    })
}
