//! Jobs: a frozen plan, run under a lease, and its report.

mod contents;
mod edited;
pub(super) mod plan;
mod plan_hash;
mod refail;
mod report;
pub(super) mod run;
pub(super) mod verify;

pub use self::{
    contents::{Contents, Target},
    plan::{Plan, PlanObserver, PlanRequest, Resumed},
    plan_hash::PlanHash,
    report::JobReport,
    run::{JobOptions, Progress},
    verify::{Found, Verification, VerifiedLetter},
};
