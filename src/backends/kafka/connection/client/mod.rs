//! Clients of librdkafka: creating and closing them, and metadata with a deadline.

pub(crate) mod context;
pub(crate) mod errors;
pub(crate) mod settings;
pub(crate) mod shared;
mod tls;
pub(crate) mod topic_ids;

use std::{
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, ClientContext,
    admin::AdminClient,
    client::Client,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    metadata::Metadata,
    types::RDKafkaErrorCode as Code,
};

use self::context::{Callbacks, Context};
use crate::{
    backends::kafka::{
        codec::topic_partition::{TopicPartition, Watermarks},
        connection::{
            access::{self, Access},
            config::{Config, wrong},
            threads,
        },
        error,
    },
    transport::Result,
};

/// How long a request waits for its answer before the client's errors are read.
const SLICE: Duration = Duration::from_millis(200);
/// The most topics of which metadata is requested one by one.
const MAX_REFRESHED: usize = 4;
/// The pause before a partition without a leader is asked for again.
const NO_LEADER: Duration = Duration::from_millis(20);

/// Creates a client.
pub(crate) fn create<C, T>(client: &ClientConfig, context: C) -> Result<T>
where
    C: ClientContext,
    T: FromClientConfigAndContext<C>,
{
    client
        .create_with_context(context)
        .map_err(|failed| match failed {
            KafkaError::ClientCreation(reason) => {
                wrong(format!("cannot create a client: {reason}"))
            }
            KafkaError::ClientConfig(_, reason, name, _) => wrong(format!("`{name}`: {reason}")),
            failed => error::from_kafka(failed, "creating a client"),
        })
}

/// Drops a client, which takes a tenth of a second, without waiting for it. Where OpenSSL may be in use it is not dropped
/// here: OpenSSL must not be in use when a program exits.
pub(crate) fn close_in_background<T: Send + 'static>(config: &Config, client: Option<T>) {
    if client.is_some() && !may_use_openssl(config) {
        let _ = threads::spawn("pf-kafka-closer", move || drop(client));
    }
}

/// Drops a client at the end of its thread, behind the sender of what it read: its receiver waits only where it has to.
pub(crate) fn close_behind<C, S>(config: &Config, client: C, sender: S) {
    if may_use_openssl(config) {
        drop(client);
        drop(sender);
    } else {
        drop(sender);
        drop(client);
    }
}

fn may_use_openssl(config: &Config) -> bool {
    config.properties.contains_key("security.protocol")
}

/// A client that answers requests, and serves its events meanwhile.
pub(crate) trait MetadataClient<C: Callbacks> {
    fn handle(&self) -> &Client<Context<C>>;
    fn serve(&self);
}

impl<C: Callbacks> MetadataClient<C> for BaseConsumer<Context<C>> {
    fn handle(&self) -> &Client<Context<C>> {
        self.client()
    }

    fn serve(&self) {
        let _ = self.poll(Duration::ZERO);
    }
}

impl<C: Callbacks> MetadataClient<C> for AdminClient<Context<C>> {
    fn handle(&self) -> &Client<Context<C>> {
        self.inner()
    }

    fn serve(&self) {}
}

/// Requests metadata until the timeout, or until an error shows that there will be no answer. Blocks.
pub(crate) fn metadata<C, T>(client: &T, config: &Config, topic: Option<&str>) -> Result<Metadata>
where
    C: Callbacks,
    T: MetadataClient<C>,
{
    let errors = &client.handle().context().errors;
    let end = Instant::now() + config.timeout;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let failed = match client.handle().fetch_metadata(topic, left.min(SLICE)) {
            Ok(metadata) => return Ok(metadata),
            Err(failed) => failed,
        };
        client.serve();
        if let Some(refused) = errors.fatal_at_start() {
            return Err(refused);
        }
        if end <= Instant::now() {
            tracing::debug!(%failed, "no metadata");
            return Err(errors.unreachable(&config.servers));
        }
    }
}

/// Requests the metadata of topics that a client starts to read: by itself it learns their leaders only with its next
/// periodic request. What is polled meanwhile is dropped, so that no record may come yet. Blocks.
pub(crate) fn refresh_metadata<'a, C: Callbacks>(
    client: &BaseConsumer<Context<C>>,
    config: &Config,
    topics: impl Iterator<Item = &'a str>,
) -> Result<()> {
    for topic in topics.take(MAX_REFRESHED) {
        metadata(client, config, Some(topic))?;
    }
    Ok(())
}

/// Requests the watermarks of a partition. Blocks.
pub(crate) fn watermarks<C: Callbacks>(
    client: &BaseConsumer<Context<C>>,
    config: &Config,
    at: &TopicPartition,
) -> Result<Watermarks> {
    let end = Instant::now() + config.timeout;
    loop {
        let failed = match client.fetch_watermarks(&at.topic, at.partition, config.timeout) {
            Ok((low, high)) => return Ok(Watermarks { low, high }),
            Err(failed) => failed,
        };
        // A partition has no leader for a moment after its topic was created or a broker stopped.
        let may_pass = matches!(
            failed.rdkafka_error_code(),
            Some(Code::UnknownPartition | Code::LeaderNotAvailable | Code::NotLeaderForPartition)
        );
        let is_unanswered = matches!(
            failed.rdkafka_error_code(),
            Some(Code::OperationTimedOut | Code::BrokerTransportFailure | Code::AllBrokersDown)
        );
        if is_unanswered {
            return Err(client.context().errors.unreachable(&config.servers));
        }
        if !may_pass || Instant::now() > end {
            let access = Access::topic("Describe", &at.topic);
            return Err(access::from_kafka(
                config,
                failed,
                "reading offsets",
                access,
            ));
        }
        thread::park_timeout(NO_LEADER);
    }
}
