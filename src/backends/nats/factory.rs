//! The factory that opens `nats:` and `tls:` URLs.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use crate::{
    backends::{
        Factory, OpenOptions,
        nats::{
            capabilities,
            connection::{config::Config, handle as connection},
            transport::Nats,
        },
    },
    transport::{Capabilities, Result, Transport},
};

/// Opens `nats://host:port/STREAM` and `tls://host:port/STREAM`.
///
/// Parameters: `prefix=` (what stands before the topic in a subject; the stream's name and a dot by default),
/// `servers=host:port,…` (further servers of the cluster), `naming=protoflow`, `mode=binary`, `creds=FILE`,
/// `ca=FILE`, `cert=FILE` and `key=FILE`, `connect-timeout=5s`. User and password, or a token in the place of
/// either, stand before the host.
#[derive(Debug, Clone, Copy, Default)]
pub struct NatsFactory;

#[async_trait]
impl Factory for NatsFactory {
    async fn open(&self, url: &Url, options: OpenOptions) -> Result<Arc<dyn Transport>> {
        let config = Config::read(url, options)?;
        let encoding = config.encoding;
        let link = connection::connect(config).await?;
        let made = if options.create {
            link.make_stream().await?
        } else {
            Vec::new()
        };
        Ok(Arc::new(Nats::new(link, encoding, made)))
    }

    fn check(&self, url: &Url) -> Result<()> {
        Config::read(url, OpenOptions::default()).map(drop)
    }

    fn capabilities(&self) -> Option<Capabilities> {
        Some(capabilities::offline())
    }
}
