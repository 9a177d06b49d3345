//! `pulsar:` and `pulsar+ssl:`, Apache Pulsar: for services whose events are on a Pulsar cluster.

mod capabilities;
mod codec;
mod connection;
mod consume;
mod dead_letter;
mod delay;
mod doctor;
mod error;
mod factory;
mod job;
mod publish;
mod read;
mod tail;
mod transport;

pub use self::factory::PulsarFactory;
