//! The connection as a transport.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

use crate::{
    backends::kafka::{
        capabilities,
        connection::{group_members, handle::Connection},
        consume::subscription,
        dead_letter,
        delay::{
            self, dispatcher,
            reschedule::{self, Change},
        },
        doctor,
        error::SCHEME,
        job::{self, lifecycle, worker::JobWorkers},
        publish::{publisher::Publisher, receipted},
        tail,
    },
    event::{Encoding, Group, Topic},
    transport::{
        Capabilities, DeadLetter, DeadLetterId, DeadLetterScan, DeadLetters, Finding, Job,
        JobAction, JobId, JobLease, Limits, Note, NoteName, Outgoing, Receipt, Receipted,
        ReplayEdit, ReplayScan, ReplayTarget, Replayed, Resolution, Result, Schedule, ScheduleId,
        ScheduleScan, Schedules, Selection, Settled, Stats, SubscribeRequest, Subscription, Tail,
        TailRequest, Transport,
    },
};

/// A connection to a cluster.
#[derive(Debug)]
pub(super) struct Kafka {
    connection: Arc<Connection>,
    workers: JobWorkers,
    publisher: Arc<Publisher>,
}

impl Kafka {
    /// Wraps a connection.
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self {
            publisher: Arc::new(Publisher::new(Arc::clone(&connection))),
            workers: JobWorkers::default(),
            connection,
        }
    }
}

#[async_trait]
impl Transport for Kafka {
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
        self.connection.user_topics().await
    }

    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        let name = self.connection.names().topic_name(topic)?;
        let made = self.connection.topics.create_user_topic(&name).await?;
        let told = made.iter().map(|name| format!("created topic {name}"));
        Ok(told.collect())
    }

    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        self.publisher.publish(batch).await
    }

    async fn receipted(&self, name: &str, fence: u64) -> Result<Receipted> {
        let opened = receipted::open(&self.connection, &self.publisher, name, fence);
        opened.await.map(Some)
    }

    fn warnings(&self) -> Vec<String> {
        self.connection.warnings()
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        subscription::join(&self.connection, request).await
    }

    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        tail::follow::open(&self.connection, request).await
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
        self.connection.wait_for_members().await;
        Ok(())
    }
}

#[async_trait]
impl DeadLetters for Kafka {
    async fn scan(&self, selection: &Selection) -> Result<Box<dyn DeadLetterScan>> {
        dead_letter::scan::scan(&self.connection, selection).await
    }

    async fn stats(&self, selection: &Selection) -> Result<Stats> {
        dead_letter::stats::count(&self.connection, selection).await
    }

    fn check_import(&self, letter: &DeadLetter, limits: &Limits) -> Result<()> {
        dead_letter::import::check(&self.connection, letter, limits)
    }

    async fn import(&self, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
        dead_letter::import::import(&self.connection, &self.workers.imported, letters).await
    }

    async fn replay_warnings(&self, targets: &[(Group, Topic)]) -> Vec<String> {
        group_members::replay_warnings(&self.connection, targets).await
    }

    async fn jobs(&self) -> Result<Vec<Job>> {
        lifecycle::list(&self.connection).await
    }

    async fn plan(&self, action: JobAction, selection: &str) -> Result<JobId> {
        lifecycle::plan(&self.connection, &self.workers, action, selection).await
    }

    async fn enlist(&self, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
        lifecycle::enlist(&self.connection, &self.workers, job, letters).await
    }

    async fn forget(&self, job: &JobId) -> Result<()> {
        lifecycle::forget(&self.connection, job).await
    }

    async fn lease(&self, job: &JobId, holder: &str) -> Result<JobLease> {
        lifecycle::lease(&self.connection, &self.workers, job, holder).await
    }

    async fn renew(&self, lease: &JobLease) -> Result<()> {
        lifecycle::renew(&self.connection, &self.workers, lease).await
    }

    async fn advance(
        &self,
        lease: &JobLease,
        max: usize,
        edit: Option<&Arc<dyn ReplayEdit>>,
    ) -> Result<Vec<(DeadLetterId, Resolution)>> {
        job::advance::advance(&self.connection, &self.workers, lease, (max, edit)).await
    }

    async fn release(&self, lease: JobLease, done: bool) -> Result<()> {
        lifecycle::release(&self.connection, &self.workers, &lease, done).await
    }

    async fn put_note(&self, name: &NoteName, value: Option<String>) -> Result<()> {
        dead_letter::notes::put(&self.connection, name, value).await
    }

    async fn notes(&self, under: &NoteName) -> Result<Vec<Note>> {
        dead_letter::notes::read(&self.connection, &self.workers.notes, under).await
    }

    async fn replays(&self, since: SystemTime, to: &[ReplayTarget]) -> Result<Box<dyn ReplayScan>> {
        job::replays::open(&self.connection, since, to).await
    }

    async fn settled(&self, group: &Group, replays: &[Replayed]) -> Result<Vec<Settled>> {
        job::settled::settled(&self.connection, group, replays).await
    }
}

#[async_trait]
impl Schedules for Kafka {
    async fn scan(&self) -> Result<Box<dyn ScheduleScan>> {
        delay::scan::scan(&self.connection).await
    }

    async fn find(&self, prefix: &str) -> Result<Vec<Schedule>> {
        delay::scan::find_schedules(&self.connection, prefix).await
    }

    async fn cancel(&self, id: &ScheduleId) -> Result<bool> {
        reschedule::change(&self.connection, id, Change::Cancel).await
    }

    async fn reschedule(&self, id: &ScheduleId, due: SystemTime) -> Result<bool> {
        reschedule::change(&self.connection, id, Change::Reschedule(due)).await
    }

    async fn run(&self) -> Result<()> {
        dispatcher::dispatch_until_dropped(Arc::clone(&self.connection)).await
    }
}
