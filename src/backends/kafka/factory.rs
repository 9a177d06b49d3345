//! The factory that opens `kafka:` URLs.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use crate::{
    backends::{
        Factory, OpenOptions,
        kafka::{
            capabilities,
            connection::{client::settings, config::Config, handle::Connection},
            transport::Kafka,
        },
    },
    transport::{Capabilities, Result, Transport},
};

/// Opens `kafka://host:port/`.
///
/// Parameters: `servers=host:port,…` (further servers of the cluster), `prefix=` (what stands before a topic in Kafka's
/// name of it; nothing by default), `partitions=` and `replication=` (of topics that are made; what the broker
/// has as default otherwise), `naming=protoflow`, `mode=binary`,
/// `connect-timeout=5s`, and every property of librdkafka by its own name (`security.protocol=ssl`). User and
/// password stand before the host, and mean SASL, PLAIN unless `sasl.mechanisms` says otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct KafkaFactory;

#[async_trait]
impl Factory for KafkaFactory {
    async fn open(&self, url: &Url, options: OpenOptions) -> Result<Arc<dyn Transport>> {
        let config = read(url, options)?;
        let connection = Arc::new(Connection::new(config, options.create));
        Ok(Arc::new(Kafka::new(connection)))
    }

    fn check(&self, url: &Url) -> Result<()> {
        read(url, OpenOptions::default()).map(drop)
    }

    fn names_dead_letters(&self) -> bool {
        true
    }

    fn capabilities(&self) -> Option<Capabilities> {
        Some(capabilities::offline())
    }
}

/// Reads a URL, and has librdkafka check the properties that are its own.
fn read(url: &Url, options: OpenOptions) -> Result<Config> {
    let config = Config::read(url, options)?;
    settings::validate(&config)?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::ErrorKind;

    #[test]
    fn properties_are_checked_by_librdkafka() {
        for (url, part) in [
            ("kafka://a?lingr.ms=1", "lingr.ms"),
            ("kafka://a?linger.ms=soon", "linger.ms"),
        ] {
            let error = KafkaFactory.check(&url.parse().unwrap()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{url}");
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
