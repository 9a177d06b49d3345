//! The store as a transport.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

use super::{
    capabilities,
    connection::change_notifier::Wake,
    connection::config::Config,
    connection::file::open_connections::Connections,
    connection::log,
    connection::reader::Reader,
    connection::write::writer::Writer,
    consume::subscription as consume,
    dead_letter::scan as dead_letters,
    delay as schedules, doctor,
    error::SCHEME,
    job::{self as jobs, LeaseLock},
    publish,
    tail::follow as tail,
};
use crate::{
    event::{Encoding, Topic},
    transport::{
        Capabilities, DeadLetter, DeadLetters, Finding, Job, JobAction, JobId, JobLease, LetterId,
        LetterScan, Outgoing, Receipt, Resolution, Result, Schedule, ScheduleId, ScheduleScan,
        Schedules, Selection, Stats, SubscribeRequest, Subscription, Tail, TailRequest, Transport,
    },
};

/// A store.
#[derive(Debug)]
pub struct Sqlite {
    config: Config,
    wake: Arc<Wake>,
    writer: Arc<Writer>,
    reader: Arc<Reader>,
    lease_lock: LeaseLock,
}

impl Sqlite {
    /// Prepares a store; the file is opened by the first operation that needs it.
    pub(super) fn new(config: Config) -> Self {
        let connections = Arc::new(Connections::default());
        let wake = Wake::new(config.clone(), Arc::clone(&connections));
        let writer = Writer::new(config.clone(), Arc::clone(&wake), Arc::clone(&connections));
        let writer = Arc::new(writer);
        let reader = Arc::new(Reader::new(config.clone(), connections));
        Self {
            lease_lock: LeaseLock::default(),
            config,
            wake,
            writer,
            reader,
        }
    }
}

#[async_trait]
impl Transport for Sqlite {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn encoding(&self) -> Encoding {
        self.config.encoding
    }

    async fn capabilities(&self) -> Result<Capabilities> {
        capabilities::ask(&self.config, &self.writer).await
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        log::topics(&self.reader).await
    }

    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        log::create_topic(&self.writer, topic).await?;
        Ok(Vec::new())
    }

    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        publish::publish(&self.writer, batch).await
    }

    fn warnings(&self) -> Vec<String> {
        self.writer.connections().take()
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        request.refuse_instance(SCHEME)?;
        consume::subscribe(&self.writer, &self.wake, &self.config, request).await
    }

    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        tail::tail(&self.reader, &self.writer, &self.wake, request).await
    }

    fn dead_letters(&self) -> &dyn DeadLetters {
        self
    }

    fn schedules(&self) -> &dyn Schedules {
        self
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        doctor::diagnose(&self.config, &self.reader).await
    }

    async fn fix(&self, finding: &str) -> Result<()> {
        doctor::fix(&self.config, &self.writer, finding).await
    }

    async fn close(&self) -> Result<()> {
        self.wake.close();
        self.reader.close();
        self.writer.close().await;
        Ok(())
    }
}

#[async_trait]
impl DeadLetters for Sqlite {
    async fn scan(&self, selection: &Selection) -> Result<Box<dyn LetterScan>> {
        dead_letters::scan(&self.reader, selection)
    }

    async fn stats(&self, selection: &Selection) -> Result<Stats> {
        dead_letters::stats(&self.reader, selection).await
    }

    async fn import(&self, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
        dead_letters::import(&self.writer, letters).await
    }

    async fn jobs(&self) -> Result<Vec<Job>> {
        jobs::list(&self.reader).await
    }

    async fn plan(&self, action: JobAction, selection: &str) -> Result<JobId> {
        jobs::plan(&self.reader, &self.writer, action, selection.to_owned()).await
    }

    async fn enlist(&self, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
        jobs::enlist(&self.writer, job, letters).await
    }

    async fn forget(&self, job: &JobId) -> Result<()> {
        jobs::forget(&self.writer, job).await
    }

    async fn lease(&self, job: &JobId, holder: &str) -> Result<JobLease> {
        jobs::lease(&self.writer, &self.lease_lock, job, holder).await
    }

    async fn renew(&self, lease: &JobLease) -> Result<()> {
        jobs::renew(&self.writer, &self.lease_lock, lease).await
    }

    async fn advance(&self, lease: &JobLease, max: usize) -> Result<Vec<(LetterId, Resolution)>> {
        jobs::advance(&self.writer, &self.lease_lock, lease, max).await
    }

    async fn release(&self, lease: JobLease, done: bool) -> Result<()> {
        jobs::release(&self.writer, &self.lease_lock, lease, done).await
    }
}

#[async_trait]
impl Schedules for Sqlite {
    async fn scan(&self) -> Result<Box<dyn ScheduleScan>> {
        schedules::scan(&self.reader)
    }

    async fn find(&self, prefix: &str) -> Result<Vec<Schedule>> {
        schedules::find(&self.reader, prefix).await
    }

    async fn cancel(&self, id: &ScheduleId) -> Result<bool> {
        schedules::cancel(&self.reader, &self.writer, id).await
    }

    async fn reschedule(&self, id: &ScheduleId, due: SystemTime) -> Result<bool> {
        schedules::reschedule(&self.reader, &self.writer, id, due).await
    }
}
