//! The connection as a transport.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

use crate::{
    backends::kafka::{
        capabilities,
        connection::{group_members, handle::Link},
        consume::subscription,
        dead_letter,
        delay::{
            self, dispatcher,
            reschedule::{self, Change},
        },
        doctor,
        error::SCHEME,
        job::{self, lifecycle, worker::Triage},
        publish::publisher::Publisher,
        tail,
    },
    event::{Encoding, Group, Topic},
    transport::{
        Capabilities, DeadLetter, DeadLetters, Finding, Job, JobAction, JobId, JobLease, LetterId,
        LetterScan, Outgoing, Receipt, Resolution, Result, Schedule, ScheduleId, ScheduleScan,
        Schedules, Selection, Stats, SubscribeRequest, Subscription, Tail, TailRequest, Transport,
    },
};

/// A connection to a cluster.
#[derive(Debug)]
pub(super) struct Kafka {
    link: Arc<Link>,
    triage: Triage,
    publisher: Publisher,
}

impl Kafka {
    /// Wraps a connection.
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self {
            publisher: Publisher::new(Arc::clone(&link)),
            triage: Triage::default(),
            link,
        }
    }
}

#[async_trait]
impl Transport for Kafka {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn encoding(&self) -> Encoding {
        self.link.config.encoding
    }

    async fn capabilities(&self) -> Result<Capabilities> {
        capabilities::live(&self.link).await
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        let all = self.link.all_topics().await?;
        let topics = all
            .iter()
            .filter_map(|(name, _)| self.link.names().topic(name));
        let mut topics: Vec<Topic> = topics.collect();
        topics.sort_unstable();
        Ok(topics)
    }

    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        let made = self.link.make_topic(&self.link.names().of(topic)?).await?;
        let told = made.iter().map(|name| format!("made topic {name}"));
        Ok(told.collect())
    }

    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        self.publisher.publish(batch).await
    }

    fn warnings(&self) -> Vec<String> {
        self.link.warnings()
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        subscription::join(&self.link, request).await
    }

    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        tail::follow::open(&self.link, request).await
    }

    fn dead_letters(&self) -> &dyn DeadLetters {
        self
    }

    fn schedules(&self) -> &dyn Schedules {
        self
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        doctor::diagnose(&self.link).await
    }

    async fn fix(&self, finding: &str) -> Result<()> {
        doctor::fix(&self.link, finding).await
    }

    async fn close(&self) -> Result<()> {
        self.link.leaving.have_left().await;
        Ok(())
    }
}

#[async_trait]
impl DeadLetters for Kafka {
    async fn scan(&self, selection: &Selection) -> Result<Box<dyn LetterScan>> {
        dead_letter::scan::scan(&self.link, selection).await
    }

    async fn stats(&self, selection: &Selection) -> Result<Stats> {
        dead_letter::stats::count(&self.link, selection).await
    }

    async fn import(&self, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
        dead_letter::scan::import(&self.link, letters).await
    }

    async fn replay_warnings(&self, targets: &[(Group, Topic)]) -> Vec<String> {
        group_members::replay_warnings(&self.link, targets).await
    }

    async fn jobs(&self) -> Result<Vec<Job>> {
        lifecycle::list(&self.link).await
    }

    async fn plan(&self, action: JobAction, selection: &str) -> Result<JobId> {
        lifecycle::plan(&self.link, &self.triage, action, selection).await
    }

    async fn enlist(&self, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
        lifecycle::enlist(&self.link, &self.triage, job, letters).await
    }

    async fn forget(&self, job: &JobId) -> Result<()> {
        lifecycle::forget(&self.link, job).await
    }

    async fn lease(&self, job: &JobId, holder: &str) -> Result<JobLease> {
        lifecycle::lease(&self.link, &self.triage, job, holder).await
    }

    async fn renew(&self, lease: &JobLease) -> Result<()> {
        lifecycle::renew(&self.link, &self.triage, lease).await
    }

    async fn advance(&self, lease: &JobLease, max: usize) -> Result<Vec<(LetterId, Resolution)>> {
        job::advance::advance(&self.link, &self.triage, lease, max).await
    }

    async fn release(&self, lease: JobLease, done: bool) -> Result<()> {
        lifecycle::release(&self.link, &self.triage, &lease, done).await
    }
}

#[async_trait]
impl Schedules for Kafka {
    async fn scan(&self) -> Result<Box<dyn ScheduleScan>> {
        delay::scan::scan(&self.link).await
    }

    async fn find(&self, prefix: &str) -> Result<Vec<Schedule>> {
        delay::scan::find_schedules(&self.link, prefix).await
    }

    async fn cancel(&self, id: &ScheduleId) -> Result<bool> {
        reschedule::change(&self.link, id, Change::End).await
    }

    async fn reschedule(&self, id: &ScheduleId, due: SystemTime) -> Result<bool> {
        reschedule::change(&self.link, id, Change::Move(due)).await
    }

    async fn run(&self) -> Result<()> {
        dispatcher::fire_for_ever(Arc::clone(&self.link)).await
    }
}
