//! `sqlite:` URL → transport.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use crate::{
    backends::{Factory, OpenOptions},
    transport::{Capabilities, Result, Transport},
};

use super::{capabilities, connection::config::Config, transport::Sqlite};

/// Opens `sqlite:` URLs.
#[derive(Debug, Clone, Copy, Default)]
pub struct SqliteFactory;

#[async_trait]
impl Factory for SqliteFactory {
    /// Reads the URL. The file is opened by the first operation that needs it.
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
