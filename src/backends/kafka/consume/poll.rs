//! What a poll of a member's client brings: a record, or trouble.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    Message as _,
    consumer::{Consumer as _, base_consumer::PartitionQueue},
    error::{KafkaError, KafkaResult},
    message::BorrowedMessage,
    types::RDKafkaErrorCode as Code,
};

use super::{
    assignment::{
        gap_recovery::{self, Torn},
        partition::{Kind, PartId},
        rebalance::Watch,
    },
    membership::join_errors,
    poll_loop::Pump,
    retry_topics::support_topics,
    state::{Claim, Desk, Waiting},
};
use crate::{
    backends::kafka::{
        codec::record::{self, FetchedRecord, LINEAGE},
        error,
    },
    event::{Stored, Topic},
    transport::{Attempts, Result},
};

impl Pump {
    pub(crate) fn poll(&mut self, patience: Duration) -> Result<Option<FetchedRecord>> {
        let client = Arc::clone(&self.client);
        self.see(client.poll(patience))
    }

    /// Reads so many records of retries, at the most, and one of each partition more.
    pub(crate) fn poll_retries(
        &mut self,
        max: usize,
        chunk: &mut Vec<FetchedRecord>,
    ) -> Result<()> {
        let mut queues = std::mem::take(&mut self.retries);
        let polled = queues.visit(|queue, count| self.poll_queue(queue, max / count + 1, chunk));
        self.retries = queues;
        polled
    }

    /// Reads a queue; reports whether there may be more in it.
    fn poll_queue(
        &mut self,
        queue: &PartitionQueue<Watch>,
        max: usize,
        chunk: &mut Vec<FetchedRecord>,
    ) -> Result<bool> {
        for _ in 0..max {
            let polled = queue.poll(Duration::ZERO);
            match &polled {
                None => return Ok(false),
                Some(Err(failed))
                    if failed.rdkafka_error_code() == Some(Code::TopicAuthorizationFailed) =>
                {
                    let (connection, group) = (&self.shared.connection, &self.shared.group);
                    self.shared
                        .fail(support_topics::unreadable(connection, group));
                    continue;
                }
                Some(_) => {}
            }
            chunk.extend(self.see(polled)?);
        }
        Ok(true)
    }

    fn see(
        &mut self,
        polled: Option<KafkaResult<BorrowedMessage<'_>>>,
    ) -> Result<Option<FetchedRecord>> {
        match polled {
            None => Ok(None),
            Some(Ok(record)) => {
                self.down = false;
                let known = self.names.get(record.topic()).cloned();
                let name = known.unwrap_or_else(|| {
                    let name: Arc<str> = record.topic().into();
                    self.names
                        .insert(record.topic().to_owned(), Arc::clone(&name));
                    name
                });
                Ok(Some(FetchedRecord::copy(name, &record)))
            }
            Some(Err(failed)) => {
                self.heed(failed)?;
                Ok(None)
            }
        }
    }

    fn heed(&mut self, failed: KafkaError) -> Result<()> {
        if gap_recovery::is_gap(&failed) {
            self.torn = Some(Torn::new(true));
            return Ok(());
        }
        let watch = self.client.context();
        if let Some(refused) = watch.errors.fatal() {
            return Err(refused);
        }
        let code = failed.rdkafka_error_code();
        let place = (&self.shared.connection, &self.shared.group);
        let refused = code.and_then(|code| join_errors::refusal(code, &self.client, place));
        if let Some(refused) = refused {
            self.shared.fail(refused);
            return Ok(());
        }
        let is_final = matches!(failed, KafkaError::MessageConsumptionFatal(_));
        let known = error::from_kafka(failed, "reading");
        if is_final {
            self.shared.fail(known);
            return Ok(());
        }
        if known.is_transient() && !self.down {
            self.down = true;
            self.shared.fail(
                watch
                    .errors
                    .unreachable(&self.shared.connection.config.servers),
            );
        } else {
            tracing::debug!(%known, "reading goes on");
        }
        Ok(())
    }
}

impl Desk {
    /// Takes in a record of a partition that is ours.
    pub(crate) fn take(&mut self, id: PartId, read: FetchedRecord, now: i64) {
        let Some(part) = self.parts.get_mut(&id) else {
            return;
        };
        match &mut part.kind {
            Kind::Retries(retries) => {
                retries.seen = retries.seen.max(read.offset + 1);
                retries.pending.take(&read, now);
            }
            Kind::Messages { topic, tracker, .. } => {
                if tracker.take(read.offset) {
                    let waiting = fresh(id, topic.clone(), read);
                    self.admit(waiting);
                }
            }
        }
    }
}

/// Makes a delivery of a message that was not tried yet.
fn fresh(part: PartId, topic: Topic, read: FetchedRecord) -> Waiting {
    let lineage = read.marks.get(LINEAGE);
    let lineage = lineage.and_then(|text| serde_json::from_slice(text).ok());
    let offset = read.offset;
    let stored = Stored {
        position: record::position(&topic, read.partition, offset),
        time: read.time,
        message: read.message(topic),
    };
    Waiting {
        stored,
        attempts: Attempts::default(),
        lineage,
        claim: Claim {
            part,
            offset,
            waited: None,
        },
    }
}
