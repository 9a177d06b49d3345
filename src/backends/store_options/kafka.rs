//! Options of `kafka:` stores.

use super::{common, parts::Parts, servers};
use crate::{backends::kafka::KafkaFactory, event::Topic};

/// Options of a Kafka cluster.
///
/// ```
/// use std::time::Duration;
/// use protoflow::backends::{GroupProtocol, KafkaOptions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let url = KafkaOptions::new("a:9092")
///     .server("b:9092")
///     .prefix("shop.")
///     .partitions(6)
///     .group_protocol(GroupProtocol::Consumer)
///     .connect_timeout(Duration::from_secs(10))
///     .property("linger.ms", "20")
///     .url()?;
/// assert_eq!(
///     url.as_str(),
///     "kafka://a:9092/?servers=b%3A9092&prefix=shop.&partitions=6&group.protocol=consumer&connect-timeout=10s&linger.ms=20"
/// );
/// // What the guarantees depend on cannot be set.
/// let refused = KafkaOptions::new("a:9092").property("acks", "1").url();
/// assert!(refused.unwrap_err().to_string().contains("delivery guarantees depend on it"));
/// let misspelt = KafkaOptions::new("a:9092").property("lingr.ms", "20").url();
/// assert!(misspelt.unwrap_err().to_string().contains("lingr.ms"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    parts: Parts,
}

/// How the members of a group agree on their partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupProtocol {
    /// The members assign partitions, cooperatively; every broker has it.
    Classic,
    /// The broker assigns partitions (KIP-848), from Kafka 4.0 on.
    Consumer,
}

impl KafkaOptions {
    /// Returns the defaults for the cluster of this server, `host:port`; the port is 9092 if it is left out.
    #[must_use]
    pub fn new(server: impl Into<String>) -> Self {
        Self {
            parts: Parts::new("kafka", server),
        }
    }

    servers!();
    common!(KafkaFactory);

    /// Sets user and password for SASL, PLAIN unless the property `sasl.mechanisms` says otherwise; none by default.
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.parts.login = Some((user.into(), Some(password.into())));
        self
    }

    /// Sets the prefix of the names of topics in Kafka (`prefix`); none by default.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.parts.set("prefix", prefix);
        self
    }

    /// Adds a topic that holds dead letters of other programs (`dead-letters`).
    #[must_use]
    pub fn dead_letters(mut self, topic: &Topic) -> Self {
        self.parts.add("dead-letters", topic.as_str());
        self
    }

    /// Sets the number of partitions of topics that are created (`partitions`), at least 1; the broker's default otherwise.
    #[must_use]
    pub fn partitions(mut self, count: u32) -> Self {
        self.parts.set("partitions", count.to_string());
        self
    }

    /// Sets the number of copies of topics that are created (`replication`), at least 1; the broker's default otherwise.
    #[must_use]
    pub fn replication(mut self, count: u32) -> Self {
        self.parts.set("replication", count.to_string());
        self
    }

    /// Sets the protocol of groups (`group.protocol`); classic by default.
    #[must_use]
    pub fn group_protocol(self, protocol: GroupProtocol) -> Self {
        self.property(
            "group.protocol",
            match protocol {
                GroupProtocol::Classic => "classic",
                GroupProtocol::Consumer => "consumer",
            },
        )
    }

    /// Sets a property of librdkafka by its own name, in its own unit, for every client: consumers, producers and admin. One
    /// that it does not know is refused, and so are those that the delivery guarantees depend on.
    #[must_use]
    pub fn property(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parts.set(name, value);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Mode, Naming};

    #[test]
    fn every_option_is_a_parameter_that_is_read() {
        let options = KafkaOptions::new("a")
            .credentials("me", "p@ss")
            .prefix("x.")
            .dead_letters(&"dead.one".parse().unwrap())
            .dead_letters(&"dead.two".parse().unwrap())
            .partitions(1)
            .partitions(3)
            .replication(2)
            .mode(Mode::Hexa)
            .naming(Naming::Protoflow)
            .group_protocol(GroupProtocol::Classic);
        assert!(!format!("{options:?}").contains("p@ss"));
        let url = options.url().unwrap();
        assert_eq!(url.password(), Some("p%40ss"));
        assert_eq!(
            url.query(),
            Some(
                "prefix=x.&dead-letters=dead.one&dead-letters=dead.two&partitions=3&replication=2&mode=hexa&naming=protoflow&group.protocol=classic"
            )
        );
    }

    #[test]
    fn what_is_not_valid_is_refused() {
        for (options, part) in [
            (KafkaOptions::new("a/b"), "`a/b` is not a valid server"),
            (KafkaOptions::new("a?acks=1"), "is not a valid server"),
            (KafkaOptions::new("a").partitions(0), "partitions=0"),
            (KafkaOptions::new("a").prefix("?"), "prefix"),
            (
                KafkaOptions::new("a").property("enable.auto.commit", "true"),
                "enable.auto.commit",
            ),
            (
                KafkaOptions::new("a").property("request.required.acks", "1"),
                "request.required.acks",
            ),
            (KafkaOptions::new("a").property("mod", "x"), "mod=x"),
        ] {
            let error = options.url().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
