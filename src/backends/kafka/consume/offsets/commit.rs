//! Making durable what is settled: in a thread of its own, so that neither reading nor handling waits for it. What is
//! settled and not committed counts as in flight: after a crash it comes again.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
};

use super::commit_metadata;
use crate::{
    backends::kafka::{
        consume::{
            assignment::{
                partition::{Kind, PartId},
                rebalance::Watch,
            },
            membership::join_errors,
            session::Shared,
            state::{Desk, End},
        },
        error,
    },
    failpoint,
    transport::{ErrorKind, Result},
};

/// How often what is settled is committed where nobody waits for it.
const TURN: Duration = Duration::from_millis(40);
/// The pause after a commit that failed.
const AGAIN: Duration = Duration::from_millis(250);
/// For how long commits may fail before it is told, and the last one is tried.
const LAST: Duration = Duration::from_secs(5);

/// Commits what is settled until the membership is left.
pub(crate) fn run(client: &BaseConsumer<Watch>, shared: &Shared) {
    let mut failing: Option<Instant> = None;
    loop {
        let pause = if failing.is_some() { AGAIN } else { TURN };
        match shared.wait_for_commit(pause, failing.is_none()) {
            End::No | End::Reached => {}
            End::Closing => return finish(client, shared),
            End::Closed | End::Abandoned => return,
        }
        let Err(failed) = commit(client, shared, None) else {
            failing = None;
            continue;
        };
        tracing::debug!(%failed, "what is settled is committed again");
        let since = *failing.get_or_insert_with(Instant::now);
        if is_reported(failed.kind(), since.elapsed()) {
            shared.fail(failed);
        }
    }
}

/// Decides whether a commit that failed is reported while the member goes on. One that the group no longer knows is not: a
/// broker that was away for longer than the session forgets it, it joins again by itself, and what it had not committed
/// is delivered again. On a busy machine that takes longer than [`LAST`], and would end the consumer.
fn is_reported(kind: ErrorKind, failing_for: Duration) -> bool {
    match kind {
        ErrorKind::Denied => true,
        ErrorKind::Lost => false,
        _ => failing_for > LAST,
    }
}

/// Commits for the last time; says so if that fails, for what is settled comes again then.
fn finish(client: &BaseConsumer<Watch>, shared: &Shared) {
    let end = Instant::now() + LAST;
    while let Err(failed) = commit(client, shared, None) {
        if !failed.is_transient() || Instant::now() > end {
            return shared.fail(failed);
        }
        std::thread::park_timeout(AGAIN);
    }
}

/// Commits what is settled of these partitions, or of all, one commit after the other: none may overtake a later one.
pub(crate) fn commit(
    client: &BaseConsumer<Watch>,
    shared: &Shared,
    parts: Option<&HashSet<PartId>>,
) -> Result<()> {
    let _turn = shared.commits.lock();
    let (positions, asked) = {
        let mut desk = shared.desk();
        (positions(&mut desk, parts), desk.commits_asked)
    };
    let done = match &positions {
        Some(positions) => {
            failpoint::reach("kafka.commit");
            let done = client.commit(positions, CommitMode::Sync);
            failpoint::reach("kafka.committed");
            done
        }
        None if asked == shared.desk().commits_made => return Ok(()),
        None => Ok(()),
    };
    let mut desk = shared.desk();
    for part in desk.parts.values_mut() {
        part.kind.concludes(done.is_ok());
    }
    if done.is_ok() && parts.is_none() {
        desk.commits_made = asked;
    }
    drop(desk);
    shared.committed.notify_waiters();
    shared.came.notify_waiters();
    done.map_err(|failed| {
        let refused = failed.rdkafka_error_code().and_then(|code| {
            let place = (&shared.connection, &shared.group);
            join_errors::refusal(code, client, place)
        });
        refused.unwrap_or_else(|| error::from_kafka(failed, "committing what is settled"))
    })
}

/// Returns what is to be committed, if anything is.
fn positions(desk: &mut Desk, parts: Option<&HashSet<PartId>>) -> Option<TopicPartitionList> {
    let mut offsets = TopicPartitionList::new();
    for (id, part) in &mut desk.parts {
        if parts.is_some_and(|parts| !parts.contains(id)) {
            continue;
        }
        let changes = match &mut part.kind {
            Kind::Messages { tracker, .. } => tracker.changes(),
            Kind::Retries(retries) => retries.changes().map(|offset| {
                (
                    offset,
                    commit_metadata::write(offset, &[], retries.identity).0,
                )
            }),
        };
        if let Some((offset, metadata)) = changes {
            let mut element = offsets.add_partition(&part.name, part.partition);
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
    fn a_member_that_was_forgotten_joins_again() {
        let long = LAST * 10;
        assert!(!is_reported(ErrorKind::Lost, long));
        assert!(is_reported(ErrorKind::Unavailable, long));
        assert!(!is_reported(ErrorKind::Unavailable, LAST));
        assert!(is_reported(ErrorKind::Denied, Duration::ZERO));
    }
}
