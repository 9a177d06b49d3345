//! The topics that a subscription reads: the users' topics, the group's retry topic of each, and the retry topic of an
//! earlier version, which holds the retries of all topics.
//!
//! Kafka assigns the partitions of a topic to any member that subscribes to it. So a retry topic belongs to one group and
//! one topic, and only members that read that topic subscribe to it: no handler gets a retry of another topic.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::event::Topic;

/// A retry topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RetryTopic {
    pub(crate) name: Arc<str>,
    pub(crate) partitions: i32,
}

/// A user's topic, with its retry topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// Kafka's name.
    pub(crate) name: String,
    pub(crate) topic: Topic,
    pub(crate) retries: RetryTopic,
}

/// The purpose of a topic in a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// A user's topic.
    Messages,
    /// The retry topic of a topic.
    Retries(Topic),
    /// The retry topic of an earlier version, which holds the retries of all topics.
    Legacy,
    /// Not subscribed to. A static member gets its former partitions, though it may read other topics by now.
    Foreign,
}

/// The topics that a subscription reads.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    by_name: HashMap<String, Source>,
    /// Topics by the names of their retry topics, also those that are not read any more: their partitions stay assigned
    /// until the next rebalance.
    topics_of: HashMap<Arc<str>, Topic>,
    legacy: Option<RetryTopic>,
    former_legacy: HashSet<Arc<str>>,
    /// The users' topics that are or were read.
    names: HashSet<String>,
    revision: u64,
}

impl Sources {
    /// Adds topics whose retry topics exist, and removes others.
    pub(crate) fn change(&mut self, new: Vec<Source>, gone: &[String]) {
        for name in gone {
            self.by_name.remove(name);
        }
        for source in new {
            let retries = Arc::clone(&source.retries.name);
            self.topics_of.insert(retries, source.topic.clone());
            self.names.insert(source.name.clone());
            self.by_name.insert(source.name.clone(), source);
        }
        self.revision += 1;
    }

    /// Sets the retry topic of an earlier version; reports whether that changed.
    pub(crate) fn set_legacy(&mut self, legacy: Option<RetryTopic>) -> bool {
        if self.legacy == legacy {
            return false;
        }
        self.former_legacy
            .extend(legacy.iter().map(|topic| Arc::clone(&topic.name)));
        self.legacy = legacy;
        self.revision += 1;
        true
    }

    /// Returns the retry topic of an earlier version, if it exists.
    pub(crate) fn legacy(&self) -> Option<&RetryTopic> {
        self.legacy.as_ref()
    }

    /// Returns a user's topic by Kafka's name.
    pub(crate) fn get(&self, name: &str) -> Option<&Source> {
        self.by_name.get(name)
    }

    /// Returns Kafka's names of the users' topics.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.by_name.keys()
    }

    /// Returns the purpose of a topic.
    pub(crate) fn role(&self, name: &str) -> Role {
        if let Some(topic) = self.topics_of.get(name) {
            return Role::Retries(topic.clone());
        }
        if self.former_legacy.contains(name) {
            return Role::Legacy;
        }
        if self.names.contains(name) {
            return Role::Messages;
        }
        Role::Foreign
    }

    /// Returns every retry topic.
    pub(crate) fn retries(&self) -> impl Iterator<Item = &RetryTopic> {
        let own = self.by_name.values().map(|source| &source.retries);
        own.chain(&self.legacy)
    }

    /// Counts retry partitions.
    pub(crate) fn retry_partitions(&self) -> usize {
        let partitions = self.retries().map(|topic| topic.partitions);
        partitions
            .filter_map(|count| usize::try_from(count).ok())
            .sum()
    }

    /// Returns the names of every topic to subscribe to.
    pub(crate) fn subscription(&self) -> Vec<String> {
        let retries = self.retries().map(|topic| topic.name.to_string());
        self.by_name.keys().cloned().chain(retries).collect()
    }

    /// Returns a number that changes with the topics.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> Source {
        Source {
            name: name.to_owned(),
            topic: name.parse().unwrap(),
            retries: retries(&format!("pf.g.{name}.delay")),
        }
    }

    fn retries(name: &str) -> RetryTopic {
        RetryTopic {
            name: name.into(),
            partitions: 1,
        }
    }

    #[test]
    fn topics_that_are_not_read_any_more_keep_their_role() {
        let mut sources = Sources::default();
        sources.change(vec![source("a"), source("b")], &[]);
        assert!(sources.set_legacy(Some(retries("pf.g.delay"))));
        let first = sources.revision();
        assert_eq!(sources.subscription().len(), 5);
        sources.change(Vec::new(), &["a".to_owned()]);
        assert!(sources.set_legacy(None) && !sources.set_legacy(None));
        assert!(sources.revision() > first);
        let mut left = sources.subscription();
        left.sort();
        assert_eq!(left, ["b", "pf.g.b.delay"]);
        assert_eq!(sources.role("a"), Role::Messages);
        let topic = "a".parse().unwrap();
        assert_eq!(sources.role("pf.g.a.delay"), Role::Retries(topic));
        assert_eq!(sources.role("pf.g.delay"), Role::Legacy);
        assert_eq!(sources.role("c"), Role::Foreign);
    }
}
