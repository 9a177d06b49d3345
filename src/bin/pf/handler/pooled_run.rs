//! One run on the thread pool, of a command or a worker: aborted and recalled like any other, and judged the same way.

use std::{io, sync::Arc, time::Instant};

use protoflow::runtime::{Outcome, Run, RunStart};

use super::{
    contract::{failure, reply::Action, verdict::Verdict},
    options::HandlerOptions,
    process::{
        process_group::{KillOnDrop, ProcessGroup},
        stderr_tail::StderrTail,
        thread_pool::{JobResult, ThreadPool, ThreadState},
    },
};

/// A run that ended.
pub struct EndedRun<T> {
    pub verdict: Verdict,
    pub stderr: StderrTail,
    pub started: Instant,
    /// Events that the run emitted, in the form of its kind of handler.
    pub output: T,
}

impl<T> EndedRun<T> {
    /// Returns the outcome of a run that published nothing.
    pub fn outcome(&self) -> Outcome {
        failure::outcome(&self.verdict, &self.stderr, self.started)
    }

    /// Returns the outcome of a run whose events cannot be published.
    pub fn emit_failed(&self, reason: String) -> Outcome {
        let verdict = Verdict::failed("emit", reason);
        failure::outcome(&verdict, &self.stderr, self.started)
    }
}

/// Runs `work` on a thread of the pool and turns the run into an outcome with `conclude`.
///
/// A verdict that stops the consumer empties the queue: the runs behind it would fail the same way.
pub async fn run_on_pool<S, T>(
    pool: &ThreadPool<S>,
    options: &HandlerOptions,
    run: &Run,
    work: impl FnOnce(&mut S, &ProcessGroup, &RunStart) -> io::Result<EndedRun<T>> + Send + 'static,
    conclude: impl FnOnce(EndedRun<T>) -> Outcome,
) -> Outcome
where
    S: ThreadState + 'static,
    T: Send + 'static,
{
    let group = Arc::new(ProcessGroup::default());
    let process = KillOnDrop(Arc::clone(&group));
    let start = run.start.clone();
    let job = move |state: &mut S| {
        let result = work(state, &group, &start);
        let keep_queue = matches!(&result, Ok(ended) if ended.verdict.action != Action::Stop);
        JobResult { result, keep_queue }
    };
    match pool.run(run, process, job).await {
        Ok(Some(Ok(ended))) => conclude(ended),
        Ok(Some(Err(error))) | Err(error) => options.not_started(&error),
        Ok(None) => Outcome::Return,
    }
}
