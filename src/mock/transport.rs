//! The mock as a transport: it records publishes, and leaves the rest to the store.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Mock, Published, subscription::Recording};
use crate::{
    event::{Encoding, Topic},
    transport::{
        Capabilities, DeadLetters, Finding, Outgoing, Receipt, Result, Schedules, SubscribeRequest,
        Subscription, Tail, TailRequest, Transport,
    },
};

#[async_trait]
impl Transport for Mock {
    fn scheme(&self) -> &'static str {
        super::NAME
    }

    fn encoding(&self) -> Encoding {
        self.memory.encoding()
    }

    async fn capabilities(&self) -> Result<Capabilities> {
        let mut capabilities = self.memory.capabilities().await?;
        self.scheme().clone_into(&mut capabilities.transport);
        Ok(capabilities)
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        self.memory.topics().await
    }

    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        self.memory.create(topic).await
    }

    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        let mut results = Vec::with_capacity(batch.len());
        for outgoing in batch {
            let refusal = self.log().refusal();
            if let Some(error) = refusal {
                results.push(Err(error));
                continue;
            }
            self.log().published.push(Published {
                message: outgoing.message.clone(),
                due: outgoing.due,
            });
            results.extend(self.memory.publish(vec![outgoing]).await);
        }
        results
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        let inner = self.memory.subscribe(request).await?;
        Ok(Arc::new(Recording::new(self.clone(), inner)))
    }

    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        self.memory.tail(request).await
    }

    fn dead_letters(&self) -> &dyn DeadLetters {
        self.memory.dead_letters()
    }

    fn schedules(&self) -> &dyn Schedules {
        self.memory.schedules()
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        self.memory.diagnose().await
    }

    async fn mend(&self, finding: &str) -> Result<()> {
        self.memory.mend(finding).await
    }

    async fn close(&self) -> Result<()> {
        self.memory.close().await
    }
}
