//! Options of `pulsar:` and `pulsar+ssl:` stores.

use std::path::Path;

use super::{certificates, common, parts::Parts, servers};
use crate::backends::pulsar::PulsarFactory;

/// Options of a namespace of a Pulsar cluster.
///
/// ```
/// use protoflow::backends::{PulsarOptions, SubscriptionType};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let url = PulsarOptions::new("localhost:6650")
///     .namespace("shop", "eu")
///     .subscription_type(SubscriptionType::Shared)
///     .subscription_property("team", "pay")
///     .url()?;
/// assert_eq!(url.as_str(), "pulsar://localhost:6650/shop/eu?type=shared&property.team=pay");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct PulsarOptions {
    parts: Parts,
}

/// How the consumers of a group share its subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionType {
    /// Events of one key go to one consumer, in order.
    KeyShared,
    /// Each event goes to any consumer.
    Shared,
    /// One consumer of a partition has its events; another takes over.
    Failover,
    /// There is one consumer.
    Exclusive,
}

impl PulsarOptions {
    /// Returns the defaults for the broker or proxy `host:port`; the port is 6650 if it is left out, with TLS 6651.
    #[must_use]
    pub fn new(server: impl Into<String>) -> Self {
        Self {
            parts: Parts::new("pulsar", server),
        }
    }

    servers!();
    certificates!();
    common!(PulsarFactory);

    /// Uses TLS (`pulsar+ssl:`); by default it is not used.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.parts.scheme = "pulsar+ssl";
        self
    }

    /// Sets tenant and namespace; `public/default` by default.
    #[must_use]
    pub fn namespace(mut self, tenant: &str, namespace: &str) -> Self {
        self.parts.path = format!("{tenant}/{namespace}");
        self
    }

    /// Sets how consumers of a group share its subscription (`type`); by key by default.
    #[must_use]
    pub fn subscription_type(mut self, kind: SubscriptionType) -> Self {
        let name = match kind {
            SubscriptionType::KeyShared => "key_shared",
            SubscriptionType::Shared => "shared",
            SubscriptionType::Failover => "failover",
            SubscriptionType::Exclusive => "exclusive",
        };
        self.parts.set("type", name);
        self
    }

    /// Sets a property of subscriptions that are created (`property.NAME`).
    #[must_use]
    pub fn subscription_property(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parts.set(&format!("property.{name}"), value);
        self
    }

    /// Sets the file with the token (`token-file`); none by default.
    #[must_use]
    pub fn token_file(self, file: impl AsRef<Path>) -> Self {
        self.file("token-file", file.as_ref())
    }

    /// Sets the URL of the admin API (`admin`); port 8080 of the broker by default.
    #[must_use]
    pub fn admin(mut self, url: impl Into<String>) -> Self {
        self.parts.set("admin", url);
        self
    }

    /// Sets the number of partitions of topics that are created (`partitions`), at least 1; by default they have none.
    #[must_use]
    pub fn partitions(mut self, count: u32) -> Self {
        self.parts.set("partitions", count.to_string());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Mode, Naming};

    #[test]
    fn every_option_is_a_parameter_that_is_read() {
        let url = PulsarOptions::new("a")
            .tls()
            .server("b:1")
            .namespace("t", "n")
            .subscription_type(SubscriptionType::Failover)
            .token_file("t")
            .authority("ca")
            .certificate("c", "k")
            .admin("http://a:1")
            .partitions(2)
            .mode(Mode::Hexa)
            .naming(Naming::CloudEvents)
            .url()
            .unwrap();
        assert_eq!(
            url.as_str(),
            "pulsar+ssl://a/t/n?servers=b%3A1&type=failover&token-file=t&ca=ca&cert=c&key=k&admin=http%3A%2F%2Fa%3A1&partitions=2&mode=hexa&naming=cloudevents"
        );
        for kind in [
            SubscriptionType::KeyShared,
            SubscriptionType::Shared,
            SubscriptionType::Exclusive,
        ] {
            let options = PulsarOptions::new("a").subscription_type(kind);
            assert!(options.url().is_ok(), "{kind:?}");
        }
    }

    #[test]
    fn what_is_not_valid_is_refused() {
        for (options, part) in [
            (PulsarOptions::new("a").authority("ca"), "TLS"),
            (PulsarOptions::new("a").partitions(0), "partitions=0"),
            (PulsarOptions::new("a").admin("x"), "admin=x"),
            (PulsarOptions::new("a").namespace("a", ""), "tenant"),
        ] {
            let error = options.url().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
