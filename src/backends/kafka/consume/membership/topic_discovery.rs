//! Topics that are created and deleted while a subscription reads those that match its patterns.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    backends::kafka::{
        consume::{
            retry_topics::{legacy_topic, sources::Source, support_topics},
            session::Session,
        },
        error,
    },
    event::{Pattern, Topic},
    transport::{Result, TransportError},
};

/// How often topics are listed.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often the retry topic of an earlier version is looked for.
const LEGACY_INTERVAL: Duration = Duration::from_secs(5);
/// In how many lists in a row a topic has to be missing before it counts as deleted: a broker that has just started may
/// not know all of them.
const MISSING: u32 = 3;

/// A topic, Kafka's name of it, and how many partitions it has.
type Found = (Topic, String, i32);

/// Results of earlier lists.
#[derive(Default)]
struct Discovery {
    /// In how many lists in a row each topic was missing.
    missing: HashMap<String, u32>,
    /// Topics that cannot be read, and were reported.
    refused: HashSet<String>,
}

/// Follows the topics of a cluster for as long as the subscription lasts.
pub(crate) async fn run(session: Arc<Session>, patterns: Vec<Pattern>) {
    let has_patterns = patterns.iter().any(|pattern| pattern.literal().is_none());
    let mut discovery = Discovery::default();
    let mut without_legacy = 0;
    let mut looked = Instant::now();
    loop {
        tokio::time::sleep(if has_patterns {
            INTERVAL
        } else {
            LEGACY_INTERVAL
        })
        .await;
        let mut outcome = Ok(());
        if has_patterns {
            outcome = look(&session, &patterns, &mut discovery).await;
        }
        if outcome.is_ok() && looked.elapsed() >= LEGACY_INTERVAL {
            looked = Instant::now();
            outcome = look_for_legacy(&session, &mut without_legacy).await;
        }
        if let Err(failed) = outcome {
            tracing::debug!(%failed, "topics are listed again");
        }
    }
}

/// Checks whether a member of an earlier version has created its retry topic since, or it was deleted.
async fn look_for_legacy(session: &Arc<Session>, missing: &mut u32) -> Result<()> {
    let found = legacy_topic::find(&session.connection, &session.group).await?;
    let mut state = session.state();
    *missing = match found {
        Some(_) => 0,
        None => *missing + 1,
    };
    if (1..MISSING).contains(missing) && state.sources.legacy().is_some() {
        return Ok(());
    }
    if state.sources.set_legacy(found) {
        drop(state);
        session.wake();
    }
    Ok(())
}

/// Adds new topics and removes deleted ones in one step, because each change causes a rebalance.
async fn look(
    session: &Arc<Session>,
    patterns: &[Pattern],
    discovery: &mut Discovery,
) -> Result<()> {
    let found = session.connection.topics.matching(patterns).await?;
    let there: HashSet<&String> = found.iter().map(|(_, name, _)| name).collect();
    let gone = gone(session, &there, &mut discovery.missing);
    let mut new = found;
    new.retain(|(_, name, _)| session.state().sources.get(name).is_none());
    if new.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let sources = prepare(session, &new, &mut discovery.refused).await?;
    if sources.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let mut state = session.state();
    state.sources.change(sources, &gone);
    drop(state);
    session.wake();
    Ok(())
}

/// Creates the support topics of new topics. A topic that is refused does not hold up the others; it is reported once.
async fn prepare(
    session: &Session,
    new: &[Found],
    refused: &mut HashSet<String>,
) -> Result<Vec<Source>> {
    let (connection, group) = (&session.connection, &session.group);
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
                session.fail(unread(&topic.0, &failed));
            }
            Err(_) => {}
        }
    }
    Ok(sources)
}

/// Returns the warning of a new topic that cannot be read.
fn unread(topic: &Topic, failed: &TransportError) -> TransportError {
    error::warning(&format!("the new topic `{topic}` is not read"), failed)
}

/// Returns topics that have been missing for long enough to count as deleted.
fn gone(
    session: &Session,
    there: &HashSet<&String>,
    missing: &mut HashMap<String, u32>,
) -> Vec<String> {
    let names: Vec<String> = session.state().sources.names().cloned().collect();
    missing.retain(|name, _| !there.contains(name));
    let absent = names.into_iter().filter(|name| !there.contains(name));
    let mut gone = Vec::new();
    for name in absent {
        let lists = missing.entry(name.clone()).or_default();
        *lists += 1;
        if *lists >= MISSING {
            gone.push(name);
        }
    }
    gone
}
