//! Capabilities of a transport, as data: `pf caps` prints them, `--require` and the runtime read them, the conformance suite
//! tests them.

use std::time::Duration;

use serde::Serialize;

/// How far an ability goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "support", rename_all = "snake_case")]
pub enum Support {
    /// The broker does it.
    Native {
        /// What to know about it.
        note: String,
    },
    /// Protoflow does it on top of the broker.
    Emulated {
        /// How, and at what cost.
        note: String,
    },
    /// It is not available.
    Absent {
        /// Why, and what would make it available.
        note: String,
    },
}

impl Support {
    /// The broker does it.
    #[must_use]
    pub fn native(note: impl Into<String>) -> Self {
        Self::Native { note: note.into() }
    }

    /// Protoflow does it on top of the broker.
    #[must_use]
    pub fn emulated(note: impl Into<String>) -> Self {
        Self::Emulated { note: note.into() }
    }

    /// It is not available.
    #[must_use]
    pub fn absent(note: impl Into<String>) -> Self {
        Self::Absent { note: note.into() }
    }

    /// Reports whether it is available.
    #[must_use]
    pub fn is_present(&self) -> bool {
        !matches!(self, Self::Absent { .. })
    }

    /// Reports whether the broker does it.
    #[must_use]
    pub fn is_native(&self) -> bool {
        matches!(self, Self::Native { .. })
    }

    /// Returns `native`, `emulated` or `absent`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Native { .. } => "native",
            Self::Emulated { .. } => "emulated",
            Self::Absent { .. } => "absent",
        }
    }

    /// Returns what to know about it.
    #[must_use]
    pub fn note(&self) -> &str {
        let (Self::Native { note } | Self::Emulated { note } | Self::Absent { note }) = self;
        note
    }
}

/// Limits of a transport; `None` is unlimited. Durations are serialized as seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Bytes of a payload.
    pub max_payload: Option<u64>,
    /// The longest delay that is accepted.
    #[serde(serialize_with = "super::stamp::seconds::serialize")]
    pub max_delay: Option<Duration>,
    /// How late a delayed event may usually be.
    #[serde(serialize_with = "super::stamp::seconds::serialize")]
    pub lateness: Option<Duration>,
    /// Headers of different names lose their order.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unordered_headers: bool,
}

/// The capabilities of a transport.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// The URL scheme.
    pub transport: String,
    /// The live server and its version; none if no server was asked.
    pub server: Option<String>,
    /// A publish is confirmed only once it is stored.
    pub publish: Support,
    /// Publishing without storing a duplicate of an event, and for how long one is recognised.
    pub dedup: Support,
    /// Handling an event once that is stored several times (`pf consume --dedup`).
    pub dedup_handling: Support,
    /// Publishing with a delay.
    pub delay: Support,
    /// Listing, cancelling and rescheduling delayed events.
    pub schedule: Support,
    /// A retry after a chosen delay that does not hold up other events.
    pub delayed_retry: Support,
    /// Dead-lettering events that failed for good.
    pub dlq: Support,
    /// Replaying a dead letter exactly once.
    pub exactly_once_replay: Support,
    /// Publishing from an outbox exactly once: a batch and its receipt in one transaction
    /// ([`Transport::receipted`](super::Transport::receipted)).
    pub exactly_once_outbox: Support,
    /// Replaying to the group that failed, not to all groups.
    pub replay_to_group: Support,
    /// Events of a key are delivered in order.
    pub order: Support,
    /// A retry holds back later events of its key (`--ordered`).
    pub ordered_retry: Support,
    /// Several consumers share a group.
    pub groups: Support,
    /// Topics by wildcard.
    pub patterns: Support,
    /// Runs that crashed the process are counted separately.
    pub crash_count: Support,
    /// Deleting a dead letter's bytes.
    pub purge: Support,
    /// Limits.
    pub limits: Limits,
}

impl Capabilities {
    /// Returns every ability under the name that `--require` and the README use.
    #[must_use]
    pub fn abilities(&self) -> [(&'static str, &Support); 16] {
        [
            ("publish", &self.publish),
            ("dedup", &self.dedup),
            ("dedup-handling", &self.dedup_handling),
            ("delay", &self.delay),
            ("schedule", &self.schedule),
            ("delayed-retry", &self.delayed_retry),
            ("dlq", &self.dlq),
            ("exactly-once-replay", &self.exactly_once_replay),
            ("exactly-once-outbox", &self.exactly_once_outbox),
            ("replay-to-group", &self.replay_to_group),
            ("order", &self.order),
            ("ordered-retry", &self.ordered_retry),
            ("groups", &self.groups),
            ("patterns", &self.patterns),
            ("crash-count", &self.crash_count),
            ("purge", &self.purge),
        ]
    }
}
