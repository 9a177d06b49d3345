//! Recovery of assigned partitions that the client stopped reading.
//!
//! After an offset that is out of range librdkafka reads a partition no further, and its error does not name the
//! partition. The error may also be lost: the client forgets it when the partition is paused or another is revoked, and a
//! log that lost its end causes no error at all. So nobody can ask which partition stopped. Instead the progress of each
//! is noted; once everything that was fetched by then has been delivered, or after a while, a partition without progress
//! is compared with its log: where there is a gap it is read on behind it, and elsewhere from where it is.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use rdkafka::consumer::Consumer as _;

use super::{
    partition::{AssignmentId, PartitionKind},
    positions,
    rebalance::GroupConsumer,
};
use crate::{
    backends::kafka::{
        consume::{membership::leave, session::Session},
        read::gap::Gap,
    },
    transport::Result,
};

/// How long fetched records may take to be delivered, and the pause after a failure.
const DELIVERY: Duration = Duration::from_secs(5);
/// How often, at most, partitions are checked without an error.
const CHECK: Duration = Duration::from_secs(10);

/// Partitions of which one may have stopped.
#[derive(Debug)]
struct StallSuspicion {
    /// The client reported an error, so one of them has.
    is_certain: bool,
    /// How far each was read when it was suspected; none until that is known.
    progress: Option<HashMap<AssignmentId, i64>>,
    /// When everything that was fetched by then counts as delivered.
    delivered_by: Instant,
    /// Not to be checked before, after a failure.
    not_before: Instant,
}

impl StallSuspicion {
    fn new(is_certain: bool) -> Self {
        let now = Instant::now();
        Self {
            is_certain,
            progress: None,
            delivered_by: now + DELIVERY,
            not_before: now,
        }
    }
}

/// Finds partitions that the client stopped reading, and reads them on.
#[derive(Debug)]
pub(crate) struct GapRecovery {
    suspicion: Option<StallSuspicion>,
    checked: Instant,
}

impl GapRecovery {
    pub(crate) fn new() -> Self {
        Self {
            suspicion: None,
            checked: Instant::now(),
        }
    }

    /// Notes the client's error that an offset is out of range.
    pub(crate) fn on_gap(&mut self) {
        self.suspicion = Some(StallSuspicion::new(true));
    }

    /// Reads suspected partitions on that made no progress. Reports whether it did anything: positions that the client
    /// returned before are outdated then. `is_idle` says that nothing more was fetched.
    pub(crate) fn recover(
        &mut self,
        client: &GroupConsumer,
        session: &Session,
        is_idle: bool,
    ) -> Result<bool> {
        self.check_for_stall(client, session);
        let Some(suspicion) = &mut self.suspicion else {
            return Ok(false);
        };
        let Some(progress) = &suspicion.progress else {
            // The client may be further where there are no records.
            positions::refresh(client, session)?;
            let partitions = &session.state().assignment.partitions;
            let progress = partitions.iter().map(|(id, one)| (*id, one.kind.seen()));
            suspicion.progress = Some(progress.collect());
            suspicion.delivered_by = Instant::now() + DELIVERY;
            return Ok(false);
        };
        let now = Instant::now();
        if now < suspicion.not_before || !is_idle && now < suspicion.delivered_by {
            return Ok(false);
        }
        let is_certain = suspicion.is_certain;
        let mut left = progress.clone();
        let recovered = recover_all(client, session, &mut left, is_certain);
        self.suspicion = (!left.is_empty()).then(|| StallSuspicion {
            progress: Some(left),
            not_before: Instant::now() + DELIVERY,
            ..StallSuspicion::new(is_certain)
        });
        recovered.map(|()| true)
    }

    /// Suspects a stall now and then, where an error may have been lost or cannot occur.
    fn check_for_stall(&mut self, client: &GroupConsumer, session: &Session) {
        let is_bounded = client.context().callbacks.plan.until_end;
        if self.suspicion.is_none()
            && self.checked.elapsed() > CHECK
            // A bounded subscription would wait for the lost end of a log forever.
            && (std::mem::take(&mut session.state().assignment.may_be_stalled) || is_bounded)
        {
            self.checked = Instant::now();
            self.suspicion = Some(StallSuspicion::new(false));
        }
    }
}

/// Reads partitions on, and takes those out of `left` that need no more.
fn recover_all(
    client: &GroupConsumer,
    session: &Session,
    left: &mut HashMap<AssignmentId, i64>,
    is_certain: bool,
) -> Result<()> {
    for (id, next) in left.clone() {
        match recover_partition(client, session, id, next, is_certain) {
            // A broker that does not answer now is not asked about the others either.
            Err(failed) if is_certain && failed.is_transient() => return Err(failed),
            Err(failed) if failed.is_transient() => {
                tracing::debug!(%failed, "partitions are checked later");
                session.state().assignment.may_be_stalled = true;
                left.clear();
                return Ok(());
            }
            Err(failed) => tracing::debug!(%failed, "a partition is left as it is"),
            Ok(()) => {}
        }
        left.remove(&id);
    }
    Ok(())
}

/// Reads a partition on that made no progress since `next`.
fn recover_partition(
    client: &GroupConsumer,
    session: &Session,
    id: AssignmentId,
    next: i64,
    is_certain: bool,
) -> Result<()> {
    let (at, is_retries) = match session.state().assignment.partitions.get(&id) {
        Some(partition) if partition.kind.seen() == next && !partition.kind.is_passed() => {
            let is_retries = matches!(partition.kind, PartitionKind::Retries(_));
            (partition.at.clone(), is_retries)
        }
        _ => return Ok(()),
    };
    let watermarks = session.watermarks(&at)?;
    let gap = Gap::find(&at, next, watermarks);
    if gap.is_none() && !is_certain && next >= watermarks.high {
        session.state().assignment.limit_end(id, watermarks.high);
        return Ok(());
    }
    let is_truncated = matches!(gap, Some(Gap::Truncated(_)));
    let failed = gap.map(Gap::into_error);
    if is_truncated && is_retries {
        // The index of its retries is rebuilt with the next assignment.
        leave::leave_group(client, session);
        return Ok(());
    }
    let offset = if is_truncated {
        watermarks.low
    } else {
        next.max(watermarks.low)
    };
    positions::seek(client, session, id, &at, offset)?;
    let identity = client.context().callbacks.identity(&at.topic);
    let mut state = session.state();
    state.assignment.limit_end(id, watermarks.high);
    if is_truncated {
        state.restart(id, offset, identity);
    } else if let Some(partition) = state.assignment.partitions.get_mut(&id) {
        partition.kind.advance_to(offset);
    }
    drop(state);
    if let Some(failed) = failed.filter(|_| !is_retries) {
        session.fail(failed);
    }
    Ok(())
}
