//! Names of topics: those of users, and internal ones.

use sha2::{Digest as _, Sha256};

use crate::{
    backends::kafka::error::error,
    event::{Action, Group, Topic},
    transport::{ErrorKind, Result},
};

/// Behind a topic's name, the topic of its dead letters.
const LETTERS: &str = ".dlq";
/// Behind a topic's name, the topic of the dead letters that Spring Kafka stores, before version 3 and since.
const SPRING: [&str; 2] = [".DLT", "-dlt"];
/// The prefix of every other internal name.
const INTERNAL: &str = "pf.";
/// Behind the names of a group and a topic, the topic of the group's retries of it.
const RETRIES: &str = ".delay";
/// Behind the name of an action, the topic of its marks.
const MARKS: &str = ".marks";
/// How many bytes of a hash tell names apart that would read the same, or had to be cut.
const HASHED: usize = 4;
/// The longest name that Kafka takes.
const LONGEST: usize = 249;

/// Names under the prefix of a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    prefix: String,
    /// Kafka's names of the topics that the URL names as holding dead letters of other programs.
    dead_letters: Vec<String>,
}

/// A topic that holds dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadLetterStore {
    /// Its name under the prefix, as in positions.
    pub(crate) name: String,
    /// The topic of the messages, as far as the name says.
    pub(crate) origin: Option<Topic>,
    /// Whether every record is a dead letter. A topic that only has Spring's name may be one of events.
    pub(crate) is_certain: bool,
}

impl Names {
    /// Sets the prefix of every topic.
    pub(crate) fn new(prefix: &str) -> Result<Self> {
        if prefix.is_empty() || is_legal(prefix) && !prefix.starts_with('.') {
            return Ok(Self {
                prefix: prefix.to_owned(),
                dead_letters: Vec::new(),
            });
        }
        let message = format!("`{prefix}` is not a valid prefix");
        Err(error(ErrorKind::Configuration, message).hint(LEGAL))
    }

    /// Adds topics that hold dead letters of other programs.
    pub(crate) fn add_dead_letters(&mut self, topics: &[Topic]) -> Result<()> {
        for topic in topics {
            self.dead_letters.push(self.topic_name(topic)?);
        }
        Ok(())
    }

    /// Returns Kafka's names of the topics that the URL names as holding dead letters.
    pub(crate) fn named_dead_letters(&self) -> &[String] {
        &self.dead_letters
    }

    /// Returns what a topic of this name holds, if that may be dead letters.
    pub(crate) fn dead_letter_store(&self, name: &str) -> Option<DeadLetterStore> {
        if let Some(origin) = self.origin_of(name) {
            return Some(self.store(name, Some(origin), true));
        }
        let is_named = self.dead_letters.iter().any(|named| named == name);
        let own = SPRING.iter().find_map(|end| name.strip_suffix(end));
        let origin = own.and_then(|own| self.topic(own));
        (is_named || origin.is_some()).then(|| self.store(name, origin, is_named))
    }

    /// Returns a topic of which it is known that it holds dead letters, as those of a job.
    pub(crate) fn planned_store(&self, name: &str) -> DeadLetterStore {
        let known = self.dead_letter_store(name);
        known.unwrap_or_else(|| self.store(name, None, true))
    }

    fn store(&self, name: &str, origin: Option<Topic>, is_certain: bool) -> DeadLetterStore {
        DeadLetterStore {
            name: name.strip_prefix(&self.prefix).unwrap_or(name).to_owned(),
            origin,
            is_certain,
        }
    }

    /// Returns the prefix of every topic.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns Kafka's name of a topic.
    pub(crate) fn topic_name(&self, topic: &Topic) -> Result<String> {
        let name = topic.as_str();
        let is_internal =
            name.starts_with(INTERNAL) || name.ends_with(LETTERS) || is_of_others(name);
        if is_internal || name.starts_with("__") {
            let message =
                format!("topic `{topic}` would be an internal topic of Protoflow or of Kafka");
            return Err(error(ErrorKind::Invalid, message));
        }
        let legal = legal(format!("{}{name}", self.prefix))?;
        if self.dead_letters.contains(&legal) {
            let message = format!("topic `{topic}` holds dead letters, as `dead-letters` says");
            return Err(error(ErrorKind::Invalid, message));
        }
        Ok(legal)
    }

    /// Returns the user's topic that has a name in Kafka.
    pub(crate) fn topic(&self, name: &str) -> Option<Topic> {
        let topic: Topic = name.strip_prefix(&self.prefix)?.parse().ok()?;
        self.topic_name(&topic).ok()?;
        Some(topic)
    }

    /// Returns the dead-letter topic of a topic.
    pub(crate) fn dead_letter_topic(&self, topic: &Topic) -> Result<String> {
        legal(format!("{}{LETTERS}", self.topic_name(topic)?))
    }

    /// Returns the topic whose dead-letter topic has this name.
    pub(crate) fn origin_of(&self, name: &str) -> Option<Topic> {
        self.topic(name.strip_suffix(LETTERS)?)
    }

    /// Returns the retry topic of a group and a topic.
    ///
    /// The hash tells the group `a.b` with the topic `c` from the group `a` with the topic `b.c`, the retries of `svc`
    /// on `order` from what earlier versions named after the group `svc.order`, and long names whose ends were cut.
    pub(crate) fn retry_topic(&self, group: &Group, topic: &Topic) -> Result<String> {
        let whole = format!("{}{INTERNAL}{group}.{topic}", self.prefix);
        let mut hash = Sha256::new();
        for part in [group.as_str(), "\0", topic.as_str()] {
            hash.update(part);
        }
        let hash = data_encoding::HEXLOWER.encode(&hash.finalize()[..HASHED]);
        let behind = format!(".{hash}{RETRIES}");
        let room = LONGEST - behind.len();
        // What is not legal is refused, and may not be cut in the middle of a character.
        let kept = whole.get(..room.min(whole.len())).unwrap_or(&whole);
        legal(format!("{kept}{behind}"))
    }

    /// Returns the retry topic of an earlier version, which holds the retries of all topics of a group.
    pub(crate) fn legacy_retry_topic(&self, group: &Group) -> Result<String> {
        legal(format!("{}{INTERNAL}{group}{RETRIES}", self.prefix))
    }

    /// Reports whether this is the name of a retry topic, also of an earlier version.
    pub(crate) fn is_retries(&self, name: &str) -> bool {
        let own = name.strip_prefix(&self.prefix);
        let own = own.and_then(|own| own.strip_prefix(INTERNAL));
        own.is_some_and(|own| own.ends_with(RETRIES))
    }

    /// Returns the topic of the marks of an action.
    pub(crate) fn marks_topic(&self, action: &Action) -> Result<String> {
        legal(format!("{}{INTERNAL}{action}{MARKS}", self.prefix))
    }

    /// Returns the topic of delayed events.
    pub(crate) fn delay_topic(&self) -> String {
        format!("{}{INTERNAL}delay", self.prefix)
    }

    /// Returns the group of the delayed-event dispatchers.
    pub(crate) fn firing_group(&self) -> String {
        format!("{}{INTERNAL}firing", self.prefix)
    }

    /// Returns the name that readers without a group give as theirs; the group never exists.
    pub(crate) fn reader_group(&self) -> String {
        format!("{}{INTERNAL}reader", self.prefix)
    }

    /// Returns the topic of resolved dead letters, and of jobs and leases.
    pub(crate) fn state_topic(&self) -> String {
        format!("{}{INTERNAL}state", self.prefix)
    }

    /// Returns the transactional id of a task that has one worker at a time.
    pub(crate) fn transactional_id(&self, task: &str) -> String {
        format!("{}{INTERNAL}{task}", self.prefix)
    }
}

/// Reports whether the name is an internal one under a longer prefix, so of another store.
fn is_of_others(name: &str) -> bool {
    name.match_indices(INTERNAL).any(|(at, _)| {
        let (before, task) = (&name[..at], &name[at + INTERNAL.len()..]);
        let begins = !before.ends_with(|last: char| last.is_ascii_alphanumeric());
        let is_known = matches!(task, "delay" | "state");
        begins && (is_known || [RETRIES, MARKS].iter().any(|end| task.ends_with(end)))
    })
}

const LEGAL: &str = "Kafka accepts letters, digits, `.`, `_` and `-`, at most 249 of them";

fn is_legal(name: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    name.len() <= LONGEST && name.bytes().all(is_legal)
}

fn legal(name: String) -> Result<String> {
    if is_legal(&name) && name != "." && name != ".." {
        return Ok(name);
    }
    let message = format!("`{name}` is not a valid name of a Kafka topic");
    Err(error(ErrorKind::Invalid, message).hint(LEGAL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_have_names_and_names_have_topics() {
        let names = Names::new("shop.").unwrap();
        let topic: Topic = "order.created".parse().unwrap();
        assert_eq!(names.topic_name(&topic).unwrap(), "shop.order.created");
        assert_eq!(names.topic("shop.order.created"), Some(topic.clone()));
        assert_eq!(names.topic("other.order"), None);
        assert_eq!(
            names.dead_letter_topic(&topic).unwrap(),
            "shop.order.created.dlq"
        );
        assert_eq!(names.origin_of("shop.order.created.dlq"), Some(topic));
        assert_eq!(names.origin_of("shop.order.created"), None);
    }

    fn retry_topic(group: &str, topic: &str) -> Result<String> {
        let (group, topic) = (group.parse().unwrap(), topic.parse().unwrap());
        Names::new("shop.").unwrap().retry_topic(&group, &topic)
    }

    #[test]
    fn retries_of_each_group_and_topic_have_a_name_of_their_own() {
        let name = retry_topic("workers", "order.created").unwrap();
        assert_eq!(name, "shop.pf.workers.order.created.b2280353.delay");
        assert_eq!(retry_topic("workers", "order.created").unwrap(), name);
        assert_ne!(
            retry_topic("a.b", "c").unwrap(),
            retry_topic("a", "b.c").unwrap()
        );
        let names = Names::new("shop.").unwrap();
        let legacy = names
            .legacy_retry_topic(&"svc.order".parse().unwrap())
            .unwrap();
        assert_ne!(retry_topic("svc", "order").unwrap(), legacy);
        assert!(names.is_retries(&name) && names.is_retries(&legacy));
        assert!(!names.is_retries(&names.delay_topic()) && !names.is_retries("shop.order.delay"));
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let (one, other) = ("x".repeat(230) + ".one", "x".repeat(230) + ".other");
        let names = [
            retry_topic("workers", &one).unwrap(),
            retry_topic("workers", &other).unwrap(),
        ];
        assert_ne!(names[0], names[1]);
        for name in names {
            assert_eq!(name.len(), LONGEST);
            assert!(name.ends_with(RETRIES) && is_of_others(&name), "{name}");
        }
        for (group, topic) in [("workers", "gr\u{fc}n"), ("gr\u{fc}n", "order")] {
            let refused = retry_topic(group, &topic.repeat(45)).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Invalid);
        }
    }

    #[test]
    fn our_own_are_no_topics() {
        let names = Names::default();
        let group: Group = "workers".parse().unwrap();
        let ours = [
            names.legacy_retry_topic(&group).unwrap(),
            names
                .retry_topic(&group, &"order".parse().unwrap())
                .unwrap(),
            names.delay_topic(),
            names.state_topic(),
            "order.dlq".to_owned(),
            "__consumer_offsets".to_owned(),
            "shop.pf.delay".to_owned(),
            "shop_pf.state".to_owned(),
            "shop.pf.workers.delay".to_owned(),
            "shop.pf.workers.order.0a1b2c3d.delay".to_owned(),
            names.marks_topic(&group.clone().into()).unwrap(),
            "shop.pf.workers.marks".to_owned(),
        ];
        for name in ours {
            assert_eq!(names.topic(&name), None, "{name}");
            assert!(names.topic_name(&name.parse().unwrap()).is_err(), "{name}");
        }
        for name in ["order.delay", "mypf.delay", "shop.pf.created"] {
            assert!(names.topic(name).is_some(), "{name}");
        }
    }

    #[test]
    fn dead_letters_of_other_programs_are_found_by_name() {
        let mut names = Names::new("shop.").unwrap();
        let order: Topic = "order".parse().unwrap();
        for (name, is_certain) in [
            ("shop.order.dlq", true),
            ("shop.order.DLT", false),
            ("shop.order-dlt", false),
        ] {
            let store = names.dead_letter_store(name).unwrap();
            assert_eq!(store.origin.as_ref(), Some(&order), "{name}");
            assert_eq!(store.is_certain, is_certain, "{name}");
            assert_eq!(format!("shop.{}", store.name), name);
        }
        assert_eq!(names.dead_letter_store("shop.failed"), None);
        assert_eq!(names.dead_letter_store("order.DLT"), None);
        let failed: Topic = "failed".parse().unwrap();
        names
            .add_dead_letters(std::slice::from_ref(&failed))
            .unwrap();
        let store = names.dead_letter_store("shop.failed").unwrap();
        assert_eq!((store.origin, store.is_certain), (None, true));
        assert_eq!(names.topic("shop.failed"), None);
        assert!(names.topic_name(&failed).is_err());
        assert!(names.topic("shop.order.DLT").is_some(), "it can be tailed");
    }

    #[test]
    fn what_kafka_refuses_is_refused() {
        let names = Names::default();
        for topic in ["a/b", "gr\u{fc}n", "a:b"] {
            let refused = names.topic_name(&topic.parse().unwrap()).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Invalid, "{topic}");
        }
        assert!(Names::new("a b").is_err());
    }
}
