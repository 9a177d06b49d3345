//! The seam: `Transport`, `DeadLetters` and `Schedules`, implemented by delegation.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

use crate::{
    backends::pulsar::{
        capabilities,
        connection::{handle::Connection, topics},
        consume::subscription::PulsarSubscription,
        dead_letter::{import, notes, scan::LetterScan, stats},
        delay::{reschedule, scan::PulsarScheduleScan},
        doctor,
        error::SCHEME,
        job::{advance::advance, lifecycle, replays, worker::Jobs},
        publish::publisher::Publisher,
        tail::follow::PulsarTail,
    },
    event::{Encoding, Topic},
    transport::{
        Capabilities, DeadLetter, DeadLetterId, DeadLetterScan, DeadLetters, Finding, Job,
        JobAction, JobId, JobLease, Note, NoteName, Outgoing, Receipt, ReplayEdit, ReplayScan,
        ReplayTarget, Resolution, Result, ScheduleId, ScheduleScan, Schedules, Selection, Stats,
        SubscribeRequest, Subscription, Tail, TailRequest, Transport,
    },
};

/// The connections to a cluster, for one namespace of it.
#[derive(Debug)]
pub(crate) struct Pulsar {
    connection: Arc<Connection>,
    publisher: Publisher,
    jobs: Jobs,
}

impl Pulsar {
    /// Wraps a connection.
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self {
            publisher: Publisher::new(&connection),
            jobs: Jobs::default(),
            connection,
        }
    }
}

#[async_trait]
impl Transport for Pulsar {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn encoding(&self) -> Encoding {
        self.connection.config.encoding
    }

    async fn capabilities(&self) -> Result<Capabilities> {
        capabilities::live(&self.connection).await
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        topics::of_users(&self.connection).await
    }

    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        topics::create(&self.connection, topic).await
    }

    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        self.publisher.publish(batch).await
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        request.refuse_instance(SCHEME)?;
        request.refuse_dedup(SCHEME)?;
        request.refuse_ordered(SCHEME)?;
        let subscription = PulsarSubscription::join(&self.connection, request);
        Ok(Arc::new(subscription.await?))
    }

    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        let tail = PulsarTail::open(&self.connection, request);
        Ok(Box::new(tail.await?))
    }

    fn dead_letters(&self) -> &dyn DeadLetters {
        self
    }

    fn schedules(&self) -> &dyn Schedules {
        self
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        doctor::diagnose(&self.connection).await
    }

    async fn fix(&self, finding: &str) -> Result<()> {
        Err(doctor::fix(finding))
    }

    async fn close(&self) -> Result<()> {
        self.connection.close().await;
        Ok(())
    }
}

#[async_trait]
impl DeadLetters for Pulsar {
    async fn scan(&self, selection: &Selection) -> Result<Box<dyn DeadLetterScan>> {
        let scan = LetterScan::open(&self.connection, selection).await?;
        Ok(Box::new(scan))
    }

    async fn stats(&self, selection: &Selection) -> Result<Stats> {
        stats::stats(&self.connection, selection).await
    }

    async fn import(&self, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
        import::import(&self.connection, letters).await
    }

    async fn jobs(&self) -> Result<Vec<Job>> {
        lifecycle::list(&self.connection).await
    }

    async fn plan(&self, action: JobAction, selection: &str) -> Result<JobId> {
        lifecycle::plan(&self.connection, &self.jobs, action, selection).await
    }

    async fn enlist(&self, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
        lifecycle::enlist(&self.connection, &self.jobs, job, letters).await
    }

    async fn forget(&self, job: &JobId) -> Result<()> {
        lifecycle::forget(&self.connection, job).await
    }

    async fn lease(&self, job: &JobId, holder: &str) -> Result<JobLease> {
        lifecycle::lease(&self.connection, &self.jobs, job, holder).await
    }

    async fn renew(&self, lease: &JobLease) -> Result<()> {
        lifecycle::renew(&self.connection, &self.jobs, lease).await
    }

    async fn advance(
        &self,
        lease: &JobLease,
        max: usize,
        edit: Option<&Arc<dyn ReplayEdit>>,
    ) -> Result<Vec<(DeadLetterId, Resolution)>> {
        advance(&self.connection, &self.jobs, lease, (max, edit)).await
    }

    async fn release(&self, lease: JobLease, done: bool) -> Result<()> {
        lifecycle::release(&self.connection, &self.jobs, &lease, done).await
    }

    async fn put_note(&self, name: &NoteName, value: Option<String>) -> Result<()> {
        notes::put(&self.connection, name, value).await
    }

    async fn notes(&self, under: &NoteName) -> Result<Vec<Note>> {
        notes::read(&self.connection, under).await
    }

    async fn replays(
        &self,
        since: SystemTime,
        targets: &[ReplayTarget],
    ) -> Result<Box<dyn ReplayScan>> {
        replays::open(&self.connection, since, targets).await
    }
}

#[async_trait]
impl Schedules for Pulsar {
    async fn scan(&self) -> Result<Box<dyn ScheduleScan>> {
        let scan = PulsarScheduleScan::open(&self.connection).await?;
        Ok(Box::new(scan))
    }

    async fn cancel(&self, id: &ScheduleId) -> Result<bool> {
        reschedule::cancel(&self.connection, id).await
    }

    async fn reschedule(&self, id: &ScheduleId, due: SystemTime) -> Result<bool> {
        reschedule::reschedule(&self.connection, id, due).await
    }
}
