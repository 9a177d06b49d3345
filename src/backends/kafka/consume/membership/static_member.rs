//! Static members (`group.instance.id`) that return within their session.
//!
//! The group gives such a member the partitions that it had before, without a rebalance. If it reads other topics than
//! before, the partitions of new ones have no owner, and those of others stay with it. Only a member that joins with
//! other topics than it had makes the group rebalance, so one topic is left out for a moment.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::task::AbortOnDropHandle;

use crate::{
    backends::kafka::{
        connection::{
            client::settings,
            group_members::{self, Listed},
        },
        consume::session::Session,
        error::error,
    },
    event::Pattern,
    transport::{ErrorKind, Result, SubscribeRequest},
};

/// How often the group is checked.
const CHECK: Duration = Duration::from_millis(100);
/// How long a rebalance may take, and the description of its result.
const REBALANCE: Duration = Duration::from_secs(10);
/// How many rebalances are caused before the mismatch is reported.
const TRIES: usize = 3;

/// Differences between the assignment and the topics to be read, by Kafka's names.
#[derive(Debug, Default, PartialEq, Eq)]
struct Mismatch {
    /// Topics to be read that have a partition without an owner.
    without_owner: BTreeSet<String>,
    /// Assigned topics that are not to be read.
    foreign: BTreeSet<String>,
}

impl Mismatch {
    fn is_empty(&self) -> bool {
        self.without_owner.is_empty() && self.foreign.is_empty()
    }
}

/// Starts to watch the assignment of a static member; under the newer protocol the broker does.
pub(crate) fn start(
    session: &Arc<Session>,
    request: &SubscribeRequest,
) -> Option<AbortOnDropHandle<()>> {
    if request.instance.is_none() || !settings::is_classic(&session.connection.config) {
        return None;
    }
    session.state().lifecycle.awaits_owners = request.until_end;
    let watching = watch(Arc::clone(session), request.patterns.clone());
    Some(AbortOnDropHandle::new(tokio::spawn(watching)))
}

/// Checks the assignment after each join, for as long as the subscription lasts.
async fn watch(session: Arc<Session>, patterns: Vec<Pattern>) {
    let mut done = 0;
    loop {
        tokio::time::sleep(CHECK).await;
        let joined = session.state().lifecycle.joins();
        if joined == done {
            continue;
        }
        resolve(&session, &patterns).await;
        done = joined;
        session.state().lifecycle.awaits_owners = false;
        session.delivered.notify_waiters();
        session.wake();
    }
}

async fn resolve(session: &Arc<Session>, patterns: &[Pattern]) {
    let mut tries = 0;
    while let Some(mismatch) = find_mismatch(session, patterns).await {
        if mismatch.is_empty() {
            return;
        }
        let left_out = choose(session, &mismatch);
        if tries == TRIES || left_out.is_none() {
            return report(session, &mismatch);
        }
        tries += 1;
        tracing::debug!(?mismatch, "causing a rebalance");
        for left_out in [left_out, None] {
            let before = {
                let lifecycle = &mut session.state().lifecycle;
                lifecycle.left_out = left_out;
                lifecycle.assignments()
            };
            session.wake();
            wait_for_assignment(session, before).await;
        }
    }
}

/// Compares the assignment with the topics once the group is stable; returns none if the group stays unstable.
async fn find_mismatch(session: &Arc<Session>, patterns: &[Pattern]) -> Option<Mismatch> {
    let until = Instant::now() + REBALANCE;
    while Instant::now() < until {
        match compare(session, patterns).await {
            Ok(Some(mismatch)) => return Some(mismatch),
            Ok(None) => {}
            Err(failed) => tracing::debug!(%failed, "the group is listed again"),
        }
        tokio::time::sleep(CHECK).await;
    }
    None
}

async fn compare(session: &Arc<Session>, patterns: &[Pattern]) -> Result<Option<Mismatch>> {
    let listed = group_members::list(&session.connection, &session.group).await?;
    let Some(listed) = listed.filter(|listed| !listed.is_empty()) else {
        return Ok(None);
    };
    let topics = session.connection.topics.matching(patterns).await?;
    let state = session.state();
    let messages = topics
        .iter()
        .filter(|(_, name, _)| state.sources.get(name).is_some())
        .map(|(_, name, partitions)| (name.as_str(), *partitions));
    let retries = state.sources.retries();
    let retries = retries.map(|topic| (&*topic.name, topic.partitions));
    Ok(Some(Mismatch {
        without_owner: without_owner(messages.chain(retries), &listed),
        foreign: state
            .assignment
            .foreign
            .iter()
            .map(|at| at.topic.to_string())
            .collect(),
    }))
}

/// Returns which topics have a partition without an owner. A partition that moves between members is still with the former.
fn without_owner<'a>(
    topics: impl Iterator<Item = (&'a str, i32)>,
    listed: &[Listed],
) -> BTreeSet<String> {
    let places = listed
        .iter()
        .flat_map(|member| member.assigned.iter().chain(&member.owned));
    let owned: HashSet<(&str, i32)> = places
        .map(|(name, partition)| (name.as_str(), *partition))
        .collect();
    topics
        .filter(|(name, partitions)| {
            (0..*partitions).any(|partition| !owned.contains(&(*name, partition)))
        })
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// Chooses the topic to leave out for a moment: one without an assigned partition, else a retry topic.
fn choose(session: &Session, mismatch: &Mismatch) -> Option<String> {
    let state = session.state();
    let all = state.sources.subscription();
    let ours: HashSet<&str> = state
        .assignment
        .partitions
        .values()
        .map(|one| &*one.at.topic)
        .collect();
    let retries: HashSet<&str> = state.sources.retries().map(|topic| &*topic.name).collect();
    let rank = |name: &&String| {
        let is_without = mismatch.without_owner.contains(*name);
        let name = name.as_str();
        (ours.contains(name), !is_without, !retries.contains(name))
    };
    let chosen = all.iter().min_by_key(rank).cloned();
    chosen.filter(|_| all.len() > 1)
}

/// Waits for the next assignment.
async fn wait_for_assignment(session: &Session, before: u64) {
    let until = Instant::now() + REBALANCE;
    while session.state().lifecycle.assignments() == before && Instant::now() < until {
        tokio::time::sleep(CHECK).await;
    }
}

fn report(session: &Session, mismatch: &Mismatch) {
    let group = &session.group;
    let names = |names: &BTreeSet<String>| {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    let message = if mismatch.without_owner.is_empty() {
        let foreign = names(&mismatch.foreign);
        format!("group `{group}` keeps giving {foreign} to this member, which does not read it")
    } else {
        let without = names(&mismatch.without_owner);
        format!("group `{group}` gave partitions of {without} to none of its members")
    };
    let told = error(ErrorKind::Warning, message);
    session.fail(
        told.hint("stop its members for longer than their session timeout, then start them again"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(assigned: &[(&str, i32)], owned: &[(&str, i32)]) -> Listed {
        let places = |places: &[(&str, i32)]| {
            let places = places.iter();
            places.map(|(name, at)| ((*name).to_owned(), *at)).collect()
        };
        Listed {
            name: "one".to_owned(),
            topics: Vec::new(),
            assigned: places(assigned),
            owned: places(owned),
        }
    }

    #[test]
    fn what_nobody_was_given_has_no_owner() {
        let one = member(&[("a", 0)], &[("a", 1)]);
        let two = member(&[("b", 0), ("b", 1)], &[]);
        let topics = [("a", 2), ("b", 3), ("c", 1)];
        let found = without_owner(topics.into_iter(), &[one, two]);
        assert_eq!(found, ["b", "c"].map(str::to_owned).into());
    }
}
