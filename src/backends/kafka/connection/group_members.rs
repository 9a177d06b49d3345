//! The members of a group as the broker lists them, with the subscription and the assignment of each.
//!
//! Both are opaque to the broker; they have the format of Kafka's own consumers. For a group of the newer protocol this
//! request lists no members.

use std::{collections::HashMap, sync::Arc};

use bytes::{Buf as _, Bytes};
use rdkafka::{
    consumer::Consumer as _,
    groups::{GroupInfo, GroupMemberInfo},
};

use super::{
    access::{self, Access},
    handle::Connection,
};
use crate::{
    event::{Group, Topic},
    transport::Result,
};

/// Partitions, by Kafka's names of topics.
type Places = Vec<(String, i32)>;

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Its id, and where it runs.
    pub(crate) name: String,
    /// Kafka's names of the topics that it subscribes to.
    pub(crate) topics: Vec<String>,
    /// Its assigned partitions.
    pub(crate) assigned: Places,
    /// The partitions that it had when it last joined.
    pub(crate) owned: Places,
}

/// Returns the members of a group; none if the broker does not list them.
pub(crate) async fn list(
    connection: &Arc<Connection>,
    group: &Group,
) -> Result<Option<Vec<Listed>>> {
    let group = group.as_str().to_owned();
    connection
        .ask(move |client, config| {
            let found = client.fetch_group_list(Some(&group), config.timeout);
            let found = found.map_err(|failed| {
                access::from_kafka(
                    config,
                    failed,
                    "listing a group",
                    Access::group("Describe", &group),
                )
            })?;
            let found = found.groups().iter().find(|found| found.name() == group);
            Ok(found.and_then(members))
        })
        .await
}

/// Warns of topics that no member of their group reads now, where the broker lists members.
pub(crate) async fn replay_warnings(
    connection: &Arc<Connection>,
    targets: &[(Group, Topic)],
) -> Vec<String> {
    let mut known: HashMap<&Group, Option<Vec<Listed>>> = HashMap::new();
    let mut warnings = Vec::new();
    for (group, topic) in targets {
        if !known.contains_key(group) {
            let listed = list(connection, group).await;
            known.insert(group, listed.ok().flatten());
        }
        let (Some(Some(members)), Ok(name)) =
            (known.get(group), connection.names().topic_name(topic))
        else {
            continue;
        };
        if members.iter().all(|member| !member.topics.contains(&name)) {
            warnings.push(format!(
                "no running consumer of group {group} reads {topic}: replayed messages wait for one"
            ));
        }
    }
    warnings
}

fn members(group: &GroupInfo) -> Option<Vec<Listed>> {
    match group.state() {
        "Empty" => Some(Vec::new()),
        "Stable" => group.members().iter().map(listed).collect(),
        _ => None,
    }
}

fn listed(member: &GroupMemberInfo) -> Option<Listed> {
    let host = member.client_host().trim_start_matches('/');
    let (topics, owned) = subscription(member.metadata()?)?;
    Some(Listed {
        name: format!("{} at {host}", member.id()),
        topics,
        owned,
        assigned: assignment(member.assignment()?)?,
    })
}

/// Reads a subscription: a version, the names of topics, something that belongs to the strategy, and since version 1 the
/// partitions that the member had.
fn subscription(metadata: &[u8]) -> Option<(Vec<String>, Places)> {
    let mut rest = Bytes::copy_from_slice(metadata);
    let version = rest.try_get_i16().ok()?;
    let count = rest.try_get_i32().ok()?;
    let topics = (0..count).map(|_| text(&mut rest)).collect::<Option<_>>()?;
    let owned = (version > 0).then(|| owned(&mut rest)).flatten();
    Some((topics, owned.unwrap_or_default()))
}

fn owned(rest: &mut Bytes) -> Option<Places> {
    let skipped = usize::try_from(rest.try_get_i32().ok()?).unwrap_or(0);
    (skipped <= rest.len()).then(|| rest.advance(skipped))?;
    places(rest)
}

/// Reads an assignment: a version and topics, each with its partitions.
fn assignment(metadata: &[u8]) -> Option<Places> {
    let mut rest = Bytes::copy_from_slice(metadata);
    // A member that was given nothing yet.
    if rest.is_empty() {
        return Some(Vec::new());
    }
    rest.try_get_i16().ok()?;
    places(&mut rest)
}

fn places(rest: &mut Bytes) -> Option<Places> {
    let mut places = Vec::new();
    for _ in 0..rest.try_get_i32().ok()? {
        let topic = text(rest)?;
        for _ in 0..rest.try_get_i32().ok()? {
            places.push((topic.clone(), rest.try_get_i32().ok()?));
        }
    }
    Some(places)
}

fn text(rest: &mut Bytes) -> Option<String> {
    let length = usize::try_from(rest.try_get_i16().ok()?).ok()?;
    let text = (length <= rest.len()).then(|| rest.split_to(length))?;
    String::from_utf8(text.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_members_tell_is_read() {
        let subscribed = b"\0\x03\0\0\0\x02\0\x01a\0\x03b.c\xff\xff\xff\xff\0\0\0\0";
        let (topics, owned) = subscription(subscribed).unwrap();
        assert_eq!(
            (&topics[..], &owned[..]),
            (&["a".to_owned(), "b.c".to_owned()][..], &[][..])
        );
        let had = b"\0\x01\0\0\0\x01\0\x01a\0\0\0\x02..\0\0\0\x01\0\x01a\0\0\0\x01\0\0\0\x07";
        assert_eq!(subscription(had).unwrap().1, [("a".to_owned(), 7)]);
        let given = b"\0\0\0\0\0\x01\0\x01a\0\0\0\x02\0\0\0\0\0\0\0\x05\xff\xff\xff\xff";
        let given = assignment(given).unwrap();
        assert_eq!(given, [("a".to_owned(), 0), ("a".to_owned(), 5)]);
        assert_eq!(assignment(b""), Some(Vec::new()));
        for broken in [&subscribed[..7], b"\0", b"\0\0\0\0\0\x01\x7f\xff"] {
            assert_eq!(subscription(broken), None);
        }
    }
}
