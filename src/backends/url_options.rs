//! Query parameters of store URLs: those that every backend spells alike, resolved with the caller's options, and one
//! error for unknown ones.

use std::time::Duration;

use url::Url;

use super::OpenOptions;
use crate::{
    event::{Encoding, Mode, Naming},
    transport::{ErrorKind, Result, TransportError},
};

/// How long to wait for a server if neither the caller nor the URL says.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A suggested name has at least this likeness to the unknown one, of 1.
const LIKENESS: f64 = 0.75;

/// The parameters that a backend knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters {
    /// The URL scheme, for errors.
    pub(crate) scheme: &'static str,
    /// Every name; of the common ones those that mean something to this backend.
    pub(crate) names: &'static [&'static str],
    /// The layouts of events that it writes.
    pub(crate) modes: &'static [Mode],
    /// What else is accepted, added to the list of names in a hint.
    pub(crate) others: &'static str,
}

/// The layouts that every backend writes.
pub(crate) const MODES: &[Mode] = &[Mode::Structured, Mode::Binary, Mode::Protobuf];
/// The layouts of a backend for which hexa-event has a driver.
#[cfg(any(feature = "nats", feature = "kafka", feature = "pulsar"))]
pub(crate) const MODES_AND_HEXA: &[Mode] =
    &[Mode::Structured, Mode::Binary, Mode::Protobuf, Mode::Hexa];

/// The values of the common parameters.
#[derive(Debug, Clone)]
pub(crate) struct UrlOptions {
    /// How events are stored: `naming`, `mode`.
    pub(crate) encoding: Encoding,
    /// Whether duplicates of events are not stored: `dedup`.
    pub(crate) dedup: bool,
    /// Further servers of the cluster, `host:port`: `servers`.
    #[cfg_attr(
        not(any(feature = "nats", feature = "kafka", feature = "pulsar")),
        allow(dead_code, reason = "only clusters have further servers")
    )]
    pub(crate) servers: Vec<String>,
    /// How long to wait for a server: the caller's option, else `connect-timeout`, else 5 s.
    #[cfg_attr(
        not(any(feature = "nats", feature = "kafka", feature = "pulsar")),
        allow(dead_code, reason = "only servers are connected to")
    )]
    pub(crate) connect_timeout: Duration,
}

impl Parameters {
    /// Reads the parameters of a URL. `own` takes those of the backend, and returns `false` for one that it does not
    /// know.
    pub(crate) fn read(
        &self,
        url: &Url,
        options: OpenOptions,
        encoding: Encoding,
        mut own: impl FnMut(&str, &str) -> Result<bool>,
    ) -> Result<UrlOptions> {
        let mut values = UrlOptions {
            encoding,
            dedup: options.dedup,
            servers: Vec::new(),
            connect_timeout: CONNECT_TIMEOUT,
        };
        for (name, value) in url.query_pairs() {
            let is_common = self.names.contains(&&*name) && self.set(&mut values, &name, &value)?;
            if !is_common && !own(&name, &value)? {
                return Err(self.unknown(&name, &value));
            }
        }
        if let Some(mode) = options.mode {
            values.encoding.mode = self.mode(mode)?;
        }
        if let Some(limit) = options.connect_timeout {
            values.connect_timeout = limit;
        }
        Ok(values)
    }

    fn set(&self, values: &mut UrlOptions, name: &str, value: &str) -> Result<bool> {
        match (name, value) {
            ("naming", "protoflow") => values.encoding.naming = Naming::Protoflow,
            ("naming", "cloudevents") => values.encoding.naming = Naming::CloudEvents,
            ("naming", _) => {
                return Err(self.choice(name, value, "use `cloudevents` or `protoflow`"));
            }
            ("mode", value) => {
                let mode = Mode::ALL
                    .iter()
                    .copied()
                    .find(|mode| mode.as_str() == value);
                values.encoding.mode = match mode {
                    Some(mode) => self.mode(mode)?,
                    None => return Err(self.not_written(value)),
                };
            }
            ("dedup", "event") => values.dedup = true,
            ("dedup", _) => return Err(self.choice(name, value, "use `event`")),
            ("servers", list) => {
                let servers = list.split(',').filter(|server| !server.is_empty());
                values.servers.extend(servers.map(str::to_owned));
            }
            ("connect-timeout", value) => values.connect_timeout = self.duration(name, value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn mode(&self, mode: Mode) -> Result<Mode> {
        let written = self.modes.contains(&mode).then_some(mode);
        written.ok_or_else(|| self.not_written(mode.as_str()))
    }

    fn not_written(&self, mode: &str) -> TransportError {
        let message = format!("`mode={mode}` is not a form that `{}:` writes", self.scheme);
        let known: Vec<_> = self.modes.iter().map(|mode| mode.as_str()).collect();
        let hint = format!("it writes {}", known.join(", "));
        self.error(message).hint(hint)
    }

    /// Reads a duration, as in `1m 30s`.
    pub(crate) fn duration(&self, name: &str, value: &str) -> Result<Duration> {
        humantime::parse_duration(value).map_err(|source| {
            let message = format!("`{name}={value}` is not a valid duration");
            let error = self.error(message).because(source);
            error.hint("write a number and a unit, as in `500ms`, `30s` or `7d`")
        })
    }

    /// Reads a count of at least 1.
    #[cfg(any(feature = "kafka", feature = "pulsar"))]
    pub(crate) fn count(&self, name: &str, value: &str) -> Result<i32> {
        let count = value.parse().ok().filter(|count| *count > 0);
        count.ok_or_else(|| self.error(format!("`{name}={value}` is not a valid count")))
    }

    /// Reads topics that hold dead letters of other programs, separated by commas.
    #[cfg(any(feature = "kafka", feature = "nats"))]
    pub(crate) fn topics_of_dead_letters(
        &self,
        value: &str,
    ) -> Result<Vec<crate::event::Topic>, TransportError> {
        let topics = value.split(',').map(|topic| {
            topic.parse().map_err(|why| {
                let message = format!("`dead-letters={topic}` is not a valid topic: {why}");
                self.error(message).hint(
                    "it names topics that hold dead letters of other programs, separated by commas",
                )
            })
        });
        topics.collect()
    }

    /// Returns the error of a value that is none of those to choose from.
    pub(crate) fn choice(&self, name: &str, value: &str, hint: &'static str) -> TransportError {
        self.error(format!("`{name}={value}` is not a valid value"))
            .hint(hint)
    }

    fn unknown(&self, name: &str, value: &str) -> TransportError {
        let is_secret = ["password", "secret", "token"]
            .iter()
            .any(|word| name.contains(word));
        let value = if is_secret { "***" } else { value };
        let message = format!("the URL has an unknown parameter `{name}={value}`");
        self.error(message).hint(self.nearest(name).map_or_else(
            || {
                let names: Vec<String> =
                    self.names.iter().map(|name| format!("`{name}`")).collect();
                format!("known: {}{}", names.join(", "), self.others)
            },
            |name| format!("did you mean `{name}`?"),
        ))
    }

    fn nearest(&self, name: &str) -> Option<&'static str> {
        let likeness = |known: &&'static str| {
            let likeness = strsim::normalized_damerau_levenshtein(name, known);
            (likeness >= LIKENESS).then_some((likeness, *known))
        };
        let alike = self.names.iter().filter_map(likeness);
        let best = alike.max_by(|(a, _), (b, _)| a.total_cmp(b));
        best.map(|(_, known)| known)
    }

    fn error(&self, message: String) -> TransportError {
        TransportError::new(self.scheme, ErrorKind::Configuration, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Parameters = Parameters {
        scheme: "test",
        names: &["naming", "mode", "servers", "connect-timeout", "own"],
        modes: MODES,
        others: ", and every property of the driver",
    };

    fn read(query: &str, limit: Option<Duration>) -> Result<UrlOptions> {
        let url = format!("test://a?{query}").parse().unwrap();
        let options = OpenOptions {
            connect_timeout: limit,
            ..OpenOptions::default()
        };
        ALL.read(&url, options, Encoding::default(), |name, _| {
            Ok(name == "own")
        })
    }

    #[test]
    fn common_parameters_are_read() {
        let values = read("naming=protoflow&own=1&mode=binary&servers=b:1,,c:2", None).unwrap();
        assert_eq!(values.encoding.naming, Naming::Protoflow);
        assert_eq!(values.encoding.mode, Mode::Binary);
        assert_eq!(values.servers, ["b:1", "c:2"]);
        assert_eq!(values.connect_timeout, CONNECT_TIMEOUT);
    }

    #[test]
    fn the_caller_decides_how_long_to_wait() {
        let minute = Duration::from_mins(1);
        let of = |query, limit| read(query, limit).unwrap().connect_timeout;
        assert_eq!(of("connect-timeout=1m", None), minute);
        assert_eq!(of("connect-timeout=1s", Some(minute)), minute);
        assert_eq!(of("", Some(minute)), minute);
    }

    #[test]
    fn the_caller_decides_on_the_mode_among_those_that_are_written() {
        let url = "test://a?mode=binary".parse().unwrap();
        let of = |parameters: Parameters, mode| {
            let options = OpenOptions {
                mode: Some(mode),
                ..OpenOptions::default()
            };
            let read = parameters.read(&url, options, Encoding::default(), |_, _| Ok(false));
            read.map(|values| values.encoding.mode)
        };
        assert_eq!(of(ALL, Mode::Structured).unwrap(), Mode::Structured);
        assert!(of(ALL, Mode::Hexa).is_err());
        let modes = &[Mode::Binary, Mode::Hexa];
        let more = Parameters { modes, ..ALL };
        assert_eq!(of(more, Mode::Hexa).unwrap(), Mode::Hexa);
    }

    #[test]
    fn errors_name_the_parameter_and_what_is_right() {
        for (query, message, hint) in [
            ("namign=x", "namign=x", "did you mean `naming`?"),
            (
                "colour=red",
                "colour=red",
                "known: `naming`, `mode`, `servers`, `connect-timeout`, `own`, and every property of the driver",
            ),
            ("my.password=x", "my.password=***", "known: "),
            ("naming=x", "`naming=x` is not a valid value", "use "),
            (
                "mode=x",
                "`mode=x` is not a form that `test:` writes",
                "it writes structured, binary",
            ),
            (
                "mode=hexa",
                "`mode=hexa` is not a form that `test:` writes",
                "it writes structured, binary",
            ),
            (
                "connect-timeout=soon",
                "`connect-timeout=soon` is not a valid duration",
                "write ",
            ),
        ] {
            let error = read(query, None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.message().contains(message), "{error}");
            assert!(error.advice().unwrap().starts_with(hint), "{error:?}");
        }
    }

    #[test]
    fn a_common_parameter_that_a_backend_does_not_name_is_unknown() {
        let few = Parameters {
            names: &["naming"],
            ..ALL
        };
        let url = "test:a?mode=binary".parse().unwrap();
        let read = few.read(&url, OpenOptions::default(), Encoding::default(), |_, _| {
            Ok(false)
        });
        assert!(read.unwrap_err().message().contains("unknown parameter"));
    }
}
