//! The seam: `Transport`, `DeadLetters` and `Schedules` by delegation.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

use super::{
    capabilities,
    connection::{
        change_notifier::ChangeNotifier, config::Config, file::open_connections::OpenConnections,
        reader::Reader, topics, write::writer::Writer,
    },
    consume::subscription,
    dead_letter::{self, scan},
    delay, doctor,
    error::SCHEME,
    job::edited::{self, JobHolder},
    job::{lifecycle, replays, settled},
    publish,
    tail::follow,
};
use crate::{
    event::{Encoding, Group, Topic},
    transport::{
        Capabilities, DeadLetter, DeadLetterId, DeadLetterScan, DeadLetters, Finding, Job,
        JobAction, JobId, JobLease, Note, NoteName, Outgoing, Receipt, Receipted, ReplayEdit,
        ReplayScan, ReplayTarget, Replayed, Resolution, Result, Schedule, ScheduleId, ScheduleScan,
        Schedules, Selection, Settled, Stats, SubscribeRequest, Subscription, Tail, TailRequest,
        Transport,
    },
};

/// A store in a file.
#[derive(Debug)]
pub struct Sqlite {
    config: Config,
    notifier: Arc<ChangeNotifier>,
    writer: Arc<Writer>,
    reader: Arc<Reader>,
    holder: JobHolder,
}

impl Sqlite {
    /// Creates a transport; the first operation that needs the file opens it.
    pub(super) fn new(config: Config) -> Self {
        let connections = Arc::new(OpenConnections::default());
        let notifier = ChangeNotifier::new(config.clone(), Arc::clone(&connections));
        let writer = Writer::new(
            config.clone(),
            Arc::clone(&notifier),
            Arc::clone(&connections),
        );
        let writer = Arc::new(writer);
        let reader = Arc::new(Reader::new(config.clone(), connections));
        Self {
            holder: JobHolder::default(),
            config,
            notifier,
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
        topics::list(&self.reader).await
    }

    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        topics::create(&self.writer, topic).await?;
        Ok(Vec::new())
    }

    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        publish::publish(&self.writer, batch, self.config.dedup).await
    }

    async fn receipted(&self, name: &str, fence: u64) -> Result<Receipted> {
        publish::receipted(&self.writer, name, fence)
            .await
            .map(Some)
    }

    fn warnings(&self) -> Vec<String> {
        self.writer.connections().take_notices()
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        request.refuse_instance(SCHEME)?;
        subscription::subscribe(&self.writer, &self.reader, &self.notifier, request).await
    }

    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        follow::tail(&self.reader, &self.writer, &self.notifier, request).await
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
        self.notifier.close();
        self.reader.close();
        self.writer.close().await;
        Ok(())
    }
}

#[async_trait]
impl DeadLetters for Sqlite {
    async fn scan(&self, selection: &Selection) -> Result<Box<dyn DeadLetterScan>> {
        scan::scan(&self.reader, selection)
    }

    async fn stats(&self, selection: &Selection) -> Result<Stats> {
        scan::stats(&self.reader, selection).await
    }

    async fn import(&self, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
        scan::import(&self.writer, letters).await
    }

    async fn jobs(&self) -> Result<Vec<Job>> {
        lifecycle::list(&self.reader).await
    }

    async fn plan(&self, action: JobAction, selection: &str) -> Result<JobId> {
        lifecycle::plan(&self.reader, &self.writer, action, selection.to_owned()).await
    }

    async fn enlist(&self, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
        lifecycle::enlist(&self.writer, job, letters).await
    }

    async fn forget(&self, job: &JobId) -> Result<()> {
        lifecycle::forget(&self.writer, job).await
    }

    async fn lease(&self, job: &JobId, holder: &str) -> Result<JobLease> {
        lifecycle::lease(&self.writer, &self.holder.lock, job, holder).await
    }

    async fn renew(&self, lease: &JobLease) -> Result<()> {
        lifecycle::renew(&self.writer, &self.holder.lock, lease).await
    }

    async fn advance(
        &self,
        lease: &JobLease,
        max: usize,
        edit: Option<&Arc<dyn ReplayEdit>>,
    ) -> Result<Vec<(DeadLetterId, Resolution)>> {
        edited::advance(&self.reader, &self.writer, &self.holder, lease, (max, edit)).await
    }

    async fn release(&self, lease: JobLease, done: bool) -> Result<()> {
        lifecycle::release(&self.writer, &self.holder.lock, lease, done).await
    }

    async fn put_note(&self, name: &NoteName, value: Option<String>) -> Result<()> {
        dead_letter::notes::put(&self.reader, &self.writer, name, value).await
    }

    async fn notes(&self, under: &NoteName) -> Result<Vec<Note>> {
        dead_letter::notes::read(&self.reader, under).await
    }

    async fn replays(&self, since: SystemTime, _: &[ReplayTarget]) -> Result<Box<dyn ReplayScan>> {
        replays::open(&self.reader, since).await
    }

    async fn settled(&self, group: &Group, replays: &[Replayed]) -> Result<Vec<Settled>> {
        settled::settled(&self.reader, group, replays).await
    }
}

#[async_trait]
impl Schedules for Sqlite {
    async fn scan(&self) -> Result<Box<dyn ScheduleScan>> {
        delay::scan(&self.reader)
    }

    async fn find(&self, prefix: &str) -> Result<Vec<Schedule>> {
        delay::find(&self.reader, prefix).await
    }

    async fn cancel(&self, id: &ScheduleId) -> Result<bool> {
        delay::cancel(&self.reader, &self.writer, id).await
    }

    async fn reschedule(&self, id: &ScheduleId, due: SystemTime) -> Result<bool> {
        delay::reschedule(&self.reader, &self.writer, id, due).await
    }
}
