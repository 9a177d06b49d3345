//! The store as a transport.

use std::sync::Arc;

use async_trait::async_trait;

use super::{SCHEME, capabilities, consume, error, publish::publish_all, store::Store, tail};
use crate::{
    event::{Encoding, Topic},
    transport::{
        Capabilities, DeadLetters, ErrorKind, Finding, FindingLevel, Outgoing, Receipt, Result,
        Schedules, SubscribeRequest, Subscription, Tail, TailRequest, Transport,
    },
};

/// A store in this process.
///
/// Clones share the store. It keeps every event as long as it lives. Its clock starts with the system's and
/// then follows tokio's, so that a test which pauses tokio's time pauses the store too.
#[derive(Debug, Clone)]
pub struct Memory {
    pub(super) store: Arc<Store>,
    pub(super) encoding: Encoding,
}

impl Memory {
    /// Opens a new store that nobody else can open.
    #[must_use]
    pub fn new() -> Self {
        Self::over(Store::private())
    }

    /// Opens the store of this name, which lives as long as the process.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::over(Store::named(name))
    }

    fn over(store: Arc<Store>) -> Self {
        Self {
            store,
            encoding: Encoding::default(),
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Transport for Memory {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn encoding(&self) -> Encoding {
        self.encoding
    }

    async fn capabilities(&self) -> Result<Capabilities> {
        Ok(capabilities::all())
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        Ok(self
            .store
            .look(|state| state.topics.iter().cloned().collect()))
    }

    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        self.store
            .change(|state, _| state.topics.insert(topic.clone()));
        Ok(Vec::new())
    }

    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        publish_all(&self.store, batch)
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        request.refuse_instance(SCHEME)?;
        Ok(Arc::new(consume::Member::join(&self.store, request)))
    }

    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        Ok(Box::new(tail::Reader::open(&self.store, request)))
    }

    fn dead_letters(&self) -> &dyn DeadLetters {
        self
    }

    fn schedules(&self) -> &dyn Schedules {
        self
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        Ok(vec![Finding {
            name: "lifetime".to_owned(),
            level: FindingLevel::Ok,
            text: "the store ends with this process".to_owned(),
            mend: None,
        }])
    }

    async fn mend(&self, finding: &str) -> Result<()> {
        Err(error(
            ErrorKind::NotFound,
            format!("there is nothing to mend under the name `{finding}`"),
        ))
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}
