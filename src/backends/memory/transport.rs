//! The seam: `Transport`, `DeadLetters` and `Schedules` by delegation.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

use super::{
    capabilities, consume, dead_letter, delay, error::SCHEME, job, publish, store::Store, tail,
};
use crate::{
    event::{Encoding, Group, Topic},
    transport::{
        Capabilities, DeadLetter, DeadLetterId, DeadLetterScan, DeadLetters, Finding, Job,
        JobAction, JobId, JobLease, Note, NoteName, Outgoing, Receipt, Receipted, ReplayEdit,
        ReplayScan, ReplayTarget, Replayed, Resolution, Result, ScheduleId, ScheduleScan,
        Schedules, Selection, Settled, Stats, SubscribeRequest, Subscription, Tail, TailRequest,
        Transport,
    },
};

/// A store in this process.
///
/// Clones share the store. It keeps every event as long as it lives. Its clock starts with the system's and
/// then follows tokio's, so that a test which pauses tokio's time pauses the store too.
#[derive(Debug, Clone)]
pub struct Memory {
    pub(super) store: Arc<Store>,
    pub(super) encoding: Encoding,
    /// Store no duplicate of an event.
    pub(super) dedup: bool,
}

impl Memory {
    /// Opens a new store that no other transport can open.
    #[must_use]
    pub fn new() -> Self {
        Self::over(Store::private())
    }

    /// Opens the store of this name, which lives as long as the process.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::over(Store::named(name))
    }

    fn over(store: Arc<Store>) -> Self {
        Self {
            store,
            encoding: Encoding::default(),
            dedup: false,
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Transport for Memory {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn encoding(&self) -> Encoding {
        self.encoding
    }

    async fn capabilities(&self) -> Result<Capabilities> {
        Ok(capabilities::all())
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        let topics = self.store.look(|state| state.topics.clone());
        Ok(topics.into_iter().collect())
    }

    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        self.store
            .change(|state, _| state.topics.insert(topic.clone()));
        Ok(Vec::new())
    }

    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        publish::publish(&self.store, batch, self.dedup)
    }

    async fn receipted(&self, name: &str, fence: u64) -> Result<Receipted> {
        publish::receipted(&self.store, name, fence).map(Some)
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        request.refuse_instance(SCHEME)?;
        Ok(Arc::new(consume::MemorySubscription::join(
            &self.store,
            request,
        )))
    }

    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        Ok(Box::new(tail::MemoryTail::open(&self.store, request)))
    }

    fn dead_letters(&self) -> &dyn DeadLetters {
        self
    }

    fn schedules(&self) -> &dyn Schedules {
        self
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        Ok(vec![Finding::ok(
            "lifetime",
            "the store ends with this process",
        )])
    }

    async fn fix(&self, finding: &str) -> Result<()> {
        Err(Finding::unknown(SCHEME, finding))
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl DeadLetters for Memory {
    async fn scan(&self, selection: &Selection) -> Result<Box<dyn DeadLetterScan>> {
        Ok(dead_letter::scan(&self.store, selection))
    }

    async fn stats(&self, selection: &Selection) -> Result<Stats> {
        Ok(dead_letter::stats(&self.store, selection))
    }

    async fn import(&self, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
        dead_letter::import(&self.store, letters)
    }

    async fn jobs(&self) -> Result<Vec<Job>> {
        Ok(self.store.change(|state, now| job::list(state, now)))
    }

    async fn plan(&self, action: JobAction, selection: &str) -> Result<JobId> {
        Ok(self
            .store
            .change(|state, now| job::plan(state, action, selection, now)))
    }

    async fn enlist(&self, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
        self.store
            .change(|state, _| job::enlist(state, job, letters))
    }

    async fn forget(&self, job: &JobId) -> Result<()> {
        self.store.change(|state, now| job::forget(state, job, now))
    }

    async fn lease(&self, job: &JobId, holder: &str) -> Result<JobLease> {
        self.store
            .change(|state, now| job::lease(state, job, holder, now))
    }

    async fn renew(&self, lease: &JobLease) -> Result<()> {
        self.store
            .change(|state, now| job::renew(state, lease, now))
    }

    async fn advance(
        &self,
        lease: &JobLease,
        max: usize,
        edit: Option<&Arc<dyn ReplayEdit>>,
    ) -> Result<Vec<(DeadLetterId, Resolution)>> {
        let leased = (lease, edit.map(|edit| &**edit));
        self.store
            .change(|state, now| job::advance(state, leased, max.max(1), now))
    }

    async fn release(&self, lease: JobLease, done: bool) -> Result<()> {
        self.store
            .change(|state, now| job::release(state, &lease, done, now))
    }

    async fn put_note(&self, name: &NoteName, value: Option<String>) -> Result<()> {
        dead_letter::put_note(&self.store, name, value);
        Ok(())
    }

    async fn notes(&self, under: &NoteName) -> Result<Vec<Note>> {
        Ok(dead_letter::notes(&self.store, under))
    }

    async fn replays(&self, _: SystemTime, _: &[ReplayTarget]) -> Result<Box<dyn ReplayScan>> {
        Ok(job::replays(&self.store))
    }

    async fn settled(&self, group: &Group, replays: &[Replayed]) -> Result<Vec<Settled>> {
        Ok(job::settled(&self.store, group, replays))
    }
}

#[async_trait]
impl Schedules for Memory {
    async fn scan(&self) -> Result<Box<dyn ScheduleScan>> {
        Ok(delay::scan(&self.store))
    }

    async fn cancel(&self, id: &ScheduleId) -> Result<bool> {
        Ok(delay::cancel(&self.store, id))
    }

    async fn reschedule(&self, id: &ScheduleId, due: SystemTime) -> Result<bool> {
        Ok(delay::reschedule(&self.store, id, due))
    }
}
