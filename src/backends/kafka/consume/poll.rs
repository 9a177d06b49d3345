//! Polling the client of a member: records, and errors by what they mean.

use std::{collections::HashMap, sync::Arc, time::Duration};

use rdkafka::{
    Message as _,
    consumer::{Consumer as _, base_consumer::PartitionQueue},
    error::{KafkaError, KafkaResult},
    message::BorrowedMessage,
    types::RDKafkaErrorCode as Code,
};

use super::{
    assignment::{
        gap_recovery::GapRecovery,
        rebalance::{GroupCallbacks, GroupConsumer},
    },
    membership::join_errors,
    retry_topics::{retry_queues::RetryQueues, sources::RetryTopic, support_topics},
    session::Session,
};
use crate::{
    backends::kafka::{
        codec::record::FetchedRecord, connection::client::context::Context, error, read::gap,
    },
    transport::Result,
};

/// Polls the common queue of a client, and those of retry partitions.
pub(crate) struct Poller {
    client: Arc<GroupConsumer>,
    session: Arc<Session>,
    retries: RetryQueues,
    names: HashMap<String, Arc<str>>,
    /// No broker answered last.
    is_down: bool,
    pub(crate) gaps: GapRecovery,
}

impl Poller {
    pub(crate) fn new(client: &Arc<GroupConsumer>, session: &Arc<Session>) -> Self {
        Self {
            client: Arc::clone(client),
            session: Arc::clone(session),
            retries: RetryQueues::default(),
            names: HashMap::new(),
            is_down: false,
            gaps: GapRecovery::new(),
        }
    }

    /// Gives the partitions of retry topics queues of their own.
    pub(crate) fn split_retries(&mut self, topics: &[RetryTopic]) {
        self.retries.split(&self.client, topics);
    }

    /// Polls the common queue.
    pub(crate) fn poll(&mut self, wait: Duration) -> Result<Option<FetchedRecord>> {
        let client = Arc::clone(&self.client);
        self.on_polled(client.poll(wait))
    }

    /// Polls the queues of retry partitions for about `max` records, and at least one of each.
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

    /// Polls a queue; reports whether there may be more in it.
    fn poll_queue(
        &mut self,
        queue: &PartitionQueue<Context<GroupCallbacks>>,
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
                    let session = &self.session;
                    let failed = support_topics::unreadable(&session.connection, &session.group);
                    session.fail(failed);
                    continue;
                }
                Some(_) => {}
            }
            chunk.extend(self.on_polled(polled)?);
        }
        Ok(true)
    }

    fn on_polled(
        &mut self,
        polled: Option<KafkaResult<BorrowedMessage<'_>>>,
    ) -> Result<Option<FetchedRecord>> {
        match polled {
            None => Ok(None),
            Some(Ok(record)) => {
                self.is_down = false;
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
                self.on_error(failed)?;
                Ok(None)
            }
        }
    }

    fn on_error(&mut self, failed: KafkaError) -> Result<()> {
        if gap::is_gap(&failed) {
            self.gaps.on_gap();
            return Ok(());
        }
        let errors = &self.client.context().errors;
        if let Some(fatal) = errors.fatal() {
            return Err(fatal);
        }
        let session = &self.session;
        let refused = failed.rdkafka_error_code().and_then(|code| {
            join_errors::refusal(code, &self.client, &session.connection, &session.group)
        });
        if let Some(refused) = refused {
            session.fail(refused);
            return Ok(());
        }
        let is_fatal = matches!(failed, KafkaError::MessageConsumptionFatal(_));
        let known = error::from_kafka(failed, "reading");
        if is_fatal {
            session.fail(known);
        } else if known.is_transient() && !self.is_down {
            // Reported once; the client reconnects by itself.
            self.is_down = true;
            session.fail(errors.unreachable(&session.connection.config.servers));
        } else {
            tracing::debug!(%known, "reading goes on");
        }
        Ok(())
    }
}
