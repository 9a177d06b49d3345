//! `Transport::diagnose`: what the brokers and the namespace are set to, and what will lose events or hold up consumers.
//!
//! Settings are the owner's to decide: each finding names the command of Pulsar's own tool.

use serde_json::Value;

use crate::{
    backends::pulsar::{
        connection::{admin, handle::Connection, topics},
        error::{SCHEME, error},
    },
    transport::{ErrorKind, Finding, Result, TransportError},
};

/// A subscription whose acknowledged ranges come near the limit loses the rest with the next restart of its broker.
const MANY_RANGES: f64 = 0.5;
/// The limit of ranges unless a broker says otherwise.
const DEFAULT_RANGES: u64 = 10_000;

/// The names of findings with a fix of the owner's.
const OF_THE_OWNER: [&str; 6] = [
    "acknowledgements",
    "ttl",
    "backlog-quota",
    "delayed-delivery",
    "retention",
    "ranges",
];

/// Checks the brokers, the namespace, its topics and their subscriptions.
pub(super) async fn diagnose(connection: &Connection) -> Result<Vec<Finding>> {
    let server = &connection.any().await?.server_version;
    let mut findings = vec![Finding::ok("server", format!("{server} answers"))];
    let topics = topics::list(connection).await?;
    let namespace = &connection.config.names.namespace;
    let path = format!("namespaces/{namespace}");
    let policies = match admin::get(connection, &path).await {
        Ok(Some(policies)) => policies,
        Ok(None) => {
            let text = format!("the namespace {namespace} does not exist");
            let command = format!("pulsar-admin namespaces create {namespace}");
            findings.push(Finding::problem("namespace", text).fix(command));
            return Ok(findings);
        }
        Err(failed) => {
            let text = format!(
                "settings and subscriptions were not checked: {}",
                failed.message()
            );
            findings.push(Finding::warning("admin", text));
            return Ok(findings);
        }
    };
    let brokers = admin::get(connection, "brokers/configuration/runtime").await;
    // Only a superuser may see it.
    let brokers = brokers.ok().flatten().unwrap_or_default();
    findings.extend(of_namespace(namespace, &policies, &brokers));
    for (local, partitions) in topics {
        let name = connection.config.names.full(&local);
        let path = match partitions {
            None => format!("{}/stats", admin::path_of(&name)),
            Some(_) => format!("{}/partitioned-stats", admin::path_of(&name)),
        };
        if let Some(stats) = admin::get(connection, &path).await? {
            findings.extend(of_topic(connection, &local, &stats, &policies, &brokers));
        }
    }
    Ok(findings)
}

/// Refuses to change settings.
pub(super) fn fix(finding: &str) -> TransportError {
    let kind = finding.split('.').next().unwrap_or_default();
    if !OF_THE_OWNER.contains(&kind) {
        return Finding::unknown(SCHEME, finding);
    }
    let message = format!("`{finding}` is a setting of the namespace or of the brokers");
    error(ErrorKind::Unsupported, message).hint("`pf doctor` prints the command that changes it")
}

fn of_namespace(namespace: &str, policies: &Value, brokers: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let ttl = policies["message_ttl_in_seconds"]
        .as_u64()
        .or_else(|| setting(brokers, "ttlDurationDefaultInSeconds"));
    if let Some(seconds) = ttl.filter(|seconds| *seconds > 0) {
        let text = format!(
            "events that a group has not read after {seconds} s are lost, dead letters and retries too (message TTL)"
        );
        let command = format!("pulsar-admin namespaces remove-message-ttl {namespace}");
        findings.push(Finding::problem("ttl", text).fix(command));
    }
    let quotas = policies["backlog_quota_map"].as_object();
    for (kind, quota) in quotas.into_iter().flatten() {
        if quota["policy"] == "consumer_backlog_eviction" {
            let text = "a backlog over its quota loses the oldest events of slow groups";
            let command = format!(
                "pulsar-admin namespaces set-backlog-quota {namespace} --type {kind} --policy producer_exception …"
            );
            findings.push(Finding::problem("backlog-quota", text).fix(command));
        }
    }
    findings.push(stored_acknowledgements(namespace, policies, brokers));
    let is_delayed = policies["delayed_delivery_policies"]["active"].as_bool();
    let is_delayed = is_delayed.or_else(|| flag(brokers, "delayedDeliveryEnabled"));
    findings.push(match is_delayed {
        Some(false) => {
            let text = "the brokers deliver delayed events at once; only consumers of Protoflow hold them back";
            let command =
                format!("pulsar-admin namespaces set-delayed-delivery {namespace} --enable");
            Finding::warning("delayed-delivery", text).fix(command)
        }
        _ => Finding::ok("delayed-delivery", "delayed events are held back by the brokers"),
    });
    let is_deduplicated = policies["deduplicationEnabled"].as_bool();
    let is_deduplicated = is_deduplicated.or_else(|| flag(brokers, "brokerDeduplicationEnabled"));
    findings.push(Finding::ok(
        "deduplication",
        match is_deduplicated {
            Some(true) => "on: an event that is sent again after an outage is stored once",
            _ => "off: an event that is sent again after an outage may be stored twice",
        },
    ));
    if let Some(is_on) = flag(brokers, "acknowledgmentAtBatchIndexLevelEnabled") {
        let text = if is_on { "on" } else { "off" };
        let text = format!("{text}; entries are acknowledged as a whole either way");
        findings.push(Finding::ok("batch-index-acknowledgement", text));
    }
    findings
}

/// Reports how often brokers store acknowledgements: what is settled later comes again if a broker crashes and its consumer
/// is gone. One that is still there acknowledges it again.
fn stored_acknowledgements(namespace: &str, policies: &Value, brokers: &Value) -> Finding {
    const NAME: &str = "acknowledgements";
    let policy = &policies["persistence"];
    let default = || {
        let rate = &brokers["managedLedgerDefaultMarkDeleteRateLimit"];
        rate.as_str()?.parse().ok()
    };
    let rate = policy["managedLedgerMaxMarkDeleteRate"]
        .as_f64()
        .filter(|rate| *rate >= 0.0);
    let rate: f64 = rate.or_else(default).unwrap_or(1.0);
    if rate <= 0.0 {
        return Finding::ok(NAME, "acknowledgements are stored at once");
    }
    let number = |name: &str, default: &str| {
        let value = policy[name].as_u64();
        value.or_else(|| setting(brokers, default)).unwrap_or(2)
    };
    let command = format!(
        "pulsar-admin namespaces set-persistence {namespace} --bookkeeper-ensemble {} --bookkeeper-write-quorum {} --bookkeeper-ack-quorum {} --ml-mark-delete-max-rate 0",
        number("bookkeeperEnsemble", "managedLedgerDefaultEnsembleSize"),
        number("bookkeeperWriteQuorum", "managedLedgerDefaultWriteQuorum"),
        number("bookkeeperAckQuorum", "managedLedgerDefaultAckQuorum"),
    );
    let text = format!(
        "brokers store acknowledgements every {:.3} s; what a consumer settled since then comes again if it and its broker crash together",
        1.0 / rate
    );
    if rate < 1.0 {
        return Finding::warning(NAME, text).fix(command);
    }
    Finding::ok(NAME, format!("{text} (`{command}` stores them at once)"))
}

fn of_topic(
    connection: &Connection,
    local: &str,
    stats: &Value,
    policies: &Value,
    brokers: &Value,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let subscriptions = stats["subscriptions"].as_object();
    let is_user = connection.config.names.user_topic(local).is_some();
    let is_kept = keeps(policies, brokers);
    if is_user && !is_kept && subscriptions.is_none_or(serde_json::Map::is_empty) {
        let text = format!(
            "topic {local} has no group, and the namespace has no retention: its events are removed within minutes"
        );
        let namespace = &connection.config.names.namespace;
        let command =
            format!("pulsar-admin namespaces set-retention {namespace} --time 7d --size -1");
        findings.push(Finding::warning(format!("retention.{local}"), text).fix(command));
    }
    let most = setting(brokers, "managedLedgerMaxUnackedRangesToPersist");
    let most = most.unwrap_or(DEFAULT_RANGES);
    for (group, subscription) in subscriptions.into_iter().flatten() {
        let number = |name: &str| subscription[name].as_u64().unwrap_or(0);
        let ranges = number("nonContiguousDeletedMessagesRanges");
        #[expect(clippy::cast_precision_loss, reason = "a share, roughly")]
        let share = ranges as f64 / most.max(1) as f64;
        if share >= MANY_RANGES {
            let text = format!(
                "group {group} on {local} has {ranges} acknowledged ranges; beyond {most} they are lost with a restart, and events come again"
            );
            let command = "raise managedLedgerMaxUnackedRangesToPersist in broker.conf";
            findings.push(Finding::warning(format!("ranges.{local}.{group}"), text).fix(command));
        }
        if is_user {
            findings.push(of_group(local, group, subscription));
        }
    }
    findings
}

fn of_group(local: &str, group: &str, subscription: &Value) -> Finding {
    let number = |name: &str| subscription[name].as_u64().unwrap_or(0);
    let consumers = subscription["consumers"].as_array().map_or(0, Vec::len);
    let consumers = match consumers {
        0 => "no consumers".to_owned(),
        1 => "1 consumer".to_owned(),
        count => format!("{count} consumers"),
    };
    let kind = subscription["type"].as_str().filter(|kind| *kind != "None");
    let kind = kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
    let text = format!(
        "group {group} on {local}: {consumers}{kind}, {} events behind, {} in flight",
        number("msgBacklog"),
        number("unackedMessages")
    );
    Finding::ok(format!("group.{local}.{group}"), text)
}

/// Reports whether the namespace keeps messages that every subscription has acknowledged, or that no subscription wants.
fn keeps(policies: &Value, brokers: &Value) -> bool {
    let policy = &policies["retention_policies"];
    let minutes = policy["retentionTimeInMinutes"].as_i64();
    let default = || setting(brokers, "defaultRetentionTimeInMinutes").map(u64::cast_signed);
    minutes.or_else(default).is_some_and(|minutes| minutes != 0)
}

fn setting(brokers: &Value, name: &str) -> Option<u64> {
    brokers[name].as_str()?.parse().ok()
}

fn flag(brokers: &Value, name: &str) -> Option<bool> {
    brokers[name].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::FindingLevel;

    fn levels(policies: &Value, brokers: &Value) -> Vec<(String, FindingLevel)> {
        let findings = of_namespace("public/default", policies, brokers);
        findings
            .into_iter()
            .map(|one| (one.name, one.level))
            .collect()
    }

    #[test]
    fn what_loses_events_is_a_problem() {
        let policies = serde_json::json!({
            "message_ttl_in_seconds": 60,
            "backlog_quota_map": {"destination_storage": {"policy": "consumer_backlog_eviction"}},
            "delayed_delivery_policies": {"active": false},
        });
        let found = levels(&policies, &Value::Null);
        for (name, level) in [
            ("ttl", FindingLevel::Problem),
            ("backlog-quota", FindingLevel::Problem),
            ("delayed-delivery", FindingLevel::Warning),
        ] {
            assert!(found.contains(&(name.to_owned(), level)), "{found:?}");
        }
        let found = levels(&serde_json::json!({}), &Value::Null);
        assert!(
            found.iter().all(|(_, level)| *level == FindingLevel::Ok),
            "{found:?}"
        );
    }

    #[test]
    fn acknowledgements_that_are_stored_seldom_are_a_warning() {
        let of = |rate| {
            let policies = serde_json::json!({"persistence": {
                "bookkeeperEnsemble": 3, "managedLedgerMaxMarkDeleteRate": rate,
            }});
            stored_acknowledgements("public/default", &policies, &Value::Null)
        };
        let default = stored_acknowledgements("public/default", &Value::Null, &Value::Null);
        assert!(default.text.contains("every 1.000 s"), "{}", default.text);
        assert_eq!(of(0.0).text, "acknowledgements are stored at once");
        let seldom = of(0.1);
        assert_eq!(seldom.level, FindingLevel::Warning);
        let command = seldom.fix.unwrap();
        assert!(command.contains("--bookkeeper-ensemble 3 "), "{command}");
    }

    #[test]
    fn retention_is_of_the_namespace_or_else_of_the_brokers() {
        let brokers = serde_json::json!({"defaultRetentionTimeInMinutes": "60"});
        let none = serde_json::json!({"retention_policies": {"retentionTimeInMinutes": 0}});
        assert!(keeps(&serde_json::json!({}), &brokers));
        assert!(!keeps(&none, &brokers));
        assert!(!keeps(&serde_json::json!({}), &Value::Null));
    }
}
