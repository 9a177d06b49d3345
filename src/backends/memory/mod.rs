//! `memory:`, a store in this process: for tests and examples, and the reference for what every other
//! backend has to do.
//!
//! Each room is one subject; `state` holds the data and what time alone brings about, and everything else
//! is a short step on it under one lock. Nothing runs in the background: whoever waits, waits for a change
//! or for the next moment at which one is due.

mod capabilities;
mod consume;
mod dead_letter;
mod delay;
mod error;
mod factory;
mod group;
mod job;
mod publish;
mod replay;
mod settle;
mod state;
mod store;
mod tail;
mod transport;

pub use self::{factory::MemoryFactory, transport::Memory};
