//! The configuration in a `sqlite:` URL: a path and options.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use url::Url;

use crate::{
    backends::{
        OpenOptions,
        sqlite::error::{SCHEME, store_error},
        url_options::{MODES, Parameters},
    },
    event::{Dialect, Encoding, Mode, Naming},
    transport::{ErrorKind, Result, TransportError},
};

const PARAMETERS: Parameters = Parameters {
    scheme: SCHEME,
    names: &[
        "synchronous",
        "retention",
        "naming",
        "mode",
        "busy_timeout",
        "dedup",
    ],
    modes: MODES,
    others: "",
};

/// How long messages are kept that no group needs, if the URL does not say.
pub(crate) const RETENTION: Duration = Duration::from_hours(7 * 24);

/// The durability of a commit when it is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Synchronous {
    Off,
    Normal,
    Full,
}

impl Synchronous {
    /// Returns the value of the pragma.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Normal => "NORMAL",
            Self::Full => "FULL",
        }
    }
}

/// The configuration of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
pub(crate) struct Config {
    /// The file's absolute path.
    pub(crate) path: PathBuf,
    /// The durability of a commit.
    pub(crate) synchronous: Synchronous,
    /// How long messages are kept that no group needs.
    pub(crate) retention: Duration,
    /// How long to wait for the lock of another process.
    pub(crate) busy_timeout: Duration,
    /// The encoding of events.
    pub(crate) encoding: Encoding,
    /// Store no duplicate of an event.
    pub(crate) dedup: bool,
    /// Create the file and its folder, even for reading.
    pub(crate) create: bool,
    /// Run operations without a thread.
    pub(crate) inline: bool,
    /// The store was open before: it must not be created again, and a new file at its path may be incomplete.
    pub(crate) reopen: bool,
}

impl Config {
    /// Returns the defaults for a file.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            synchronous: Synchronous::Full,
            retention: RETENTION,
            busy_timeout: Duration::from_secs(30),
            encoding: Encoding {
                mode: Mode::Structured,
                dialect: Dialect::Kafka,
                naming: Naming::CloudEvents,
            },
            dedup: false,
            create: false,
            inline: false,
            reopen: false,
        }
    }

    /// Parses a URL.
    pub(crate) fn parse(url: &Url, options: OpenOptions) -> Result<Self> {
        let mut config = Self::new(path(url)?);
        config.create = options.create;
        config.inline = options.inline;
        let common = PARAMETERS.read(url, options, config.encoding, |name, value| {
            match name {
                "synchronous" => config.synchronous = synchronous(value)?,
                "retention" => config.retention = PARAMETERS.duration(name, value)?,
                "busy_timeout" => config.busy_timeout = PARAMETERS.duration(name, value)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        config.encoding = common.encoding;
        config.dedup = common.dedup;
        Ok(config)
    }

    /// Returns the folder of the liveness locks.
    pub(crate) fn liveness_folder(&self) -> PathBuf {
        self.beside("-consumers")
    }

    /// Returns the path of the write-ahead log.
    pub(crate) fn log(&self) -> PathBuf {
        self.beside("-wal")
    }

    /// Returns the path of the write-ahead log's index.
    pub(crate) fn index(&self) -> PathBuf {
        self.beside("-shm")
    }

    /// Returns a path beside the file itself, symlinks resolved: SQLite names its own files in the same way.
    fn beside(&self, suffix: &str) -> PathBuf {
        let file = self.path.canonicalize();
        let mut name = file.unwrap_or_else(|_| self.path.clone()).into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    }
}

fn path(url: &Url) -> Result<PathBuf> {
    if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
        return Err(wrong(format!("`//{host}` names a host, not a file"))
            .hint("write `sqlite:some/file.db` or `sqlite:///some/file.db`"));
    }
    if url.fragment().is_some() {
        let message = "the URL has a `#`, and what follows would be cut off";
        return Err(wrong(message).hint("write it as `%23`"));
    }
    let text = percent_encoding::percent_decode_str(url.path());
    let text = text
        .decode_utf8()
        .map_err(|_| wrong("the path is not UTF-8"))?;
    match text.as_ref() {
        "" | "/" => Err(wrong("the URL names no file").hint("write `sqlite:some/file.db`")),
        ":memory:" => {
            Err(wrong("`sqlite:` keeps events in a file").hint("`memory:` keeps them in memory"))
        }
        text if text.ends_with('/') => {
            Err(wrong(format!("`{text}` names a folder: it ends with `/`"))
                .hint("name a file, as in `sqlite:some/file.db`"))
        }
        text => std::path::absolute(Path::new(text))
            .map_err(|error| wrong(format!("`{text}` is not a valid path")).because(error)),
    }
}

fn synchronous(value: &str) -> Result<Synchronous> {
    [Synchronous::Full, Synchronous::Normal, Synchronous::Off]
        .into_iter()
        .find(|level| level.as_str().eq_ignore_ascii_case(value))
        .ok_or_else(|| PARAMETERS.choice("synchronous", value, "use `full`, `normal` or `off`"))
}

fn wrong(message: impl Into<String>) -> TransportError {
    store_error(ErrorKind::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Config> {
        Config::parse(&url.parse().unwrap(), OpenOptions::default())
    }

    #[test]
    fn a_url_is_a_path_and_options() {
        let config = parse("sqlite:///tmp/a%20b.db?synchronous=normal&retention=1h").unwrap();
        assert_eq!(config.path, Path::new("/tmp/a b.db"));
        assert_eq!(config.synchronous, Synchronous::Normal);
        assert_eq!(config.retention, Duration::from_hours(1));
        let relative = parse("sqlite:./x.db").unwrap().path;
        assert_eq!(relative, std::env::current_dir().unwrap().join("x.db"));
    }

    #[test]
    fn what_is_wrong_with_a_url_is_named() {
        let advice = |url: &str| parse(url).unwrap_err().advice().unwrap().to_owned();
        assert_eq!(
            advice("sqlite:x.db?sychronous=off"),
            "did you mean `synchronous`?"
        );
        assert!(advice("sqlite:x.db?colour=red").starts_with("known: "));
        assert!(advice("sqlite://x.db").contains("sqlite:some/file.db"));
        assert!(advice("sqlite::memory:").contains("memory:"));
        assert_eq!(advice("sqlite:a#1.db"), "write it as `%23`");
        assert!(advice("sqlite:some/").contains("name a file"));
        assert!(parse("sqlite:%FF.db").is_err());
        assert!(parse("sqlite:").is_err());
        assert!(parse("sqlite:x?retention=soon").is_err());
    }
}
