//! `sqlite:` URL → transport.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use super::{capabilities, connection::config::Config, transport::Sqlite};
use crate::{
    backends::{Factory, OpenOptions},
    transport::{Capabilities, Result, Transport},
};

/// Opens `sqlite:` URLs.
#[derive(Debug, Clone, Copy, Default)]
pub struct SqliteFactory;

#[async_trait]
impl Factory for SqliteFactory {
    /// Parses the URL. The first operation that needs the file opens it.
    async fn open(&self, url: &Url, options: OpenOptions) -> Result<Arc<dyn Transport>> {
        let config = Config::parse(url, options)?;
        Ok(Arc::new(Sqlite::new(config)))
    }

    fn check(&self, url: &Url) -> Result<()> {
        Config::parse(url, OpenOptions::default()).map(drop)
    }

    fn capabilities(&self) -> Option<Capabilities> {
        Some(capabilities::usual())
    }
}
