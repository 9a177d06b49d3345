//! Jobs: a frozen plan, run under a lease, and its report.

mod admission;
mod fate;
mod lineage;
mod meters;
pub(super) mod plan;
mod refail;
mod report;
pub(super) mod run;
pub(super) mod verify;

pub use self::{
    fate::{Fate, Followed, Follower},
    lineage::{LineageStep, Lineages},
    plan::{Contents, Plan, PlanHash, PlanObserver, PlanRequest, Resumed, Target},
    report::JobReport,
    run::{JobOptions, Progress},
    verify::{Found, Verification, VerifiedLetter},
};
