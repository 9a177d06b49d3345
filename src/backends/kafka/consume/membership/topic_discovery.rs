//! Topics that come and go while a member reads what matches its patterns.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    backends::kafka::{
        consume::{
            retry_topics::{legacy_topic, sources::Source, support_topics},
            session::Shared,
        },
        error::{self, error},
    },
    event::{Pattern, Topic},
    transport::{ErrorKind, Result, TransportError},
};

/// How often topics are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// How often the topic of an earlier version is looked for.
const LOOK_FOR_LEGACY: Duration = Duration::from_secs(5);
/// In how many looks in a row a topic has to be missing before it is given up: a broker that has just started may not
/// know all of them.
const GONE: u32 = 3;

/// A topic, Kafka's name of it, and how many partitions it has.
type Found = (Topic, String, i32);

/// What earlier looks came to.
#[derive(Default)]
struct Looks {
    /// In how many in a row each topic was missing.
    missing: HashMap<String, u32>,
    /// Topics that cannot be read, which was reported.
    refused: HashSet<String>,
}

/// Looks for topics for as long as the membership lasts.
pub(crate) async fn run(shared: Arc<Shared>, patterns: Vec<Pattern>) {
    let has_patterns = patterns.iter().any(|pattern| pattern.literal().is_none());
    let mut looks = Looks::default();
    let mut without_legacy = 0;
    let mut looked = Instant::now();
    loop {
        tokio::time::sleep(if has_patterns { LOOK } else { LOOK_FOR_LEGACY }).await;
        let mut outcome = Ok(());
        if has_patterns {
            outcome = look(&shared, &patterns, &mut looks).await;
        }
        if outcome.is_ok() && looked.elapsed() >= LOOK_FOR_LEGACY {
            looked = Instant::now();
            outcome = look_for_legacy(&shared, &mut without_legacy).await;
        }
        if let Err(failed) = outcome {
            tracing::debug!(%failed, "topics are looked for again");
        }
    }
}

/// Looks whether a member of an earlier version has created its topic of retries since, or somebody has deleted it.
async fn look_for_legacy(shared: &Arc<Shared>, missing: &mut u32) -> Result<()> {
    let found = legacy_topic::find(&shared.connection, &shared.group).await?;
    let mut desk = shared.desk();
    *missing = match found {
        Some(_) => 0,
        None => *missing + 1,
    };
    if (1..GONE).contains(missing) && desk.sources.legacy().is_some() {
        return Ok(());
    }
    if desk.sources.set_legacy(found) {
        drop(desk);
        shared.wake();
    }
    Ok(())
}

/// Takes up what is new and gives up what is gone, in one step: each change makes the group share out anew.
async fn look(shared: &Arc<Shared>, patterns: &[Pattern], looks: &mut Looks) -> Result<()> {
    let found = shared.connection.matching(patterns).await?;
    let there: HashSet<&String> = found.iter().map(|(_, name, _)| name).collect();
    let gone = gone(shared, &there, &mut looks.missing);
    let mut new = found;
    new.retain(|(_, name, _)| shared.desk().sources.get(name).is_none());
    if new.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let sources = prepare(shared, &new, &mut looks.refused).await?;
    if sources.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let mut desk = shared.desk();
    desk.sources.change(sources, &gone);
    drop(desk);
    shared.wake();
    Ok(())
}

/// Creates what a group needs beside new topics; one that is refused holds up no others, and is reported once.
async fn prepare(
    shared: &Shared,
    new: &[Found],
    refused: &mut HashSet<String>,
) -> Result<Vec<Source>> {
    let (connection, group) = (&shared.connection, &shared.group);
    match support_topics::create(connection, group, new).await {
        Ok((sources, _)) => return Ok(sources),
        Err(failed) if !error::is_refusal(&failed) => return Err(failed),
        Err(_) => {}
    }
    let mut sources = Vec::new();
    for topic in new {
        match support_topics::create(connection, group, std::slice::from_ref(topic)).await {
            Ok((some, _)) => sources.extend(some),
            Err(failed) if !error::is_refusal(&failed) => return Err(failed),
            Err(failed) if refused.insert(topic.1.clone()) => {
                shared.fail(unread(&topic.0, &failed));
            }
            Err(_) => {}
        }
    }
    Ok(sources)
}

/// Returns the warning of a new topic that is not read.
fn unread(topic: &Topic, failed: &TransportError) -> TransportError {
    let message = format!("the new topic `{topic}` is not read: {failed}");
    let warning = error(ErrorKind::Warning, message);
    match failed.advice() {
        Some(advice) => warning.hint(advice.to_owned()),
        None => warning,
    }
}

/// Returns topics that have been missing for long enough.
fn gone(
    shared: &Shared,
    there: &HashSet<&String>,
    missing: &mut HashMap<String, u32>,
) -> Vec<String> {
    let names: Vec<String> = shared.desk().sources.names().cloned().collect();
    missing.retain(|name, _| !there.contains(name));
    let absent = names.into_iter().filter(|name| !there.contains(name));
    let mut gone = Vec::new();
    for name in absent {
        let looks = missing.entry(name.clone()).or_default();
        *looks += 1;
        if *looks >= GONE {
            gone.push(name);
        }
    }
    gone
}
