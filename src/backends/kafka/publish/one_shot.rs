//! The first single message of a process, stored without the start-up of an idempotent producer.
//!
//! An idempotent producer asks for a producer id before it sends, which takes half a second on a fresh connection: most of
//! what `pf publish` of one event takes. A plain producer cannot store the record twice either, as it sends it once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{producer::Producer as _, types::RDKafkaErrorCode as Code};

use super::refusal::{refusal, with_cause};
use crate::{
    backends::kafka::{
        codec::record::OutgoingRecord,
        connection::{
            client::{self, context::Context, settings},
            handle::Connection,
            producer::{self, Batch, ProducerClient, RecordMetadata},
        },
    },
    failpoint,
    transport::Result,
};

/// The pause between two looks for an answer.
const PAUSE: Duration = Duration::from_micros(100);

/// Stores one record. The producer looks up the topic by itself: a metadata request before it would take as long as all the
/// rest. Blocks.
pub(super) fn send(connection: &Connection, record: OutgoingRecord) -> Result<RecordMetadata> {
    let config = &connection.config;
    let name = record.topic.clone();
    let settings = settings::one_shot(config, connection.topics.cached_partitions(&name).is_some());
    let client: ProducerClient = client::create(&settings, Context::default())?;
    let errors = &client.context().errors;
    let end = Instant::now() + config.timeout;
    let batch = Arc::new(Batch::new(1));
    let mut pending = Some(record);
    while let Some(record) = pending.take() {
        pending = producer::enqueue(&client, record, &batch, 0);
    }
    failpoint::reach("kafka.sent");
    while !batch.is_done() {
        producer::serve_or_rest(&client, PAUSE);
        let refused = if was_answered(&client) {
            errors.fatal()
        } else {
            errors.fatal_at_start()
        };
        if let Some(refused) = refused {
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
            let failed = refusal(config, code.unwrap_or(Code::MessageTimedOut), &name);
            Err(with_cause(failed, errors, &config.servers))
        }
    }
}

/// Reports whether a broker ever answered; before that, the record cannot have been sent.
fn was_answered(client: &ProducerClient) -> bool {
    client.client().fetch_cluster_id(Duration::ZERO).is_some()
}
