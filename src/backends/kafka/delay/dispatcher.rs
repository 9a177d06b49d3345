//! Fires what is due, for as long as somebody is up: those who are share the partitions of the delay topic as a group.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rdkafka::{
    ClientContext, Message as _, Offset,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance},
    error::KafkaError,
    types::RDKafkaErrorCode as Code,
};
use tokio::sync::oneshot;

use super::{firing::Owner, index::SOON, partition::Shelf, topic_cache::Targets};
use crate::{
    backends::kafka::{
        connection::{
            client::{
                self,
                errors::ClientErrors,
                settings::{self, Isolation},
            },
            handle::{self, Connection},
        },
        error::{self, error},
    },
    lock::Mutex,
    transport::{ErrorKind, Result},
};

/// How long a poll waits before the thread looks whether it is still needed.
const LOOK: Duration = Duration::from_millis(50);
/// How long until the topic is looked for again, or the thread starts again.
const AGAIN: Duration = Duration::from_secs(1);
/// The room for what waits, in bytes, over all partitions.
const ROOM: usize = 112 << 20;

/// Fires what becomes due, until dropped.
///
/// # Errors
/// If the cluster does not let us.
pub(crate) async fn fire_for_ever(connection: Arc<Connection>) -> Result<()> {
    let stop = Stop::default();
    loop {
        while !is_there(&connection).await? {
            tokio::time::sleep(AGAIN).await;
        }
        let (sender, ended) = oneshot::channel();
        let firer = Firer::new(&connection, Arc::clone(&stop.0))?;
        let member = connection.leaving.enter();
        start("pf-kafka-firer", move || {
            let _ = sender.send(firer.run());
            drop(member);
        })?;
        match ended.await {
            Ok(ended) => ended?,
            Err(gone) => {
                let failed = error(ErrorKind::Other, "a thread of ours went down");
                return Err(failed.because(gone));
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Dropped, it tells the threads to end.
#[derive(Debug, Default)]
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    let started = thread::Builder::new().name(name.to_owned()).spawn(work);
    started
        .map(drop)
        .map_err(|source| error(ErrorKind::Other, "no thread can be started").because(source))
}

/// Tells whether anything was ever delayed here. That nobody answers right now will pass.
async fn is_there(connection: &Arc<Connection>) -> Result<bool> {
    let topic = connection.names().delay_topic();
    let name = topic.clone();
    let asked = connection
        .ask(move |client, config| {
            let found = client::metadata(client, client.context(), config, Some(&name))?;
            handle::partitions_in(&found, &name)
        })
        .await;
    match asked {
        Ok(found) => Ok(found
            .map(|partitions| connection.learn(&topic, partitions))
            .is_some()),
        Err(failed) if failed.is_transient() => {
            tracing::debug!(%failed, "firing waits for a broker");
            Ok(false)
        }
        Err(failed) => Err(failed),
    }
}

/// Hears of partitions that come and go, in order.
#[derive(Debug, Default)]
struct Watch {
    errors: ClientErrors,
    news: Mutex<Vec<News>>,
}

#[derive(Debug, Clone, Copy)]
enum News {
    Ours(i32),
    Gone(i32),
}

impl Watch {
    fn hear(&self, news: impl Iterator<Item = News>) {
        let mut all = self.news.lock();
        all.extend(news);
    }

    fn news(&self) -> Vec<News> {
        let mut all = self.news.lock();
        std::mem::take(&mut *all)
    }
}

impl ClientContext for Watch {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        self.errors.log(facility, message);
    }

    fn error(&self, failed: KafkaError, reason: &str) {
        self.errors.record(&failed, reason);
    }
}

impl ConsumerContext for Watch {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                let elements = list.elements();
                self.hear(elements.iter().map(|one| News::Ours(one.partition())));
            }
            Rebalance::Revoke(list) => {
                let elements = list.elements();
                self.hear(elements.iter().map(|one| News::Gone(one.partition())));
            }
            Rebalance::Error(failed) => tracing::debug!(%failed, "the group of those who fire"),
        }
    }
}

/// The thread that reads the delay topic.
struct Firer {
    connection: Arc<Connection>,
    topic: Arc<str>,
    consumer: Arc<BaseConsumer<Watch>>,
    /// A member of no group; it asks in the name of that of those who fire.
    asking: Arc<BaseConsumer<ClientErrors>>,
    targets: Arc<Targets>,
    shelves: HashMap<i32, Arc<Shelf>>,
    stop: Arc<AtomicBool>,
}

impl Firer {
    fn new(connection: &Arc<Connection>, stop: Arc<AtomicBool>) -> Result<Self> {
        let group = connection.names().firing_group();
        let mut member = settings::consumer(&connection.config, &group, 1);
        member
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "true");
        let mut asking = settings::reader(&connection.config, Isolation::Uncommitted, true);
        asking.set("group.id", &group);
        Ok(Self {
            topic: connection.names().delay_topic().into(),
            consumer: Arc::new(client::create(&member, Watch::default())?),
            asking: Arc::new(client::create(&asking, ClientErrors::default())?),
            connection: Arc::clone(connection),
            targets: Arc::default(),
            shelves: HashMap::new(),
            stop,
        })
    }

    /// Works until stopped, or until the topic or the membership is lost.
    fn run(mut self) -> Result<()> {
        let ended = self.work();
        for shelf in self.shelves.values() {
            shelf.stop();
        }
        ended
    }

    fn work(&mut self) -> Result<()> {
        self.consumer
            .subscribe(&[&self.topic])
            .map_err(|failed| error::from_kafka(failed, "joining those who fire"))?;
        while !self.stop.load(Ordering::Acquire) {
            let consumer = Arc::clone(&self.consumer);
            let polled = consumer.poll(LOOK);
            let news = consumer.context().errors.topics.news();
            if news.iter().any(|news| news.is_change) {
                // It was deleted and created again: whoever begins anew reads it from its beginning.
                return Ok(());
            }
            for news in consumer.context().news() {
                self.follow(news)?;
            }
            match polled {
                Some(Ok(record)) => {
                    if let Some(shelf) = self.shelves.get(&record.partition()) {
                        shelf.take(&record);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) | None => self.advance()?,
                Some(Err(failed)) => {
                    if self.is_over(&failed)? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn follow(&mut self, tidings: News) -> Result<()> {
        match tidings {
            News::Gone(partition) => {
                if let Some(shelf) = self.shelves.remove(&partition) {
                    shelf.stop();
                }
            }
            News::Ours(partition) => {
                let partitions = self.connection.known(&self.topic).unwrap_or(1);
                let share = usize::try_from(partitions.max(1)).unwrap_or(1);
                let place = (Arc::clone(&self.topic), partition);
                let waiting = Arc::new(Shelf::new(place, ROOM / share, SOON));
                let owner = Owner::new(
                    Arc::clone(&self.connection),
                    Arc::clone(&waiting),
                    partition,
                    Arc::clone(&self.asking),
                    Arc::clone(&self.targets),
                );
                start("pf-kafka-owner", move || owner.run())?;
                if let Some(former) = self.shelves.insert(partition, waiting) {
                    former.stop();
                }
            }
        }
        Ok(())
    }

    /// Markers of transactions and compaction leave offsets without a record, also at the end.
    fn advance(&mut self) -> Result<()> {
        let waits = self.shelves.values().any(|shelf| shelf.is_awaited());
        if !waits {
            return Ok(());
        }
        let positions = self.consumer.position();
        let positions = positions.map_err(|failed| error::from_kafka(failed, "reading"))?;
        for element in positions.elements() {
            if let (Some(shelf), Offset::Offset(at)) =
                (self.shelves.get(&element.partition()), element.offset())
            {
                shelf.advance(at);
            }
        }
        Ok(())
    }

    /// Tells whether the membership, or the topic, is lost; anything else will pass.
    fn is_over(&self, failed: &KafkaError) -> Result<bool> {
        if let Some(refused) = self.consumer.context().errors.fatal() {
            return Err(refused);
        }
        let Some(code) = failed.rdkafka_error_code() else {
            return Ok(false);
        };
        match code {
            Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed => {
                Err(error::from_code(code, "firing what is due"))
            }
            Code::UnknownTopicOrPartition | Code::Fatal | Code::UnknownTopic => Ok(true),
            _ => {
                tracing::debug!(%failed, "firing goes on once the broker is back");
                Ok(false)
            }
        }
    }
}
