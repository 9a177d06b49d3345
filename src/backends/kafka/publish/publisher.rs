//! Publishing in batches, grouped by the size that topics accept, through idempotent producers; order is kept. The first
//! single message of a process takes a shorter way (`one_shot`).

use std::{collections::HashMap, sync::Arc, time::SystemTime};

use futures_util::{FutureExt as _, future::BoxFuture};
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::sync::Mutex;

use super::{
    one_shot,
    refusal::{refusal, too_large, with_cause},
};
use crate::{
    backends::kafka::{
        codec::record::{self, OutgoingRecord},
        connection::{
            admin,
            client::settings,
            handle::{Connection, blocking},
            producer::{Producer, RecordMetadata},
        },
        delay::enqueue,
        error::{self, error},
    },
    event::{Message, Topic},
    failpoint,
    transport::{BatchError, ErrorKind, Outgoing, Receipt, Result, TransportError},
};

/// The most bytes that a producer sends in one batch. A broker judges a batch as if it were one record, so topics with a
/// lower limit get a producer of their own.
const MAX_BATCH: usize = 900_000;
/// The limit of a topic whose settings are unknown: Kafka's default.
const DEFAULT_LIMIT: usize = 1_048_588;

/// Publishes messages.
#[derive(Debug)]
pub(crate) struct Publisher {
    connection: Arc<Connection>,
    /// Held while a batch is prepared and enqueued, so that batches keep the order of their calls.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether something was published before: from the second call on, the half second that an idempotent producer needs
    /// to start pays off.
    has_begun: bool,
    targets: HashMap<Topic, Target>,
    /// Producers for topics with a lower limit, by limit.
    smaller: HashMap<usize, Arc<Producer>>,
}

/// The topic that messages go to.
#[derive(Debug, Clone)]
struct Target {
    name: String,
    /// The most bytes of a record.
    limit: usize,
}

/// A batch by what happens to its messages: records by the limit of their producer, and delayed messages.
#[derive(Debug, Default)]
struct Partitioned {
    now: HashMap<usize, Outbound>,
    later: Vec<(usize, Message, SystemTime)>,
    results: Vec<Option<Result<Receipt>>>,
}

/// Records for one producer, each with its place in the batch and its topic.
#[derive(Debug, Default)]
struct Outbound {
    records: Vec<OutgoingRecord>,
    origins: Vec<(usize, Topic)>,
}

type Sending = BoxFuture<'static, Vec<(usize, Result<Receipt>)>>;

impl Publisher {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            state: Mutex::default(),
        }
    }

    /// Stores a batch. The future must not be dropped by a caller that needs the results.
    pub(crate) async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        let (mut results, sendings, later) = {
            let mut state = self.state.lock().await;
            if let Some(message) = state.only(&batch) {
                return vec![self.once(message).await];
            }
            // Starting it takes half a second, in which the topics are looked up. If it fails, the records' results say so.
            let _ = self.connection.producer().await;
            let Partitioned {
                now,
                later,
                results,
            } = self.partition(&mut state, batch).await;
            let mut sendings = Vec::with_capacity(now.len());
            for (limit, outbound) in now {
                sendings.push(self.enqueue(&mut state, limit, outbound).await);
            }
            (results, sendings, later)
        };
        failpoint::reach("kafka.sent");
        for sending in sendings {
            for (number, result) in sending.await {
                results[number] = Some(result);
            }
        }
        self.delay(later, &mut results).await;
        failpoint::reach("kafka.confirmed");
        let unanswered = || Err(TransportError::unanswered(error::SCHEME));
        let results = results.into_iter();
        results
            .map(|result| result.unwrap_or_else(unanswered))
            .collect()
    }

    /// Encodes messages for a transaction, or returns the first that cannot be stored.
    pub(crate) async fn records(
        &self,
        batch: &[Outgoing],
    ) -> Result<Vec<OutgoingRecord>, BatchError> {
        let mut state = self.state.lock().await;
        let mut records = Vec::with_capacity(batch.len());
        for (number, outgoing) in batch.iter().enumerate() {
            let refused = |error: TransportError| BatchError {
                message: (!error.is_transient()).then_some(number),
                error,
            };
            let target = self.target(&mut state, &outgoing.message.topic).await;
            let target = target.map_err(refused)?;
            let record = encode(&outgoing.message, &target.name).map_err(refused)?;
            self.check_size(&record, target).map_err(refused)?;
            records.push(record);
        }
        Ok(records)
    }

    /// Looks up the topic of each message, and refuses messages that cannot be stored there.
    async fn partition(&self, state: &mut State, batch: Vec<Outgoing>) -> Partitioned {
        let now = SystemTime::now();
        let mut partitioned = Partitioned::default();
        let mut refused: HashMap<Topic, TransportError> = HashMap::new();
        for (number, outgoing) in batch.into_iter().enumerate() {
            let topic = &outgoing.message.topic;
            let unreachable = refused.values().find(|failed| failed.is_transient());
            let known = match refused.get(topic).or(unreachable) {
                Some(failed) => Err(failed.clone()),
                None => self.target(state, topic).await,
            };
            if let Err(failed) = &known {
                refused.insert(topic.clone(), failed.clone());
            }
            let encoded = known.and_then(|target| {
                outgoing.refuse_dedup(error::SCHEME)?;
                let record = encode(&outgoing.message, &target.name)?;
                self.check_size(&record, target)?;
                Ok((target.limit, record))
            });
            let due = outgoing.due.filter(|due| *due > now);
            partitioned.results.push(None);
            match (encoded, due) {
                (Err(failed), _) => partitioned.results[number] = Some(Err(failed)),
                (Ok(_), Some(due)) => partitioned.later.push((number, outgoing.message, due)),
                (Ok((limit, record)), None) => {
                    let outbound = partitioned.now.entry(limit.min(MAX_BATCH)).or_default();
                    outbound.records.push(record);
                    outbound.origins.push((number, outgoing.message.topic));
                }
            }
        }
        partitioned
    }

    /// Returns the topic that messages go to; creates it with `--create`.
    async fn target<'a>(&self, state: &'a mut State, topic: &Topic) -> Result<&'a Target> {
        if !state.targets.contains_key(topic) {
            let name = self.connection.names().topic_name(topic)?;
            if self.connection.topics.partitions(&name).await?.is_none() {
                if !self.connection.create {
                    return Err(admin::unknown(&name));
                }
                self.connection.topics.create_user_topic(&name).await?;
            }
            let limit = self.limit(&name).await;
            state.targets.insert(topic.clone(), Target { name, limit });
        }
        let target = state.targets.get(topic);
        target.ok_or_else(|| error(ErrorKind::Other, "the topic is missing from the cache"))
    }

    /// Returns how large a record may be; a user who may publish is not always allowed to read that.
    async fn limit(&self, name: &str) -> usize {
        let settings = self.connection.topics.settings(&[name.to_owned()]).await;
        let settings = settings.ok().and_then(|mut found| found.pop().flatten());
        let limit = settings.and_then(|settings| settings.get("max.message.bytes")?.parse().ok());
        limit.unwrap_or(DEFAULT_LIMIT)
    }

    /// Refuses records that are certainly too large; near the limit, and with compression, the broker decides.
    fn check_size(&self, record: &OutgoingRecord, target: &Target) -> Result<()> {
        let properties = &self.connection.config.properties;
        let is_compressed = properties
            .keys()
            .any(|name| name.starts_with("compression."));
        if !is_compressed && record.bare_size() > target.limit {
            return Err(too_large(&target.name, Some(target.limit)));
        }
        Ok(())
    }

    /// Enqueues records in the producer of their limit; the returned future has the results.
    async fn enqueue(&self, state: &mut State, limit: usize, outbound: Outbound) -> Sending {
        let Outbound { records, origins } = outbound;
        let producer = match self.producer(state, limit).await {
            Ok(producer) => producer,
            Err(failed) => {
                let failed = move |(number, _)| (number, Err(failed.clone()));
                let all: Vec<_> = origins.into_iter().map(failed).collect();
                return Box::pin(async { all });
            }
        };
        let connection = Arc::clone(&self.connection);
        let mut sending = Box::pin(async move {
            let answers = producer.send(records).await;
            let results = origins.into_iter().zip(answers);
            results
                .map(|((number, topic), answer)| {
                    let result = receipt(&connection, &topic, answer);
                    let servers = &connection.config.servers;
                    (
                        number,
                        result.map_err(|failed| with_cause(failed, producer.errors(), servers)),
                    )
                })
                .collect::<Vec<_>>()
        });
        // The first poll enqueues the records, so their order is settled before the lock is released.
        match sending.as_mut().now_or_never() {
            Some(results) => Box::pin(async { results }),
            None => sending,
        }
    }

    async fn producer(&self, state: &mut State, limit: usize) -> Result<Arc<Producer>> {
        if limit >= MAX_BATCH {
            return self.connection.producer().await.map(Arc::clone);
        }
        if let Some(known) = state.smaller.get(&limit) {
            return Ok(Arc::clone(known));
        }
        let mut settings = settings::producer(&self.connection.config);
        settings.set("batch.size", limit.to_string());
        let made = Arc::new(Producer::new(&settings)?);
        state.smaller.insert(limit, Arc::clone(&made));
        Ok(made)
    }

    async fn delay(
        &self,
        later: Vec<(usize, Message, SystemTime)>,
        results: &mut [Option<Result<Receipt>>],
    ) {
        if later.is_empty() {
            return;
        }
        let numbers: Vec<usize> = later.iter().map(|(number, ..)| *number).collect();
        let batch = later.into_iter().map(|(_, message, due)| (message, due));
        let stored = enqueue::enqueue(&self.connection, batch.collect()).await;
        for (number, result) in numbers.into_iter().zip(stored) {
            results[number] = Some(result);
        }
    }

    async fn once(&self, message: Message) -> Result<Receipt> {
        let name = self.connection.names().topic_name(&message.topic)?;
        let record = encode(&message, &name)?;
        let connection = Arc::clone(&self.connection);
        let is_known = connection.topics.cached_partitions(&name).is_some();
        if connection.create && !is_known {
            connection.topics.create_user_topic(&name).await?;
        }
        let placed = blocking(move || one_shot::send(&connection, record)).await?;
        receipt(&self.connection, &message.topic, Ok(placed))
    }
}

impl State {
    /// Returns the message of the first batch if that is its only one, is for now and is certainly small enough.
    fn only(&mut self, batch: &[Outgoing]) -> Option<Message> {
        let has_begun = std::mem::replace(&mut self.has_begun, true);
        match batch {
            [only]
                if !has_begun
                    && !only.dedup
                    && only.due.is_none_or(|due| due <= SystemTime::now()) =>
            {
                let message = &only.message;
                let size = message.payload.as_ref().map_or(0, bytes::Bytes::len);
                (size <= MAX_BATCH).then(|| message.clone())
            }
            _ => None,
        }
    }
}

fn encode(message: &Message, name: &str) -> Result<OutgoingRecord> {
    record::check(message)?;
    Ok(OutgoingRecord {
        topic: name.to_owned(),
        partition: None,
        key: message.key.clone(),
        payload: message.payload.clone(),
        headers: Some(record::headers(message, &[])),
    })
}

fn receipt(
    connection: &Connection,
    topic: &Topic,
    answer: Result<RecordMetadata, Code>,
) -> Result<Receipt> {
    match answer {
        Ok(placed) => Ok(Receipt {
            position: Some(record::position(topic, placed.partition, placed.offset)),
            schedule: None,
            duplicate: false,
        }),
        Err(code) => Err(refusal(
            &connection.config,
            code,
            &connection.names().topic_name(topic)?,
        )),
    }
}
