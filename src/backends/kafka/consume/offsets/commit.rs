//! Commits, on a thread of their own: a commit waits for its answer, and neither polling nor settling waits for it.
//!
//! A settled message whose offset is not committed counts as in flight: after a crash it is delivered again. Commits
//! follow each other, because the broker keeps the one that arrives last, which need not be the one with the higher
//! offset.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext},
};

use super::commit_metadata;
use crate::{
    backends::kafka::{
        consume::{
            assignment::partition::{AssignmentId, PartitionKind},
            membership::join_errors,
            session::Session,
            state::{assignment::Assignment, lifecycle::Phase},
        },
        error,
    },
    failpoint,
    transport::{ErrorKind, Result},
};

/// How often settled offsets are committed where nobody waits for it.
const INTERVAL: Duration = Duration::from_millis(40);
/// The pause after a commit that failed.
const RETRY: Duration = Duration::from_millis(250);
/// How long commits may fail before the failure is reported, and how long the last commit is tried.
const FAILING: Duration = Duration::from_secs(5);

/// Commits settled offsets until the subscription ends.
pub(crate) fn commit_loop<C: ConsumerContext>(client: &BaseConsumer<C>, session: &Session) {
    let mut failing: Option<Instant> = None;
    loop {
        let pause = if failing.is_some() { RETRY } else { INTERVAL };
        match session.wait_for_commit(pause, failing.is_none()) {
            Phase::Running | Phase::Reached => {}
            Phase::Closing => return commit_last(client, session),
            Phase::Closed | Phase::Abandoned => return,
        }
        let Err(failed) = commit(client, session, None) else {
            failing = None;
            continue;
        };
        tracing::debug!(%failed, "offsets are committed again");
        let since = *failing.get_or_insert_with(Instant::now);
        if is_reported(failed.kind(), since.elapsed()) {
            session.fail(failed);
        }
    }
}

/// Decides whether a failed commit is reported while the member goes on. One that the group no longer knows is not: a
/// broker that was away for longer than the session forgets it, it joins again by itself, and what it had not committed
/// is delivered again. On a busy machine that takes longer than [`FAILING`], and would end the consumer.
fn is_reported(kind: ErrorKind, failing_for: Duration) -> bool {
    match kind {
        ErrorKind::Denied => true,
        ErrorKind::Lost => false,
        _ => failing_for > FAILING,
    }
}

/// Commits for the last time, and reports a failure: settled messages are delivered again then. While the group changes it
/// takes no commit of the members that it had before.
fn commit_last<C: ConsumerContext>(client: &BaseConsumer<C>, session: &Session) {
    let end = Instant::now() + FAILING;
    while let Err(failed) = commit(client, session, None) {
        let may_pass = failed.is_transient() || failed.kind() == ErrorKind::Lost;
        if !may_pass || Instant::now() > end {
            return session.fail(failed);
        }
        std::thread::park_timeout(RETRY);
    }
}

/// Commits the settled offsets of these partitions, or of all.
pub(crate) fn commit<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    session: &Session,
    partitions: Option<&HashSet<AssignmentId>>,
) -> Result<()> {
    let _turn = session.committing.lock();
    let (offsets, requested, has_open) = {
        let mut state = session.state();
        let offsets = offsets_to_commit(&mut state.assignment, partitions);
        (offsets, state.commits.requested(), state.commits.has_open())
    };
    let done = match &offsets {
        Some(offsets) => {
            failpoint::reach("kafka.commit");
            let done = client.commit(offsets, CommitMode::Sync);
            failpoint::reach("kafka.committed");
            done
        }
        None if !has_open => return Ok(()),
        None => Ok(()),
    };
    let mut state = session.state();
    for partition in state.assignment.partitions.values_mut() {
        partition.kind.on_commit(done.is_ok());
    }
    if done.is_ok() && partitions.is_none() {
        state.commits.complete(requested);
    }
    drop(state);
    session.committed.notify_waiters();
    session.delivered.notify_waiters();
    done.map_err(|failed| {
        let code = failed.rdkafka_error_code();
        let refused = code.and_then(|code| {
            join_errors::refusal(code, client, &session.connection, &session.group)
        });
        refused.unwrap_or_else(|| error::from_kafka(failed, "committing offsets"))
    })
}

/// Returns the offsets to commit, if any changed.
fn offsets_to_commit(
    assignment: &mut Assignment,
    partitions: Option<&HashSet<AssignmentId>>,
) -> Option<TopicPartitionList> {
    let mut offsets = TopicPartitionList::new();
    for (id, partition) in &mut assignment.partitions {
        if partitions.is_some_and(|partitions| !partitions.contains(id)) {
            continue;
        }
        let changed = match &mut partition.kind {
            PartitionKind::Messages { tracker, .. } => tracker.offset_to_commit(),
            PartitionKind::Retries(retries) => retries.offset_to_commit().map(|offset| {
                let metadata = commit_metadata::write(offset, &[], retries.identity);
                (offset, metadata.0)
            }),
        };
        if let Some((offset, metadata)) = changed {
            let at = &partition.at;
            let mut element = offsets.add_partition(&at.topic, at.partition);
            element.set_metadata(metadata);
            let _ = element.set_offset(Offset::Offset(offset));
        }
    }
    (offsets.count() > 0).then_some(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_the_group_forgot_is_no_failure() {
        let long = FAILING * 10;
        assert!(!is_reported(ErrorKind::Lost, long));
        assert!(is_reported(ErrorKind::Unavailable, long));
        assert!(!is_reported(ErrorKind::Unavailable, FAILING));
        assert!(is_reported(ErrorKind::Denied, Duration::ZERO));
    }
}
