//! Fixes of findings.

use std::sync::Arc;

use super::{
    cluster::{Cluster, Facts, Kind},
    topics::BOOKKEEPING,
};
use crate::{
    backends::kafka::{
        connection::{
            admin::{self, COMPACTED, TopicSpec, fixed},
            handle::Connection,
        },
        error::{SCHEME, error},
    },
    transport::{ErrorKind, Finding, Result},
};

/// Fixes one finding.
pub(in crate::backends::kafka) async fn fix(
    connection: &Arc<Connection>,
    finding: &str,
) -> Result<()> {
    let nothing = || Finding::unknown(SCHEME, finding);
    let (what, name) = finding.split_once('.').ok_or_else(nothing)?;
    let cluster = Cluster::look(connection).await?;
    if what == "missing" {
        return make(connection, &cluster, name).await;
    }
    let facts = cluster.topics.get(name).ok_or_else(nothing)?;
    if facts.kind == Kind::Events {
        let message = format!("`{name}` is your own topic: change it yourself");
        return Err(error(ErrorKind::Unsupported, message));
    }
    if matches!(what, "orphan" | "legacy") {
        let message = format!("`{name}` may be in use elsewhere: delete it yourself");
        return Err(error(ErrorKind::Unsupported, message));
    }
    let (setting, value) = match (what, &facts.kind) {
        ("cleanup", Kind::Compacted) => ("cleanup.policy", "compact".to_owned()),
        ("cleanup", _) => ("cleanup.policy", "delete".to_owned()),
        ("retention", _) => ("retention.ms", "-1".to_owned()),
        ("ends", _) => ("delete.retention.ms", "86400000".to_owned()),
        ("limit", _) => ("max.message.bytes", room(&cluster).to_string()),
        ("replicas", _) if facts.replicas > 2 => ("min.insync.replicas", "2".to_owned()),
        _ => return Err(nothing()),
    };
    let changes = [(setting, &*value)];
    admin::change(
        connection.admin().await?,
        &connection.config,
        name,
        &changes,
    )
    .await
}

/// Returns the record size that an internal topic has to accept to store the records of all topics.
fn room(cluster: &Cluster) -> i64 {
    let limits = cluster.events();
    let limits = limits.filter_map(|(_, facts)| facts.number("max.message.bytes"));
    limits.max().unwrap_or_default() + BOOKKEEPING
}

async fn make(connection: &Arc<Connection>, cluster: &Cluster, name: &str) -> Result<()> {
    let names = connection.names();
    let mut settings = fixed(&COMPACTED);
    let partitions = if name == names.state_topic() {
        settings.push(("message.timestamp.type", "LogAppendTime".into()));
        1
    } else if name == names.delay_topic() {
        connection.topics.default_partitions()
    } else {
        let source = names
            .origin_of(name)
            .and_then(|topic| names.topic_name(&topic).ok());
        let source = source.and_then(|source| cluster.topics.get(&source));
        settings = fixed(&[("retention.ms", "-1")]);
        source.map_or(1, |facts: &Facts| facts.partitions)
    };
    let wanted = TopicSpec {
        name: name.to_owned(),
        partitions,
        settings,
    };
    connection.topics.create(&[wanted]).await.map(drop)
}
