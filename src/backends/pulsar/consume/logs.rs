//! The logs that a group reads for a topic, and the internal topics that it needs besides.

use std::time::SystemTime;

use super::{session::Session, state::Kind};
use crate::{
    backends::pulsar::{
        codec::protocol::SubType,
        connection::{
            admin,
            consumer::{ConsumerSpec, Start},
            handle::Connection,
            keeper::{keep, retry_type},
            topic_directory::TopicInfo,
            topics,
        },
    },
    event::{Pattern, Topic, from_unix_millis, unix_millis},
    transport::{ErrorKind, Result, StartFrom, TransportError},
};

/// The property of a subscription that says when its group began, in milliseconds.
const SINCE: &str = "pf-since";

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
    let begin = if is_late {
        Beginning {
            start: Start::Earliest,
            since: None,
            remark: None,
        }
    } else {
        beginning(session, info).await?
    };
    made.remarks.extend(begin.remark);
    for (log, partition) in info.logs() {
        let mut spec = spec(session, log, connection.config.sub_type, begin.start);
        if let Some(since) = begin.since {
            let millis = unix_millis(since).to_string();
            spec.properties.push((SINCE.to_owned(), millis));
        }
        made.logs.push(LogPlan {
            spec,
            topic: topic.clone(),
            partition,
            kind: Kind::Topic,
            since: begin.since,
        });
    }
    Ok(made)
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

/// Where a group starts in a topic.
struct Beginning {
    start: Start,
    /// Messages that were stored or due before are left out.
    since: Option<SystemTime>,
    /// Whether the group is known to be new there.
    remark: Option<String>,
}

/// Finds out where a group starts in a topic. A group that starts later than with the earliest message reads from there all
/// the same, and leaves out what is older: a delayed message that was stored before may be due later. The time is a property
/// of the subscription, which only the admin API shows.
async fn beginning(session: &Session, info: &TopicInfo) -> Result<Beginning> {
    let (request, connection) = (&session.request, &session.connection);
    let first = info.logs().into_iter().next().map(|(log, _)| log);
    let log = first.as_deref().unwrap_or(&info.name);
    let known = admin::subscription(connection, log, request.group.as_str()).await;
    let mut begin = Beginning {
        start: Start::Earliest,
        since: None,
        remark: None,
    };
    match known {
        Ok(Some(subscription)) => {
            let since = subscription["subscriptionProperties"][SINCE].as_str();
            let millis = since.and_then(|since| since.parse().ok());
            begin.since = millis.map(from_unix_millis);
        }
        Ok(None) => {
            begin.remark = Some(request.from.of_new(&request.group));
            begin.since = match request.from {
                StartFrom::Earliest => None,
                StartFrom::New => Some(SystemTime::now()),
                StartFrom::Time(time) => Some(time),
            };
        }
        Err(failed) => match request.from {
            StartFrom::Earliest => {}
            StartFrom::New => begin.start = Start::Latest,
            StartFrom::Time(_) => return Err(failed),
        },
    }
    Ok(begin)
}

/// Returns the topics that a subscription asks for and that exist.
pub(super) async fn requested(session: &Session) -> Result<Vec<(Topic, TopicInfo)>> {
    let connection = &session.connection;
    let mut found = Vec::new();
    let patterns = &session.request.patterns;
    for topic in patterns.iter().filter_map(Pattern::literal) {
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
    let (log, name) = (&plan.spec.log, &plan.spec.subscription);
    let Ok(Some(subscription)) = admin::subscription(connection, log, name).await else {
        return busy;
    };
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
