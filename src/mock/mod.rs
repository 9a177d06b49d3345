//! A transport for tests: it records what is published, feeds deliveries, and records how each was settled.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use protoflow::{Event, EventExt, HandlerError, Service, event, mock::Mock, transport::Verdict};
//!
//! // The code under test: a handler that requests payment, and fails on its first attempt.
//! async fn on_order(service: Service, order: Event) -> Result<(), HandlerError> {
//!     if order.attempt() == 1 {
//!         return Err(HandlerError::retry("the bank is closed"));
//!     }
//!     let payment = event("payment.requested", "billing").build()?;
//!     service.publish_after(payment, Duration::from_secs(60)).await?;
//!     Ok(())
//! }
//!
//! let mock = Mock::new();
//! let service = Service::builder().group("billing").over(mock.transport())?;
//! mock.feed(&event("order.created", "shop").build()?).await?;
//!
//! let handled = service.clone();
//! service
//!     .consume("order.created", move |order: Event| on_order(handled.clone(), order))
//!     .until_end()
//!     .await?;
//!
//! let settled = mock.settled();
//! assert!(matches!(settled[0].verdict, Verdict::Retry { .. }));
//! assert_eq!(settled[1].verdict, Verdict::Ack);
//! let published = mock.published();
//! assert_eq!(published[0].message.topic.as_str(), "payment.requested");
//! assert!(published[0].due.is_some(), "it is delayed");
//! # Ok(())
//! # }
//! ```

mod recorder;
mod subscription;
mod transport;

pub use self::{
    recorder::{Published, Settled},
    transport::Mock,
};

/// The scheme in the errors of the mock itself.
const NAME: &str = "mock";
