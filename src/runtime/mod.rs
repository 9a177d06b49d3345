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
mod reply;
mod retry;
mod spans;
mod task;
mod triage;

#[cfg(feature = "protobuf")]
pub use self::handler::Protobuf;
pub use self::{
    breaker::{BreakerOptions, OpenBreaker},
    consume::{
        ConsumeError, ConsumeOptions, Consumer, End, EventFilter, Stop, Summary, Treatment,
        rehearse,
    },
    failure::{describe_failure, fingerprint},
    handler::{
        DirectHandler, FromDelivery, FunctionHandler, Handler, HandlerError, IntoHandler,
        IntoResponses, Outcome, RefusedAttributes, Response, Run, RunStart,
    },
    observer::{Notice, Observer},
    publisher::{Publisher, PublisherOptions},
    reply::{Answer, ReplyRules, Request, Requester, reply_error},
    retry::{Decision, RetryPolicy},
    spans::{
        SPAN_TARGET, create_span, current_trace, publish_span, record_error, set_parent, trace_of,
    },
    triage::{
        Archiving, Becomes, CheckLimits, CheckReport, Contents, Counts, DeadLetterListing,
        EditEvent, EditRefusal, EditReport, EditRequest, EditShape, EditedReplay, ExportError,
        Exported, Fate, FilterFailures, Fix, Followed, Follower, Found, Guard, JobOptions,
        JobReport, LineageStep, Lineages, LogEntry, Plan, PlanHash, PlanObserver, PlanRequest,
        PlannedEdit, Policy, PolicyError, Progress, Query, ReplayEditor, Resumed, Target, Triage,
        TriageError, Verification, VerifiedLetter, edited_copy, read_exported, write_dead_letter,
        write_export_end, write_exported, write_listed, write_masked, write_shown,
    },
};
#[cfg(feature = "filter")]
pub use self::{
    filter::{Filter, FilterError},
    triage::Masks,
};

pub(crate) use self::spans::{create_event, publish_event, record_published};
use self::{
    breaker::{Admission, Breaker, Ending, Shift},
    failure::panic_failure,
    recent_failures::RecentFailures,
    task::joined,
};
