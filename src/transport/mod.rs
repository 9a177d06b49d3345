//! The seam between the runtime and the brokers: the traits that a backend implements, their vocabulary, and no driver.
//!
//! A backend implements three traits, and everything above works on them alone:
//!
//! - [`Transport`]: publish, subscribe, tail, topics, checks. [`Subscription`] and [`Tail`] are what it opens.
//! - [`DeadLetters`]: reading, counting, importing, and the jobs that replay and purge.
//! - [`Schedules`]: listing, cancelling and rescheduling delayed events.
//!
//! | to find out | open |
//! |---|---|
//! | what a consumer gets, and what each [`Verdict`] demands of the backend | `delivery.rs` |
//! | where a dead letter gets its id, its record, its limits | `dead_letter/letter.rs` (`DeadLetter::of`), by `id.rs` and `record.rs` |
//! | how a replay resumes after a crash: plan, lease, progress | `dead_letter/job.rs`, [`DeadLetters::advance`] |
//! | how a finished replay is proven | `dead_letter/replays.rs`, [`DeadLetters::replays`] |
//! | how a replayed message is known to be handled | `dead_letter/replays.rs`, [`DeadLetters::settled`] |
//! | how a batch is published together with a receipt | `receipted.rs` |
//! | how a copy of what was handled is recognised | `mark.rs`, [`Subscription::marks`] |
//! | what a group has not finished (consumer lag) | `group/backlog.rs`, [`Subscription::backlog`] |
//! | what an error kind means to the caller | `error.rs` |
//! | what a store can do, and within which limits | `capabilities.rs` |
//! | what a new backend must pass | `conformance/`, with the feature `conformance` |
//!
//! # Why the traits look like this
//!
//! Calls that move many messages take a batch and return one result per message: a broker with transactions commits a
//! batch at once, one with windows keeps it in flight, and both refuse single messages of a batch.
//!
//! The traits were tried on JetStream and on Kafka before any backend relied on them. This settled:
//!
//! - Several batches may be in flight; they keep the order in which they were started.
//! - A delivery is identified by its [`Ticket`], not by its position: a retry may come from another place (Kafka's retry
//!   topic) and still shows the position of its original. Positions are unique within a store.
//! - A dead letter or a retry is stored when [`Subscription::settle`] returns. An acknowledgement is durable a moment
//!   later, and at `close`: Kafka commits an offset with what is settled beyond it as metadata, JetStream confirms the
//!   last acknowledgement of a batch.
//! - A rebalance can take a Kafka partition away while its messages are in flight, so [`Subscription::extend`] returns
//!   the deliveries that are lost. JetStream never reports this; there the lease's own clock decides.
//! - JetStream hands one key to several consumers of a group at once; [`Capabilities::order`] says where order holds.
//! - A dead letter carries its own position, so that a planned job needs no search. A lease is fenced by the broker
//!   itself: a transactional id on Kafka, a guarded subject in the atomic batch on JetStream.
//! - Kafka delivers delayed events only while a dispatcher runs: [`Schedules::run`].

mod capabilities;
#[cfg(feature = "conformance")]
pub mod conformance;
mod dead_letter;
mod delivery;
mod error;
mod failure;
mod finding;
mod group;
mod mark;
mod publish;
mod receipted;
mod schedule;
pub(crate) mod stamp;
mod tail;

use std::{fmt, sync::Arc};

use async_trait::async_trait;

#[cfg(any(feature = "nats", feature = "kafka", feature = "pulsar"))]
pub(crate) use self::dead_letter::JOB_CHUNK;
pub use self::{
    capabilities::{Capabilities, Limits, Support},
    dead_letter::{
        Capture, Captured, DeadLetter, DeadLetterId, DeadLetterKind, DeadLetterRecord,
        DeadLetterRef, DeadLetterScan, DeadLetters, InvalidNoteName, JOB_LEASE, Job, JobAction,
        JobId, JobLease, LetterPage, MessageDigest, Note, NoteName, Origin, PAGE_BYTES, ReplayEdit,
        ReplayScan, ReplayTarget, ReplayTrace, Replayed, Resolution, Selection, Settled, Stats,
        StatsBuilder, StatsRow, TraceKind, sort_stats,
    },
    delivery::{Attempts, Delivery, Lineage, Settlement, Subscription, Ticket, Verdict},
    error::{ErrorKind, Result, TransportError},
    failure::{Failure, Fingerprint, describe_failure, fingerprint},
    finding::{Finding, FindingLevel},
    group::{Backlog, HeldElsewhere, StartFrom, SubscribeRequest},
    mark::{Beginning, Dedup, DedupMode, Handling, Mark, MarkChange, Marks},
    publish::{Outgoing, Receipt},
    receipted::{BatchError, Receipted, ReceiptedPublisher},
    schedule::{FIND_LIMIT, Schedule, ScheduleId, ScheduleScan, Schedules, first_due},
    tail::{Tail, TailFrom, TailRequest},
};
use crate::event::{Encoding, Topic};

/// A broker connection, or an open store.
///
/// Every future may be dropped unless its method says otherwise; an effect that was in progress may then have happened
/// or not.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Returns the URL scheme, as shown in messages.
    fn scheme(&self) -> &'static str;

    /// Returns how events are stored here, according to the URL and the transport's binding.
    fn encoding(&self) -> Encoding;

    /// Returns what this transport can do. Asks the live server.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn capabilities(&self) -> Result<Capabilities>;

    /// Returns the user's topics that exist, in order of name. Internal ones are left out.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn topics(&self) -> Result<Vec<Topic>>;

    /// Creates a topic (or a stream that covers it) unless it exists. Returns one line for people for each thing created.
    ///
    /// # Errors
    /// If the server refuses. Where topics need not be created this does nothing.
    async fn create(&self, topic: &Topic) -> Result<Vec<String>>;

    /// Stores messages and returns once each is confirmed or refused: one result per message, in order.
    ///
    /// Messages go to the broker in the order of the batch, and batches in the order in which their
    /// futures are first polled; several may be in flight. A delay that cannot be kept is refused
    /// before anything is stored. A caller that needs to know what was stored must not drop the future.
    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>>;

    /// Takes over the batches that are published under a name, each together with a receipt: see [`ReceiptedPublisher`].
    /// None where this store cannot commit both at once, as [`Capabilities::exactly_once_outbox`] says.
    ///
    /// # Errors
    /// [`ErrorKind::Held`] if the name was taken over with a higher fencing number; otherwise if the server does not answer.
    async fn receipted(&self, name: &str, fence: u64) -> Result<Receipted> {
        let _ = (name, fence);
        Ok(None)
    }

    /// Takes the warnings of publishing and listing since the last call: one line each, each returned once.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Joins a group.
    ///
    /// The internal topics or streams of the group (dead letters, retries, delays) exist when this returns, or it fails.
    ///
    /// # Errors
    /// If the server does not answer, a topic does not exist, or an existing topic or stream would lose events.
    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>>;

    /// Reads without a group. Leaves nothing behind.
    ///
    /// # Errors
    /// If the server does not answer, or a topic does not exist where topics must be created.
    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>>;

    /// Returns the dead letters.
    fn dead_letters(&self) -> &dyn DeadLetters;

    /// Returns the delayed events.
    fn schedules(&self) -> &dyn Schedules;

    /// Checks the store and returns what is well, what is wrong, and the commands that fix it.
    ///
    /// # Errors
    /// If the server does not answer at all.
    async fn diagnose(&self) -> Result<Vec<Finding>>;

    /// Fixes the finding of this name that [`diagnose`](Self::diagnose) returned.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such finding or none that can be fixed from here
    /// ([`Finding::unknown`]); [`ErrorKind::Unsupported`] if the fix is the owner's to decide.
    async fn fix(&self, finding: &str) -> Result<()>;

    /// Flushes and closes the store. The transport must not be used afterwards.
    ///
    /// # Errors
    /// If something that was reported as stored turns out not to be durable.
    async fn close(&self) -> Result<()>;
}
