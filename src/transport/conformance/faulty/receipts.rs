//! Faults in batches with receipts.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Fault, Faulty};
use crate::transport::{
    BatchError, Outgoing, Receipted, ReceiptedPublisher, Result, Transport, TransportError,
};

/// A publisher of batches that breaks a promise.
#[derive(Debug)]
struct FaultyBatches {
    inner: Box<dyn ReceiptedPublisher>,
    transport: Arc<dyn Transport>,
    fault: Fault,
}

/// Takes over the batches of a name.
pub(super) async fn open(faulty: &Faulty, name: &str, fence: u64) -> Result<Receipted> {
    let (name, fence) = match faulty.fault {
        Fault::OneReceipt => ("one", fence),
        Fault::FencesNot => (name, 1),
        _ => (name, fence),
    };
    let inner = faulty.inner.receipted(name, fence).await?;
    let faulty = |inner| FaultyBatches {
        inner,
        transport: Arc::clone(&faulty.inner),
        fault: faulty.fault,
    };
    Ok(inner.map(|inner| Box::new(faulty(inner)) as Box<dyn ReceiptedPublisher>))
}

#[async_trait]
impl ReceiptedPublisher for FaultyBatches {
    fn receipt(&self) -> Option<&Bytes> {
        let receipt = self.inner.receipt();
        receipt.filter(|_| self.fault != Fault::ForgetsReceipts)
    }

    fn limit(&self) -> usize {
        self.inner.limit()
    }

    async fn publish(
        &mut self,
        batch: Vec<Outgoing>,
        receipt: Bytes,
    ) -> std::result::Result<(), BatchError> {
        if self.fault == Fault::StoresPartly && batch.len() > 1 {
            let first = batch[..1].to_vec();
            let stored = self.transport.publish(first).await;
            let stored: std::result::Result<Vec<_>, TransportError> = stored.into_iter().collect();
            stored?;
        }
        self.inner.publish(batch, receipt).await
    }
}
