//! The registry of transports by URL scheme: the only list of backends.

use std::{collections::BTreeMap, fmt, sync::Arc};

use url::Url;

use super::factory::{Factory, OpenOptions};
use crate::transport::{Capabilities, ErrorKind, Result, Transport, TransportError};

/// Features that build in a store, each named after its scheme.
const FEATURES: [&str; 4] = ["sqlite", "nats", "kafka", "pulsar"];

/// The transports that can be opened.
pub struct Registry {
    factories: BTreeMap<String, Arc<dyn Factory>>,
}

impl Registry {
    /// Returns a registry with no transports.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            factories: BTreeMap::new(),
        }
    }

    /// Returns every transport compiled into this build.
    #[must_use]
    pub fn builtin() -> Self {
        let registry = Self::empty().with("memory", super::memory::MemoryFactory);
        #[cfg(feature = "sqlite")]
        let registry = registry.with("sqlite", super::sqlite::SqliteFactory);
        #[cfg(feature = "nats")]
        let registry = registry
            .with("nats", super::nats::NatsFactory)
            .with("tls", super::nats::NatsFactory);
        #[cfg(feature = "kafka")]
        let registry = registry.with("kafka", super::kafka::KafkaFactory);
        #[cfg(feature = "pulsar")]
        let registry = registry
            .with("pulsar", super::pulsar::PulsarFactory)
            .with("pulsar+ssl", super::pulsar::PulsarFactory);
        registry
    }

    /// Adds or replaces a transport.
    #[must_use]
    pub fn with(mut self, scheme: &str, factory: impl Factory) -> Self {
        self.factories.insert(scheme.to_owned(), Arc::new(factory));
        self
    }

    /// Returns the schemes that can be opened.
    pub fn schemes(&self) -> impl Iterator<Item = &str> {
        self.factories.keys().map(String::as_str)
    }

    /// Opens the transport that `url` names.
    ///
    /// # Errors
    /// If the scheme is unknown or not built in, or the factory fails.
    pub async fn open(&self, url: &Url, options: OpenOptions) -> Result<Arc<dyn Transport>> {
        self.factory(url)?.open(url, options).await
    }

    /// Checks the URL as [`open`](Self::open) does, and opens nothing.
    ///
    /// # Errors
    /// If the scheme is unknown or not built in, or the URL is not valid.
    pub fn check(&self, url: &Url) -> Result<()> {
        self.factory(url)?.check(url)
    }

    /// Reports whether the URL may have a parameter `dead-letters`, which names topics that hold dead letters of other programs.
    ///
    /// # Errors
    /// If the scheme is unknown or not built in.
    pub fn names_dead_letters(&self, url: &Url) -> Result<bool> {
        Ok(self.factory(url)?.names_dead_letters())
    }

    /// Returns the capabilities of the transport that `url` names, as far as they are known without asking a server.
    ///
    /// # Errors
    /// If the scheme is unknown or not built in, or nothing is known.
    pub fn capabilities(&self, url: &Url) -> Result<Capabilities> {
        self.factory(url)?.capabilities().ok_or_else(|| {
            let message = format!(
                "the capabilities of `{}:` are known only to a live server",
                url.scheme()
            );
            TransportError::new("", ErrorKind::Unsupported, message)
        })
    }

    /// Returns the capabilities of every transport, as far as they are known without asking a server. A scheme that is
    /// an alias (`tls:`) is left out.
    #[must_use]
    pub fn known(&self) -> Vec<Capabilities> {
        let known = |(scheme, factory): (&String, &Arc<dyn Factory>)| {
            let known = factory.capabilities();
            known.filter(|known| known.transport == *scheme)
        };
        self.factories.iter().filter_map(known).collect()
    }

    fn factory(&self, url: &Url) -> Result<&Arc<dyn Factory>> {
        let scheme = url.scheme();
        let factory = self.factories.get(scheme);
        factory.ok_or_else(|| self.unknown(scheme))
    }

    fn unknown(&self, scheme: &str) -> TransportError {
        let feature = match scheme {
            "tls" => "nats",
            "pulsar+ssl" => "pulsar",
            other => other,
        };
        let (message, hint) = if FEATURES.contains(&feature) {
            (
                format!("`{scheme}:` is not built into this program"),
                format!(
                    "build it with `--features {feature}`; the features of stores are {}",
                    FEATURES.join(", ")
                ),
            )
        } else {
            let known: Vec<_> = self.schemes().collect();
            (
                format!("no transport is registered for `{scheme}:` URLs"),
                format!("this build knows: {}", known.join(", ")),
            )
        };
        TransportError::new("", ErrorKind::Configuration, message).hint(hint)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.factories.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_not_built_in_names_its_feature() {
        let features = [
            ("sqlite", "sqlite"),
            ("nats", "nats"),
            ("tls", "nats"),
            ("kafka", "kafka"),
            ("pulsar", "pulsar"),
            ("pulsar+ssl", "pulsar"),
        ];
        for (scheme, feature) in features {
            let url = Url::parse(&format!("{scheme}://host/")).expect("a URL");
            let error = Registry::empty().check(&url).expect_err("no factory");
            let hint = error.advice().expect("a hint");
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(
                hint.starts_with(&format!("build it with `--features {feature}`")),
                "{hint}"
            );
            assert!(hint.ends_with("sqlite, nats, kafka, pulsar"), "{hint}");
        }
    }

    #[test]
    fn every_feature_of_a_store_has_its_scheme() {
        let builtin = Registry::builtin();
        let known: Vec<_> = builtin
            .schemes()
            .filter(|scheme| !["memory", "tls", "pulsar+ssl"].contains(scheme))
            .collect();
        assert!(
            known.iter().all(|scheme| FEATURES.contains(scheme)),
            "{known:?}"
        );
    }
}
