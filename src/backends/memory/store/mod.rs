//! The data of a store in this process, under one lock: what other backends reach by a connection.

mod entry;
mod group;
mod handle;
mod job_state;
mod membership;
mod state;

pub(super) use self::{
    entry::Entry,
    group::{GroupState, Start},
    handle::Store,
    job_state::{JobState, Lease},
    membership::Terms,
    state::State,
};
