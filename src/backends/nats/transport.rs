//! The connection as a transport.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

use crate::{
    backends::nats::{
        capabilities,
        connection::{handle::Link, stream::info::Facts},
        consume::subscription as member,
        dead_letter::{advisories::Advisories, scan as dead_letters},
        delay as schedules, doctor,
        error::SCHEME,
        job::{advance as replay, lifecycle as jobs, session::Ahead},
        publish::publisher as publish,
        tail,
    },
    event::{Encoding, Topic},
    lock::Mutex,
    transport::{
        Capabilities, Capture, DeadLetter, DeadLetters, Finding, Job, JobAction, JobId, JobLease,
        LetterId, LetterScan, Outgoing, Receipt, Resolution, Result, ScheduleId, ScheduleScan,
        Schedules, Selection, Stats, SubscribeRequest, Subscription, Tail, TailRequest, Transport,
    },
};

/// A connection to a server, and the stream that its URL names.
#[derive(Debug)]
pub(crate) struct Nats {
    pub(crate) link: Arc<Link>,
    /// Letters that the next step of a job deals with.
    pub(crate) ahead: Ahead,
    encoding: Encoding,
    /// What was made when it was opened, and was not told yet.
    made: Mutex<Vec<String>>,
}

impl Nats {
    /// Wraps a connection.
    pub(crate) fn new(link: Arc<Link>, encoding: Encoding, made: Vec<String>) -> Self {
        Self {
            link,
            ahead: Ahead::default(),
            encoding,
            made: Mutex::new(made),
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
        let names = &self.link.names;
        let facts: Option<Facts> = self.link.find_stream(&names.stream).await?;
        Ok(capabilities::live(&self.link, facts.as_ref()))
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        self.link.topics().await
    }

    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        self.link.create(topic, &self.made).await
    }

    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        publish::publish_all(&self.link, batch).await
    }

    fn warnings(&self) -> Vec<String> {
        self.link.warnings()
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        request.refuse_instance(SCHEME)?;
        Ok(Arc::new(member::Member::join(&self.link, request).await?))
    }

    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        Ok(Box::new(tail::Follow::open(&self.link, request).await?))
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
        self.link.flush().await
    }
}

#[async_trait]
impl DeadLetters for Nats {
    async fn scan(&self, selection: &Selection) -> Result<Box<dyn LetterScan>> {
        Ok(Box::new(
            dead_letters::Scan::open(&self.link, selection).await?,
        ))
    }

    async fn stats(&self, selection: &Selection) -> Result<Stats> {
        dead_letters::stats(&self.link, selection).await
    }

    async fn import(&self, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
        dead_letters::import(&self.link, letters).await
    }

    async fn capture(&self, until_end: bool) -> Result<Box<dyn Capture>> {
        Ok(Box::new(Advisories::open(&self.link, until_end).await?))
    }

    async fn jobs(&self) -> Result<Vec<Job>> {
        jobs::list(&self.link).await
    }

    async fn plan(&self, action: JobAction, selection: &str) -> Result<JobId> {
        dead_letters::make_places(&self.link).await?;
        jobs::plan(&self.link, action, selection).await
    }

    async fn enlist(&self, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
        jobs::enlist(&self.link, job, letters).await
    }

    async fn forget(&self, job: &JobId) -> Result<()> {
        jobs::forget(&self.link, job).await
    }

    async fn lease(&self, job: &JobId, holder: &str) -> Result<JobLease> {
        jobs::lease(&self.link, job, holder).await
    }

    async fn renew(&self, lease: &JobLease) -> Result<()> {
        jobs::renew(&self.link, lease).await
    }

    async fn advance(&self, lease: &JobLease, max: usize) -> Result<Vec<(LetterId, Resolution)>> {
        replay::advance(&self.link, &self.ahead, lease, max.max(1)).await
    }

    async fn release(&self, lease: JobLease, done: bool) -> Result<()> {
        jobs::release(&self.link, &self.ahead, (&lease, done)).await
    }
}

#[async_trait]
impl Schedules for Nats {
    async fn scan(&self) -> Result<Box<dyn ScheduleScan>> {
        schedules::scan(&self.link).await
    }

    async fn cancel(&self, id: &ScheduleId) -> Result<bool> {
        schedules::cancel(&self.link, id).await
    }

    async fn reschedule(&self, id: &ScheduleId, due: SystemTime) -> Result<bool> {
        schedules::reschedule(&self.link, id, due).await
    }
}
