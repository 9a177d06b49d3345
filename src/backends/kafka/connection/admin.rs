//! Making topics, and asking for their settings.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use rdkafka::{
    TopicPartitionList,
    admin::{
        AdminClient, AdminOptions, AlterConfig, ConfigSource, NewTopic, ResourceSpecifier,
        TopicReplication,
    },
    types::RDKafkaErrorCode as Code,
};
use tokio::time::Instant;

use super::{
    access::{self, Access},
    client::context::Context,
    config::Config,
};
use crate::{
    backends::kafka::error::{self, error},
    transport::{ErrorKind, Result, TransportError},
};

/// Keeps time in delay topics: only the last record of a key is kept, and an empty one long enough for every reader.
/// There is room for what is known of a message beside the largest that most topics take.
pub(crate) const COMPACTED: [(&str, &str); 5] = [
    ("cleanup.policy", "compact"),
    ("segment.bytes", "67108864"),
    ("segment.ms", "600000"),
    ("min.cleanable.dirty.ratio", "0.1"),
    ("max.message.bytes", "8388608"),
];

/// The pause before looking again whether a change has come through.
const LOOK: Duration = Duration::from_millis(20);

/// Settings of a topic to be made.
pub(crate) type TopicSettings = Vec<(&'static str, Cow<'static, str>)>;

/// Returns these settings.
pub(crate) fn fixed(settings: &[(&'static str, &'static str)]) -> TopicSettings {
    let settings = settings.iter();
    settings
        .map(|(name, value)| (*name, Cow::from(*value)))
        .collect()
}

/// A topic to be made.
#[derive(Debug, Clone)]
pub(crate) struct TopicSpec {
    pub(crate) name: String,
    pub(crate) partitions: i32,
    pub(crate) settings: TopicSettings,
}

/// Settings of a topic, by name.
pub(crate) type Settings = BTreeMap<String, String>;

/// Makes topics unless they are there; returns which were made.
pub(crate) async fn make(
    admin: &AdminClient<Context>,
    config: &Config,
    wanted: &[TopicSpec],
) -> Result<Vec<String>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let replication = config.replication.unwrap_or(-1);
    let topics: Vec<NewTopic<'_>> = wanted
        .iter()
        .map(|topic| {
            let replication = TopicReplication::Fixed(replication);
            let new = NewTopic::new(&topic.name, topic.partitions, replication);
            topic
                .settings
                .iter()
                .fold(new, |new, (name, value)| new.set(name, value))
        })
        .collect();
    let answers = admin.create_topics(&topics, &options(config)).await;
    let answers = answers.map_err(|failed| error::from_kafka(failed, "making topics"))?;
    let mut made = Vec::new();
    for answer in answers {
        match answer {
            Ok(name) => made.push(name),
            Err((_, Code::TopicAlreadyExists)) => {}
            Err((name, code)) => return Err(not_made(config, wanted, &name, code)),
        }
    }
    Ok(made)
}

/// Tells why a topic is not made.
fn not_made(config: &Config, wanted: &[TopicSpec], name: &str, code: Code) -> TransportError {
    let partitions = wanted.iter().find(|topic| topic.name == name);
    let partitions = partitions.map_or(-1, |topic| topic.partitions);
    let refused = |what: String, hint: &'static str| {
        let message = format!("the cluster does not make `{name}` with {what}");
        error(ErrorKind::Configuration, message).hint(hint)
    };
    match (code, config.replication) {
        (Code::PolicyViolation | Code::InvalidPartitions, _) if partitions > 0 => refused(
            format!("{partitions} partitions"),
            "a limit or policy of the cluster allows fewer; `partitions` in the URL asks for them",
        ),
        (Code::InvalidReplicationFactor, Some(replicas)) => refused(
            format!("{replicas} replicas"),
            "there are fewer brokers; `replication` in the URL asks for them",
        ),
        _ => {
            let doing = format!("making the topic `{name}`");
            access::from_code(config, code, &doing, Access::topic("Create", name))
        }
    }
}

/// Returns the settings of topics; of one that does not exist, none.
pub(crate) async fn settings(
    admin: &AdminClient<Context>,
    config: &Config,
    topics: &[String],
) -> Result<Vec<Option<Settings>>> {
    let which: Vec<ResourceSpecifier<'_>> = topics
        .iter()
        .map(|name| ResourceSpecifier::Topic(name))
        .collect();
    let answers = admin.describe_configs(&which, &options(config)).await;
    let answers = answers.map_err(|failed| error::from_kafka(failed, "reading settings"))?;
    let mut found = Vec::with_capacity(answers.len());
    for (topic, answer) in topics.iter().zip(answers) {
        match answer {
            Ok(resource) => {
                let entries = resource.entries.into_iter();
                let known = entries.filter_map(|entry| Some((entry.name, entry.value?)));
                found.push(Some(known.collect()));
            }
            Err(Code::UnknownTopicOrPartition) => found.push(None),
            Err(code) => {
                let access = Access::topic("DescribeConfigs", topic);
                return Err(access::from_code(config, code, "reading settings", access));
            }
        }
    }
    Ok(found)
}

/// Returns the settings of a broker.
pub(crate) async fn of_broker(
    admin: &AdminClient<Context>,
    config: &Config,
    id: i32,
) -> Result<Settings> {
    let which = ResourceSpecifier::Broker(id);
    let answers = admin.describe_configs([&which], &options(config)).await;
    let answers = answers.map_err(|failed| error::from_kafka(failed, "reading settings"))?;
    let mut found = Settings::new();
    for answer in answers {
        let resource = answer.map_err(|code| error::from_code(code, "reading settings"))?;
        let entries = resource.entries.into_iter();
        found.extend(entries.filter_map(|entry| Some((entry.name, entry.value?))));
    }
    Ok(found)
}

/// Changes settings of a topic and keeps the others. The client can only set all of them at once.
pub(crate) async fn change(
    admin: &AdminClient<Context>,
    config: &Config,
    topic: &str,
    changes: &[(&str, &str)],
) -> Result<()> {
    let changing = |failed| error::from_kafka(failed, "changing settings");
    let which = ResourceSpecifier::Topic(topic);
    let answers = admin.describe_configs([&which], &options(config)).await;
    let resource = answers.map_err(changing)?.pop();
    let resource = resource.ok_or_else(|| unknown(topic))?;
    let read = Access::topic("DescribeConfigs", topic);
    let resource =
        resource.map_err(|code| access::from_code(config, code, "changing settings", read))?;
    let own = resource
        .entries
        .iter()
        .filter(|entry| entry.source == ConfigSource::DynamicTopic);
    let mut wanted: BTreeMap<&str, &str> = own
        .filter_map(|entry| Some((&*entry.name, entry.value.as_deref()?)))
        .collect();
    wanted.extend(changes.iter().copied());
    let all = AlterConfig::new(which);
    let all = wanted
        .iter()
        .fold(all, |all, (name, value)| all.set(name, value));
    let answers = admin.alter_configs([&all], &options(config)).await;
    if let Some(Err((_, code))) = answers.map_err(changing)?.pop() {
        let access = Access::topic("AlterConfigs", topic);
        return Err(access::from_code(
            config,
            code,
            &format!("changing `{topic}`"),
            access,
        ));
    }
    // A broker hears of it a moment later; until then another change would take this one back.
    let end = Instant::now() + config.timeout;
    while !has(admin, config, topic, changes).await? {
        if Instant::now() > end {
            let message = format!("`{topic}` was changed and does not show it");
            return Err(error(ErrorKind::Unavailable, message));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

async fn has(
    admin: &AdminClient<Context>,
    config: &Config,
    topic: &str,
    wanted: &[(&str, &str)],
) -> Result<bool> {
    let found = settings(admin, config, &[topic.to_owned()]).await?.pop();
    let found = found.flatten().unwrap_or_default();
    let mut wanted = wanted.iter();
    Ok(wanted.all(|(name, value)| found.get(*name).is_some_and(|found| found == value)))
}

/// Deletes the records before these offsets. What is gone already is no error.
pub(crate) async fn delete_before(
    admin: &AdminClient<Context>,
    config: &Config,
    offsets: &TopicPartitionList,
) -> Result<()> {
    let answer = admin.delete_records(offsets, &options(config)).await;
    let answer = answer.map_err(|failed| error::from_kafka(failed, "deleting records"))?;
    for element in answer.elements() {
        match element.error() {
            Ok(()) => {}
            Err(failed) if failed.rdkafka_error_code() == Some(Code::OffsetOutOfRange) => {}
            Err(failed) => {
                let access = Access::topic("Delete", element.topic());
                return Err(access::from_kafka(
                    config,
                    failed,
                    "deleting records",
                    access,
                ));
            }
        }
    }
    Ok(())
}

/// Returns the error of a topic that is not there.
pub(crate) fn unknown(name: &str) -> TransportError {
    let failed = error(ErrorKind::NotFound, format!("there is no topic `{name}`"));
    failed.hint("`--create` makes a topic")
}

fn options(config: &Config) -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(config.timeout))
        .operation_timeout(Some(config.timeout))
}
