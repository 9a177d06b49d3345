//! Checks of retry topics that no group reads any more.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    cluster::{Cluster, Facts},
    groups::{self, Group},
};
use crate::{
    backends::kafka::{connection::handle::Connection, consume::retry_topics::legacy_topic},
    event::{Group as Name, Topic},
    transport::{Finding, Result},
};

/// The owner of a retry topic.
enum Owner {
    /// A group, on a topic.
    Pair(Name, Topic),
    /// A group, on all topics, as earlier versions kept them.
    Legacy(Name),
}

/// Finds retry topics whose group or topic no longer exists, and those of earlier versions.
pub(super) async fn findings(
    connection: &Arc<Connection>,
    cluster: &Cluster,
    groups: &[Group],
) -> Result<Vec<Finding>> {
    let names = connection.names();
    let topics = cluster.topics.iter();
    let retries: BTreeMap<&String, &Facts> =
        topics.filter(|(name, _)| names.is_retries(name)).collect();
    if retries.is_empty() {
        return Ok(Vec::new());
    }
    let owners = owners(connection, cluster, &groups::names(connection).await?);
    let mut findings = Vec::new();
    for (name, facts) in retries {
        let owner = owners.get(name);
        let is_used = match owner {
            // Only some groups are checked in detail; of the others nothing is known.
            Some(Owner::Pair(group, topic)) => groups
                .iter()
                .find(|known| known.name == group.as_str())
                .is_none_or(|known| {
                    names
                        .topic_name(topic)
                        .is_ok_and(|topic| known.has_read(&topic))
                }),
            Some(Owner::Legacy(_)) | None => false,
        };
        if !is_used {
            let waiting = count(connection, name, facts.partitions).await?;
            findings.push(finding(connection, name, owner, waiting));
        }
    }
    Ok(findings)
}

/// Returns the names of the retry topics that groups may have.
fn owners(connection: &Connection, cluster: &Cluster, groups: &[String]) -> HashMap<String, Owner> {
    let names = connection.names();
    let topics = cluster.events().filter_map(|(name, _)| names.topic(name));
    let topics: Vec<Topic> = topics.collect();
    let mut owners = HashMap::new();
    for group in groups.iter().filter_map(|group| group.parse::<Name>().ok()) {
        if let Ok(legacy) = names.legacy_retry_topic(&group) {
            owners.insert(legacy, Owner::Legacy(group.clone()));
        }
        for topic in &topics {
            if let Ok(retries) = names.retry_topic(&group, topic) {
                owners.insert(retries, Owner::Pair(group.clone(), topic.clone()));
            }
        }
    }
    owners
}

/// Counts the retries in a topic.
async fn count(connection: &Arc<Connection>, name: &str, partitions: i32) -> Result<usize> {
    let places: Vec<(String, i32)> = (0..partitions).map(|one| (name.to_owned(), one)).collect();
    let ranges = connection.topics.ranges(places).await?;
    let waiting = legacy_topic::count(connection, ranges, |_, _| true).await?;
    Ok(waiting.values().sum())
}

fn finding(connection: &Connection, name: &str, owner: Option<&Owner>, waiting: usize) -> Finding {
    let server = connection.config.servers.first().map_or("", String::as_str);
    let delete = format!("kafka-topics.sh --bootstrap-server {server} --delete --topic {name}");
    let retries = match waiting {
        0 => "is empty".to_owned(),
        1 => "holds 1 retry".to_owned(),
        count => format!("holds {count} retries"),
    };
    let (kind, text, fix) = match owner {
        Some(Owner::Legacy(group)) if waiting > 0 => (
            "legacy",
            format!(
                "`{name}`, in which earlier versions kept the retries of all topics, {retries}: a consumer of group \
                 `{group}` moves them"
            ),
            None,
        ),
        Some(Owner::Legacy(group)) => (
            "legacy",
            format!(
                "`{name}`, in which earlier versions kept the retries of all topics, {retries}: delete it once no \
                 consumer of group `{group}` runs such a version"
            ),
            Some(delete),
        ),
        Some(Owner::Pair(group, topic)) if waiting > 0 => (
            "orphan",
            format!("`{name}` {retries}, and group `{group}` no longer reads `{topic}`"),
            Some(format!("pf consume {topic} --group {group} -- COMMAND")),
        ),
        Some(Owner::Pair(group, topic)) => (
            "orphan",
            format!("`{name}` {retries}, and group `{group}` no longer reads `{topic}`"),
            Some(delete),
        ),
        None if waiting > 0 => (
            "orphan",
            format!(
                "`{name}` {retries}, and its group or its topic no longer exists: deleting it loses them"
            ),
            Some(delete),
        ),
        None => (
            "orphan",
            format!("`{name}` {retries}, and its group or its topic no longer exists"),
            Some(delete),
        ),
    };
    Finding {
        fix,
        ..Finding::warning(format!("{kind}.{name}"), text)
    }
}
