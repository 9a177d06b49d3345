//! Storing messages: the first single one by the shortest way, everything else through an idempotent stream.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use futures_util::{FutureExt as _, future::BoxFuture};
use rdkafka::{
    producer::{BaseProducer, Producer as _},
    types::RDKafkaErrorCode as Code,
};
use tokio::sync::Mutex;

use crate::{
    backends::kafka::{
        codec::record::{self, OutgoingRecord},
        connection::{
            admin,
            client::{self, errors::ClientErrors, settings},
            handle::{Connection, blocking},
            producer::{self, Batch, DeliveryCallback, Producer, RecordMetadata},
        },
        delay::enqueue,
        error::{self, error},
    },
    event::{Message, Topic},
    failpoint,
    transport::{ErrorKind, Outgoing, Receipt, Result, TransportError},
};

/// The most bytes of records that the stream sends at once; a topic that takes less has a stream of its own.
const AT_ONCE: usize = 900_000;
/// What a topic takes unless it says otherwise.
const USUAL_LIMIT: usize = 1_048_588;
/// How long to rest where no answer has come.
const REST: Duration = Duration::from_micros(100);

/// Publishes.
#[derive(Debug)]
pub(crate) struct Publisher {
    connection: Arc<Connection>,
    /// Batches are prepared, and go to the client, in the order in which they came here.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether something was published already: the half second that a stream needs to begin pays off from then on.
    has_begun: bool,
    places: HashMap<Topic, Place>,
    /// Streams for topics that take less at once, by how much.
    narrow: HashMap<usize, Arc<Producer>>,
}

/// Where the messages of a topic go.
#[derive(Debug, Clone)]
struct Place {
    name: String,
    /// The bytes that a record may have.
    limit: usize,
}

/// A batch as it is sorted out: records by the stream that takes them, and what is for later.
#[derive(Debug, Default)]
struct Sorted {
    now: HashMap<usize, Load>,
    later: Vec<(usize, Message, SystemTime)>,
    results: Vec<Option<Result<Receipt>>>,
}

/// Records on their way, with each one's place in the batch and its topic.
#[derive(Debug, Default)]
struct Load {
    records: Vec<OutgoingRecord>,
    slips: Vec<(usize, Topic)>,
}

type Sending = BoxFuture<'static, Vec<(usize, Result<Receipt>)>>;

impl Publisher {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            state: Mutex::default(),
        }
    }

    /// Stores a batch. Not to be dropped by who needs to know what was stored.
    pub(crate) async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        let (mut results, sendings, later) = {
            let mut state = self.state.lock().await;
            if let Some(message) = state.only(&batch) {
                return vec![self.once(message).await];
            }
            // It takes half a second to begin, in which the topics can be looked up. Who cannot have it hears of it later.
            let _ = self.connection.producer().await;
            let Sorted {
                now,
                later,
                results,
            } = self.sort(&mut state, batch).await;
            let mut sendings = Vec::with_capacity(now.len());
            for (limit, load) in now {
                sendings.push(self.start(&mut state, limit, load).await);
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

    /// Looks up where each message goes, and refuses those that cannot go there.
    async fn sort(&self, state: &mut State, batch: Vec<Outgoing>) -> Sorted {
        let now = SystemTime::now();
        let mut sorted = Sorted::default();
        let mut refused: HashMap<Topic, TransportError> = HashMap::new();
        for (number, outgoing) in batch.into_iter().enumerate() {
            let topic = &outgoing.message.topic;
            let gone = refused.values().find(|failed| failed.is_transient());
            let known = match refused.get(topic).or(gone) {
                Some(failed) => Err(failed.clone()),
                None => self.place(state, topic).await,
            };
            if let Err(failed) = &known {
                refused.insert(topic.clone(), failed.clone());
            }
            let laid_out = known.and_then(|place| {
                let record = lay_out(&outgoing.message, &place.name)?;
                self.check_size(&record, place)?;
                Ok((place.limit, record))
            });
            let due = outgoing.due.filter(|due| *due > now);
            sorted.results.push(None);
            match (laid_out, due) {
                (Err(failed), _) => sorted.results[number] = Some(Err(failed)),
                (Ok(_), Some(due)) => sorted.later.push((number, outgoing.message, due)),
                (Ok((limit, record)), None) => {
                    let load = sorted.now.entry(limit.min(AT_ONCE)).or_default();
                    load.records.push(record);
                    load.slips.push((number, outgoing.message.topic));
                }
            }
        }
        sorted
    }

    /// Returns where the messages of a topic go; makes the topic where that was asked for.
    async fn place<'a>(&self, state: &'a mut State, topic: &Topic) -> Result<&'a Place> {
        if !state.places.contains_key(topic) {
            let name = self.connection.names().topic_name(topic)?;
            if self.connection.topics.partitions(&name).await?.is_none() {
                if !self.connection.create {
                    return Err(admin::unknown(&name));
                }
                self.connection.topics.create_user_topic(&name).await?;
            }
            let limit = self.limit(&name).await;
            state.places.insert(topic.clone(), Place { name, limit });
        }
        let place = state.places.get(topic);
        place.ok_or_else(|| error(ErrorKind::Other, "a topic was forgotten"))
    }

    /// Asks how large a record may be; who may publish may not be allowed to know.
    async fn limit(&self, name: &str) -> usize {
        let settings = self.connection.topics.settings(&[name.to_owned()]).await;
        let settings = settings.ok().and_then(|mut found| found.pop().flatten());
        let limit = settings.and_then(|settings| settings.get("max.message.bytes")?.parse().ok());
        limit.unwrap_or(USUAL_LIMIT)
    }

    /// Refuses what is too large for certain; on the edge, and after compression, the broker decides.
    fn check_size(&self, record: &OutgoingRecord, place: &Place) -> Result<()> {
        let properties = &self.connection.config.properties;
        let is_compressed = properties
            .keys()
            .any(|name| name.starts_with("compression."));
        if !is_compressed && record.bare_size() > place.limit {
            return Err(too_large(&place.name, Some(place.limit)));
        }
        Ok(())
    }

    /// Hands a load to the stream that takes it; the answers come later.
    async fn start(&self, state: &mut State, limit: usize, load: Load) -> Sending {
        let Load { records, slips } = load;
        let producer = match self.stream(state, limit).await {
            Ok(producer) => producer,
            Err(failed) => {
                let failed = move |(number, _)| (number, Err(failed.clone()));
                let all: Vec<_> = slips.into_iter().map(failed).collect();
                return Box::pin(async { all });
            }
        };
        let connection = Arc::clone(&self.connection);
        let mut sending = Box::pin(async move {
            let answers = producer.send(records).await;
            let told = slips.into_iter().zip(answers);
            told.map(|((number, topic), answer)| {
                let told = receipt(&connection, &topic, answer);
                let servers = &connection.config.servers;
                (
                    number,
                    told.map_err(|failed| heard(failed, producer.errors(), servers)),
                )
            })
            .collect::<Vec<_>>()
        });
        // Polled once, it has its turn.
        match sending.as_mut().now_or_never() {
            Some(told) => Box::pin(async { told }),
            None => sending,
        }
    }

    async fn stream(&self, state: &mut State, limit: usize) -> Result<Arc<Producer>> {
        if limit >= AT_ONCE {
            return self.connection.producer().await.map(Arc::clone);
        }
        if let Some(known) = state.narrow.get(&limit) {
            return Ok(Arc::clone(known));
        }
        let mut settings = settings::producer(&self.connection.config);
        settings.set("batch.size", limit.to_string());
        let made = Arc::new(Producer::new(&settings)?);
        state.narrow.insert(limit, Arc::clone(&made));
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
        let told = enqueue::enqueue(&self.connection, batch.collect()).await;
        for (number, result) in numbers.into_iter().zip(told) {
            results[number] = Some(result);
        }
    }

    async fn once(&self, message: Message) -> Result<Receipt> {
        let name = self.connection.names().topic_name(&message.topic)?;
        let record = lay_out(&message, &name)?;
        let connection = Arc::clone(&self.connection);
        let is_known = connection.topics.cached_partitions(&name).is_some();
        if connection.create && !is_known {
            connection.topics.create_user_topic(&name).await?;
        }
        let placed = blocking(move || send_once(&connection, record)).await?;
        receipt(&self.connection, &message.topic, Ok(placed))
    }
}

impl State {
    /// Returns the message of a batch that has nothing else and comes first, unless it is for later or needs a look.
    fn only(&mut self, batch: &[Outgoing]) -> Option<Message> {
        let has_begun = std::mem::replace(&mut self.has_begun, true);
        match batch {
            [only] if !has_begun && only.due.is_none_or(|due| due <= SystemTime::now()) => {
                let message = &only.message;
                let size = message.payload.as_ref().map_or(0, bytes::Bytes::len);
                (size <= AT_ONCE).then(|| message.clone())
            }
            _ => None,
        }
    }
}

fn lay_out(message: &Message, name: &str) -> Result<OutgoingRecord> {
    record::check(message)?;
    Ok(OutgoingRecord {
        topic: name.to_owned(),
        partition: None,
        key: message.key.clone(),
        payload: message.payload.clone(),
        headers: Some(record::headers(message, &[])),
    })
}

/// Stores one record with a producer of its own, which asks for the topic by itself: to ask first would take as long
/// as everything else. Blocks.
fn send_once(connection: &Connection, record: OutgoingRecord) -> Result<RecordMetadata> {
    let config = &connection.config;
    let name = record.topic.clone();
    let settings = settings::one_shot(config, connection.topics.cached_partitions(&name).is_some());
    let client: BaseProducer<DeliveryCallback> =
        client::create(&settings, DeliveryCallback::default())?;
    let errors = &client.context().errors;
    let end = Instant::now() + config.timeout;
    let batch = Arc::new(Batch::new(1));
    let mut pending = Some(record);
    while let Some(record) = pending.take() {
        pending = producer::enqueue(&client, record, &batch, 0);
    }
    failpoint::reach("kafka.sent");
    while !batch.is_done() {
        producer::serve_or_rest(&client, REST);
        if let Some(refused) = errors.fatal() {
            return Err(refused);
        }
        if Instant::now() > end && !was_answered(&client) {
            return Err(errors.unreachable(&config.servers));
        }
    }
    failpoint::reach("kafka.confirmed");
    match batch.results().pop() {
        Some(Ok(placed)) => Ok(placed),
        Some(Err(Code::MessageTimedOut)) | None if !was_answered(&client) => {
            Err(errors.unreachable(&config.servers))
        }
        answer => {
            let code = answer.and_then(Result::err);
            let failed = refusal(code.unwrap_or(Code::MessageTimedOut), &name);
            Err(heard(failed, errors, &config.servers))
        }
    }
}

/// Reports whether a broker ever told anything; before, a record cannot have gone anywhere.
fn was_answered(client: &BaseProducer<DeliveryCallback>) -> bool {
    client.client().fetch_cluster_id(Duration::ZERO).is_some()
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
        }),
        Err(code) => Err(refusal(code, &connection.names().topic_name(topic)?)),
    }
}

/// Adds what was heard meanwhile to an outcome that nobody knows.
fn heard(failed: TransportError, errors: &ClientErrors, servers: &[String]) -> TransportError {
    match errors.if_unreachable(servers) {
        Some(trouble) if failed.kind() == ErrorKind::Ambiguous => failed.because(trouble),
        _ => failed,
    }
}

/// Tells why a record is not stored, or may not be.
fn refusal(code: Code, name: &str) -> TransportError {
    match code {
        Code::MessageTimedOut | Code::NotEnoughReplicasAfterAppend => {
            let message = "it is not known whether the message was stored";
            let failed = error(ErrorKind::Ambiguous, message);
            failed.hint("`pf doctor` tells whether brokers or replicas are missing")
        }
        Code::MessageSizeTooLarge => too_large(name, None),
        Code::UnknownTopicOrPartition | Code::UnknownTopic => admin::unknown(name),
        Code::InvalidRecord => {
            let failed = error(
                ErrorKind::Invalid,
                format!("`{name}` does not take the record"),
            );
            failed.hint("a compacted topic takes no record without a key; `--key` gives one")
        }
        code => error::from_code(code, "publishing"),
    }
}

fn too_large(name: &str, limit: Option<usize>) -> TransportError {
    let message = match limit {
        Some(limit) => format!("the record is larger than `{name}` takes, {limit} bytes"),
        None => format!("the record is larger than `{name}` takes"),
    };
    error(ErrorKind::TooLarge, message).hint("the topic's `max.message.bytes` sets the limit")
}
