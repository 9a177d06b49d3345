//! Names of topics: those of users, and internal ones.
//!
//! The names of dead letters and retries are those of the Java client, so that its tools find them. A name alone does not
//! tell where the topic ends and the group begins; the messages do.

use crate::{
    backends::pulsar::error::{configuration, error},
    event::{Group, Topic},
    transport::{ErrorKind, Result},
};

/// Behind the names of a topic and a group, the topic of its dead letters.
pub(crate) const LETTERS: &str = "-DLQ";
/// Behind the names of a topic and a group, the topic of its retries.
pub(crate) const RETRIES: &str = "-RETRY";
/// Behind the name of a topic and before a number, one of its partitions.
const PARTITION: &str = "-partition-";
/// The prefix of every other internal name.
const INTERNAL: &str = "pf.";
/// The subscription that keeps the messages of an internal topic.
pub(crate) const KEEPER: &str = "pf-dlq";

/// The names of a tenant's namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    /// `tenant/namespace`.
    pub(crate) namespace: String,
}

impl Names {
    /// Checks the names of a tenant and a namespace.
    pub(crate) fn new(tenant: &str, namespace: &str) -> Result<Self> {
        let is_legal = |name: &str| {
            let is_legal = |c: char| c.is_ascii_alphanumeric() || "-=:._".contains(c);
            !name.is_empty() && name.chars().all(is_legal)
        };
        for (what, name) in [("tenant", tenant), ("namespace", namespace)] {
            if !is_legal(name) {
                return Err(configuration(format!("`{name}` is not a valid {what}"))
                    .hint("letters, digits and `-=:._` are allowed"));
            }
        }
        Ok(Self {
            namespace: format!("{tenant}/{namespace}"),
        })
    }

    /// Returns Pulsar's name of a user's topic.
    pub(crate) fn topic_name(&self, topic: &Topic) -> Result<String> {
        let name = topic.as_str();
        if is_internal(name) {
            let message =
                format!("topic `{topic}` would be an internal topic of Protoflow or of Pulsar");
            return Err(error(ErrorKind::Invalid, message));
        }
        if name.contains(['/', ':', '?', '%', '#', '\\']) {
            let message = format!("topic `{topic}` has a character that Pulsar does not allow");
            return Err(error(ErrorKind::Invalid, message)
                .hint("tenant and namespace are in the path of the URL"));
        }
        Ok(self.full(name))
    }

    /// Returns Pulsar's name of the log that is a partition of a user's topic, or all of it (-1).
    pub(crate) fn log(&self, topic: &Topic, number: i32) -> Result<String> {
        let name = self.topic_name(topic)?;
        Ok(match u32::try_from(number) {
            Ok(number) => partition(&name, number),
            Err(_) => name,
        })
    }

    /// Returns Pulsar's name of a topic, of which the namespace is left out.
    pub(crate) fn full(&self, name: &str) -> String {
        format!("persistent://{}/{name}", self.namespace)
    }

    /// Returns the name of a topic without the namespace.
    pub(crate) fn local<'a>(&self, full: &'a str) -> Option<&'a str> {
        let rest = full.strip_prefix("persistent://")?;
        rest.strip_prefix(self.namespace.as_str())?
            .strip_prefix('/')
    }

    /// Returns the dead-letter topic of a group and a topic.
    pub(crate) fn dead_letter_topic(&self, topic: &Topic, group: &Group) -> String {
        self.full(&format!("{topic}-{group}{LETTERS}"))
    }

    /// Returns the retry topic of a group and a topic.
    pub(crate) fn retry_topic(&self, topic: &Topic, group: &Group) -> String {
        self.full(&format!("{topic}-{group}{RETRIES}"))
    }

    /// Returns the name of an internal topic.
    pub(crate) fn internal(&self, name: &str) -> String {
        self.full(&format!("{INTERNAL}{name}"))
    }

    /// Returns the user's topic of a local name without its partition; none for internal topics.
    pub(crate) fn user_topic(&self, local: &str) -> Option<Topic> {
        let topic: Topic = local.parse().ok()?;
        self.topic_name(&topic).ok()?;
        Some(topic)
    }
}

/// Reports whether a local name is that of a retry topic.
pub(crate) fn is_retry_topic(local: &str) -> bool {
    local.ends_with(RETRIES)
}

/// Refuses the name of a group that would make the name of an internal topic ambiguous for Pulsar.
pub(crate) fn check_group(group: &Group) -> Result<()> {
    if group.as_str().contains(['/', ':', '?', '%', '#', '\\']) {
        let message = format!("group `{group}` has a character that Pulsar does not allow");
        return Err(error(ErrorKind::Invalid, message)
            .hint("the names of its retry and dead-letter topics contain it"));
    }
    Ok(())
}

fn is_internal(name: &str) -> bool {
    name.starts_with(INTERNAL)
        || name.starts_with("__")
        || name.ends_with(LETTERS)
        || name.ends_with(RETRIES)
        || split_partition(name).1.is_some()
}

/// Splits the name of a partition into that of its topic and its number.
pub(crate) fn split_partition(name: &str) -> (&str, Option<u32>) {
    let Some((topic, number)) = name.rsplit_once(PARTITION) else {
        return (name, None);
    };
    match number.parse() {
        Ok(number) => (topic, Some(number)),
        Err(_) => (name, None),
    }
}

/// Returns the name of a partition.
pub(crate) fn partition(topic: &str, number: u32) -> String {
    format!("{topic}{PARTITION}{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_names_are_no_topics_of_users() {
        let names = Names::new("public", "default").unwrap();
        for name in [
            "pf.state",
            "a-b-DLQ",
            "a-b-RETRY",
            "__change_events",
            "a-partition-3",
            "a/b",
        ] {
            let topic: Topic = name.parse().unwrap();
            assert_eq!(
                names.topic_name(&topic).unwrap_err().kind(),
                ErrorKind::Invalid
            );
            assert_eq!(names.user_topic(name), None);
        }
        assert!(names.user_topic("order.created").is_some());
    }

    #[test]
    fn partitions_come_apart() {
        assert_eq!(split_partition("a-partition-12"), ("a", Some(12)));
        assert_eq!(split_partition("a-partition-x"), ("a-partition-x", None));
        assert_eq!(partition("a", 3), "a-partition-3");
    }
}
