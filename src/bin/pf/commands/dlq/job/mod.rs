//! Replay and purge jobs: freeze a plan, show it, ask, run it under a lease, report.

mod apply;
mod by_name;
mod edit;
mod holder;
mod jobs;
mod outcome;
mod plan;
mod plan_file;
mod request;
mod session;
mod verify;

pub use self::{
    apply::ApplyArgs,
    holder::clear,
    jobs::JobsCommand,
    plan::count,
    request::{JobArgs, Special, run},
};
