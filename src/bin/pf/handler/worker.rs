//! Keeps one long-lived worker per job; one that misbehaves is replaced, with back-off.

use std::{
    io,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use protoflow::{
    event::{Envelope, EventError},
    runtime::{Outcome, Run},
    transport::Delivery,
};

use super::{
    HandlerOptions, failure, input,
    reply::{Action, Reply},
    verdict::{self, Ended, Judgement},
    worker_process::{Fault, Worker},
};

/// The first pause before a worker is started again; doubled after each failure in a row.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// An answer that publishes nothing needs no more.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// The workers of a consumer.
#[derive(Debug)]
pub struct Workers {
    options: HandlerOptions,
    idle: Mutex<Vec<Worker>>,
    /// Workers in a row that gave no usable answer.
    faults: AtomicU32,
}

/// An event as a worker is given it.
struct Question {
    id: String,
    line: Vec<u8>,
}

impl Workers {
    /// Prepares workers; each is started when it is needed.
    pub fn new(options: HandlerOptions) -> Self {
        Self {
            options,
            idle: Mutex::default(),
            faults: AtomicU32::new(0),
        }
    }

    /// Lets a worker handle one delivery.
    pub async fn handle(&self, delivery: &Delivery, run: &Run) -> Outcome {
        let question = match Question::of(delivery, run) {
            Ok(question) => question,
            Err(error) => return failure::undecodable(&error),
        };
        loop {
            let mut worker = tokio::select! {
                worker = self.take() => match worker {
                    Ok(worker) => worker,
                    Err(error) => return self.options.not_started(&error),
                },
                () = run.abort.cancelled() => return Outcome::Return,
            };
            let started = Instant::now();
            let answer = tokio::select! {
                answer = worker.ask(&question.line, &question.id, self.limit()) => answer,
                () = run.abort.cancelled() => return aborted(worker, started).await,
            };
            if answer.is_err() && worker.left_before() {
                tokio::spawn(worker.end());
                continue;
            }
            let verdict = self.conclude(answer, delivery, run);
            return self.finish(worker, verdict, started);
        }
    }

    fn finish(
        &self,
        worker: Worker,
        verdict: Result<Conclusion, Judgement>,
        started: Instant,
    ) -> Outcome {
        let stderr = worker.stderr().clone();
        let judgement = match verdict {
            Ok(conclusion) => {
                self.faults.store(0, Ordering::Relaxed);
                self.idle().push(worker);
                match conclusion {
                    Conclusion::Responses(responses) => return Outcome::Ack(responses),
                    Conclusion::Judged(judgement) => judgement,
                }
            }
            Err(judgement) => {
                self.faults.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(worker.end());
                judgement
            }
        };
        failure::outcome(&judgement, &stderr, started)
    }

    /// Returns how long an answer may be.
    fn limit(&self) -> u64 {
        let emit = self.options.emit.as_ref();
        emit.map_or(LONGEST_ANSWER, |emit| emit.limit as u64)
    }

    /// Lets every worker end.
    pub async fn close(&self) {
        let workers = std::mem::take(&mut *self.idle());
        futures_util::future::join_all(workers.into_iter().map(Worker::close)).await;
    }

    /// Returns a worker that waits, or starts one.
    async fn take(&self) -> io::Result<Worker> {
        loop {
            let Some(mut worker) = self.idle().pop() else {
                break;
            };
            if worker.is_well() {
                return Ok(worker);
            }
            tokio::spawn(worker.end());
        }
        tokio::time::sleep(pause(self.faults.load(Ordering::Relaxed))).await;
        Worker::start(self.options.command(), self.options.remarks.clone())
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges an answer; the error is the judgement where the worker should not be asked again.
    fn conclude(
        &self,
        answer: Result<Reply, Fault>,
        delivery: &Delivery,
        run: &Run,
    ) -> Result<Conclusion, Judgement> {
        let reply = answer.map_err(|fault| judge_fault(&fault))?;
        match (&self.options.emit, &reply.emit) {
            (None, Some(_)) => Err(Judgement::failed(
                "worker",
                "the worker's answer has `emit`, which is for `pf consume --emit`",
            )),
            (Some(emit), Some(events)) if reply.action == Action::Ack => emit
                .listed(events, delivery, run)
                .map(Conclusion::Responses)
                .or_else(|reason| Ok(Conclusion::Judged(Judgement::failed("emit", reason)))),
            _ => Ok(Conclusion::Judged(judge(reply))),
        }
    }
}

impl Question {
    fn of(delivery: &Delivery, run: &Run) -> Result<Self, EventError> {
        let envelope = Envelope::read(&delivery.stored.message)?;
        Ok(Self {
            id: envelope.id.clone().into_owned(),
            line: input::line(envelope, run)?,
        })
    }
}

enum Conclusion {
    Responses(Vec<protoflow::transport::Outgoing>),
    Judged(Judgement),
}

/// Returns how long to wait before a worker is started after so many faults in a row.
fn pause(faults: u32) -> Duration {
    match faults.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_PAUSE
            .saturating_mul(2_u32.saturating_pow(doublings))
            .min(LONGEST_PAUSE),
    }
}

fn judge(reply: Reply) -> Judgement {
    Judgement {
        action: reply.action,
        class: "worker".to_owned(),
        complete: reply.reason.is_some(),
        reason: reply
            .reason
            .unwrap_or_else(|| "the worker gave no reason".to_owned()),
    }
}

fn judge_fault(fault: &Fault) -> Judgement {
    let class = match fault {
        Fault::Ended(ended) => verdict::class(*ended),
        _ => "worker".to_owned(),
    };
    let action = match fault {
        Fault::Ended(Ended::Exited(78 | 126 | 127)) => Action::Stop,
        _ => Action::Retry(None),
    };
    Judgement {
        action,
        class,
        reason: fault.to_string(),
        complete: !matches!(fault, Fault::Ended(_) | Fault::Closed),
    }
}

/// Ends a worker in the middle of its event.
async fn aborted(worker: Worker, started: Instant) -> Outcome {
    let stderr = worker.stderr().clone();
    worker.end().await;
    let judgement = Judgement::failed("aborted", "the run was ended before the worker answered");
    failure::outcome(&judgement, &stderr, started)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        let pauses: Vec<_> = [0, 1, 2, 3, 7, 40]
            .map(|faults| pause(faults).as_millis())
            .into();
        assert_eq!(pauses, [0, 100, 200, 400, 5000, 5000]);
    }

    #[test]
    fn a_worker_that_cannot_be_run_stops_the_consumer() {
        let judge = |status| judge_fault(&Fault::Ended(Ended::Exited(status))).action;
        assert_eq!(judge(127), Action::Stop);
        assert_eq!(judge(1), Action::Retry(None));
        assert_eq!(judge(0), Action::Retry(None));
    }
}
