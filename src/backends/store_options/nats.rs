//! Options of `nats:` and `tls:` stores.

use std::path::Path;

use super::{certificates, common, parts::Parts, servers};
use crate::{backends::nats::NatsFactory, event::Topic};

/// Options of a JetStream stream.
///
/// ```
/// use protoflow::backends::NatsOptions;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let url = NatsOptions::new("localhost:4222")
///     .stream("ORDERS")
///     .prefix("shop")
///     .credentials_file("user.creds")
///     .url()?;
/// assert_eq!(url.as_str(), "nats://localhost:4222/ORDERS?prefix=shop&creds=user.creds");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct NatsOptions {
    parts: Parts,
}

impl NatsOptions {
    /// Returns the defaults for the server `host:port`; the port is 4222 if it is left out.
    #[must_use]
    pub fn new(server: impl Into<String>) -> Self {
        Self {
            parts: Parts::new("nats", server),
        }
    }

    servers!();
    certificates!();
    common!(NatsFactory);

    /// Requires TLS (`tls:` instead of `nats:`); by default it is used where the server asks for it.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.parts.scheme = "tls";
        self
    }

    /// Sets the stream; `PROTOFLOW` by default, as in the Go library.
    #[must_use]
    pub fn stream(mut self, stream: impl Into<String>) -> Self {
        self.parts.path = stream.into();
        self
    }

    /// Sets the beginning of subjects (`prefix`); the name of the stream by default.
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

    /// Sets user and password; none by default.
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.parts.login = Some((user.into(), Some(password.into())));
        self
    }

    /// Sets a token; none by default.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.parts.login = Some((token.into(), None));
        self
    }

    /// Sets the file with a user's credentials (`creds`); none by default.
    #[must_use]
    pub fn credentials_file(self, file: impl AsRef<Path>) -> Self {
        self.file("creds", file.as_ref())
    }

    /// Sets the file with the seed of a user's key (`nkey`); none by default.
    #[must_use]
    pub fn key_seed_file(self, file: impl AsRef<Path>) -> Self {
        self.file("nkey", file.as_ref())
    }

    /// Sets the JetStream domain (`domain`); that of the server by default.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.parts.set("domain", domain);
        self
    }

    /// Sets the beginning of requests to JetStream (`api-prefix`); `$JS.API` by default.
    #[must_use]
    pub fn api_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.parts.set("api-prefix", prefix);
        self
    }

    /// Sets the beginning of subjects at which answers arrive (`inbox-prefix`); `_INBOX` by default.
    #[must_use]
    pub fn inbox_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.parts.set("inbox-prefix", prefix);
        self
    }

    /// Publishes no duplicate of an event (`dedup=event`); by default duplicates are stored.
    #[must_use]
    pub fn dedup(mut self) -> Self {
        self.parts.set("dedup", "event");
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Mode, Naming};

    #[test]
    fn every_option_is_a_parameter_that_is_read() {
        let url = NatsOptions::new("a")
            .tls()
            .server("b:1")
            .stream("S")
            .token("t")
            .dead_letters(&"dead".parse().unwrap())
            .authority("ca")
            .certificate("c", "k")
            .domain("leaf")
            .inbox_prefix("_INBOX_x")
            .dedup()
            .mode(Mode::Binary)
            .naming(Naming::CloudEvents)
            .url()
            .unwrap();
        assert_eq!(
            url.as_str(),
            "tls://t@a/S?servers=b%3A1&dead-letters=dead&ca=ca&cert=c&key=k&domain=leaf&inbox-prefix=_INBOX_x&dedup=event&mode=binary&naming=cloudevents"
        );
        let user = NatsOptions::new("a").credentials("u", "p").api_prefix("x");
        assert_eq!(user.url().unwrap().as_str(), "nats://u:p@a/?api-prefix=x");
    }

    #[test]
    fn what_is_not_valid_is_refused() {
        for (options, part) in [
            (NatsOptions::new("a").stream("b.c"), "b.c"),
            (NatsOptions::new("").stream("S"), "not a valid server"),
            (
                NatsOptions::new("a")
                    .credentials("u", "p")
                    .key_seed_file("f"),
                "excludes",
            ),
        ] {
            let error = options.url().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
