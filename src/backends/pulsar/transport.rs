//! The seam: `Transport`, `DeadLetters` and `Schedules`, implemented by delegation.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

use crate::{
    backends::pulsar::{
        capabilities,
        connection::{handle::Connection, topics},
        consume::subscription::PulsarSubscription,
        dead_letter, delay, doctor,
        error::SCHEME,
        job,
        publish::publisher::Publisher,
        tail::follow::PulsarTail,
    },
    event::{Encoding, Topic},
    transport::{
        Capabilities, DeadLetter, DeadLetterId, DeadLetterScan, DeadLetters, Finding, Job,
        JobAction, JobId, JobLease, Note, NoteName, Outgoing, Receipt, ReplayScan, ReplayTarget,
        Resolution, Result, ScheduleId, ScheduleScan, Schedules, Selection, Stats,
        SubscribeRequest, Subscription, Tail, TailRequest, Transport,
    },
};

/// The connections to a cluster, for one namespace of it.
#[derive(Debug)]
pub(crate) struct Pulsar {
    connection: Arc<Connection>,
    publisher: Publisher,
}

impl Pulsar {
    /// Wraps a connection.
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self {
            publisher: Publisher::new(&connection),
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
    async fn scan(&self, _selection: &Selection) -> Result<Box<dyn DeadLetterScan>> {
        Err(dead_letter::unsupported())
    }

    async fn stats(&self, _selection: &Selection) -> Result<Stats> {
        Err(dead_letter::unsupported())
    }

    async fn import(&self, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
        dead_letter::unsupported().for_each(letters.len())
    }

    async fn jobs(&self) -> Result<Vec<Job>> {
        Ok(Vec::new())
    }

    async fn plan(&self, _action: JobAction, _selection: &str) -> Result<JobId> {
        Err(job::unsupported())
    }

    async fn enlist(&self, _job: &JobId, _letters: &[DeadLetter]) -> Result<()> {
        Err(job::unsupported())
    }

    async fn forget(&self, _job: &JobId) -> Result<()> {
        Err(job::unsupported())
    }

    async fn lease(&self, _job: &JobId, _holder: &str) -> Result<JobLease> {
        Err(job::unsupported())
    }

    async fn renew(&self, _lease: &JobLease) -> Result<()> {
        Err(job::unsupported())
    }

    async fn advance(
        &self,
        _lease: &JobLease,
        _max: usize,
    ) -> Result<Vec<(DeadLetterId, Resolution)>> {
        Err(job::unsupported())
    }

    async fn release(&self, _lease: JobLease, _done: bool) -> Result<()> {
        Err(job::unsupported())
    }

    async fn put_note(&self, _name: &NoteName, _value: Option<String>) -> Result<()> {
        Err(dead_letter::unsupported())
    }

    async fn notes(&self, _under: &NoteName) -> Result<Vec<Note>> {
        Err(dead_letter::unsupported())
    }

    async fn replays(
        &self,
        _since: SystemTime,
        _targets: &[ReplayTarget],
    ) -> Result<Box<dyn ReplayScan>> {
        Err(dead_letter::unsupported())
    }
}

#[async_trait]
impl Schedules for Pulsar {
    async fn scan(&self) -> Result<Box<dyn ScheduleScan>> {
        Err(delay::unsupported())
    }

    async fn cancel(&self, _id: &ScheduleId) -> Result<bool> {
        Err(delay::unsupported())
    }

    async fn reschedule(&self, _id: &ScheduleId, _due: SystemTime) -> Result<bool> {
        Err(delay::unsupported())
    }
}
