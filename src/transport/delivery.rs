//! Messages handed to a consumer, and the duty to settle each exactly once.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use super::{ErrorKind, Failure, LetterId, LetterKind, Result, TransportError};
use crate::event::{Group, Pattern, Position, Stored};

/// How a consumer joins a group.
#[derive(Debug, Clone)]
pub struct SubscribeRequest {
    /// The group.
    pub group: Group,
    /// Topics; a message that matches several is delivered once.
    pub patterns: Vec<Pattern>,
    /// The name of this member, by which its group knows it again when it restarts, and keeps what is its own for it. On
    /// transports whose groups do not know their members it is refused.
    pub instance: Option<String>,
    /// Where the group starts if it is new. On transports that know groups by topic, the same holds for a topic that it has
    /// not read yet; on Kafka, that starts with the oldest kept.
    pub from: StartFrom,
    /// A retry holds its key.
    pub ordered: bool,
    /// End after what was there at the start and the retries of what was taken.
    pub until_end: bool,
    /// The most messages that may be handed out and not settled.
    pub max_in_flight: usize,
    /// How long a delivery is ours without [`Subscription::extend`].
    pub lease: Duration,
    /// The run that takes the process down for this many times makes a dead letter.
    pub max_crashes: u32,
    /// Failed runs that the retry policy allows, so that a broker's own limit can be checked.
    pub max_attempts: u32,
}

impl SubscribeRequest {
    /// Returns a request with the defaults of `pf consume`.
    #[must_use]
    pub fn new(group: Group, patterns: Vec<Pattern>) -> Self {
        Self {
            group,
            patterns,
            instance: None,
            from: StartFrom::Earliest,
            ordered: false,
            until_end: false,
            max_in_flight: 1000,
            lease: Duration::from_secs(30),
            max_crashes: 5,
            max_attempts: 3,
        }
    }

    /// Refuses `--ordered` on a transport that cannot hold back the key of a retry.
    pub(crate) fn refuse_ordered(&self, transport: &'static str) -> Result<()> {
        if !self.ordered {
            return Ok(());
        }
        let message = "a retry cannot hold back later events of its key here";
        let refused = TransportError::new(transport, ErrorKind::Unsupported, message);
        Err(refused.hint("leave `--ordered` out; `pf caps` says where order holds"))
    }

    /// Refuses the name of a member on a transport whose groups do not know their members by name.
    pub(crate) fn refuse_instance(&self, transport: &'static str) -> Result<()> {
        if self.instance.is_none() {
            return Ok(());
        }
        let message = "groups do not know their members by name here";
        let refused = TransportError::new(transport, ErrorKind::Unsupported, message);
        Err(refused.hint(
            "leave `--instance` out; on Kafka it keeps partitions for a member that restarts",
        ))
    }
}

/// Where a new group starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFrom {
    /// With the oldest kept.
    Earliest,
    /// With what is stored from now on.
    New,
    /// With the first stored at or after this time.
    Time(SystemTime),
}

impl StartFrom {
    /// Says where a new group starts: a remark of a transport that has just created it.
    #[must_use]
    pub fn of_new(self, group: &Group) -> String {
        let place = match self {
            Self::Earliest => "the earliest event".to_owned(),
            Self::New => "events stored from now on".to_owned(),
            Self::Time(time) => {
                let time = humantime::format_rfc3339_seconds(time);
                format!("events stored since {time}")
            }
        };
        format!("group {group} is new: starts at {place}")
    }
}

/// A membership in a group.
///
/// Where [`super::Capabilities::order`] says so, deliveries of one key come in order and one consumer at a
/// time: while one is handed out to a consumer and not settled, no other consumer gets a later one. Within
/// one consumer the caller keeps the order. A retry shows the topic, position and time of its original,
/// wherever the broker held it.
#[async_trait]
pub trait Subscription: fmt::Debug + Send + Sync {
    /// Waits for deliveries and returns at most `max`; none means that the end was reached.
    ///
    /// May be dropped: what was taken for a dropped call is handed out by the next. The lease counts from
    /// here; what is still buffered the backend keeps alive. Side places of a topic that a pattern finds later
    /// exist before its first delivery.
    ///
    /// # Errors
    /// If the connection is lost: while the error is transient, the call may be repeated. Retention that removed what this group had not read is
    /// an error of kind [`super::ErrorKind::Gap`]; the next call goes on behind the gap. A condition
    /// that the user should know of (a paused consumer) is an error of kind [`super::ErrorKind::Warning`]; nothing is
    /// skipped.
    async fn next(&self, max: usize) -> Result<Vec<Delivery>>;

    /// Makes verdicts true and returns once they are, one result per settlement, in order. A dead letter and a
    /// retry are stored then; an acknowledgement is final for this consumer, and durable within 100 ms and
    /// when the subscription is closed.
    ///
    /// The backend does it in the strongest way its broker has: a dead letter is confirmed stored before
    /// the original is acknowledged. It rides out a lost connection while the lease lasts; an error is
    /// final, and the delivery comes again by itself. [`super::ErrorKind::Lost`] says that it already is
    /// somebody else's, as far as the broker lets us know. Not to be dropped: what was settled would be unknown.
    async fn settle(&self, batch: Vec<Settlement>) -> Vec<Result<()>>;

    /// Returns how many batches are worth settling at the same time: several where a batch mostly waits for the server.
    fn settles_at_once(&self) -> usize {
        1
    }

    /// Says that these are still being worked on, and returns those that are no longer ours.
    ///
    /// # Errors
    /// If the server cannot be told; the deliveries may come again.
    async fn extend(&self, tickets: &[Ticket]) -> Result<Vec<Ticket>>;

    /// Returns what was made on the broker for this membership, a line each, for people.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// Counts the dead letters that the store made itself for this consumer, of what took others down too often.
    fn buried(&self) -> u64 {
        0
    }

    /// Leaves the group: everything settled is durable, and what was not settled goes back uncounted.
    ///
    /// # Errors
    /// If that could not be made sure.
    async fn close(&self) -> Result<()>;
}

/// A subscription's own number for a delivery that is not settled yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What became of earlier runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Handler runs that failed.
    pub failed: u32,
    /// Runs that took the process down.
    pub crashed: u32,
    /// When the first run failed.
    pub first_failed: Option<SystemTime>,
}

impl Attempts {
    /// Returns the number of the coming run, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.failed.saturating_add(1)
    }
}

/// Where a replayed message comes from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lineage {
    /// The dead letter that was replayed.
    pub replay_of: LetterId,
    /// The name of the store where the message stood at the very first: an imported letter's is another's.
    pub store: String,
    /// Where the message stood at the very first.
    pub position: Position,
    /// How often it has been replayed, this time included.
    pub generation: u32,
    /// Handler runs that failed in all earlier lives.
    pub attempts: u32,
}

/// One message handed to one consumer.
#[must_use = "an unsettled delivery comes again"]
pub struct Delivery {
    /// The message.
    pub stored: Stored,
    /// Earlier runs.
    pub attempts: Attempts,
    /// Its history, if it was replayed.
    pub lineage: Option<Box<Lineage>>,
    ticket: Ticket,
}

impl Delivery {
    /// Pairs a message with a subscription's number for it.
    pub fn new(
        stored: Stored,
        attempts: Attempts,
        lineage: Option<Box<Lineage>>,
        ticket: Ticket,
    ) -> Self {
        Self {
            stored,
            attempts,
            lineage,
            ticket,
        }
    }

    /// Returns the number by which to extend it.
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Copies it, to be shown; what is settled is the delivery itself.
    pub(crate) fn copy(&self) -> Self {
        Self {
            stored: self.stored.clone(),
            attempts: self.attempts.clone(),
            lineage: self.lineage.clone(),
            ticket: self.ticket,
        }
    }

    /// Says what should become of it. Consumes it, so that it cannot be settled twice.
    pub fn conclude(self, verdict: Verdict) -> Settlement {
        Settlement {
            delivery: self,
            verdict,
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("topic", &self.stored.message.topic)
            .field("position", &self.stored.position)
            .field("attempt", &self.attempts.attempt())
            .finish_non_exhaustive()
    }
}

/// A delivery and what should become of it.
#[derive(Debug)]
#[must_use = "a verdict counts once it is settled"]
pub struct Settlement {
    /// The delivery.
    pub delivery: Delivery,
    /// What should be true afterwards.
    pub verdict: Verdict,
}

/// What should be true of a delivery afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Done; this group never sees it again.
    Ack,
    /// The run failed and counts; deliver again, no sooner than this.
    Retry {
        /// How long to hold it.
        after: Duration,
        /// Why the run failed.
        failure: Box<Failure>,
    },
    /// Not worked on; deliver again at any time, uncounted.
    Return,
    /// Given up: a dead letter of this group.
    DeadLetter {
        /// Why it was given up.
        kind: LetterKind,
        /// How the last run failed. Where the kind is a failed run's, that run counts.
        failure: Box<Failure>,
    },
}
