//! Where the conformance suite runs.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use protoflow::transport::{Result, Transport, conformance::Store};
use test_support::pulsar::Broker;

use super::connect::Connect as _;

/// A part of a broker that nobody else uses: a namespace.
pub(crate) struct Place {
    broker: &'static Broker,
    rest: String,
}

impl Place {
    /// Returns a fresh one on the shared broker, under URLs with these parameters.
    pub(crate) fn new(parameters: &str) -> Self {
        let broker = Broker::shared();
        Self {
            rest: format!("{}{parameters}", broker.namespace()),
            broker,
        }
    }
}

#[async_trait]
impl Store for Place {
    async fn open(&self) -> Result<Arc<dyn Transport>> {
        self.broker.connect(&self.rest, true).await
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// A connection that is opened again on a busy machine has joined before a delay of this length is over.
    fn delay(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn limit(&self) -> Duration {
        Duration::from_mins(1)
    }

    fn shares_a_topic(&self) -> bool {
        false
    }
}
