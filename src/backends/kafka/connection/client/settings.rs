//! Settings of librdkafka for each kind of client. What differs from the defaults was measured, and costs a factor of ten
//! or more where it is left out.

use rdkafka::{ClientConfig, config::RDKafkaLogLevel, error::KafkaError};

use super::topic_ids;
use crate::{
    backends::kafka::{
        connection::config::{Config, wrong},
        error,
    },
    transport::Result,
};

/// The most that the queues of a group member may prefetch together, in KiB.
const QUEUED: usize = 24 << 10;
/// The most bytes of an answer to a fetch of a group member, unless a single record is larger.
const FETCHED: usize = 4 << 20;

fn base(config: &Config) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", config.servers.join(","))
        .set("client.id", "pf")
        .set("allow.auto.create.topics", "false")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000");
    client
}

fn finish(mut client: ClientConfig, config: &Config) -> ClientConfig {
    // A vendored OpenSSL does not know where the system keeps its root certificates.
    client.set("ssl.ca.location", "probe");
    for (name, value) in &config.properties {
        match client.get(name) {
            Some(own) if name == "debug" => {
                let both = format!("{own},{value}");
                client.set(name, both);
            }
            _ => {
                client.set(name, value);
            }
        }
    }
    client
}

/// Makes a client log the ids of topics.
fn say_ids(client: &mut ClientConfig) {
    client
        .set("debug", topic_ids::CONTEXT)
        .set_log_level(RDKafkaLogLevel::Debug);
}

/// Checks that librdkafka accepts every property of a URL.
pub(crate) fn validate(config: &Config) -> Result<()> {
    let mut client = ClientConfig::new();
    for (name, value) in &config.properties {
        client.set(name, value);
    }
    match client.create_native_config() {
        Ok(_) => Ok(()),
        Err(KafkaError::ClientConfig(_, reason, name, value)) => {
            // Also under a misspelt name.
            let may_be_secret = name.starts_with("sasl") || name.starts_with("ssl");
            let value = if may_be_secret { "***" } else { &value };
            let message = format!("librdkafka refuses `{name}={value}`: {reason}");
            Err(wrong(message).hint("its documentation lists every property"))
        }
        Err(failed) => Err(error::from_kafka(failed, "reading properties")),
    }
}

/// Returns the settings of the idempotent producer: no record is stored twice when a broker goes away and comes back.
pub(crate) fn producer(config: &Config) -> ClientConfig {
    let mut client = base(config);
    client
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("linger.ms", "5")
        .set("queue.buffering.max.messages", "20000")
        .set("message.timeout.ms", "60000")
        .set("message.max.bytes", "1000000000")
        .set("batch.size", "900000")
        .set("partitioner", "murmur2_random");
    finish(client, config)
}

/// Returns the settings of the producer of marks: it starts at once, waits for no batch to fill, and outlasts a broker that
/// goes away. A mark that is stored twice says the same.
pub(crate) fn marks(config: &Config) -> ClientConfig {
    let mut client = base(config);
    client
        .set("acks", "all")
        .set("enable.idempotence", "false")
        .set("linger.ms", "0")
        .set("queue.buffering.max.messages", "20000")
        .set("message.timeout.ms", "60000")
        .set("topic.metadata.propagation.max.ms", "5000");
    finish(client, config)
}

/// Returns the settings of a producer for a single message, without the half second in which an idempotent producer gets
/// its id. A known topic may have been created a moment ago, so a broker that does not know it yet is asked again; any
/// other topic does not exist if the first broker says so.
pub(crate) fn one_shot(config: &Config, is_known: bool) -> ClientConfig {
    let mut client = base(config);
    let patience = config.timeout.as_millis().max(5000);
    let hearsay = if is_known { patience } else { 0 };
    client
        .set("acks", "all")
        .set("enable.idempotence", "false")
        .set("max.in.flight", "1")
        .set("linger.ms", "0")
        .set("message.timeout.ms", patience.to_string())
        .set("topic.metadata.propagation.max.ms", hearsay.to_string())
        .set("message.max.bytes", "1000000000")
        .set("partitioner", "murmur2_random");
    finish(client, config)
}

/// Returns the settings of a transactional producer; each `id` has one at a time.
pub(crate) fn transactional(config: &Config, id: &str) -> ClientConfig {
    let mut client = base(config);
    client
        .set("transactional.id", id)
        .set("acks", "all")
        .set("linger.ms", "0")
        // Each partition that is written to makes the commit more expensive for a broker.
        .set("sticky.partitioning.linger.ms", "200")
        // The next transaction is refused while the markers of the last one are being written; this is the pause.
        .set("retry.backoff.ms", "1")
        .set("transaction.timeout.ms", "30000")
        .set("topic.metadata.propagation.max.ms", "5000")
        .set("message.timeout.ms", "20000")
        .set("queue.buffering.max.messages", "20000")
        .set("message.max.bytes", "1000000000")
        .set("batch.size", "900000")
        .set("partitioner", "murmur2_random");
    finish(client, config)
}

/// The records that a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// Those of committed transactions, up to the first open one.
    Committed,
    /// All, with those of open and aborted transactions.
    Uncommitted,
}

impl Isolation {
    fn setting(self) -> &'static str {
        match self {
            Self::Committed => "read_committed",
            Self::Uncommitted => "read_uncommitted",
        }
    }
}

/// Returns the settings of a consumer for requests only. Without a group it closes at once; with one, closing takes a
/// tenth of a second.
pub(crate) fn metadata(config: &Config, isolation: Isolation) -> ClientConfig {
    let mut client = base(config);
    client.set("isolation.level", isolation.setting());
    finish(client, config)
}

/// Returns the settings of a reader without a group.
pub(crate) fn reader(config: &Config, isolation: Isolation, bounded: bool) -> ClientConfig {
    let mut client = base(config);
    client
        // The client requires a group to read without one: it asks for the group's coordinator, and never joins. Whether
        // ACLs allow that does not matter to the reading.
        .set("group.id", config.names.reader_group())
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "error")
        .set("enable.partition.eof", "true")
        .set("fetch.queue.backoff.ms", "5")
        .set("queued.max.messages.kbytes", "4096")
        .set("isolation.level", isolation.setting());
    say_ids(&mut client);
    if bounded {
        // At the end of the log a broker would hold its answer back for half a second.
        client.set("fetch.wait.max.ms", "10");
    }
    finish(client, config)
}

/// Returns the settings of a group member with this many queues: one for each retry partition, and one for all others.
pub(crate) fn consumer(config: &Config, group: &str, queues: usize) -> ClientConfig {
    let share = (QUEUED / queues.max(1)).clamp(64, 4096);
    let mut client = base(config);
    client
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_committed")
        .set("fetch.queue.backoff.ms", "5")
        .set("queued.max.messages.kbytes", share.to_string())
        // An answer stays in memory as a whole until its records are taken from all queues.
        .set("fetch.max.bytes", FETCHED.to_string())
        .set(
            "fetch.message.max.bytes",
            (share.min(1024) << 10).to_string(),
        )
        // While the common queue is full only retries are fetched; a broker holds that answer back for this long.
        .set("fetch.wait.max.ms", "50");
    say_ids(&mut client);
    // Under the newer protocol brokers have these settings, and the client refuses them.
    if is_classic(config) {
        client
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "500");
    }
    finish(client, config)
}

/// Reports whether the members of a group assign partitions themselves; under the newer protocol the broker does.
pub(crate) fn is_classic(config: &Config) -> bool {
    let protocol = config.properties.get("group.protocol");
    protocol.is_none_or(|protocol| protocol != "consumer")
}

/// Returns the settings of the client that creates and describes topics.
pub(crate) fn admin(config: &Config) -> ClientConfig {
    finish(base(config), config)
}
