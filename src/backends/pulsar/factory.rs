//! The factory that opens `pulsar:` and `pulsar+ssl:` URLs.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use crate::{
    backends::{
        Factory, OpenOptions,
        pulsar::{
            capabilities,
            connection::{config::Config, handle::Connection},
            transport::Pulsar,
        },
    },
    transport::{Capabilities, Result, Transport},
};

/// Opens `pulsar://host:port/tenant/namespace` and `pulsar+ssl://host:port/tenant/namespace`.
///
/// Parameters: `type=` (`key_shared`, `shared`, `failover` or `exclusive`: how the consumers of a group share its
/// subscription), `servers=host:port,…` (further brokers or proxies), `token-file=FILE`, `ca=FILE`, `cert=FILE` and
/// `key=FILE`, `admin=http://host:8080` (the web service, for partitioned topics and checks), `partitions=` (of topics that
/// are created), `property.NAME=` (of subscriptions that are created), `naming=protoflow`, `mode=binary`,
/// `connect-timeout=5s`.
#[derive(Debug, Clone, Copy, Default)]
pub struct PulsarFactory;

#[async_trait]
impl Factory for PulsarFactory {
    async fn open(&self, url: &Url, options: OpenOptions) -> Result<Arc<dyn Transport>> {
        let config = Config::read(url, options)?;
        let connection = Connection::open(config).await?;
        Ok(Arc::new(Pulsar::new(connection)))
    }

    fn check(&self, url: &Url) -> Result<()> {
        Config::read(url, OpenOptions::default()).map(drop)
    }

    fn capabilities(&self) -> Option<Capabilities> {
        Some(capabilities::offline())
    }
}
