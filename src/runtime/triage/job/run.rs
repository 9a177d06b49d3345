//! Running a plan: under a lease with a heartbeat, at a rate, resumable.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until};

use super::{Plan, admission, meters::Meters, refail::Refail, report::JobReport};
use crate::{
    failpoint,
    runtime::{
        Stop,
        triage::{
            Guard, ReplayEditor, TriageError, archive,
            edit::JobEdit,
            notes::{Hiding, discard_purge_list, note_gone, release_plan},
        },
    },
    transport::{
        DeadLetterId, DeadLetters, Job, JobAction, JobId, JobLease, ReplayEdit, Resolution,
        Result as Answer, Transport,
    },
};

/// Dead letters per batch, of which a transport takes fewer where it has to.
const BATCH: f64 = 4000.0;

/// How often the lease is renewed.
const HEARTBEAT: Duration = Duration::from_secs(3);

/// With a rate, a batch is what falls due in this time.
const SLICE: Duration = Duration::from_millis(100);

/// The longest time of which what fell due is made up for, where a step took longer than its slice.
const CATCH_UP: Duration = Duration::from_secs(1);

/// Longest wait for a broker that does not answer.
const OUTAGE_TIMEOUT: Duration = Duration::from_mins(1);

/// How often the other jobs of the store are read.
const OTHERS: Duration = Duration::from_secs(5);

/// Options of a job.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobOptions {
    /// Name of the holder of the lease, shown to other processes.
    pub holder: String,
    /// Dead letters per second; `None` is unlimited.
    pub rate: Option<f64>,
    /// Stops when more than this share of what was replayed has died again.
    pub stop_on_refail: Option<f64>,
    /// Stops after this many dead letters; the job can be resumed.
    pub most: Option<usize>,
    /// The edit of a job whose action has one, by the same program.
    pub edit: Option<ReplayEditor>,
}

/// Receives the outcome of each dead letter once it is durable.
pub type Progress<'a> = dyn FnMut(&[(DeadLetterId, Resolution)]) + Send + 'a;

pub(in crate::runtime::triage) async fn run(
    transport: &dyn Transport,
    guard: &Guard,
    plan: &Plan,
    options: &JobOptions,
    stop: &Stop,
    progress: &mut Progress<'_>,
) -> Result<JobReport, TriageError> {
    let edit = edit_of(transport, guard, plan, options)?;
    let letters = transport.dead_letters();
    let lease = letters.lease(&plan.job, &options.holder).await?;
    failpoint::reach("triage.leased");
    if let Err(error) = admission::check(transport, guard, plan).await {
        // Best effort: the lease expires by itself.
        let _ = letters.release(lease, false).await;
        return Err(error);
    }
    let mut work = Work {
        transport,
        letters,
        lease: &lease,
        is_replay: plan.contents.action.is_replay(),
        edit,
        pace: Pace::new(options.rate),
        refail: options.stop_on_refail.map(Refail::new),
        left: options.most.unwrap_or(usize::MAX),
        others: Others::default(),
        report: JobReport::default(),
        meters: Meters::new(transport.scheme(), &plan.contents.action),
        progress,
    };
    let ended = tokio::select! {
        biased;
        () = stop.abort.cancelled() => Ok(()),
        ended = work.advance_all(stop) => ended,
        never = heartbeat(letters, &lease) => match never {},
    };
    let report = work.report;
    if let Err(source) = ended {
        // Best effort: the lease expires by itself.
        let _ = letters.release(lease, false).await;
        return Err(TriageError::Stopped {
            report: Box::new(report),
            source,
        });
    }
    let released = letters.release(lease, report.complete).await;
    failpoint::reach("triage.released");
    match released {
        Ok(()) => {
            if report.complete {
                clean_up(transport, plan).await;
            }
            Ok(report)
        }
        Err(source) => Err(TriageError::Stopped {
            report: Box::new(report),
            source,
        }),
    }
}

/// Returns the edit of a job, if it has one.
fn edit_of(
    transport: &dyn Transport,
    guard: &Guard,
    plan: &Plan,
    options: &JobOptions,
) -> Result<Option<Arc<dyn ReplayEdit>>, TriageError> {
    let action = &plan.contents.action;
    let given = options.edit.as_ref();
    let given = given.filter(|editor| action.edit().is_none_or(|edit| edit == editor.program()));
    action.check_edit(transport.scheme(), given.is_some())?;
    let Some(editor) = given else {
        return Ok(None);
    };
    let hiding = Hiding::of(guard)?;
    let edit = JobEdit::new(editor.clone(), transport, &plan.job, hiding);
    Ok(Some(Arc::new(edit)))
}

/// Removes what is left of a job that has ended. Best effort: what stays names nothing any more.
async fn clean_up(transport: &dyn Transport, plan: &Plan) {
    if let Err(error) = release_plan(transport, &plan.job).await {
        tracing::warn!(job = %plan.job, %error, "the note of the plan was not removed");
    }
    if plan.contents.action == JobAction::Purge
        && let Err(error) = discard_purge_list(transport, &plan.job).await
    {
        tracing::warn!(job = %plan.job, %error, "the list of the purge was not removed");
    }
    if plan.selection.contains("--archived")
        && let Err(error) = archive::prune(transport).await
    {
        tracing::warn!(job = %plan.job, %error, "marks of the archive were not removed");
    }
}

/// Renews the lease while it is polled. A lost lease is noticed by the next `advance`, which is fenced.
async fn heartbeat(letters: &dyn DeadLetters, lease: &JobLease) -> std::convert::Infallible {
    let mut ticks = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = letters.renew(lease).await {
            tracing::warn!(job = %lease.job, %error, "the lease was not renewed");
        }
    }
}

struct Work<'a, 'p> {
    transport: &'a dyn Transport,
    letters: &'a dyn DeadLetters,
    lease: &'a JobLease,
    is_replay: bool,
    edit: Option<Arc<dyn ReplayEdit>>,
    pace: Pace,
    refail: Option<Refail>,
    /// How many dead letters may still be resolved.
    left: usize,
    others: Others,
    report: JobReport,
    meters: Meters,
    progress: &'a mut Progress<'p>,
}

impl Work<'_, '_> {
    async fn advance_all(&mut self, stop: &Stop) -> Answer<()> {
        while self.left > 0 {
            tokio::select! {
                biased;
                () = stop.drain.cancelled() => return Ok(()),
                () = self.pace.ready() => {}
            }
            let Some(resolved) = self.advance(stop).await? else {
                return Ok(());
            };
            failpoint::reach("triage.advanced");
            if resolved.is_empty() {
                self.report.complete = true;
                return Ok(());
            }
            if self.is_replay {
                keep_gone(self.transport, self.lease, &resolved).await;
            }
            self.others
                .tell(self.transport, self.lease, &resolved)
                .await;
            self.pace.spend(resolved.len());
            self.left = self.left.saturating_sub(resolved.len());
            for (_, resolution) in &resolved {
                self.report.add(resolution);
                self.meters.count(resolution);
            }
            (self.progress)(&resolved);
            if let Some(refail) = &mut self.refail {
                refail.add(&resolved);
                let is_too_much = refail.look(self.letters).await?;
                self.report.refailed = refail.count();
                if is_too_much {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Resolves the next batch, waiting for a broker that does not answer; `None` if a stop was requested meanwhile.
    async fn advance(&mut self, stop: &Stop) -> Answer<Option<Vec<(DeadLetterId, Resolution)>>> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(200);
        let batch = self.pace.batch().min(self.left);
        loop {
            let edit = self.edit.as_ref();
            match self.letters.advance(self.lease, batch, edit).await {
                Err(error) if error.is_transient() && started.elapsed() < OUTAGE_TIMEOUT => {
                    tracing::warn!(%error, "waiting for the transport");
                    tokio::select! {
                        () = stop.drain.cancelled() => return Ok(None),
                        () = sleep(pause) => pause = (pause * 2).min(Duration::from_secs(5)),
                    }
                }
                resolved => return resolved.map(Some),
            }
        }
    }
}

/// Notes what was resolved elsewhere, for verification. Best effort: without it such a dead letter counts as missing.
async fn keep_gone(
    transport: &dyn Transport,
    lease: &JobLease,
    resolved: &[(DeadLetterId, Resolution)],
) {
    if let Err(error) = note_gone(transport, &lease.job, resolved).await {
        tracing::warn!(job = %lease.job, %error, "what is gone was not noted");
    }
}

/// Replays that have not ended: what this job resolves is gone for them, which a crash of theirs must not hide.
#[derive(Default)]
struct Others {
    jobs: Vec<JobId>,
    next: Option<Instant>,
}

impl Others {
    /// Notes for them what was resolved here. Best effort, as for a job's own.
    async fn tell(
        &mut self,
        transport: &dyn Transport,
        lease: &JobLease,
        resolved: &[(DeadLetterId, Resolution)],
    ) {
        if self.next.is_none_or(|next| Instant::now() >= next) {
            self.next = Some(Instant::now() + OTHERS);
            let jobs = transport.dead_letters().jobs().await.unwrap_or_default();
            let is_other = |job: &Job| job.action.is_replay() && job.id != lease.job;
            let others = jobs.into_iter().filter(is_other);
            self.jobs = others.map(|job| job.id).collect();
        }
        let done = resolved.iter().filter(|(_, how)| *how == Resolution::Done);
        let gone: Vec<_> = done.map(|(id, _)| (id.clone(), Resolution::Gone)).collect();
        for job in &self.jobs {
            if let Err(error) = note_gone(transport, job, &gone).await {
                tracing::warn!(%job, %error, "what is gone for this job was not noted");
            }
        }
    }
}

/// Spreads dead letters evenly over time.
struct Pace {
    rate: Option<f64>,
    due: Instant,
}

impl Pace {
    fn new(rate: Option<f64>) -> Self {
        Self {
            rate: rate.filter(|rate| rate.is_finite() && *rate > 0.0),
            due: Instant::now(),
        }
    }

    /// Returns the size of a batch: what falls due in a small slice of time, and what has fallen due since.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to a small positive number"
    )]
    fn batch(&self) -> usize {
        let time = SLICE + self.due.elapsed().min(CATCH_UP);
        let slice = |rate: f64| (rate * time.as_secs_f64()).clamp(1.0, BATCH) as usize;
        slice(self.rate.unwrap_or(f64::INFINITY))
    }

    async fn ready(&self) {
        sleep_until(self.due).await;
    }

    fn spend(&mut self, letters: usize) {
        if let Some(rate) = self.rate {
            let letters = u32::try_from(letters).unwrap_or(u32::MAX);
            let time = Duration::try_from_secs_f64(f64::from(letters) / rate);
            let time = time.unwrap_or(Duration::MAX);
            let from = self
                .due
                .max(Instant::now().checked_sub(CATCH_UP).unwrap_or(self.due));
            self.due = from.checked_add(time).unwrap_or(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the rate of what is taken within a time, where every step takes `step`.
    async fn taken(rate: f64, step: Duration, time: Duration) -> f64 {
        let (mut pace, start, mut count) = (Pace::new(Some(rate)), Instant::now(), 0);
        while start.elapsed() < time {
            pace.ready().await;
            let batch = pace.batch();
            sleep(step).await;
            pace.spend(batch);
            count += batch;
        }
        f64::from(u32::try_from(count).unwrap()) / start.elapsed().as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_by_slow_steps_too() {
        for step in [1, 90, 150, 400].map(Duration::from_millis) {
            for rate in [3.0, 50.0, 500.0, 2000.0] {
                let kept = taken(rate, step, Duration::from_mins(5)).await;
                assert!(
                    (kept / rate - 1.0).abs() < 0.02,
                    "{step:?}: {kept} of {rate}"
                );
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_stall_is_not_made_up_for() {
        let mut pace = Pace::new(Some(100.0));
        pace.spend(pace.batch());
        sleep(Duration::from_mins(1)).await;
        let first = pace.batch();
        assert!(first <= 110, "{first}");
        pace.spend(first);
        pace.ready().await;
        assert!(pace.batch() <= 110);
    }
}
