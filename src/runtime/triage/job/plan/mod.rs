//! Plans: what a request selects is frozen, hashed and stored as a job.

mod contents;
mod frozen;
mod hash;
mod newer;
mod planner;
mod request;

pub(in crate::runtime::triage) use self::frozen::{first, freeze, preview, resume};
pub use self::{
    contents::{Contents, Target},
    frozen::{Plan, Resumed},
    hash::PlanHash,
    request::{PlanObserver, PlanRequest},
};
