//! `memory:`, a store in this process: for tests and examples, and the reference for the behaviour of every other
//! backend.
//!
//! `state` holds the data and every change that time alone causes: due schedules, due retries, ended leases. Each
//! operation is a short step on it under one lock, which first brings the state up to the present. No thread or task
//! runs in the background: a waiting caller wakes on each change, and at the next moment at which time will change
//! something. A test that pauses tokio's clock therefore pauses the store as well.

mod capabilities;
mod consume;
mod dead_letter;
mod delay;
mod error;
mod factory;
mod job;
mod publish;
mod store;
mod tail;
mod transport;

pub use self::{factory::MemoryFactory, transport::Memory};
