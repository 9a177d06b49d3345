//! The factory that opens `nats:` and `tls:` URLs.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use crate::{
    backends::{
        Factory, OpenOptions,
        nats::{
            capabilities,
            connection::{config::Config, connect::connect, stream::setup},
            transport::Nats,
        },
    },
    transport::{Capabilities, Result, Transport},
};

/// Opens `nats://host:port/STREAM` and `tls://host:port/STREAM`.
///
/// Parameters: `prefix=` (the prefix of topics in subjects; the name of the stream and a dot by default),
/// `dead-letters=topic,…` (topics that hold dead letters of other programs),
/// `servers=host:port,…` (further servers of the cluster), `naming=protoflow`, `mode=binary`, `creds=FILE`,
/// `nkey=FILE`, `ca=FILE`, `cert=FILE` and `key=FILE`, `domain=` or `api-prefix=` (another JetStream than that of the
/// server), `inbox-prefix=` (where answers arrive), `connect-timeout=5s`. User and password, or a token instead of both,
/// precede the host.
#[derive(Debug, Clone, Copy, Default)]
pub struct NatsFactory;

#[async_trait]
impl Factory for NatsFactory {
    async fn open(&self, url: &Url, options: OpenOptions) -> Result<Arc<dyn Transport>> {
        let config = Config::read(url, options)?;
        let encoding = config.encoding;
        let connection = connect(config).await?;
        let created = if options.create {
            setup::create_stream(&connection).await?
        } else {
            Vec::new()
        };
        Ok(Arc::new(Nats::new(connection, encoding, created)))
    }

    fn check(&self, url: &Url) -> Result<()> {
        Config::read(url, OpenOptions::default()).map(drop)
    }

    fn names_dead_letters(&self) -> bool {
        true
    }

    fn capabilities(&self) -> Option<Capabilities> {
        Some(capabilities::offline())
    }
}
