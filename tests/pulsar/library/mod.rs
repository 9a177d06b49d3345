//! The Pulsar backend as a library, on a real broker.

mod batches;
#[path = "../../support/connect.rs"]
mod connect;
mod dead_letters;
mod deleted;
mod leaving;
mod limits;
mod members;
mod place;
pub(crate) mod shop;

use place::Place;

protoflow::conformance_suite!(key_shared, Place::new(""));
protoflow::conformance_suite!(shared, Place::new("?type=shared"));
