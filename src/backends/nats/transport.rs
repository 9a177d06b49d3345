//! The seam: `Transport`, `DeadLetters` and `Schedules`, implemented by delegation.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

use crate::{
    backends::nats::{
        capabilities,
        connection::{
            handle::Connection,
            stream::{setup, topics},
        },
        consume::subscription::NatsSubscription,
        dead_letter::{
            advisories::Advisories, import, notes, scan::NatsLetterScan, settled, stats,
        },
        delay, doctor,
        error::SCHEME,
        job::{advance, lifecycle, plan, replays, session::JobSession},
        publish::{publisher::Publisher, receipted},
        tail::NatsTail,
    },
    event::{Encoding, Group, Topic},
    lock::Mutex,
    transport::{
        Capabilities, Capture, DeadLetter, DeadLetterId, DeadLetterScan, DeadLetters, Finding, Job,
        JobAction, JobId, JobLease, Limits, Note, NoteName, Outgoing, Receipt, Receipted,
        ReplayEdit, ReplayScan, ReplayTarget, Replayed, Resolution, Result, ScheduleId,
        ScheduleScan, Schedules, Selection, Settled, Stats, SubscribeRequest, Subscription, Tail,
        TailRequest, Transport,
    },
};

/// A connection to a server, and the stream that its URL names.
#[derive(Debug)]
pub(crate) struct Nats {
    connection: Arc<Connection>,
    publisher: Publisher,
    job: JobSession,
    encoding: Encoding,
    /// Notices about what was created when it was opened, until they are reported.
    created: Mutex<Vec<String>>,
}

impl Nats {
    /// Wraps a connection.
    pub(crate) fn new(
        connection: Arc<Connection>,
        encoding: Encoding,
        created: Vec<String>,
    ) -> Self {
        Self {
            publisher: Publisher::new(&connection),
            connection,
            job: JobSession::default(),
            encoding,
            created: Mutex::new(created),
        }
    }
}

#[async_trait]
impl Transport for Nats {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn encoding(&self) -> Encoding {
        self.encoding
    }

    async fn capabilities(&self) -> Result<Capabilities> {
        capabilities::live(&self.connection).await
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        topics::list(&self.connection).await
    }

    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        topics::create(&self.connection, topic, &self.created).await
    }

    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        self.publisher.publish(batch).await
    }

    async fn receipted(&self, name: &str, fence: u64) -> Result<Receipted> {
        receipted::open(&self.connection, name, fence).await
    }

    fn warnings(&self) -> Vec<String> {
        self.publisher.take_warnings()
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        request.refuse_instance(SCHEME)?;
        let subscription = NatsSubscription::join(&self.connection, request);
        Ok(Arc::new(subscription.await?))
    }

    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        Ok(Box::new(NatsTail::open(&self.connection, request).await?))
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
        doctor::fix(&self.connection, finding).await
    }

    async fn close(&self) -> Result<()> {
        self.connection.flush().await
    }
}

#[async_trait]
impl DeadLetters for Nats {
    async fn scan(&self, selection: &Selection) -> Result<Box<dyn DeadLetterScan>> {
        let scan = NatsLetterScan::open(&self.connection, selection);
        Ok(Box::new(scan.await?))
    }

    async fn stats(&self, selection: &Selection) -> Result<Stats> {
        stats::stats(&self.connection, selection).await
    }

    fn check_import(&self, letter: &DeadLetter, _: &Limits) -> Result<()> {
        import::check(&self.connection, letter)
    }

    async fn import(&self, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
        import::import(&self.connection, letters).await
    }

    async fn capture(&self, until_end: bool) -> Result<Box<dyn Capture>> {
        let advisories = Advisories::open(&self.connection, until_end);
        Ok(Box::new(advisories.await?))
    }

    async fn jobs(&self) -> Result<Vec<Job>> {
        lifecycle::list(&self.connection).await
    }

    async fn plan(&self, action: JobAction, selection: &str) -> Result<JobId> {
        setup::create_support_streams_alike(&self.connection).await?;
        plan::create(&self.connection, action, selection).await
    }

    async fn enlist(&self, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
        plan::enlist(&self.connection, job, letters).await
    }

    async fn forget(&self, job: &JobId) -> Result<()> {
        lifecycle::forget(&self.connection, job).await
    }

    async fn lease(&self, job: &JobId, holder: &str) -> Result<JobLease> {
        lifecycle::lease(&self.connection, job, holder).await
    }

    async fn renew(&self, lease: &JobLease) -> Result<()> {
        lifecycle::renew(&self.connection, lease).await
    }

    async fn advance(
        &self,
        lease: &JobLease,
        max: usize,
        edit: Option<&Arc<dyn ReplayEdit>>,
    ) -> Result<Vec<(DeadLetterId, Resolution)>> {
        advance::advance(&self.connection, &self.job, lease, (max, edit)).await
    }

    async fn release(&self, lease: JobLease, done: bool) -> Result<()> {
        lifecycle::release(&self.connection, &self.job, &lease, done).await
    }

    async fn put_note(&self, name: &NoteName, value: Option<String>) -> Result<()> {
        notes::put(&self.connection, name, value).await
    }

    async fn notes(&self, under: &NoteName) -> Result<Vec<Note>> {
        notes::read(&self.connection, under).await
    }

    async fn replays(&self, since: SystemTime, to: &[ReplayTarget]) -> Result<Box<dyn ReplayScan>> {
        replays::open(&self.connection, since, to).await
    }

    async fn settled(&self, group: &Group, replays: &[Replayed]) -> Result<Vec<Settled>> {
        settled::settled(&self.connection, group, replays).await
    }
}

#[async_trait]
impl Schedules for Nats {
    async fn scan(&self) -> Result<Box<dyn ScheduleScan>> {
        delay::scan(&self.connection).await
    }

    async fn cancel(&self, id: &ScheduleId) -> Result<bool> {
        delay::cancel(&self.connection, id).await
    }

    async fn reschedule(&self, id: &ScheduleId, due: SystemTime) -> Result<bool> {
        delay::reschedule(&self.connection, id, due).await
    }
}
