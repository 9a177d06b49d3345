//! `nats:` and `tls:`, NATS `JetStream`: for services that run on several machines.
//!
//! One stream holds the topics of a URL, one subject each. What we add stands beside it: `<STREAM>_DLQ` holds dead
//! letters, `<STREAM>_PF` failed runs and jobs. Only what has to be in the user's stream is in it (schedules, the
//! journal of a replay), under subjects that no consumer of topics reads.
//!
//! - A run that failed is written down before its message is held back, because JetStream counts deliveries, and one
//!   that was only given back is a delivery too.
//! - Nothing here relies on the client's ordered consumer, nor on its delete: the first begins anew after a restart
//!   of the server, the second overwrites bytes and is a thousand times slower than it need be.

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

pub use self::factory::NatsFactory;
