//! The conformance suite on the stores that need no server, and on stores with one deliberate fault each.

use std::sync::Arc;

use async_trait::async_trait;
use protoflow::{
    backends::memory::Memory,
    transport::{Result, Transport, conformance::Store},
};

struct InMemory(Memory);

#[async_trait]
impl Store for InMemory {
    async fn open(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(self.0.clone()))
    }
}

protoflow::conformance_suite!(memory, InMemory(Memory::new()));
