//! A Kafka broker, and clients that know nothing of the library.

pub mod member;
pub mod raw;
pub mod records;
pub mod server;
pub mod settled;

pub use member::Member;
pub use raw::Raw;
pub use server::Broker;
