//! How a delivery ends: what its settlement counts as.

use super::{metrics::meters::Settled, run::finished::LeftOut, summary::Summary};
use crate::transport::{DeadLetterKind, Verdict};

/// The kind of a verdict.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Acked,
    Skipped,
    /// Skipped because it had expired.
    Expired,
    /// Skipped because it is a tombstone.
    Tombstone,
    /// Acknowledged because the filter does not match it.
    Filtered,
    /// Acknowledged because a copy of it was handled.
    Duplicate,
    Retried,
    Returned,
    DeadLettered,
    /// Dead-lettered because it had expired.
    ExpiredLetter,
}

impl End {
    pub(super) fn of(verdict: &Verdict, left_out: Option<&LeftOut>) -> Self {
        match (verdict, left_out) {
            (Verdict::Ack, None) => Self::Acked,
            (Verdict::Ack, Some(LeftOut::Skipped(_))) => Self::Skipped,
            (Verdict::Ack, Some(LeftOut::Expired(_))) => Self::Expired,
            (Verdict::Ack, Some(LeftOut::Tombstone)) => Self::Tombstone,
            (Verdict::Ack, Some(LeftOut::Filtered)) => Self::Filtered,
            (Verdict::Ack, Some(LeftOut::Duplicate)) => Self::Duplicate,
            (Verdict::Retry { .. }, _) => Self::Retried,
            (Verdict::Return, _) => Self::Returned,
            (Verdict::DeadLetter { kind, .. }, _) => match kind {
                DeadLetterKind::Expired => Self::ExpiredLetter,
                _ => Self::DeadLettered,
            },
        }
    }

    /// Reports whether it is final for all copies of the event.
    pub(super) fn is_final(self) -> bool {
        matches!(
            self,
            Self::Acked | Self::Skipped | Self::DeadLettered | Self::ExpiredLetter
        )
    }

    /// Returns the outcome that metrics count.
    pub(super) fn settled(self) -> Settled {
        match self {
            Self::Acked => Settled::Acked,
            Self::Skipped | Self::Expired | Self::Tombstone => Settled::Skipped,
            Self::Filtered => Settled::Filtered,
            Self::Duplicate => Settled::Duplicate,
            Self::Retried => Settled::Retried,
            Self::Returned => Settled::Returned,
            Self::DeadLettered | Self::ExpiredLetter => Settled::DeadLettered,
        }
    }

    /// Adds one to the counts of what ended so.
    pub(super) fn count(self, summary: &mut Summary) {
        let counter = match self.settled() {
            Settled::Acked => &mut summary.acked,
            Settled::Skipped => &mut summary.skipped,
            Settled::Filtered => &mut summary.filtered,
            Settled::Duplicate => &mut summary.duplicates,
            Settled::Retried => &mut summary.retried,
            Settled::Returned => &mut summary.returned,
            Settled::DeadLettered => &mut summary.dead_lettered,
        };
        *counter += 1;
        match self {
            Self::Expired | Self::ExpiredLetter => summary.expired += 1,
            Self::Tombstone => summary.tombstones += 1,
            _ => {}
        }
    }
}
