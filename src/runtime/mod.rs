//! Publishing, consuming, retrying and triage. Knows transports only through their traits.

mod breaker;
mod consume;
mod failure;
#[cfg(feature = "filter")]
mod filter;
mod handler;
mod observer;
mod publisher;
mod retry;
mod service;
mod triage;

#[cfg(feature = "filter")]
pub use self::filter::{Filter, FilterError};
pub use self::{
    breaker::{Breaker, BreakerOptions},
    consume::{ConsumeError, ConsumeOptions, Consumer, End, Stop, Summary},
    failure::{fingerprint, panic_failure},
    handler::{Handler, HandlerError, Outcome, Run},
    observer::{Notice, Observer},
    publisher::{Publisher, PublisherOptions},
    retry::{Decision, RetryPolicy},
    service::{Service, ServiceError},
    triage::{
        Contents, Counts, JobOptions, JobReport, Letters, Plan, PlanRequest, Progress, Query,
        Resumed, Target, Triage, TriageError, Unfiltered, write_letter,
    },
};
