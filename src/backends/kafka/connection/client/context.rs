//! The context of every client: it keeps the client's errors, and says what a kind of client does in its callbacks.

use std::time::Duration;

use rdkafka::{
    ClientContext, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol},
    error::KafkaError,
    types::RDKafkaRespErr,
    util::Timeout,
};

use super::errors::{self, ClientErrors};

/// The context of a client.
#[derive(Debug, Default)]
pub(crate) struct Context<C = ()> {
    pub(crate) errors: ClientErrors,
    pub(crate) callbacks: C,
}

/// What a kind of client does in its callbacks.
pub(crate) trait Callbacks: Send + Sync + Sized + 'static {
    /// Reads a line of the client's log, which goes to `tracing` in any case.
    fn log(&self, _line: &str) {}

    /// Applies a rebalance of the group.
    fn rebalance(
        &self,
        client: &BaseConsumer<Context<Self>>,
        event: RDKafkaRespErr,
        partitions: &TopicPartitionList,
    ) {
        apply(client, event, partitions);
    }
}

impl Callbacks for () {}

/// Reports whether partitions were assigned; otherwise they were revoked.
pub(crate) fn is_assignment(event: RDKafkaRespErr) -> bool {
    event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS
}

/// Does what the group decided. The client goes on with its former partitions if it cannot, and reports why by itself.
pub(crate) fn apply<C: Callbacks>(
    client: &BaseConsumer<Context<C>>,
    event: RDKafkaRespErr,
    partitions: &TopicPartitionList,
) {
    let is_cooperative = matches!(client.rebalance_protocol(), RebalanceProtocol::Cooperative);
    let applied = match (is_assignment(event), is_cooperative) {
        (true, true) => client.incremental_assign(partitions),
        (true, false) => client.assign(partitions),
        (false, true) => client.incremental_unassign(partitions),
        (false, false) => client.unassign(),
    };
    if let Err(failed) = applied {
        tracing::debug!(%failed, "a rebalance was not applied");
    }
}

impl<C: Callbacks> ClientContext for Context<C> {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        self.errors.topics.hear(message);
        self.callbacks.log(message);
        errors::log(facility, message);
    }

    fn error(&self, failed: KafkaError, reason: &str) {
        self.errors.record(&failed, reason);
    }
}

impl<C: Callbacks> ConsumerContext for Context<C> {
    fn rebalance(
        &self,
        client: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        self.callbacks.rebalance(client, event, partitions);
    }

    /// A longer poll looks for rebalances and errors this often.
    fn main_queue_min_poll_interval(&self) -> Timeout {
        Timeout::After(Duration::from_millis(100))
    }
}
