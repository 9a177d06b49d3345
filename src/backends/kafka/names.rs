//! Where things stand in Kafka: topics, and the topics of our own.

use super::error;
use crate::{
    event::{Group, Topic},
    transport::{ErrorKind, Result},
};

/// Behind a topic's name, the topic of its dead letters.
const LETTERS: &str = ".dlq";
/// Before the names of everything else of ours.
const OURS: &str = "pf.";
/// Behind a group's name, the topic of what it tries again.
const RETRIES: &str = ".delay";
/// The longest name that Kafka takes.
const LONGEST: usize = 249;

/// The names of the topics of a URL and of what stands beside them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    /// Takes what stands before every topic.
    pub(super) fn new(prefix: &str) -> Result<Self> {
        if prefix.is_empty() || is_legal(prefix) && !prefix.starts_with('.') {
            return Ok(Self {
                prefix: prefix.to_owned(),
            });
        }
        let message = format!("`{prefix}` cannot stand before a topic");
        Err(error(ErrorKind::Configuration, message).hint(LEGAL))
    }

    /// Returns what stands before every topic.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns Kafka's name of a topic.
    pub(super) fn of(&self, topic: &Topic) -> Result<String> {
        let name = topic.as_str();
        let is_ours = name.starts_with(OURS) || name.ends_with(LETTERS) || is_of_others(name);
        if is_ours || name.starts_with("__") {
            let message = format!("topic `{topic}` would be one of our own, or of Kafka's");
            return Err(error(ErrorKind::Invalid, message));
        }
        legal(format!("{}{name}", self.prefix))
    }

    /// Returns the topic of Kafka's name, if it is one of a user.
    pub(super) fn topic(&self, name: &str) -> Option<Topic> {
        let topic: Topic = name.strip_prefix(&self.prefix)?.parse().ok()?;
        self.of(&topic).ok()?;
        Some(topic)
    }

    /// Returns the topic of a topic's dead letters.
    pub(super) fn letters(&self, topic: &Topic) -> Result<String> {
        legal(format!("{}{LETTERS}", self.of(topic)?))
    }

    /// Returns the topic whose dead letters have this name, if they are ours.
    pub(super) fn of_letters(&self, name: &str) -> Option<Topic> {
        self.topic(name.strip_suffix(LETTERS)?)
    }

    /// Returns the topic of what a group tries again.
    pub(super) fn retries(&self, group: &Group) -> Result<String> {
        legal(format!("{}{OURS}{group}{RETRIES}", self.prefix))
    }

    /// Returns the topic of what is for later.
    pub(super) fn delays(&self) -> String {
        format!("{}{OURS}delay", self.prefix)
    }

    /// Returns the group of those who fire what is for later.
    pub(super) fn firing_group(&self) -> String {
        format!("{}{OURS}firing", self.prefix)
    }

    /// Returns the topic of what became of dead letters, of plans and leases.
    pub(super) fn state(&self) -> String {
        format!("{}{OURS}state", self.prefix)
    }

    /// Returns the transactional id of who has a task of which there is one.
    pub(super) fn owner(&self, task: &str) -> String {
        format!("{}{OURS}{task}", self.prefix)
    }
}

/// Reports whether the name is one of ours under a longer prefix, which is somebody else's.
fn is_of_others(name: &str) -> bool {
    name.match_indices(OURS).any(|(at, _)| {
        let (before, task) = (&name[..at], &name[at + OURS.len()..]);
        let begins = !before.ends_with(|last: char| last.is_ascii_alphanumeric());
        begins && (matches!(task, "delay" | "state") || task.ends_with(RETRIES))
    })
}

const LEGAL: &str = "Kafka takes letters, digits, `.`, `_` and `-`, at most 249 of them";

fn is_legal(name: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    name.len() <= LONGEST && name.bytes().all(is_legal)
}

fn legal(name: String) -> Result<String> {
    if is_legal(&name) && name != "." && name != ".." {
        return Ok(name);
    }
    let message = format!("`{name}` cannot be the name of a Kafka topic");
    Err(error(ErrorKind::Invalid, message).hint(LEGAL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_have_names_and_names_have_topics() {
        let names = Names::new("shop.").unwrap();
        let topic: Topic = "order.created".parse().unwrap();
        assert_eq!(names.of(&topic).unwrap(), "shop.order.created");
        assert_eq!(names.topic("shop.order.created"), Some(topic.clone()));
        assert_eq!(names.topic("other.order"), None);
        assert_eq!(names.letters(&topic).unwrap(), "shop.order.created.dlq");
        assert_eq!(names.of_letters("shop.order.created.dlq"), Some(topic));
        assert_eq!(names.of_letters("shop.order.created"), None);
    }

    #[test]
    fn our_own_are_no_topics() {
        let names = Names::default();
        let group: Group = "workers".parse().unwrap();
        let ours = [
            names.retries(&group).unwrap(),
            names.delays(),
            names.state(),
            "order.dlq".to_owned(),
            "__consumer_offsets".to_owned(),
            "shop.pf.delay".to_owned(),
            "shop_pf.state".to_owned(),
            "shop.pf.workers.delay".to_owned(),
        ];
        for name in ours {
            assert_eq!(names.topic(&name), None, "{name}");
            assert!(names.of(&name.parse().unwrap()).is_err(), "{name}");
        }
        for name in ["order.delay", "mypf.delay", "shop.pf.created"] {
            assert!(names.topic(name).is_some(), "{name}");
        }
    }

    #[test]
    fn what_kafka_refuses_is_refused() {
        let names = Names::default();
        for topic in ["a/b", "gr\u{fc}n", "a:b"] {
            let refused = names.of(&topic.parse().unwrap()).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Invalid, "{topic}");
        }
        assert!(Names::new("a b").is_err());
    }
}
