//! Long-lived workers, one per job; a worker that breaks the protocol is replaced after a pause.
//!
//! An event that waits in the queue of the pool loses no attempt when a worker fails: only the event that a worker was
//! given, or may have read, is a failed run.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use protoflow::{
    event::{Envelope, EventError},
    runtime::{Outcome, Run, RunStart},
    transport::Delivery,
};
use serde_json::value::RawValue;

use super::{
    contract::{
        failure,
        reply::{Action, Reply},
        verdict::{self, ExitKind, Verdict},
    },
    options::HandlerOptions,
    pooled_run::{EndedRun, run_on_pool},
    process::{
        process_group::ProcessGroup,
        stdin,
        thread_pool::{ThreadPool, ThreadState},
    },
    worker_process::{Worker, WorkerFault},
};

/// The first pause before a worker is restarted; doubled after each failure in a row.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Bytes of an answer without events.
const LONGEST_ANSWER: usize = 64 * 1024;
/// Events that may wait for each worker. A worker answers many events in the time of one turn of the consume loop, so the
/// queue must hold enough to keep it busy while the loop settles and fetches.
const AHEAD: usize = 256;

/// Events that a worker asked to publish.
type Emitted = Option<Vec<Box<RawValue>>>;

/// The workers of a consumer.
#[derive(Debug)]
pub struct Workers {
    shared: Arc<Shared>,
    pool: ThreadPool<Slot>,
}

/// State that all workers share.
#[derive(Debug)]
struct Shared {
    options: HandlerOptions,
    /// Workers in a row that gave no usable answer.
    faults: AtomicU32,
}

/// The slot of one worker: a thread of the pool owns it.
#[derive(Debug, Default)]
struct Slot {
    worker: Option<Worker>,
    /// Set when the worker must be ended before the next event.
    must_restart: bool,
    /// End of the pause before a new worker.
    paused_until: Option<Instant>,
}

/// An event in the form that a worker is given.
struct Request {
    id: String,
    line: Vec<u8>,
}

impl Workers {
    /// Prepares workers; each is started when it is first needed.
    pub fn new(options: HandlerOptions) -> Self {
        Self {
            pool: ThreadPool::new(options.jobs),
            shared: Arc::new(Shared {
                options,
                faults: AtomicU32::new(0),
            }),
        }
    }

    /// Returns how many runs may wait in the queue.
    pub fn max_queued(&self) -> usize {
        self.shared.options.jobs.saturating_mul(AHEAD)
    }

    /// Has a worker handle one delivery.
    pub async fn handle(&self, delivery: &Delivery, run: &Run) -> Outcome {
        let request = match Request::of(&self.shared.options, delivery, run) {
            Ok(request) => request,
            Err(error) => return failure::undecodable(&error),
        };
        let shared = Arc::clone(&self.shared);
        run_on_pool(
            &self.pool,
            &self.shared.options,
            run,
            move |slot, group, start| shared.answer(slot, &request, start, group),
            |ended| self.conclude(&ended, delivery, run),
        )
        .await
    }

    fn conclude(&self, ended: &EndedRun<Emitted>, delivery: &Delivery, run: &Run) -> Outcome {
        match (&self.shared.options.emit, &ended.output) {
            (Some(emit), Some(events)) if ended.verdict.action == Action::Ack => {
                match emit.listed(events, delivery, run) {
                    Ok(responses) => Outcome::Ack(responses),
                    Err(reason) => ended.emit_failed(reason),
                }
            }
            _ => ended.outcome(),
        }
    }

    /// Ends every worker.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl Shared {
    /// Has the worker of a slot answer, or its successor if it exited before it read anything. Blocks.
    fn answer(
        &self,
        slot: &mut Slot,
        request: &Request,
        start: &RunStart,
        group: &ProcessGroup,
    ) -> io::Result<EndedRun<Emitted>> {
        loop {
            let worker = self.worker(slot)?;
            // Ending an earlier worker may take a second, which must not count against this event's time limit.
            start.mark();
            let started = Instant::now();
            group.delegate_to(worker.group());
            let answer = worker.ask(&request.line, &request.id, self.answer_limit());
            group.detach();
            if answer.is_err() && !group.was_signalled() && worker.exited_before_reading() {
                start.retract();
                slot.end_worker();
                continue;
            }
            let answer = answer.and_then(|reply| self.check(reply));
            let stderr = worker.stderr().take();
            slot.must_restart = answer.is_err() || group.was_signalled();
            let (verdict, output) = match answer {
                Ok(reply) => {
                    self.faults.store(0, Ordering::Relaxed);
                    judge(reply)
                }
                Err(fault) => {
                    let faults = self.faults.fetch_add(1, Ordering::Relaxed);
                    slot.paused_until = Instant::now().checked_add(pause(faults));
                    (judge_fault(&fault, group.was_signalled()), None)
                }
            };
            return Ok(EndedRun {
                verdict,
                stderr,
                started,
                output,
            });
        }
    }

    /// Returns the worker of the slot; starts one if there is none or it broke the protocol.
    fn worker<'s>(&self, slot: &'s mut Slot) -> io::Result<&'s mut Worker> {
        let limit = self.answer_limit();
        if slot
            .worker
            .as_mut()
            .is_some_and(|worker| !worker.is_usable(limit))
        {
            slot.end_worker();
        }
        match &mut slot.worker {
            Some(worker) => Ok(worker),
            empty => {
                let started = self.options.launcher.spawn(self.options.command())?;
                let worker = Worker::new(started, self.options.remarks.clone())?;
                Ok(empty.insert(worker))
            }
        }
    }

    /// Returns the longest answer allowed, in bytes.
    fn answer_limit(&self) -> usize {
        let emit = self.options.emit.as_ref();
        emit.map_or(LONGEST_ANSWER, |emit| emit.limit)
    }

    fn check(&self, reply: Reply) -> Result<Reply, WorkerFault> {
        let emits = self.options.emit.as_ref().map(|emit| emit.replies);
        match (&reply.emit, &reply.to_sender) {
            (Some(_), _) if emits != Some(false) => Err(WorkerFault::EmitNotEnabled),
            (_, Some(_)) if emits != Some(true) => Err(WorkerFault::ReplyNotEnabled),
            _ => Ok(reply),
        }
    }
}

impl Slot {
    /// Ends the worker now; the next event gets a new one.
    fn end_worker(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.end();
        }
    }
}

impl ThreadState for Slot {
    fn paused_until(&self) -> Option<Instant> {
        self.paused_until
    }

    fn clean_up(&mut self) {
        if std::mem::take(&mut self.must_restart) {
            self.end_worker();
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.close();
        }
    }
}

impl Request {
    fn of(options: &HandlerOptions, delivery: &Delivery, run: &Run) -> Result<Self, EventError> {
        let envelope = Envelope::read(&delivery.stored.message)?;
        let json = options.json_of(delivery, &envelope)?;
        let envelope = envelope.with_json(json.as_deref());
        Ok(Self {
            id: envelope.id.clone().into_owned(),
            line: stdin::line_with_key(envelope, delivery, run)?,
        })
    }
}

/// Returns the pause after a fault that followed this many others in a row.
fn pause(before: u32) -> Duration {
    FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(before))
        .min(LONGEST_PAUSE)
}

fn judge(reply: Reply) -> (Verdict, Emitted) {
    let verdict = Verdict {
        action: reply.action,
        class: "worker".to_owned(),
        complete: reply.reason.is_some(),
        reason: reply
            .reason
            .unwrap_or_else(|| "the worker gave no reason".to_owned()),
    };
    let replied = reply.to_sender.map(|reply| vec![reply]);
    (verdict, reply.emit.or(replied))
}

fn judge_fault(fault: &WorkerFault, was_signalled: bool) -> Verdict {
    if was_signalled {
        return Verdict::failed("aborted", "the run was aborted before the worker answered");
    }
    let class = match fault {
        WorkerFault::Exited(exit) => verdict::class(*exit),
        _ => "worker".to_owned(),
    };
    let action = match fault {
        WorkerFault::Exited(ExitKind::Status(78 | 126 | 127)) => Action::Stop,
        _ => Action::Retry(None),
    };
    Verdict {
        action,
        class,
        reason: fault.to_string(),
        complete: !matches!(fault, WorkerFault::Exited(_) | WorkerFault::StdoutClosed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        let pauses = [0, 1, 2, 6, 40].map(|before| pause(before).as_millis());
        assert_eq!(pauses, [100, 200, 400, 5000, 5000]);
    }

    #[test]
    fn a_worker_that_cannot_be_run_stops_the_consumer() {
        let exited = |status| WorkerFault::Exited(ExitKind::Status(status));
        let judge = |status| judge_fault(&exited(status), false).action;
        assert_eq!(judge(127), Action::Stop);
        assert_eq!(judge(1), Action::Retry(None));
        assert_eq!(judge(0), Action::Retry(None));
    }
}
