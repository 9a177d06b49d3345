//! A nats-server, and a client that knows nothing of the library.

pub mod raw;
pub mod server;

pub use raw::Raw;
pub use server::{Broker, free_address};
