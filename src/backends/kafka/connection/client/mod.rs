//! Clients of librdkafka: creating and closing them, and metadata with a deadline.

pub(crate) mod errors;
pub(crate) mod settings;
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
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::KafkaError,
    metadata::Metadata,
};

use self::errors::ClientErrors;
use crate::{
    backends::kafka::{
        connection::config::{Config, wrong},
        error,
    },
    transport::Result,
};

/// How long the client waits for an answer before it looks at what it was told.
const SLICE: Duration = Duration::from_millis(200);
/// Makes a client.
pub(crate) fn create<C, T>(client: &ClientConfig, context: C) -> Result<T>
where
    C: ClientContext,
    T: FromClientConfigAndContext<C>,
{
    client
        .create_with_context(context)
        .map_err(|failed| match failed {
            KafkaError::ClientCreation(reason) => {
                wrong(format!("the client cannot be made: {reason}"))
            }
            KafkaError::ClientConfig(_, reason, name, _) => wrong(format!("`{name}`: {reason}")),
            failed => error::from_kafka(failed, "making a client"),
        })
}

/// Drops what takes a tenth of a second to close, without waiting for it; unless OpenSSL may be in use, which must not
/// be so when a program ends.
pub(crate) fn close_in_background<T: Send + 'static>(config: &Config, client: Option<T>) {
    if client.is_some() && !config.properties.contains_key("security.protocol") {
        let name = "pf-kafka-closer".to_owned();
        let _ = thread::Builder::new()
            .name(name)
            .spawn(move || drop(client));
    }
}

/// A client that can be asked, and serves what it was told meanwhile.
pub(crate) trait MetadataClient<C: ClientContext> {
    fn handle(&self) -> &Client<C>;
    fn serve(&self);
}

impl<C: ConsumerContext> MetadataClient<C> for BaseConsumer<C> {
    fn handle(&self) -> &Client<C> {
        self.client()
    }

    fn serve(&self) {
        let _ = self.poll(Duration::ZERO);
    }
}

impl<C: ClientContext> MetadataClient<C> for AdminClient<C> {
    fn handle(&self) -> &Client<C> {
        self.inner()
    }

    fn serve(&self) {}
}

/// Asks for metadata until the time is up or it is clear that no answer will come. Blocks.
pub(crate) fn metadata<C, T>(
    client: &T,
    errors: &ClientErrors,
    config: &Config,
    topic: Option<&str>,
) -> Result<Metadata>
where
    C: ClientContext,
    T: MetadataClient<C>,
{
    let end = Instant::now() + config.timeout;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let failed = match client.handle().fetch_metadata(topic, left.min(SLICE)) {
            Ok(metadata) => return Ok(metadata),
            Err(failed) => failed,
        };
        client.serve();
        if let Some(refused) = errors.fatal() {
            return Err(refused);
        }
        if end <= Instant::now() {
            tracing::debug!(%failed, "no metadata");
            return Err(errors.unreachable(&config.servers));
        }
    }
}
