//! A member with a name that comes back: within its session the group gives it what it had before, and does not share
//! out anew. What it reads since then has no owner, and what it reads no more stays with it. Then the group has to be
//! moved to share out anew, which only a member does that joins with other topics: one is left out for a moment.

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
        consume::session::Shared,
        error::error,
    },
    event::Pattern,
    transport::{ErrorKind, Result, SubscribeRequest},
};

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(100);
/// For how long it is waited for the group to share out, or to tell what it did.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the group is moved to share out anew before that is given up.
const TRIES: usize = 3;

/// What is not as it should be, by Kafka's names of topics.
#[derive(Debug, Default, PartialEq, Eq)]
struct Amiss {
    /// They are to be read, and some partition of them was given to nobody.
    without_owner: BTreeSet<String>,
    /// They are ours, and not to be read.
    foreign: BTreeSet<String>,
}

impl Amiss {
    fn is_nothing(&self) -> bool {
        self.without_owner.is_empty() && self.foreign.is_empty()
    }
}

/// Begins to look after a member with a name; in the newer protocol the broker does.
pub(crate) fn start(
    shared: &Arc<Shared>,
    request: &SubscribeRequest,
) -> Option<AbortOnDropHandle<()>> {
    if request.instance.is_none() || !settings::is_classic(&shared.connection.config) {
        return None;
    }
    shared.desk().awaits_group = request.until_end;
    let watching = watch(Arc::clone(shared), request.patterns.clone());
    Some(AbortOnDropHandle::new(tokio::spawn(watching)))
}

/// Looks after each time that the member joined, for as long as the membership lasts.
async fn watch(shared: Arc<Shared>, patterns: Vec<Pattern>) {
    let mut done = 0;
    loop {
        tokio::time::sleep(LOOK).await;
        let joined = shared.desk().joined;
        if joined == done {
            continue;
        }
        put_right(&shared, &patterns).await;
        done = joined;
        shared.desk().awaits_group = false;
        shared.came.notify_waiters();
        shared.wake();
    }
}

async fn put_right(shared: &Arc<Shared>, patterns: &[Pattern]) {
    let mut tries = 0;
    while let Some(amiss) = look(shared, patterns).await {
        if amiss.is_nothing() {
            return;
        }
        let left_out = choose(shared, &amiss);
        if tries == TRIES || left_out.is_none() {
            return tell(shared, &amiss);
        }
        tries += 1;
        tracing::debug!(?amiss, "the group is moved to share out anew");
        for left_out in [left_out, None] {
            let before = {
                let mut desk = shared.desk();
                desk.left_out = left_out;
                desk.given
            };
            shared.wake();
            wait_until_given(shared, before).await;
        }
    }
}

/// Looks what is amiss, once the group is at rest; returns nothing if it does not tell.
async fn look(shared: &Arc<Shared>, patterns: &[Pattern]) -> Option<Amiss> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        match look_once(shared, patterns).await {
            Ok(Some(amiss)) => return Some(amiss),
            Ok(None) => {}
            Err(failed) => tracing::debug!(%failed, "the group is looked at again"),
        }
        tokio::time::sleep(LOOK).await;
    }
    None
}

async fn look_once(shared: &Arc<Shared>, patterns: &[Pattern]) -> Result<Option<Amiss>> {
    let listed = group_members::list(&shared.connection, &shared.group).await?;
    let Some(listed) = listed.filter(|listed| !listed.is_empty()) else {
        return Ok(None);
    };
    let topics = shared.connection.matching(patterns).await?;
    let desk = shared.desk();
    let messages = topics
        .iter()
        .filter(|(_, name, _)| desk.sources.get(name).is_some())
        .map(|(_, name, partitions)| (name.as_str(), *partitions));
    let retries = desk.sources.retries();
    let retries = retries.map(|topic| (&*topic.name, topic.partitions));
    Ok(Some(Amiss {
        without_owner: without_owner(messages.chain(retries), &listed),
        foreign: desk.foreign.iter().map(|(name, _)| name.clone()).collect(),
    }))
}

/// Returns which topics have a partition that was given to nobody. What is on its way from one member to another still
/// is with the former.
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

/// Chooses the topic that is left out for a moment: if possible one of which nothing is ours, else one of retries.
fn choose(shared: &Shared, amiss: &Amiss) -> Option<String> {
    let desk = shared.desk();
    let all = desk.sources.subscription();
    let ours: HashSet<&str> = desk.parts.values().map(|part| &*part.name).collect();
    let retries: HashSet<&str> = desk.sources.retries().map(|topic| &*topic.name).collect();
    let rank = |name: &&String| {
        let is_without = amiss.without_owner.contains(*name);
        let name = name.as_str();
        (ours.contains(name), !is_without, !retries.contains(name))
    };
    let chosen = all.iter().min_by_key(rank).cloned();
    chosen.filter(|_| all.len() > 1)
}

/// Waits until the group has told again what is ours.
async fn wait_until_given(shared: &Shared, before: u64) {
    let until = Instant::now() + PATIENCE;
    while shared.desk().given == before && Instant::now() < until {
        tokio::time::sleep(LOOK).await;
    }
}

fn tell(shared: &Shared, amiss: &Amiss) {
    let group = &shared.group;
    let names = |names: &BTreeSet<String>| {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    let message = if amiss.without_owner.is_empty() {
        let foreign = names(&amiss.foreign);
        format!("group `{group}` keeps giving {foreign} to this member, which does not read it")
    } else {
        let without = names(&amiss.without_owner);
        format!("group `{group}` gave partitions of {without} to none of its members")
    };
    let told = error(ErrorKind::Warning, message);
    shared.fail(
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
