//! Transactions under a fixed name, of which there is one worker at a time: who begins fences those before.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList, consumer::ConsumerGroupMetadata, error::KafkaError,
    producer::Producer as _, types::RDKafkaErrorCode as Code,
};

use super::{
    access::{self, Access},
    client::{self, context::Context, settings},
    config::Config,
    producer::{Batch, ProducerClient, RecordMetadata, enqueue, serve_or_rest},
};
use crate::{
    backends::kafka::{codec::record::OutgoingRecord, error},
    failpoint,
    transport::{ErrorKind, Result, TransportError},
};

/// How long a step of a transaction may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to rest where no answer has come.
const REST: Duration = Duration::from_micros(100);

/// The position of a group, to be moved in the same transaction.
pub(crate) struct OffsetsToCommit {
    pub(crate) offsets: TopicPartitionList,
    pub(crate) group: ConsumerGroupMetadata,
}

/// The last offsets that were written, by topic and partition.
pub(crate) type LastOffsets = HashMap<(String, i32), i64>;

/// Returns where the first record of a transaction is stored. It says what a change came after, so that none must be
/// made up.
pub(crate) fn first(stored: &[RecordMetadata]) -> Result<RecordMetadata, Failed> {
    let unanswered = || Failed::whole(TransportError::unanswered(error::SCHEME));
    stored.first().copied().ok_or_else(unanswered)
}

/// A producer of transactions. Every method blocks.
pub(crate) struct TransactionalProducer {
    client: ProducerClient,
    config: Config,
}

impl std::fmt::Debug for TransactionalProducer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transactor")
    }
}

impl TransactionalProducer {
    /// Takes over the name: its former holder can no longer commit, and a transaction that it left open is aborted.
    pub(crate) fn begin(config: &Config, id: &str) -> Result<Self> {
        let settings = settings::transactional(config, id);
        let client: ProducerClient = client::create(&settings, Context::default())?;
        client::metadata(&client, config, None)?;
        client
            .init_transactions(STEP_TIMEOUT)
            .map_err(|failed| match code_of(&failed) {
                Some(Code::TransactionalIdAuthorizationFailed) => {
                    Access::transactional_id(id).denied(config)
                }
                _ => refused(failed, "beginning"),
            })?;
        Ok(Self {
            client,
            config: config.clone(),
        })
    }

    /// Stores all records and moves the position, or nothing of it.
    ///
    /// # Errors
    /// [`ErrorKind::Held`] if another process took over, [`ErrorKind::Ambiguous`] if the commit got no answer; otherwise
    /// nothing was stored. A record that the broker refused is named by its number.
    pub(crate) fn commit(
        &self,
        records: Vec<OutgoingRecord>,
        moved: Option<&OffsetsToCommit>,
    ) -> Result<Vec<RecordMetadata>, Failed> {
        let client = &self.client;
        client
            .begin_transaction()
            .map_err(|failed| Failed::whole(refused(failed, "a transaction")))?;
        let placed = match self.produce(records, moved) {
            Ok(placed) => placed,
            // Who was shut out hears of records that were dropped first.
            Err(failed) => return Err(self.abort().map_or(failed, Failed::whole)),
        };
        failpoint::reach("kafka.transaction_filled");
        let end = Instant::now() + STEP_TIMEOUT;
        loop {
            match client.commit_transaction(STEP_TIMEOUT) {
                Ok(()) => return Ok(placed),
                Err(failed) if may_repeat(&failed) && Instant::now() < end => {}
                Err(failed) => return Err(Failed::whole(self.lost(failed))),
            }
        }
    }

    /// Commits one record.
    pub(crate) fn commit_one(&self, record: OutgoingRecord) -> Result<RecordMetadata, Failed> {
        first(&self.commit(vec![record], None)?)
    }

    /// Commits as [`commit`](Self::commit) does, and returns once readers of committed records see it: a broker answers
    /// before it has marked the partitions.
    pub(crate) fn commit_visibly(
        &self,
        records: Vec<OutgoingRecord>,
    ) -> Result<Vec<RecordMetadata>, Failed> {
        let topics: Vec<String> = records.iter().map(|record| record.topic.clone()).collect();
        let placed = self.commit(records, None)?;
        let mut last = LastOffsets::new();
        for (topic, placed) in topics.into_iter().zip(&placed) {
            last.insert((topic, placed.partition), placed.offset);
        }
        self.wait_until_seen(&last);
        Ok(placed)
    }

    /// Waits until readers of committed records see what stands there.
    pub(crate) fn wait_until_seen(&self, last: &LastOffsets) {
        let end = Instant::now() + STEP_TIMEOUT;
        for ((topic, partition), offset) in last {
            while !self.is_seen(topic, *partition, *offset) && Instant::now() < end {
                self.client.poll(Duration::from_millis(1));
            }
        }
    }

    fn is_seen(&self, topic: &str, partition: i32, offset: i64) -> bool {
        let bounds = self
            .client
            .client()
            .fetch_watermarks(topic, partition, STEP_TIMEOUT);
        bounds.is_ok_and(|(_, committed)| committed > offset)
    }

    fn produce(
        &self,
        records: Vec<OutgoingRecord>,
        moved: Option<&OffsetsToCommit>,
    ) -> Result<Vec<RecordMetadata>, Failed> {
        let batch = Arc::new(Batch::new(records.len()));
        for (number, record) in records.into_iter().enumerate() {
            let mut pending = Some(record);
            while let Some(record) = pending.take() {
                pending = enqueue(&self.client, record, &batch, number);
                if pending.is_some() {
                    serve_or_rest(&self.client, REST);
                }
            }
        }
        if let Some(moved) = moved {
            let sent =
                self.client
                    .send_offsets_to_transaction(&moved.offsets, &moved.group, STEP_TIMEOUT);
            sent.map_err(|failed| Failed::whole(refused(failed, "moving the position")))?;
        }
        // The client's own flush, within the commit, wakes up ten times a second only.
        while !batch.is_done() {
            serve_or_rest(&self.client, REST);
        }
        let results = batch.results();
        let refused = results.iter().enumerate();
        let mut refused = refused.filter_map(|(number, result)| Some((number, result.err()?)));
        // Because of the one that the broker refused, the client drops those that it has not sent.
        let told = refused.clone().find(|(_, code)| !is_dropped(*code));
        match told.or_else(|| refused.next()) {
            Some((number, code)) => Err(self.why(number, code)),
            None => Ok(results.into_iter().flatten().collect()),
        }
    }

    /// Tells why a record failed. Those of a producer that has been fenced are thrown away, without the reason.
    fn why(&self, number: usize, code: Code) -> Failed {
        if let Some((code, reason)) = self.client.client().fatal_error() {
            let error = error::from_code(fenced(code), "a transaction").because(reason);
            return Failed::whole(error);
        }
        let doing = "a record of a transaction";
        let error = match code {
            code if is_dropped(code) => return self.why_dropped(),
            code => {
                let denied = self.client.context().errors.denied_topic();
                let topic = denied.as_deref().unwrap_or("of the transaction");
                access::from_code(&self.config, code, doing, Access::topic("Write", topic))
            }
        };
        Failed {
            record: Some(number),
            error: match self.client.context().errors.last() {
                Some(reason) => error.because(reason),
                None => error,
            },
        }
    }

    /// Tells why records were dropped before they were sent. librdkafka drops the queue of a transaction that cannot be
    /// committed, and only an attempt to commit returns the reason. It cannot succeed: the dropped records count as failed.
    fn why_dropped(&self) -> Failed {
        let dropped = "a record of a transaction was dropped";
        let reason = self.client.commit_transaction(STEP_TIMEOUT).err();
        let is_denied = |code: &Code| *code == Code::TopicAuthorizationFailed;
        if let Some(code) = reason.as_ref().and_then(code_of).filter(is_denied) {
            let topic = self.client.context().errors.denied_topic();
            let topic = topic.as_deref().unwrap_or("of the transaction");
            let access = Access::topic("Write", topic);
            return Failed::whole(access::from_code(&self.config, code, dropped, access));
        }
        let failed = error::error(ErrorKind::Unavailable, dropped);
        Failed::whole(match reason {
            Some(reason) => failed.because(reason),
            None => failed,
        })
    }

    /// Gives up what was sent; returns the error of who was shut out.
    fn abort(&self) -> Option<TransportError> {
        let failed = self.client.abort_transaction(STEP_TIMEOUT).err()?;
        tracing::debug!(%failed, "a transaction could not be aborted");
        let known = refused(failed, "giving up a transaction");
        (known.kind() == ErrorKind::Held).then_some(known)
    }

    fn lost(&self, failed: KafkaError) -> TransportError {
        let known = refused(failed, "committing");
        if known.kind() == ErrorKind::Held {
            return known;
        }
        let _ = self.abort();
        let message = "whether a transaction was committed is not known";
        crate::backends::kafka::error::error(ErrorKind::Ambiguous, message).because(known)
    }
}

/// A transaction of which nothing was stored, or of unknown outcome.
#[derive(Debug)]
pub(crate) struct Failed {
    /// The record that was refused, if it was one.
    pub(crate) record: Option<usize>,
    pub(crate) error: TransportError,
}

impl Failed {
    fn whole(error: TransportError) -> Self {
        Self {
            record: None,
            error,
        }
    }
}

impl From<Failed> for TransportError {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

fn is_dropped(code: Code) -> bool {
    matches!(code, Code::PurgeQueue | Code::PurgeInflight)
}

fn may_repeat(failed: &KafkaError) -> bool {
    matches!(failed, KafkaError::Transaction(inner) if inner.is_retriable())
}

fn refused(failed: KafkaError, doing: &str) -> TransportError {
    let Some(code) = code_of(&failed) else {
        return error::from_kafka(failed, doing);
    };
    error::from_code(fenced(code), doing).because(failed)
}

fn code_of(failed: &KafkaError) -> Option<Code> {
    match failed {
        KafkaError::Transaction(inner) => Some(inner.code()),
        other => other.rdkafka_error_code(),
    }
}

/// Returns the one code for a producer in whose place there is another.
fn fenced(code: Code) -> Code {
    match code {
        Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch => Code::ProducerFenced,
        other => other,
    }
}
