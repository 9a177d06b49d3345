//! The relay: it publishes the rows of an outbox and removes them.

mod batch;
mod blocked;
mod cleaner;
mod context;
mod floor;
mod leader;
mod options;
mod pace;
mod run;
mod standby;
mod target;

pub use self::{
    options::{RelayNotice, RelayObserver, RelayOptions, RelaySummary},
    run::Relay,
};
