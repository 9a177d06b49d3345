//! Keeps one long-lived worker per job; one that misbehaves is replaced, with back-off.

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
    runtime::{Beginning, Outcome, Run},
    transport::Delivery,
};
use serde_json::value::RawValue;

use super::{
    contract::{
        failure,
        reply::{Action, Reply},
        verdict::{self, Ended, Judgement},
    },
    options::HandlerOptions,
    process::{
        process_group::{Held, Leash},
        stderr_tail::StderrTail,
        stdin as input,
        thread_pool::{Done, Lanes, Own},
    },
    worker_process::{Fault, Worker},
};

/// The first pause before a worker is started again; doubled after each failure in a row.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// An answer that publishes nothing needs no more.
const LONGEST_ANSWER: usize = 64 * 1024;
/// So many events may wait for each worker.
const AHEAD: usize = 256;

/// The workers of a consumer.
#[derive(Debug)]
pub struct Workers {
    staff: Arc<Staff>,
    lanes: Lanes<Seat>,
}

/// What all workers share.
#[derive(Debug)]
struct Staff {
    options: HandlerOptions,
    /// Workers in a row that gave no usable answer.
    faults: AtomicU32,
}

/// The place of one worker.
#[derive(Debug, Default)]
struct Seat {
    worker: Option<Worker>,
    /// It is to be told to end.
    is_condemned: bool,
    /// When there may be another one.
    rests_until: Option<Instant>,
}

/// An event as a worker is given it.
struct Question {
    id: String,
    line: Vec<u8>,
}

/// A run that has ended.
struct Answered {
    judgement: Judgement,
    emit: Option<Vec<Box<RawValue>>>,
    stderr: StderrTail,
    started: Instant,
}

impl Workers {
    /// Prepares workers; each is started when it is needed.
    pub fn new(options: HandlerOptions) -> Self {
        Self {
            lanes: Lanes::new(options.jobs),
            staff: Arc::new(Staff {
                options,
                faults: AtomicU32::new(0),
            }),
        }
    }

    /// Returns how many runs may wait.
    pub fn ahead(&self) -> usize {
        self.staff.options.jobs.saturating_mul(AHEAD)
    }

    /// Lets a worker handle one delivery.
    pub async fn handle(&self, delivery: &Delivery, run: &Run) -> Outcome {
        let question = match Question::of(delivery, run) {
            Ok(question) => question,
            Err(error) => return failure::undecodable(&error),
        };
        let leash = Arc::new(Leash::default());
        let held = Held(Arc::clone(&leash));
        let staff = Arc::clone(&self.staff);
        let beginning = run.beginning.clone();
        let work = move |seat: &mut Seat| {
            let result = staff.answer(seat, &question, &beginning, &leash);
            let go_on =
                matches!(&result, Ok(answered) if answered.judgement.action != Action::Stop);
            Done { result, go_on }
        };
        match self.lanes.work(work, run, held).await {
            Ok(Some(Ok(answered))) => self.conclude(&answered, delivery, run),
            Ok(Some(Err(error))) | Err(error) => self.staff.options.not_started(&error),
            Ok(None) => Outcome::Return,
        }
    }

    fn conclude(&self, answered: &Answered, delivery: &Delivery, run: &Run) -> Outcome {
        let failed = match (&self.staff.options.emit, &answered.emit) {
            (Some(emit), Some(events)) if answered.judgement.action == Action::Ack => {
                match emit.listed(events, delivery, run) {
                    Ok(responses) => return Outcome::Ack(responses),
                    Err(reason) => Some(Judgement::failed("emit", reason)),
                }
            }
            _ => None,
        };
        let judgement = failed.as_ref().unwrap_or(&answered.judgement);
        failure::outcome(judgement, &answered.stderr, answered.started)
    }

    /// Lets every worker end.
    pub async fn close(&self) {
        self.lanes.close().await;
    }
}

impl Staff {
    /// Lets the worker of a place answer, or its successor. Blocks.
    fn answer(
        &self,
        seat: &mut Seat,
        question: &Question,
        beginning: &Beginning,
        leash: &Leash,
    ) -> io::Result<Answered> {
        loop {
            let worker = self.worker(seat)?;
            // How long an earlier one took to end is not the event's fault.
            beginning.mark();
            let started = Instant::now();
            leash.lend(worker.leash());
            let answer = worker.ask(&question.line, &question.id, self.limit());
            leash.release();
            if answer.is_err() && !leash.is_pulled() && worker.left_before() {
                beginning.retract();
                seat.vacate();
                continue;
            }
            let answer = answer.and_then(|reply| self.check(reply));
            let stderr = worker.stderr().take();
            seat.is_condemned = answer.is_err() || leash.is_pulled();
            let (judgement, emit) = match answer {
                Ok(reply) => {
                    self.faults.store(0, Ordering::Relaxed);
                    judge(reply)
                }
                Err(fault) => {
                    let faults = self.faults.fetch_add(1, Ordering::Relaxed);
                    seat.rests_until = Instant::now().checked_add(pause(faults));
                    (judge_fault(&fault, leash.is_pulled()), None)
                }
            };
            return Ok(Answered {
                judgement,
                emit,
                stderr,
                started,
            });
        }
    }

    /// Returns the worker that has the place, or starts one.
    fn worker<'s>(&self, seat: &'s mut Seat) -> io::Result<&'s mut Worker> {
        let limit = self.limit();
        if seat
            .worker
            .as_mut()
            .is_some_and(|worker| !worker.is_well(limit))
        {
            seat.vacate();
        }
        match &mut seat.worker {
            Some(worker) => Ok(worker),
            empty => {
                let started = self.options.launcher.spawn(self.options.command())?;
                let worker = Worker::new(started, self.options.remarks.clone())?;
                Ok(empty.insert(worker))
            }
        }
    }

    /// Returns how long an answer may be.
    fn limit(&self) -> usize {
        let emit = self.options.emit.as_ref();
        emit.map_or(LONGEST_ANSWER, |emit| emit.limit)
    }

    fn check(&self, reply: Reply) -> Result<Reply, Fault> {
        match &reply.emit {
            Some(_) if self.options.emit.is_none() => Err(Fault::Emits),
            _ => Ok(reply),
        }
    }
}

impl Seat {
    /// Tells the worker to end; there will be another one.
    fn vacate(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.end();
        }
    }
}

impl Own for Seat {
    fn rests_until(&self) -> Option<Instant> {
        self.rests_until
    }

    fn tidy(&mut self) {
        if std::mem::take(&mut self.is_condemned) {
            self.vacate();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.close();
        }
    }
}

impl Question {
    fn of(delivery: &Delivery, run: &Run) -> Result<Self, EventError> {
        let envelope = Envelope::read(&delivery.stored.message)?;
        Ok(Self {
            id: envelope.id.clone().into_owned(),
            line: input::line(envelope, delivery, run)?,
        })
    }
}

/// Returns how long to wait after a fault, so many having come before it in a row.
fn pause(before: u32) -> Duration {
    FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(before))
        .min(LONGEST_PAUSE)
}

fn judge(reply: Reply) -> (Judgement, Option<Vec<Box<RawValue>>>) {
    let judgement = Judgement {
        action: reply.action,
        class: "worker".to_owned(),
        complete: reply.reason.is_some(),
        reason: reply
            .reason
            .unwrap_or_else(|| "the worker gave no reason".to_owned()),
    };
    (judgement, reply.emit)
}

fn judge_fault(fault: &Fault, is_ended_by_us: bool) -> Judgement {
    if is_ended_by_us {
        return aborted();
    }
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

fn aborted() -> Judgement {
    Judgement::failed("aborted", "the run was ended before the worker answered")
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
        let judge = |status| judge_fault(&Fault::Ended(Ended::Exited(status)), false).action;
        assert_eq!(judge(127), Action::Stop);
        assert_eq!(judge(1), Action::Retry(None));
        assert_eq!(judge(0), Action::Retry(None));
    }
}
