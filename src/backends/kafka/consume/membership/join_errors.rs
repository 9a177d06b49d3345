//! Reasons that keep a member out of its group. The client itself retries indefinitely and reports none of them, so
//! each answer that will not change by itself is turned into an error with a remedy.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    types::RDKafkaErrorCode as Code,
};
use tokio::runtime::Builder;

use crate::{
    backends::kafka::{
        connection::{
            access::{self, Access},
            admin, client,
            handle::Connection,
        },
        error::error,
    },
    event::Group,
    transport::{ErrorKind, Result, TransportError},
};

/// After this long the reason for waiting is reported. A new group waits up to three seconds for its first members.
pub(crate) const REPORT_AFTER: Duration = Duration::from_secs(4);
/// How long a request about a group may take.
const ANSWER: Duration = Duration::from_millis(800);
/// How partitions are assigned unless the URL says otherwise.
const STRATEGY: &str = "cooperative-sticky";
/// The strategies that the client knows.
const KNOWN: [&str; 3] = ["range", "roundrobin", STRATEGY];

/// A group as its coordinator describes it.
#[derive(Debug, Default)]
struct Described {
    state: String,
    kind: String,
    strategy: String,
    members: usize,
}

impl Described {
    /// Requests the description of a group. Blocks.
    fn ask<C: ConsumerContext>(client: &BaseConsumer<C>, group: &str) -> Option<Self> {
        let found = client.fetch_group_list(Some(group), ANSWER).ok()?;
        let found = found.groups().iter().find(|found| found.name() == group)?;
        Some(Self {
            state: found.state().to_owned(),
            kind: found.protocol_type().to_owned(),
            strategy: found.protocol().to_owned(),
            members: found.members().len(),
        })
    }

    /// Describes how many other members have to rejoin; this one is listed too.
    fn others(&self) -> String {
        match self.members.saturating_sub(1) {
            0 | 1 => "another member has to rejoin first".to_owned(),
            count => format!("{count} other members have to rejoin first"),
        }
    }
}

/// Returns the error of a group that will not admit this member, if the code is one of those. Blocks.
pub(crate) fn refusal<C: ConsumerContext>(
    code: Code,
    client: &BaseConsumer<C>,
    connection: &Arc<Connection>,
    group: &Group,
) -> Option<TransportError> {
    let unfit = |why: &str, hint: String| {
        let message = format!("group `{group}` cannot be joined: {why}");
        Some(error(ErrorKind::Configuration, message).hint(hint))
    };
    match code {
        Code::InconsistentGroupProtocol | Code::UnsupportedAssignor => {
            let described = Described::ask(client, group.as_str()).unwrap_or_default();
            let (why, hint) = other_strategy(&described, strategy(connection));
            unfit(&why, hint)
        }
        Code::InvalidSessionTimeout => {
            let (why, hint) = session(connection);
            unfit(&why, hint)
        }
        Code::GroupMaxSizeReached => unfit(
            "it is full",
            "start fewer consumers, or raise `group.max.size` on the brokers".to_owned(),
        ),
        Code::InvalidGroupId | Code::GroupIdNotFound => unfit(
            "the cluster refuses its name, or it belongs to another kind of client",
            "use another group".to_owned(),
        ),
        Code::UnsupportedVersion | Code::UnsupportedFeature => unfit(
            "the broker does not support this group protocol",
            "leave `group.protocol` out of the URL".to_owned(),
        ),
        Code::GroupAuthorizationFailed => {
            Some(Access::group("Read", group.as_str()).denied(&connection.config))
        }
        Code::TopicAuthorizationFailed => Some(denied_topic(client, connection)),
        _ => None,
    }
}

/// Returns the error of topics one of which may not be read; the client does not say which.
fn denied_topic<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    connection: &Connection,
) -> TransportError {
    let assigned = client.assignment();
    let mut topics: Vec<String> = assigned.map_or_else(
        |_| Vec::new(),
        |all| {
            all.elements()
                .iter()
                .map(|one| one.topic().to_owned())
                .collect()
        },
    );
    topics.retain(|name| connection.names().topic(name).is_some());
    access::unreadable(&connection.config, topics.iter().map(String::as_str))
}

fn strategy(connection: &Connection) -> &str {
    let own = connection
        .config
        .properties
        .get("partition.assignment.strategy");
    own.map_or(STRATEGY, String::as_str)
}

/// Returns why members with another strategy keep this one out, and the remedy.
fn other_strategy(described: &Described, own: &str) -> (String, String) {
    if !matches!(described.kind.as_str(), "" | "consumer") {
        let why = format!(
            "it belongs to clients of another kind (`{}`)",
            described.kind
        );
        return (why, "use another group".to_owned());
    }
    let theirs = described.strategy.as_str();
    let count = described.members;
    if KNOWN.contains(&theirs) {
        let why = format!(
            "its members ({count}) assign partitions by `{theirs}`, this consumer by `{own}`"
        );
        let hint = format!(
            "add `partition.assignment.strategy={theirs}` to the URL, or stop the other members first"
        );
        return (why, hint);
    }
    if theirs.is_empty() {
        let why = format!("its members assign partitions by another strategy than `{own}`");
        let hint = "add `partition.assignment.strategy=range` (or `roundrobin`, whichever they use) to the URL, or stop the other members first";
        return (why, hint.to_owned());
    }
    let why =
        format!("its members ({count}) assign partitions by `{theirs}`, this consumer by `{own}`");
    let hint = "this client does not know that strategy: stop the other members first, or use another group";
    (why, hint.to_owned())
}

/// Returns which session timeouts a broker accepts.
fn session(connection: &Arc<Connection>) -> (String, String) {
    let own = connection.config.properties.get("session.timeout.ms");
    let own = own.map_or("6000", String::as_str);
    let why = format!("the broker refuses a session timeout of {own} ms");
    let hint = match session_bounds(connection) {
        Some((least, most)) => {
            let fitting = own.parse().unwrap_or(least).clamp(least, most);
            format!(
                "the broker accepts {least} to {most} ms: add `session.timeout.ms={fitting}` to the URL"
            )
        }
        None => "set `session.timeout.ms` in the URL, between the broker's `group.min.session.timeout.ms` and `group.max.session.timeout.ms`".to_owned(),
    };
    (why, hint)
}

/// Asks a broker for the session timeouts that it accepts. Blocks.
fn session_bounds(connection: &Arc<Connection>) -> Option<(u64, u64)> {
    let runtime = Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async {
        let config = &connection.config;
        let any = any_broker(connection).await.ok()?;
        let found = admin::of_broker(connection.admin().await.ok()?, config, any)
            .await
            .ok()?;
        let number = |name: &str| found.get(name)?.parse().ok();
        let least = number("group.min.session.timeout.ms")?;
        Some((least, number("group.max.session.timeout.ms")?))
    })
}

/// Returns a warning of why a member is not admitted yet, though nothing failed.
pub(crate) async fn waits(connection: &Arc<Connection>, group: &Group) -> TransportError {
    let name = group.as_str().to_owned();
    let asked = connection.ask(move |client, _| Ok(Described::ask(client, &name)));
    let described = match tokio::time::timeout(ANSWER, asked).await {
        Ok(Ok(described)) => described,
        _ => None,
    };
    let (what, hint) = match described {
        Some(described) if described.members > 0 => (
            format!("{} ({})", described.others(), described.state),
            "a member that hangs is removed after its `session.timeout.ms` or `max.poll.interval.ms`",
        ),
        _ => (
            "its coordinator admits no member yet".to_owned(),
            "`pf doctor` checks the group",
        ),
    };
    let message = format!("still waiting to join group `{group}`: {what}; {hint}");
    error(ErrorKind::Warning, message)
}

/// Reports whether a group has a member, or one is joining.
pub(crate) async fn has_members(connection: &Arc<Connection>, group: &Group) -> Result<bool> {
    let name = group.as_str().to_owned();
    let asked = connection.ask(move |client, _| Ok(Described::ask(client, &name)));
    Ok(asked.await?.is_some_and(|group| group.members > 0))
}

/// Returns a broker that answers.
async fn any_broker(connection: &Arc<Connection>) -> Result<i32> {
    connection
        .ask(|client, config| {
            let found = client::metadata(client, config, None)?;
            Ok(found.orig_broker_id())
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(kind: &str, strategy: &str) -> Described {
        Described {
            kind: kind.to_owned(),
            strategy: strategy.to_owned(),
            members: 2,
            ..Described::default()
        }
    }

    #[test]
    fn a_strategy_that_the_client_knows_is_named() {
        let (why, hint) = other_strategy(&described("consumer", "range"), STRATEGY);
        assert!(
            why.contains("its members (2) assign partitions by `range`"),
            "{why}"
        );
        assert!(
            hint.contains("partition.assignment.strategy=range"),
            "{hint}"
        );
        let (_, hint) = other_strategy(&described("consumer", "sticky"), STRATEGY);
        assert!(!hint.contains("strategy=sticky"), "{hint}");
        let (why, _) = other_strategy(&described("connect", "default"), STRATEGY);
        assert!(why.contains("connect"), "{why}");
    }
}
