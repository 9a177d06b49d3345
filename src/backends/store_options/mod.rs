//! Typed options of each backend: a builder of the URL that its factory reads, so that there is one parser, one check and
//! one list of parameters. Whatever they can say, a URL on the command line can say too.

#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "nats")]
mod nats;
mod parts;
#[cfg(feature = "pulsar")]
mod pulsar;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "kafka")]
pub use self::kafka::{GroupProtocol, KafkaOptions};
#[cfg(feature = "nats")]
pub use self::nats::NatsOptions;
#[cfg(feature = "pulsar")]
pub use self::pulsar::{PulsarOptions, SubscriptionType};
#[cfg(feature = "sqlite")]
pub use self::sqlite::{SqliteOptions, Synchronous};

/// Adds the options that every backend has, and the URL.
macro_rules! common {
    ($factory:expr) => {
        /// Sets how events are laid out (`mode`); structured by default.
        #[must_use]
        pub fn mode(mut self, mode: crate::event::Mode) -> Self {
            self.parts.set("mode", mode.as_str());
            self
        }

        /// Sets the names of attributes that CloudEvents does not define (`naming`); those of CloudEvents by default.
        #[must_use]
        pub fn naming(mut self, naming: crate::event::Naming) -> Self {
            let name = match naming {
                crate::event::Naming::CloudEvents => "cloudevents",
                crate::event::Naming::Protoflow => "protoflow",
            };
            self.parts.set("naming", name);
            self
        }

        /// Returns the URL with these options, for [`ServiceBuilder::connect`](crate::ServiceBuilder::connect) or `pf --url`.
        /// It has the password, if one was set.
        ///
        /// # Errors
        /// [`ErrorKind::Configuration`](crate::transport::ErrorKind::Configuration) if a value is not valid; names it.
        pub fn url(&self) -> crate::transport::Result<url::Url> {
            self.parts.url(&$factory)
        }
    };
}

/// Adds the options of backends with servers.
#[cfg(any(feature = "nats", feature = "kafka", feature = "pulsar"))]
macro_rules! servers {
    () => {
        /// Adds a further server of the cluster, `host:port` (`servers`).
        #[must_use]
        pub fn server(mut self, server: impl Into<String>) -> Self {
            self.parts.add("servers", server);
            self
        }

        /// Sets how long to wait for a server (`connect-timeout`); 5 s by default.
        #[must_use]
        pub fn connect_timeout(mut self, limit: std::time::Duration) -> Self {
            let limit = humantime::format_duration(limit).to_string();
            self.parts.set("connect-timeout", limit);
            self
        }
    };
}

/// Adds the options of backends that read certificates from files.
#[cfg(any(feature = "nats", feature = "pulsar"))]
macro_rules! certificates {
    () => {
        /// Sets the file with the certificates that are trusted (`ca`), which needs TLS; those of the system by default.
        #[must_use]
        pub fn authority(self, file: impl AsRef<std::path::Path>) -> Self {
            self.file("ca", file.as_ref())
        }

        /// Sets the files with this client's certificate and its key (`cert`, `key`), which needs TLS; none by default.
        #[must_use]
        pub fn certificate(
            self,
            certificate: impl AsRef<std::path::Path>,
            key: impl AsRef<std::path::Path>,
        ) -> Self {
            self.file("cert", certificate.as_ref())
                .file("key", key.as_ref())
        }

        fn file(mut self, name: &str, file: &std::path::Path) -> Self {
            self.parts.set(name, file.to_string_lossy());
            self
        }
    };
}

#[cfg(any(feature = "nats", feature = "pulsar"))]
use certificates;
#[cfg(any(
    feature = "sqlite",
    feature = "nats",
    feature = "kafka",
    feature = "pulsar"
))]
use common;
#[cfg(any(feature = "nats", feature = "kafka", feature = "pulsar"))]
use servers;
