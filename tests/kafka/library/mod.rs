//! The Kafka backend as a library, on a real broker.

mod anew;
#[path = "../../support/connect.rs"]
mod connect;
mod dead_letters;
mod delays;
mod earlier_retries;
mod ground;
mod held_elsewhere;
mod large_dead_letters;
mod listing;
mod marks;
mod place;
mod reading;
mod recreated;
mod retention;
mod retries;
mod shelf;
mod shop;
mod static_members;
mod topics_of_a_group;

use place::Place;

protoflow::conformance_suite!(suite, Place::new());
