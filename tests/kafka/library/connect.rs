//! Connections of the library to a broker.

use std::sync::Arc;

use protoflow::{
    backends::{OpenOptions, Registry},
    transport::{Result, Transport},
};
use test_support::kafka::Broker;

pub(crate) trait Connect {
    /// Opens a connection; the text completes the broker's URL.
    async fn connect(&self, rest: &str, create: bool) -> Result<Arc<dyn Transport>>;
}

impl Connect for Broker {
    async fn connect(&self, rest: &str, create: bool) -> Result<Arc<dyn Transport>> {
        let url = self.url(rest).parse().expect("a URL");
        let options = OpenOptions {
            create,
            ..OpenOptions::default()
        };
        Registry::builtin().open(&url, options).await
    }
}
