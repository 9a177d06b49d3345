//! What Kafka can do, and what we do on top of it.

use std::{sync::Arc, time::Duration};

use rdkafka::metadata::MetadataBroker;

use crate::{
    backends::kafka::{
        connection::{
            admin::{self, Settings},
            client,
            handle::Connection,
            version,
        },
        error::SCHEME,
    },
    transport::{Capabilities, Limits, Result, Support},
};

/// Returns what is known without asking a broker.
pub(super) fn offline() -> Capabilities {
    Capabilities {
        transport: SCHEME.to_owned(),
        server: None,
        publish: Support::native("acknowledged by every replica in sync"),
        dedup: Support::absent(
            "the idempotent producer recognises only its own repeats; let the consumers ignore ids that they know",
        ),
        dedup_handling: Support::emulated(
            "the mark is stored in `pf.<action>.marks` before the offset may pass; a consumer knows the last 900,000. Copies \
             without a key, which two consumers may hold at the same moment, are both handled then, unless each is begun \
             (`at-most-once`)",
        ),
        delay: Support::emulated(
            "waits in `pf.delay`; fires exactly once for readers of committed records, while a `pf consume` or \
             `pf schedule run` is up on the cluster",
        ),
        schedule: Support::emulated("reads the whole of `pf.delay`"),
        delayed_retry: Support::emulated(
            "waits in a topic of group and topic, `pf.<group>.<topic>.<hash>.delay`",
        ),
        dlq: Support::emulated("stored in `<topic>.dlq` before the offset may pass"),
        exactly_once_replay: Support::native(
            "message, receipt and position in one transaction, for readers of committed records",
        ),
        exactly_once_outbox: Support::native(
            "batch and receipt in one transaction, for readers of committed records",
        ),
        replay_to_group: Support::emulated(
            "through a topic of group and topic, `pf.<group>.<topic>.<hash>.delay`",
        ),
        order: Support::native("per partition, so per key"),
        ordered_retry: Support::absent("a retry leaves its partition and its key's order"),
        groups: Support::native("a partition is with one consumer of a group"),
        patterns: Support::emulated("new topics are found within seconds"),
        crash_count: Support::absent("Kafka does not count deliveries"),
        purge: Support::emulated(
            "marks dead letters as purged; their bytes go once everything before them in the partition is purged too",
        ),
        limits: Limits {
            max_payload: Some(1_048_588),
            max_delay: None,
            lateness: Some(Duration::from_millis(150)),
            unordered_headers: false,
        },
    }
}

/// Returns what this cluster can do.
pub(super) async fn live(connection: &Arc<Connection>) -> Result<Capabilities> {
    connection.preflight().await?;
    let mut all = Capabilities {
        server: Some(version::server(connection).await?),
        ..offline()
    };
    // Who may publish may not be allowed to know what a broker takes.
    let broker = broker(connection).await.unwrap_or_default();
    if let Some(limit) = broker.get("message.max.bytes") {
        all.limits.max_payload = limit.parse().ok();
    }
    Ok(all)
}

/// Returns the settings of one of the brokers.
pub(super) async fn broker(connection: &Arc<Connection>) -> Result<Settings> {
    let any = connection
        .ask(|client, config| {
            let found = client::metadata(client, config, None)?;
            Ok(found.brokers().first().map(MetadataBroker::id))
        })
        .await?;
    match any {
        Some(id) => admin::of_broker(connection.admin().await?, &connection.config, id).await,
        None => Ok(Settings::default()),
    }
}
