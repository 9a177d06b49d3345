//! The lifecycle of a consumer: running, draining, aborting.

use std::time::Duration;

use tokio::time::Instant;

use super::summary::{ConsumeError, End};

/// The phase of a consumer.
pub(super) enum Lifecycle {
    /// Takes and handles deliveries.
    Running,
    /// Takes nothing; runs may end until this time.
    Draining(Reason, Instant),
    /// Runs were aborted; after this time they are dropped.
    Aborting(Reason, Instant),
}

/// Reason why a consumer ends.
pub(super) type Reason = Result<End, ConsumeError>;

impl Lifecycle {
    pub(super) fn is_running(&self) -> bool {
        matches!(self, Self::Running)
    }

    pub(super) fn is_aborting(&self) -> bool {
        matches!(self, Self::Aborting(..))
    }

    /// Returns the latest end of this phase.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        match self {
            Self::Running => None,
            Self::Draining(_, until) | Self::Aborting(_, until) => Some(*until),
        }
    }

    /// Starts the drain. The first reason stays, but an error replaces a success.
    pub(super) fn drain(&mut self, reason: Reason, grace: Duration) {
        match self {
            Self::Running => *self = Self::Draining(reason, later(grace)),
            Self::Draining(present, _) | Self::Aborting(present, _) => {
                if present.is_ok() && reason.is_err() {
                    *present = reason;
                }
            }
        }
    }

    /// Starts the abort, with `grace` for handlers to end.
    pub(super) fn abort(&mut self, reason: Option<End>, grace: Duration) {
        let present = match std::mem::replace(self, Self::Running) {
            Self::Running => Ok(End::Aborted),
            Self::Draining(present, _) => present,
            aborting @ Self::Aborting(..) => {
                *self = aborting;
                return;
            }
        };
        let reason = match (present, reason) {
            (Ok(_), Some(better)) => Ok(better),
            (present, _) => present,
        };
        *self = Self::Aborting(reason, later(grace));
    }

    pub(super) fn into_reason(self) -> Reason {
        match self {
            Self::Running => Ok(End::Aborted),
            Self::Draining(reason, _) | Self::Aborting(reason, _) => reason,
        }
    }
}

fn later(grace: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(grace)
        .unwrap_or_else(|| now + Duration::from_hours(24 * 365))
}
