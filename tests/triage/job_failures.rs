//! A transport that goes away in the middle of a job, and letters that cannot be dealt with.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use protoflow::{
    event::{Encoding, Topic},
    runtime::{JobReport, PlanRequest, Stop, Triage, TriageError},
    transport::{
        Capabilities, DeadLetter, DeadLetterId, DeadLetterScan, DeadLetters, ErrorKind, Finding,
        Job, JobAction, JobId, JobLease, Note, NoteName, Outgoing, Receipt, ReplayEdit, ReplayScan,
        ReplayTarget, Resolution, Result, Schedules, Selection, Stats, SubscribeRequest,
        Subscription, Tail, TailRequest, Transport, TransportError,
    },
};
use tokio::time::Instant;

use crate::fixture::{REPLAY, letter, listed, options, put, run, store};

/// A store that does not answer the first N requests to resolve dead letters.
struct Away {
    inner: Arc<dyn Transport>,
    times: AtomicU32,
    kind: ErrorKind,
}

impl fmt::Debug for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Away")
    }
}

impl Away {
    fn letters(&self) -> &dyn DeadLetters {
        self.inner.dead_letters()
    }
}

#[async_trait]
impl DeadLetters for Away {
    async fn scan(&self, selection: &Selection) -> Result<Box<dyn DeadLetterScan>> {
        self.letters().scan(selection).await
    }
    async fn stats(&self, selection: &Selection) -> Result<Stats> {
        self.letters().stats(selection).await
    }
    async fn import(&self, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
        self.letters().import(letters).await
    }
    async fn jobs(&self) -> Result<Vec<Job>> {
        self.letters().jobs().await
    }
    async fn plan(&self, action: JobAction, selection: &str) -> Result<JobId> {
        self.letters().plan(action, selection).await
    }
    async fn enlist(&self, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
        self.letters().enlist(job, letters).await
    }
    async fn forget(&self, job: &JobId) -> Result<()> {
        self.letters().forget(job).await
    }
    async fn lease(&self, job: &JobId, holder: &str) -> Result<JobLease> {
        self.letters().lease(job, holder).await
    }
    async fn renew(&self, lease: &JobLease) -> Result<()> {
        self.letters().renew(lease).await
    }
    async fn advance(
        &self,
        lease: &JobLease,
        max: usize,
        edit: Option<&Arc<dyn ReplayEdit>>,
    ) -> Result<Vec<(DeadLetterId, Resolution)>> {
        let left = self
            .times
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if left.is_ok() {
            return Err(TransportError::new("away", self.kind, "nobody answers"));
        }
        let mut resolved = self.letters().advance(lease, max.min(2), edit).await?;
        for (index, (_, resolution)) in resolved.iter_mut().enumerate() {
            if index == 1 {
                let reason = "too large".to_owned();
                *resolution = Resolution::Failed { reason };
            }
        }
        Ok(resolved)
    }
    async fn release(&self, lease: JobLease, done: bool) -> Result<()> {
        self.letters().release(lease, done).await
    }
    async fn put_note(&self, name: &NoteName, value: Option<String>) -> Result<()> {
        self.letters().put_note(name, value).await
    }
    async fn notes(&self, under: &NoteName) -> Result<Vec<Note>> {
        self.letters().notes(under).await
    }
    async fn replays(
        &self,
        since: SystemTime,
        targets: &[ReplayTarget],
    ) -> Result<Box<dyn ReplayScan>> {
        self.letters().replays(since, targets).await
    }
}

#[async_trait]
impl Transport for Away {
    fn scheme(&self) -> &'static str {
        "away"
    }
    fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }
    async fn capabilities(&self) -> Result<Capabilities> {
        self.inner.capabilities().await
    }
    async fn topics(&self) -> Result<Vec<Topic>> {
        self.inner.topics().await
    }
    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        self.inner.create(topic).await
    }
    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        self.inner.publish(batch).await
    }
    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        self.inner.subscribe(request).await
    }
    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        self.inner.tail(request).await
    }
    fn dead_letters(&self) -> &dyn DeadLetters {
        self
    }
    fn schedules(&self) -> &dyn Schedules {
        self.inner.schedules()
    }
    async fn diagnose(&self) -> Result<Vec<Finding>> {
        self.inner.diagnose().await
    }
    async fn fix(&self, finding: &str) -> Result<()> {
        self.inner.fix(finding).await
    }
    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

/// Returns triage of ten dead letters on a store that does not answer the first N requests.
async fn away(times: u32, kind: ErrorKind) -> Triage {
    let (inner, _) = store().await;
    put(&inner, (0..10).map(|n| letter(n, "billing", "x"))).await;
    let times = AtomicU32::new(times);
    Triage::new(Arc::new(Away { inner, times, kind }))
}

#[tokio::test(start_paused = true)]
async fn a_store_that_comes_back_is_waited_for() {
    let triage = away(8, ErrorKind::Unavailable).await;
    let request = PlanRequest::new(REPLAY, Selection::default());
    let plan = triage.plan(request).await.unwrap();
    let report = run(&triage, &plan).await;
    let expected = JobReport {
        done: 5,
        failed: 5,
        complete: true,
        ..JobReport::default()
    };
    assert_eq!(report, expected);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stays_away_ends_the_job_which_can_be_resumed() {
    let triage = away(1000, ErrorKind::Unavailable).await;
    let request = || PlanRequest::new(REPLAY, Selection::default());
    let plan = triage.plan(request()).await.unwrap();
    let (options, stop, started) = (options(None), Stop::default(), Instant::now());
    let error = triage.run(&plan, &options, &stop, &mut |_| {}).await;
    let error = error.unwrap_err();
    assert!(
        matches!(&error, TriageError::Stopped { report, .. } if report.done == 0),
        "{error}"
    );
    assert!(started.elapsed() < Duration::from_secs(90));
    assert!(triage.plan(request()).await.unwrap().resumed.is_some());
    assert_eq!(listed(&triage, Selection::default()).await.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_stays_is_not_waited_for() {
    let triage = away(1, ErrorKind::Denied).await;
    let request = PlanRequest::new(JobAction::Purge, Selection::default());
    let plan = triage.plan(request).await.unwrap();
    let (options, stop, started) = (options(None), Stop::default(), Instant::now());
    let ended = triage.run(&plan, &options, &stop, &mut |_| {}).await;
    assert!(
        matches!(ended, Err(TriageError::Stopped { source, .. }) if source.kind() == ErrorKind::Denied)
    );
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_heard_while_waiting() {
    let triage = away(1000, ErrorKind::Unavailable).await;
    let request = PlanRequest::new(REPLAY, Selection::default());
    let plan = triage.plan(request).await.unwrap();
    let (options, stop) = (options(None), Stop::default());
    let later = tokio::spawn({
        let drain = stop.drain.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            drain.cancel();
        }
    });
    let report = triage.run(&plan, &options, &stop, &mut |_| {}).await;
    assert_eq!(report.unwrap(), JobReport::default());
    later.await.unwrap();
}
