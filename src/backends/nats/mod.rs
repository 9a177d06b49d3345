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

mod ahead;
mod anew;
mod api;
mod bounded;
mod capabilities;
mod capture;
mod claims;
mod config;
mod connection;
mod consumer;
mod covering;
mod dead_letters;
mod denied;
mod desk;
mod doctor;
mod doubt;
mod end;
mod errors;
mod factory;
mod fit;
mod followed;
mod gaps;
mod gather;
mod guard;
mod headers;
mod intake;
mod jobs;
mod journal;
mod keeping;
mod letter;
mod look;
mod member;
mod names;
mod parcel;
mod publish;
mod pull;
mod pump;
mod ranges;
mod raw;
mod reader;
mod replay;
mod runs;
mod schedules;
mod settle;
mod side;
mod stream;
mod tail;
mod told;
mod topics;
mod transport;
mod trouble;

use self::errors::{SCHEME, error};
pub use self::factory::NatsFactory;
