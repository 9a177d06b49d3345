//! The seam between the runtime and the brokers: traits and their vocabulary, no drivers.
//!
//! Whatever moves many messages is one call with a batch and one result per message: a broker with
//! transactions commits a batch at once, one with windows keeps it in flight, and neither hides which
//! message failed.
//!
//! The traits were tried on JetStream and on Kafka before any backend relied on them. What that settled:
//!
//! - A publish answers per message, because both brokers refuse single messages of a batch. Several batches
//!   are in flight and keep the order in which they began.
//! - A delivery is known by its ticket, not by its position: a retry may come back from another place (Kafka's
//!   delay topic) and still shows where it first stood. Positions are unique within a store.
//! - A dead letter or a retry is stored when `settle` returns. An acknowledgement is durable a moment later, and
//!   at `close`: Kafka commits a watermark with what is settled above it, JetStream confirms the last
//!   acknowledgement of a batch.
//! - A Kafka partition can be taken away while its messages are worked on, so `extend` names the deliveries
//!   that are lost. JetStream never says so; there the lease's own clock decides.
//! - JetStream gives one key to several consumers of a group at once; [`Capabilities`] says where order holds.
//! - A letter says where it stands, so that a planned job is worked off without a search. A lease is fenced by
//!   the broker itself: a transactional id on Kafka, a guarded subject in the atomic batch on JetStream.
//! - Kafka fires delayed events only while somebody runs: [`Schedules::run`].

mod capabilities;
#[cfg(feature = "conformance")]
pub mod conformance;
mod dead_letter;
mod delivery;
mod error;
mod failure;
mod finding;
mod schedule;
mod stamp;
mod tail;

use std::{fmt, sync::Arc, time::SystemTime};

use async_trait::async_trait;

#[cfg(any(feature = "nats", feature = "kafka"))]
pub(crate) use self::dead_letter::JOB_CHUNK;
pub use self::{
    capabilities::{Capabilities, Limits, Support},
    dead_letter::{
        Capture, Captured, DeadLetter, DeadLetters, JOB_LEASE, Job, JobAction, JobId, JobLease,
        LetterId, LetterKind, LetterRecord, LetterRef, LetterScan, Origin, Resolution, Selection,
        Stats, StatsBuilder, StatsRow, sort_stats,
    },
    delivery::{
        Attempts, Delivery, Lineage, Settlement, StartFrom, SubscribeRequest, Subscription, Ticket,
        Verdict,
    },
    error::{ErrorKind, Result, TransportError},
    failure::{Failure, Fingerprint, describe_failure, fingerprint},
    finding::{Finding, FindingLevel},
    schedule::{FIND_LIMIT, Schedule, ScheduleId, ScheduleScan, Schedules, first_due},
    tail::{Tail, TailFrom, TailRequest},
};
use crate::event::{Encoding, Message, Position, Topic};

/// A broker connection, or an open store.
///
/// Every future may be dropped unless its method says otherwise; an effect that was under way may then
/// have happened or not.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Returns the URL scheme, as used in messages.
    fn scheme(&self) -> &'static str;

    /// Returns how events are to be stored here, as the URL and the transport's binding say.
    fn encoding(&self) -> Encoding;

    /// Returns what this transport can do, asking the live server.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn capabilities(&self) -> Result<Capabilities>;

    /// Returns the user's topics that exist, none of our own, in order of name.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn topics(&self) -> Result<Vec<Topic>>;

    /// Makes a topic (a stream that covers it) unless it is there; returns what was made, a line each, for people.
    ///
    /// # Errors
    /// If the server refuses. Where topics need no making this does nothing.
    async fn create(&self, topic: &Topic) -> Result<Vec<String>>;

    /// Stores messages and returns once each is confirmed or refused: one result per message, in order.
    ///
    /// Messages go to the broker in the order of the batch, and batches in the order in which their
    /// futures are first polled; several may be in flight. A delay that cannot be kept is refused
    /// before anything is stored. Not to be dropped by who needs to know what was stored.
    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>>;

    /// Takes the warnings that publishing, or reading lists, gave rise to since the last call: a line each, each said
    /// once.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Joins a group.
    ///
    /// Side places (dead letters, attempt records, delays) exist when this returns, or it fails.
    ///
    /// # Errors
    /// If the server does not answer, a topic does not exist, or what exists would lose events.
    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>>;

    /// Reads without a group, leaving nothing behind.
    ///
    /// # Errors
    /// If the server does not answer or a named topic does not exist where topics must be made.
    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>>;

    /// Returns what was dead-lettered.
    fn dead_letters(&self) -> &dyn DeadLetters;

    /// Returns what was accepted for later.
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

    /// Flushes and lets go of the store. Nothing may be asked of the transport afterwards.
    ///
    /// # Errors
    /// If something that was reported as done turns out not to be durable.
    async fn close(&self) -> Result<()>;
}

/// A message to be stored.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The message.
    pub message: Message,
    /// Seen by nobody before this time; a time in the past means now.
    pub due: Option<SystemTime>,
}

impl From<Message> for Outgoing {
    fn from(message: Message) -> Self {
        Self { message, due: None }
    }
}

/// The confirmation that a message is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Where it stands; none while it waits for its time, or where the broker does not say.
    pub position: Option<Position>,
    /// The name under which a delayed message can be cancelled.
    pub schedule: Option<ScheduleId>,
}
