//! An Apache Pulsar broker, and its admin API.

pub mod admin;
pub mod server;

pub use admin::Admin;
pub use server::Broker;
