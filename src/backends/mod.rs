//! The drivers, one module each with the same rooms, and the registry that finds them by URL scheme.

#[allow(dead_code, reason = "each backend uses a part of it")]
mod delivery_buffer;
mod factory;
#[cfg(any(feature = "sqlite", feature = "nats", feature = "kafka"))]
mod fnv;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod memory;
#[cfg(feature = "nats")]
pub mod nats;
mod registry;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod url;
mod url_options;

pub use self::{
    factory::{Factory, OpenOptions},
    registry::Registry,
    url::parse_url,
};
