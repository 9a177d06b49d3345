//! The logs that a group reads for a topic, and the internal topics that it needs besides.

use std::time::SystemTime;

use pulsar::SubType;

use super::{session::Session, state::Kind};
use crate::{
    backends::pulsar::{
        connection::{
            admin,
            consumer::{ConsumerSpec, Start},
            handle::Connection,
            topics::{self, TopicInfo},
        },
        dead_letter::internal_log::keep,
    },
    event::Topic,
    transport::{ErrorKind, Result, StartFrom, TransportError},
};

/// A log to be read.
#[derive(Debug, Clone)]
pub(super) struct LogPlan {
    pub(super) spec: ConsumerSpec,
    pub(super) topic: Topic,
    pub(super) partition: i32,
    pub(super) kind: Kind,
    pub(super) since: Option<SystemTime>,
}

/// The logs of a topic, and one line for people for each thing that was created.
#[derive(Debug, Default)]
pub(super) struct Provision {
    pub(super) logs: Vec<LogPlan>,
    pub(super) remarks: Vec<String>,
}

/// Creates what a group needs besides a topic, and returns the logs to read. A topic that was created after the group joined
/// is read from its beginning.
pub(super) async fn provision(
    session: &Session,
    info: &TopicInfo,
    topic: &Topic,
    is_late: bool,
) -> Result<Provision> {
    let connection = &session.connection;
    let (names, group) = (&connection.config.names, &session.request.group);
    let mut made = Provision::default();
    let letters = names.dead_letter_topic(topic, group);
    if keep(connection, &letters).await? {
        let name = names.local(&letters).unwrap_or(&letters);
        made.remarks
            .push(format!("created topic {name} for dead letters"));
    }
    let retries = names.retry_topic(topic, group);
    let known = topics::find_name(connection, &retries).await?;
    if known.is_none() {
        topics::create_name(connection, &retries).await?;
        let name = names.local(&retries).unwrap_or(&retries);
        made.remarks
            .push(format!("created topic {name} for retries"));
    }
    let known = known.unwrap_or(TopicInfo {
        name: retries,
        partitions: None,
    });
    for (log, partition) in known.logs() {
        let sub_type = retry_type(connection.config.sub_type);
        made.logs.push(LogPlan {
            spec: spec(session, log, sub_type, Start::Earliest),
            topic: topic.clone(),
            partition,
            kind: Kind::Retries,
            since: None,
        });
    }
    let (start, since, remark) = match is_late {
        true => (Start::Earliest, None, None),
        false => start(session, info).await?,
    };
    made.remarks.extend(remark);
    for (log, partition) in info.logs() {
        made.logs.push(LogPlan {
            spec: spec(session, log, connection.config.sub_type, start),
            topic: topic.clone(),
            partition,
            kind: Kind::Topic,
            since,
        });
    }
    Ok(made)
}

/// Retries wait for their time in the broker, which only shared subscriptions do.
fn retry_type(of_topic: SubType) -> SubType {
    match of_topic {
        SubType::Exclusive | SubType::Failover => SubType::Shared,
        shared => shared,
    }
}

fn spec(session: &Session, log: String, sub_type: SubType, start: Start) -> ConsumerSpec {
    ConsumerSpec {
        log,
        subscription: session.request.group.as_str().to_owned(),
        sub_type,
        is_durable: true,
        start,
        create: false,
        properties: session.connection.config.properties.clone(),
    }
}

/// Returns where a group starts in a topic, and a remark if it is known to be new there.
///
/// A position in time is set by moving the subscription, which would move one that exists. Only the admin API tells whether
/// it exists.
async fn start(
    session: &Session,
    info: &TopicInfo,
) -> Result<(Start, Option<SystemTime>, Option<String>)> {
    let (request, connection) = (&session.request, &session.connection);
    let first = info.logs().into_iter().next().map(|(log, _)| log);
    let known = admin::subscriptions(connection, first.as_deref().unwrap_or(&info.name)).await;
    let is_new = known
        .as_ref()
        .is_ok_and(|known| !known.iter().any(|name| name == request.group.as_str()));
    let remark = is_new.then(|| request.from.of_new(&request.group));
    let time = match request.from {
        StartFrom::Earliest => return Ok((Start::Earliest, None, remark)),
        StartFrom::New => return Ok((Start::Latest, None, remark)),
        StartFrom::Time(time) => time,
    };
    known?;
    if !is_new {
        return Ok((Start::Earliest, None, None));
    }
    let Ok(ago) = SystemTime::now().duration_since(time) else {
        return Ok((Start::Latest, Some(time), remark));
    };
    Ok((Start::Seconds(ago.as_secs() + 2), Some(time), remark))
}

/// Returns the topics that a subscription asks for and that exist.
pub(super) async fn requested(session: &Session) -> Result<Vec<(Topic, TopicInfo)>> {
    let connection = &session.connection;
    let mut found = Vec::new();
    let patterns = &session.request.patterns;
    for topic in patterns.iter().filter_map(|pattern| pattern.literal()) {
        let info = topics::find(connection, &topic).await?;
        found.push((topic, info));
    }
    if patterns.iter().any(|pattern| pattern.literal().is_none()) {
        for topic in topics::of_users(connection).await? {
            let is_known = found.iter().any(|(known, _)| *known == topic);
            if !is_known && patterns.iter().any(|pattern| pattern.matches(&topic)) {
                let info = topics::find(connection, &topic).await?;
                found.push((topic, info));
            }
        }
    }
    found.dedup_by(|a, b| a.0 == b.0);
    Ok(found)
}

/// Adds to the error of a subscription that is in use who uses it, if the admin API tells.
pub(super) async fn with_holder(
    connection: &Connection,
    plan: &LogPlan,
    busy: TransportError,
) -> TransportError {
    if busy.kind() != ErrorKind::Held {
        return busy;
    }
    let path = format!("{}/stats", admin::path_of(&plan.spec.log));
    let Ok(Some(stats)) = admin::get(connection, &path).await else {
        return busy;
    };
    let subscription = &stats["subscriptions"][&plan.spec.subscription];
    let holder = &subscription["consumers"][0];
    let text = |name: &str| holder[name].as_str().filter(|text| !text.is_empty());
    let Some(name) = text("consumerName") else {
        return busy;
    };
    let from = text("address").map(|address| format!(" at {}", address.trim_start_matches('/')));
    let message = format!(
        "consumer `{name}`{} holds the exclusive subscription `{}`",
        from.unwrap_or_default(),
        plan.spec.subscription
    );
    busy.with_message(message)
}
