//! The runtime: publishing, consuming, retrying and triage. It knows transports only through their traits.

mod breaker;
mod consume;
mod failure;
#[cfg(feature = "filter")]
mod filter;
mod handler;
mod observer;
mod publisher;
mod recent_failures;
mod retry;
mod task;
mod triage;

#[cfg(feature = "filter")]
pub use self::filter::{Filter, FilterError};
pub use self::{
    breaker::{BreakerOptions, OpenBreaker},
    consume::{ConsumeError, ConsumeOptions, Consumer, End, EventFilter, Stop, Summary, Treatment},
    failure::{describe_failure, fingerprint},
    handler::{
        DirectHandler, FromDelivery, FunctionHandler, Handler, HandlerError, IntoHandler,
        IntoResponses, Outcome, RefusedAttributes, Run, RunStart,
    },
    observer::{Notice, Observer},
    publisher::{Publisher, PublisherOptions},
    retry::{Decision, RetryPolicy},
    triage::{
        Contents, Counts, DeadLetterListing, FilterFailures, JobOptions, JobReport, Plan,
        PlanRequest, Progress, Query, Resumed, Target, Triage, TriageError, write_dead_letter,
    },
};

use self::{
    breaker::{Admission, Breaker, Ending, Shift},
    failure::panic_failure,
    recent_failures::RecentFailures,
    task::joined,
};
