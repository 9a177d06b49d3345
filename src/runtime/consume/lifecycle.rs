//! How far a consumer is on its way from running to its end.

use std::time::Duration;

use tokio::time::Instant;

use super::{ConsumeError, End};

/// Where a consumer stands.
pub(super) enum Phase {
    /// Taking and handling.
    Running,
    /// Taking nothing; what runs has until then.
    Draining(Reason, Instant),
    /// What runs was told to end; after that time it is left where it stands.
    Aborting(Reason, Instant),
}

/// Why a consumer ends.
pub(super) type Reason = Result<End, ConsumeError>;

impl Phase {
    pub(super) fn is_running(&self) -> bool {
        matches!(self, Self::Running)
    }

    pub(super) fn is_aborting(&self) -> bool {
        matches!(self, Self::Aborting(..))
    }

    /// Returns when this phase is over at the latest.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        match self {
            Self::Running => None,
            Self::Draining(_, until) | Self::Aborting(_, until) => Some(*until),
        }
    }

    /// Begins to end, for this reason unless there is a better one already: an error beats everything.
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

    /// Ends at once, or after the time that handlers need to end.
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
