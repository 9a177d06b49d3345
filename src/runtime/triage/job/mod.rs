//! Jobs: a frozen plan, run under a lease, and its report.

mod contents;
pub(super) mod plan;
mod refail;
mod report;
pub(super) mod run;

pub use self::{
    contents::{Contents, Target},
    plan::{Plan, PlanHash, PlanObserver, PlanRequest, Resumed},
    report::JobReport,
    run::{JobOptions, Progress},
};
