//! Where the conformance suite runs.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use protoflow::transport::{Result, Transport, conformance::Store};
use test_support::nats::Broker;

use super::connect::Connect as _;

/// A server of its own.
pub(crate) struct Place(Broker);

impl Place {
    /// Starts one.
    pub(crate) fn new() -> Self {
        Self(Broker::start())
    }
}

#[async_trait]
impl Store for Place {
    async fn open(&self) -> Result<Arc<dyn Transport>> {
        self.0.connect("CONFORMANCE", true).await
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn keeps_header_order(&self) -> bool {
        false
    }
}
