//! A Kafka broker, and clients that know nothing of the library.

pub mod raw;
pub mod server;
pub mod settled;

pub use raw::Raw;
pub use server::Broker;
