//! Services of the demo, with a bank whose failures are set.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use protoflow::{Event, EventExt as _, HandlerError};

/// A bank that does not answer at first.
#[derive(Debug, Clone)]
pub struct Bank {
    outages: Arc<AtomicU32>,
    takes_odd_amounts: Arc<AtomicBool>,
}

impl Bank {
    /// Creates a bank that does not answer the first `outages` requests.
    pub fn new(outages: u32) -> Self {
        Self {
            outages: Arc::new(AtomicU32::new(outages)),
            takes_odd_amounts: Arc::default(),
        }
    }

    /// Fixes the bug that made a refund fail.
    pub fn fix(&self) {
        self.takes_odd_amounts.store(true, Ordering::Relaxed);
    }

    /// Charges an order and returns the payment.
    ///
    /// # Errors
    /// A retry while the bank does not answer, a dead letter for an order that can never be charged.
    pub fn charge(&self, order: &Event, paid: &str) -> Result<Event, HandlerError> {
        let amount = amount(order)?;
        if amount < 0 && !self.takes_odd_amounts.load(Ordering::Relaxed) {
            return Err(HandlerError::dead_letter("a refund cannot be charged"));
        }
        let one_less = |left: u32| left.checked_sub(1);
        let was_out = self
            .outages
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .is_ok();
        if was_out {
            return Err(HandlerError::retry("the bank does not answer"));
        }
        let data = serde_json::json!({ "amount": amount });
        Ok(order
            .respond(paid, "//demo/payments")
            .data(&data)?
            .build()?)
    }
}

fn amount(order: &Event) -> Result<i64, HandlerError> {
    let data = order.data().cloned().map(serde_json::Value::try_from);
    data.transpose()?
        .and_then(|data| data["amount"].as_i64())
        .ok_or_else(|| HandlerError::dead_letter("an order without an amount"))
}
