//! The member of the group that shares the partitions of the delay topic. It starts a firer for each partition that it is
//! assigned, and feeds it the records.
//!
//! One thread reads all partitions of this process; each firer has a thread of its own, because a transaction blocks for
//! as long as the broker takes and must not stop the reading, or the member would leave its group.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    types::{RDKafkaErrorCode as Code, RDKafkaRespErr},
};
use tokio::sync::oneshot;

use super::{
    firing::PartitionFirer, index::CACHE_HORIZON, partition::DelayPartition,
    topic_cache::TopicCache,
};
use crate::{
    backends::kafka::{
        codec::topic_partition::TopicPartition,
        connection::{
            client::{
                self,
                context::{self, Callbacks, Context},
                settings::{self, Isolation},
            },
            handle::Connection,
            threads,
            topics::partitions_in,
        },
        error::{self, error},
    },
    lock::Mutex,
    transport::{ErrorKind, Result},
};

/// How long a poll blocks before the thread checks whether it has to stop.
const POLL: Duration = Duration::from_millis(50);
/// How long until the topic is looked up again, or the thread is started again.
const AGAIN: Duration = Duration::from_secs(1);
/// The memory for the indexes of all partitions, in bytes.
const INDEX_BYTES: usize = 112 << 20;

/// Delivers delayed events when they are due, until the future is dropped. A thread that ended, for a topic that was
/// recreated or a group that was lost, is started again.
///
/// # Errors
/// If the cluster denies access, or a thread cannot be started.
pub(crate) async fn dispatch_until_dropped(connection: Arc<Connection>) -> Result<()> {
    let stop = Stop::default();
    loop {
        while !topic_exists(&connection).await? {
            tokio::time::sleep(AGAIN).await;
        }
        let (sender, ended) = oneshot::channel();
        let dispatcher = Dispatcher::new(&connection, Arc::clone(&stop.0))?;
        let member = connection.members.token();
        threads::spawn("pf-kafka-delay", move || {
            let _ = sender.send(dispatcher.run());
            drop(member);
        })?;
        match ended.await {
            Ok(ended) => ended?,
            Err(gone) => {
                let failed = error(
                    ErrorKind::Other,
                    "a thread of the delayed-event dispatcher panicked",
                );
                return Err(failed.because(gone));
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Stops the threads when it is dropped.
#[derive(Debug, Default)]
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Reports whether the delay topic exists, that is, whether an event was ever delayed here. An unreachable broker counts as
/// no: the caller asks again.
async fn topic_exists(connection: &Arc<Connection>) -> Result<bool> {
    let topic = connection.names().delay_topic();
    let name = topic.clone();
    let asked = connection
        .ask(move |client, config| {
            let found = client::metadata(client, config, Some(&name))?;
            partitions_in(config, &found, &name)
        })
        .await;
    match asked {
        Ok(found) => Ok(found
            .map(|partitions| connection.topics.cache_partitions(&topic, partitions))
            .is_some()),
        Err(failed) if failed.is_transient() => {
            tracing::debug!(%failed, "the delayed-event dispatcher waits for a broker");
            Ok(false)
        }
        Err(failed) => Err(failed),
    }
}

/// Records rebalances in order. The callbacks run inside `poll`, which must not be called from them; the thread applies
/// the events after it.
#[derive(Debug, Default)]
struct DispatcherCallbacks {
    events: Mutex<Vec<AssignmentEvent>>,
}

#[derive(Debug, Clone, Copy)]
enum AssignmentEvent {
    Assigned(i32),
    Revoked(i32),
}

impl DispatcherCallbacks {
    fn take_events(&self) -> Vec<AssignmentEvent> {
        let mut all = self.events.lock();
        std::mem::take(&mut *all)
    }
}

impl Callbacks for DispatcherCallbacks {
    fn rebalance(
        &self,
        client: &BaseConsumer<Context<Self>>,
        event: RDKafkaRespErr,
        partitions: &TopicPartitionList,
    ) {
        let record = if context::is_assignment(event) {
            AssignmentEvent::Assigned
        } else {
            AssignmentEvent::Revoked
        };
        let elements = partitions.elements();
        let events = elements.iter().map(|one| record(one.partition()));
        self.events.lock().extend(events);
        context::apply(client, event, partitions);
    }
}

/// The thread that reads the delay topic.
struct Dispatcher {
    connection: Arc<Connection>,
    topic: Arc<str>,
    consumer: Arc<BaseConsumer<Context<DispatcherCallbacks>>>,
    /// Asks for watermarks and committed offsets. It has the group's name and is not a member, so it never waits for a
    /// rebalance.
    asking: Arc<BaseConsumer<Context>>,
    topics: Arc<TopicCache>,
    partitions: HashMap<i32, Arc<DelayPartition>>,
    stop: Arc<AtomicBool>,
}

impl Dispatcher {
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
            consumer: Arc::new(client::create(&member, Context::default())?),
            asking: Arc::new(client::create(&asking, Context::default())?),
            connection: Arc::clone(connection),
            topics: Arc::default(),
            partitions: HashMap::new(),
            stop,
        })
    }

    /// Runs until stopped, or until the topic or the membership is lost.
    fn run(mut self) -> Result<()> {
        let ended = self.work();
        for partition in self.partitions.values() {
            partition.stop();
        }
        ended
    }

    fn work(&mut self) -> Result<()> {
        self.consumer.subscribe(&[&self.topic]).map_err(|failed| {
            error::from_kafka(failed, "joining the group of the delayed-event dispatchers")
        })?;
        while !self.stop.load(Ordering::Acquire) {
            let consumer = Arc::clone(&self.consumer);
            let polled = consumer.poll(POLL);
            let news = consumer.context().errors.topics.updates();
            if news.iter().any(|news| news.is_change) {
                // The topic was recreated: the thread that is started next reads it from its beginning.
                return Ok(());
            }
            for event in consumer.context().callbacks.take_events() {
                self.apply(event)?;
            }
            match polled {
                Some(Ok(record)) => {
                    if let Some(partition) = self.partitions.get(&record.partition()) {
                        partition.take(&record);
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

    fn apply(&mut self, event: AssignmentEvent) -> Result<()> {
        match event {
            AssignmentEvent::Revoked(partition) => {
                if let Some(partition) = self.partitions.remove(&partition) {
                    partition.stop();
                }
            }
            AssignmentEvent::Assigned(partition) => {
                let partitions = self
                    .connection
                    .topics
                    .cached_partitions(&self.topic)
                    .unwrap_or(1);
                let share = usize::try_from(partitions.max(1)).unwrap_or(1);
                let at = TopicPartition::new(Arc::clone(&self.topic), partition);
                let waiting = Arc::new(DelayPartition::new(at, INDEX_BYTES / share, CACHE_HORIZON));
                let owner = PartitionFirer::new(
                    Arc::clone(&self.connection),
                    Arc::clone(&waiting),
                    partition,
                    Arc::clone(&self.asking),
                    Arc::clone(&self.topics),
                );
                threads::spawn("pf-kafka-fire", move || owner.run())?;
                if let Some(former) = self.partitions.insert(partition, waiting) {
                    former.stop();
                }
            }
        }
        Ok(())
    }

    /// Tells firers that wait for the end of their partition how far it was read. Transaction markers and compaction leave
    /// offsets without a record, also at the end: without this a firer would wait for a record that never comes.
    fn advance(&mut self) -> Result<()> {
        let waits = self
            .partitions
            .values()
            .any(|partition| partition.is_awaited());
        if !waits {
            return Ok(());
        }
        let positions = self.consumer.position();
        let positions = positions.map_err(|failed| error::from_kafka(failed, "reading"))?;
        for element in positions.elements() {
            if let (Some(partition), Offset::Offset(at)) =
                (self.partitions.get(&element.partition()), element.offset())
            {
                partition.advance(at);
            }
        }
        Ok(())
    }

    /// Reports whether the membership or the topic is lost; librdkafka recovers from any other error by itself.
    fn is_over(&self, failed: &KafkaError) -> Result<bool> {
        if let Some(refused) = self.consumer.context().errors.fatal() {
            return Err(refused);
        }
        let Some(code) = failed.rdkafka_error_code() else {
            return Ok(false);
        };
        match code {
            Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed => {
                Err(error::from_code(code, "delivering delayed events"))
            }
            Code::UnknownTopicOrPartition | Code::Fatal | Code::UnknownTopic => Ok(true),
            _ => {
                tracing::debug!(%failed, "the delayed-event dispatcher continues once the broker is back");
                Ok(false)
            }
        }
    }
}
