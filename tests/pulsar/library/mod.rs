//! The Pulsar backend as a library, on a real broker.

#[path = "../../support/connect.rs"]
mod connect;
mod place;

use place::Place;

protoflow::conformance_suite!(key_shared, Place::new(""));
protoflow::conformance_suite!(shared, Place::new("?type=shared"));
