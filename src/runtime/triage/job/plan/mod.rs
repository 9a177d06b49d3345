//! Plans: what a request selects is frozen, hashed and stored as a job.

mod contents;
mod frozen;
mod hash;
mod newer;
mod planner;
mod request;

pub(in crate::runtime::triage) use self::frozen::{
    all_jobs, discard, find, first, freeze, preview,
};
pub use self::{
    contents::{Contents, Target},
    frozen::{Plan, Resumed},
    hash::PlanHash,
    request::{PlanObserver, PlanRequest},
};
