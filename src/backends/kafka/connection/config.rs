//! The configuration in a `kafka:` URL.

use std::{collections::BTreeMap, time::Duration};

use url::Url;

use super::names::Names;
use crate::{
    backends::{
        OpenOptions,
        kafka::error::{SCHEME, error},
        url_options::{MODES_AND_HEXA, Parameters},
    },
    event::{Dialect, Encoding},
    transport::{ErrorKind, Result, TransportError},
};

const PARAMETERS: Parameters = Parameters {
    scheme: SCHEME,
    names: &[
        "servers",
        "prefix",
        "dead-letters",
        "partitions",
        "replication",
        "naming",
        "mode",
        "connect-timeout",
    ],
    modes: MODES_AND_HEXA,
    others: ", and every property of librdkafka by its own name",
};

/// Properties that delivery guarantees depend on, under each of their names.
const RESERVED: [&str; 18] = [
    "allow.auto.create.topics",
    "delivery.report.only.error",
    "offset.store.method",
    "bootstrap.servers",
    "metadata.broker.list",
    "client.id",
    "group.id",
    "group.instance.id",
    "transactional.id",
    "enable.auto.commit",
    "auto.commit.enable",
    "enable.auto.offset.store",
    "auto.offset.reset",
    "isolation.level",
    "enable.partition.eof",
    "acks",
    "request.required.acks",
    "enable.idempotence",
];

/// Properties of librdkafka whose names have no dot.
const UNDOTTED: [&str; 4] = ["acks", "debug", "retries", "partitioner"];

/// The configuration in a URL.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) servers: Vec<String>,
    pub(crate) names: Names,
    pub(crate) encoding: Encoding,
    /// Of topics that are created.
    pub(crate) partitions: Option<i32>,
    pub(crate) replication: Option<i32>,
    pub(crate) timeout: Duration,
    /// Properties for librdkafka.
    pub(crate) properties: BTreeMap<String, String>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Properties may be secrets.
        f.debug_struct("Config")
            .field("servers", &self.servers)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Reads a URL.
    pub(crate) fn read(url: &Url, options: OpenOptions) -> Result<Self> {
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| wrong("the URL names no server"))?;
        if !url.path().trim_matches('/').is_empty() {
            let message = format!("the URL has a path, `{}`", url.path());
            return Err(wrong(message).hint("`prefix` says what stands before topics"));
        }
        let port = url.port().unwrap_or(9092);
        let mut config = Self {
            servers: vec![format!("{host}:{port}")],
            names: Names::default(),
            encoding: Encoding {
                dialect: Dialect::Kafka,
                ..Encoding::default()
            },
            partitions: None,
            replication: None,
            timeout: Duration::ZERO,
            properties: BTreeMap::new(),
        };
        let mut dead_letters = Vec::new();
        let common = PARAMETERS.read(url, options, config.encoding, |name, value| match name {
            "dead-letters" => {
                dead_letters.extend(PARAMETERS.topics_of_dead_letters(value)?);
                Ok(true)
            }
            _ => config.set(name, value),
        })?;
        if common.dedup {
            return Err(no_dedup());
        }
        // Under the prefix, which may stand behind them.
        config.names.add_dead_letters(&dead_letters)?;
        config.encoding = common.encoding;
        config.servers.extend(common.servers);
        config.timeout = common.connect_timeout;
        config.set_credentials(url);
        Ok(config)
    }

    /// Takes a parameter that only Kafka has; `false` means that it is unknown.
    fn set(&mut self, name: &str, value: &str) -> Result<bool> {
        match name {
            "dedup" => return Err(no_dedup()),
            "prefix" => self.names = Names::new(value)?,
            "partitions" => self.partitions = Some(PARAMETERS.count(name, value)?),
            "replication" => self.replication = Some(PARAMETERS.count(name, value)?),
            name if name.contains('.') || UNDOTTED.contains(&name) => {
                // Events of one key belong into one partition.
                let scatters = name == "partitioner" && value == "random";
                if scatters || RESERVED.contains(&name) {
                    let message =
                        format!("`{name}` cannot be set: delivery guarantees depend on it");
                    return Err(wrong(message));
                }
                self.properties.insert(name.to_owned(), value.to_owned());
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Takes over user and password.
    fn set_credentials(&mut self, url: &Url) {
        let decode = |text: &str| {
            let bytes = percent_encoding::percent_decode_str(text);
            bytes.decode_utf8_lossy().into_owned()
        };
        let (user, Some(password)) = (url.username(), url.password()) else {
            return;
        };
        let encrypted = self.properties.keys().any(|name| name.starts_with("ssl."));
        let protocol = if encrypted {
            "sasl_ssl"
        } else {
            "sasl_plaintext"
        };
        for (name, value) in [
            ("sasl.username", decode(user)),
            ("sasl.password", decode(password)),
            ("sasl.mechanisms", "PLAIN".to_owned()),
            ("security.protocol", protocol.to_owned()),
        ] {
            let known = name == "sasl.mechanisms" && self.properties.contains_key("sasl.mechanism");
            if !known {
                self.properties.entry(name.to_owned()).or_insert(value);
            }
        }
    }
}

fn no_dedup() -> TransportError {
    let message = "duplicates of events cannot be recognised";
    let refused = error(ErrorKind::Unsupported, message);
    refused.hint("leave `dedup` out; `pf caps` says why")
}

/// Returns the error of a URL that cannot be meant.
pub(crate) fn wrong(message: impl Into<String>) -> TransportError {
    error(ErrorKind::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Config> {
        Config::read(&url.parse().unwrap(), OpenOptions::default())
    }

    #[test]
    fn parameters_are_read() {
        let url = "kafka://me:p%40ss@a:1/?servers=b:2,c:3&dead-letters=x,y&prefix=shop.&partitions=6&linger.ms=9";
        let config = read(url).unwrap();
        assert_eq!(config.servers, ["a:1", "b:2", "c:3"]);
        assert_eq!(config.partitions, Some(6));
        assert_eq!(config.names.named_dead_letters(), ["shop.x", "shop.y"]);
        assert_eq!(config.properties["linger.ms"], "9");
        assert_eq!(config.properties["sasl.password"], "p@ss");
        assert_eq!(config.properties["security.protocol"], "sasl_plaintext");
        assert!(!format!("{config:?}").contains("p@ss"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (url, part) in [
            ("kafka://a/orders", "/orders"),
            ("kafka://a?prefx=x", "prefx=x"),
            ("kafka://a?partitions=0", "partitions=0"),
            ("kafka://a?acks=1", "acks"),
            ("kafka://a?group.id=x", "group.id"),
            ("kafka://a?request.required.acks=1", "guarantees"),
            ("kafka://a?mode=text", "mode=text"),
            ("kafka://a?connect-timeout=soon", "connect-timeout"),
            ("kafka://a?dead-letters=a,,b", "dead-letters"),
        ] {
            let error = read(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{url}");
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
