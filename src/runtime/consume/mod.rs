//! The consumer: receives deliveries, runs the handler, settles.
//!
//! `event_loop` owns everything and decides the order. `admission` decides how much is fetched and started,
//! `deliveries` holds what waits, `run` calls the handler and judges how it ended, `responses` publishes what the handler
//! returned, and `settlements` makes verdicts durable. `metrics` counts what happens to them. `in_flight` moves a delivery from one to the next.

mod admission;
mod consumer;
mod deliveries;
mod ending;
mod event_loop;
mod in_flight;
mod lease_extension;
mod lifecycle;
mod metrics;
mod options;
mod responses;
mod run;
mod settlements;
mod setup;
mod summary;

pub use self::{
    consumer::Consumer,
    options::ConsumeOptions,
    run::{
        rehearsal::rehearse,
        screening::{EventFilter, Treatment},
    },
    summary::{ConsumeError, End, Stop, Summary},
};
