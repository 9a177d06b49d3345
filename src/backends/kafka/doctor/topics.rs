//! Checks of topics: missing ones, settings that lose data, replicas.

use std::time::Duration;

use super::{
    cluster::{Cluster, Facts, Kind},
    groups::Group,
};
use crate::{
    backends::kafka::{connection::handle::Connection, read::open_transactions::BlockedRecords},
    transport::Finding,
};

/// The bytes that an internal record needs besides the message.
pub(super) const BOOKKEEPING: i64 = 8192;
/// A retention below this is reported.
const SHORT: Duration = Duration::from_hours(24);
/// How long a tombstone has to stay so that slow readers see it.
pub(super) const ENDS_STAY: Duration = Duration::from_hours(1);

/// Returns the internal topics that do not exist.
pub(super) fn missing(
    connection: &Connection,
    cluster: &Cluster,
    groups: &[Group],
) -> Vec<Finding> {
    let names = connection.names();
    let mut wanted = vec![
        (names.delay_topic(), "the first consumer or delayed event"),
        (names.state_topic(), "the first dead-letter job"),
    ];
    for group in groups {
        for lag in &group.lags {
            if let Some(letters) = names
                .topic(&lag.topic)
                .and_then(|topic| names.dead_letter_topic(&topic).ok())
            {
                wanted.push((letters, "the first consumer"));
            }
        }
    }
    wanted.sort();
    wanted.dedup();
    let wanted = wanted.into_iter();
    let missing = wanted.filter(|(name, _)| !cluster.topics.contains_key(name));
    missing
        .map(|(name, who)| Finding {
            fix: Some("pf doctor --fix".to_owned()),
            ..Finding::warning(
                format!("missing.{name}"),
                format!("topic `{name}` does not exist yet: {who} creates it, if allowed to"),
            )
        })
        .collect()
}

/// Checks settings.
pub(super) fn settings(connection: &Connection, cluster: &Cluster) -> Vec<Finding> {
    let largest = cluster
        .events()
        .filter_map(|(name, facts)| Some((facts.number("max.message.bytes")?, name)))
        .max();
    let mut findings = Vec::new();
    for (name, facts) in &cluster.topics {
        findings.extend(match &facts.kind {
            Kind::Events => of_events(connection, name, facts),
            Kind::Letters(_) => of_letters(connection, name, facts),
            Kind::Compacted => of_compacted(connection, name, facts),
        });
        let source = match &facts.kind {
            Kind::Events => continue,
            Kind::Letters(topic) => connection
                .names()
                .topic_name(topic)
                .ok()
                .and_then(|source| {
                    let (source, facts) = cluster.topics.get_key_value(&source)?;
                    Some((facts.number("max.message.bytes")?, source))
                }),
            Kind::Compacted => largest,
        };
        findings.extend(source.and_then(|source| limit(connection, (name, facts), source)));
    }
    findings
}

/// Compares the record size that an internal topic accepts with that of its source.
fn limit(
    connection: &Connection,
    (name, facts): (&str, &Facts),
    (largest, source): (i64, &String),
) -> Option<Finding> {
    let own = facts.number("max.message.bytes")?;
    let text = format!(
        "`{name}` accepts records of up to {own} bytes, `{source}` of up to {largest}: larger events do not fit"
    );
    let setting = format!("max.message.bytes={}", largest + BOOKKEEPING);
    let found = Finding::warning(format!("limit.{name}"), text);
    (own < largest).then(|| by_setting(connection, found, name, &setting))
}

fn of_events(connection: &Connection, name: &str, facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let policy = facts.setting("cleanup.policy");
    if policy.contains("compact") {
        let text = format!(
            "`{name}` is compacted: an event is removed once a later one has the same key, read or not"
        );
        let found = Finding::warning(format!("cleanup.{name}"), text);
        findings.push(by_setting(connection, found, name, "cleanup.policy=delete"));
    }
    if let Some(kept) = kept(facts)
        && kept < SHORT
    {
        let kept = humantime::format_duration(kept);
        let text = format!("events of `{name}` are deleted after {kept}, read or not");
        let found = Finding::warning(format!("retention.{name}"), text);
        findings.push(by_setting(
            connection,
            found,
            name,
            "retention.ms=604800000",
        ));
    }
    findings
}

/// Returns how long records are kept; none if indefinitely.
fn kept(facts: &Facts) -> Option<Duration> {
    let millis = u64::try_from(facts.number("retention.ms")?).ok()?;
    let deletes = facts.setting("cleanup.policy").contains("delete");
    deletes.then(|| Duration::from_millis(millis))
}

fn of_letters(connection: &Connection, name: &str, facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.setting("cleanup.policy").contains("compact") {
        let text = format!(
            "`{name}` is compacted: a dead letter is removed once a later one has the same key"
        );
        let found = Finding::problem(format!("cleanup.{name}"), text);
        findings.push(by_setting(connection, found, name, "cleanup.policy=delete"));
    }
    if let Some(kept) = kept(facts) {
        let kept = humantime::format_duration(kept);
        let text = format!("dead letters in `{name}` are deleted after {kept}, resolved or not");
        let found = Finding::warning(format!("retention.{name}"), text);
        findings.push(by_setting(connection, found, name, "retention.ms=-1"));
    }
    findings
}

fn of_compacted(connection: &Connection, name: &str, facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.setting("cleanup.policy") != "compact" {
        let kept = kept(facts).map(|kept| humantime::format_duration(kept).to_string());
        let text = match kept {
            Some(kept) => {
                format!("`{name}` deletes records after {kept}: events delayed for longer are lost")
            }
            None => format!("`{name}` is not compacted and only grows"),
        };
        let found = Finding::problem(format!("cleanup.{name}"), text);
        findings.push(by_setting(
            connection,
            found,
            name,
            "cleanup.policy=compact",
        ));
    }
    let stay = facts.number("delete.retention.ms").unwrap_or(i64::MAX);
    if u128::try_from(stay).unwrap_or_default() < ENDS_STAY.as_millis() {
        let stay = humantime::format_duration(Duration::from_millis(stay.unsigned_abs()));
        let text = format!(
            "`{name}` keeps tombstones for only {stay}: a slow reader may miss one and process an ended record again"
        );
        let found = Finding::warning(format!("ends.{name}"), text);
        findings.push(by_setting(
            connection,
            found,
            name,
            "delete.retention.ms=86400000",
        ));
    }
    findings
}

/// Returns the records that open transactions hide; most transactions end in a moment.
pub(super) fn hidden(connection: &Connection, hidden: &[BlockedRecords]) -> Vec<Finding> {
    let server = connection.config.servers.first().map_or("", String::as_str);
    let found = |hidden: &BlockedRecords| {
        let (name, partition) = (&hidden.name, hidden.partition);
        let (finding, text) = (format!("open.{name}"), hidden.text(connection));
        if !hidden.is_old() {
            return Finding::ok(finding, text);
        }
        Finding {
            fix: Some(format!(
                "kafka-transactions.sh --bootstrap-server {server} describe-producers --topic {name} --partition {partition}"
            )),
            ..Finding::warning(finding, text)
        }
    };
    hidden.iter().map(found).collect()
}

/// Checks replicas.
pub(super) fn replicas(connection: &Connection, cluster: &Cluster) -> Vec<Finding> {
    let all = cluster.topics.iter();
    all.filter_map(|(name, facts)| {
        let finding = format!("replicas.{name}");
        let wanted = usize::try_from(facts.number("min.insync.replicas").unwrap_or(1)).unwrap_or(1);
        let (replicas, in_sync) = (facts.replicas, facts.in_sync);
        // A broker requires no more replicas than there are.
        let wanted = wanted.min(replicas);
        if facts.without_leader > 0 {
            let count = facts.without_leader;
            let text = format!("{count} of the partitions of `{name}` have no leader");
            return Some(Finding::problem(finding, text));
        }
        if in_sync < wanted {
            let text = format!(
                "`{name}` accepts no events: {in_sync} of {replicas} replicas are in sync, `min.insync.replicas` is {wanted}"
            );
            let found = Finding::problem(finding, text);
            let setting = format!("min.insync.replicas={}", in_sync.max(1));
            return Some(by_setting(connection, found, name, &setting));
        }
        if replicas == 1 && cluster.brokers > 1 {
            let text = format!("`{name}` has one replica: it is lost with its broker");
            return Some(Finding {
                fix: Some("kafka-reassign-partitions.sh".to_owned()),
                ..Finding::warning(finding, text)
            });
        }
        (replicas > 2 && wanted < 2).then(|| {
            let text = format!("a confirmed event of `{name}` may be stored on one broker only");
            by_setting(connection, Finding::warning(finding, text), name, "min.insync.replicas=2")
        })
    })
    .collect()
}

/// Adds the command of Kafka's tools that changes a setting of a topic.
fn by_setting(connection: &Connection, finding: Finding, topic: &str, setting: &str) -> Finding {
    let server = connection.config.servers.first().map_or("", String::as_str);
    finding.fix(format!(
        "kafka-configs.sh --bootstrap-server {server} --alter --entity-type topics --entity-name {topic} \
         --add-config {setting}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backends::{OpenOptions, kafka::connection::config::Config},
        transport::FindingLevel,
    };

    fn found(replicas: usize, in_sync: usize, wanted: &str) -> Vec<(FindingLevel, String)> {
        let config = Config::read(&"kafka://a:1".parse().unwrap(), OpenOptions::default()).unwrap();
        let wanted = ("min.insync.replicas".to_owned(), wanted.to_owned());
        let facts = Facts {
            kind: Kind::Events,
            partitions: 1,
            replicas,
            in_sync,
            without_leader: 0,
            settings: [wanted].into(),
        };
        let cluster = Cluster {
            brokers: 3,
            topics: [("order".to_owned(), facts)].into(),
        };
        let found = super::replicas(&Connection::new(config, false), &cluster).into_iter();
        found.map(|found| (found.level, found.text)).collect()
    }

    #[test]
    fn replicas_are_judged() {
        assert_eq!(found(3, 3, "2"), []);
        assert_eq!(found(3, 1, "2")[0].0, FindingLevel::Problem);
        assert!(found(1, 1, "2")[0].1.contains("lost with its broker"));
        assert_eq!(found(3, 3, "1")[0].0, FindingLevel::Warning);
    }
}
