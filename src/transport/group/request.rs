//! Joining a group: the terms, and where a new group starts.

use std::time::{Duration, SystemTime};

use crate::{
    event::{Group, Pattern},
    transport::{Dedup, ErrorKind, Result, TransportError},
};

/// The terms under which a consumer joins a group.
#[derive(Debug, Clone)]
pub struct SubscribeRequest {
    /// The group.
    pub group: Group,
    /// The topics. A message that matches several patterns is delivered once.
    pub patterns: Vec<Pattern>,
    /// The name of this member (static membership): its partitions are kept for it while it restarts. Refused on
    /// transports whose groups do not know their members by name.
    pub instance: Option<String>,
    /// Where the group starts if it is new. On transports that keep a position per topic, the same holds for a topic that
    /// the group has not read yet; on Kafka, such a topic starts with the oldest message.
    pub from: StartFrom,
    /// A retry holds back later events of its key.
    pub ordered: bool,
    /// Ends after the messages that were stored at the start, and the retries of those that were taken.
    pub until_end: bool,
    /// The most deliveries in flight.
    pub max_in_flight: usize,
    /// How long a delivery's lease lasts without [`Subscription::extend`](crate::transport::Subscription::extend).
    pub lease: Duration,
    /// A message whose runs crashed the process this often becomes a dead letter.
    pub max_crashes: u32,
    /// The attempts that the retry policy allows, to be checked against a broker's own limit.
    pub max_attempts: u32,
    /// Keeps marks of what was handled; `None` keeps none.
    pub dedup: Option<Dedup>,
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
            dedup: None,
        }
    }

    /// Refuses `--ordered` on a transport that cannot hold back the key of a retry.
    #[cfg(any(feature = "nats", feature = "kafka", feature = "pulsar"))]
    pub(crate) fn refuse_ordered(&self, transport: &'static str) -> Result<()> {
        if !self.ordered {
            return Ok(());
        }
        let message = "a retry cannot hold back later events of its key";
        let refused = TransportError::new(transport, ErrorKind::Unsupported, message);
        Err(refused.hint("leave `--ordered` out; `pf caps` says where order holds"))
    }

    /// Refuses `--dedup` on a transport that keeps no marks of what was handled.
    #[cfg(feature = "pulsar")]
    pub(crate) fn refuse_dedup(&self, transport: &'static str) -> Result<()> {
        if self.dedup.is_none() {
            return Ok(());
        }
        let message = "events that were handled are not marked here";
        let refused = TransportError::new(transport, ErrorKind::Unsupported, message);
        Err(refused.hint("leave `--dedup` out; `pf caps` says where `dedup-handling` is available"))
    }

    /// Refuses the name of a member on a transport whose groups do not know their members by name.
    pub(crate) fn refuse_instance(&self, transport: &'static str) -> Result<()> {
        if self.instance.is_none() {
            return Ok(());
        }
        let message = "consumer groups have no named members";
        let refused = TransportError::new(transport, ErrorKind::Unsupported, message);
        Err(refused.hint(
            "leave `--instance` out; on Kafka it keeps partitions for a member that restarts",
        ))
    }
}

/// Where a new group starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFrom {
    /// With the oldest message that is still stored.
    Earliest,
    /// With messages stored from now on.
    New,
    /// With the first message stored at or after this time.
    Time(SystemTime),
}

impl StartFrom {
    /// Returns the remark of a transport that has just created a group: where it starts.
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
