//! Where the conformance suite runs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use protoflow::transport::{Result, Transport, conformance::Store};
use test_support::kafka::Broker;

use super::connect::Connect as _;

/// A part of a broker that nobody else uses: topics with a prefix of its own.
pub(crate) struct Place {
    broker: &'static Broker,
    parameters: String,
}

impl Place {
    /// Returns a fresh one on the shared broker.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            broker: Broker::shared(),
            parameters: format!("partitions=1&prefix=t{number}."),
        }
    }
}

#[async_trait]
impl Store for Place {
    async fn open(&self) -> Result<Arc<dyn Transport>> {
        self.broker.connect(&self.parameters, true).await
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn delay(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn limit(&self) -> Duration {
        Duration::from_mins(1)
    }

    fn shares_a_topic(&self) -> bool {
        false
    }
}
