//! Options of `sqlite:` stores.

use std::{path::Path, time::Duration};

use super::{common, parts::Parts};
use crate::backends::sqlite::SqliteFactory;

/// Options of a store in a file.
///
/// ```
/// use std::time::Duration;
/// use protoflow::backends::{SqliteOptions, Synchronous};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let url = SqliteOptions::new("my events.db")
///     .synchronous(Synchronous::Normal)
///     .retention(Duration::from_secs(3600))
///     .url()?;
/// assert_eq!(url.as_str(), "sqlite:my%20events.db?synchronous=normal&retention=1h");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    parts: Parts,
}

/// The durability of what is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// It survives a crash of the system.
    Full,
    /// It survives a crash of the program; a crash of the system may lose the last commits.
    Normal,
    /// As `Normal`, and a crash of the system may damage the file.
    Off,
}

impl SqliteOptions {
    /// Returns the defaults for a file; a relative path is one of the current folder.
    #[must_use]
    pub fn new(file: impl AsRef<Path>) -> Self {
        Self {
            parts: Parts::new("sqlite", file.as_ref().to_string_lossy()),
        }
    }

    common!(SqliteFactory);

    /// Sets the durability of what is confirmed (`synchronous`); full by default.
    #[must_use]
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        let name = match synchronous {
            Synchronous::Full => "full",
            Synchronous::Normal => "normal",
            Synchronous::Off => "off",
        };
        self.parts.set("synchronous", name);
        self
    }

    /// Sets how long events are kept that no group needs (`retention`); 7 days by default.
    #[must_use]
    pub fn retention(self, time: Duration) -> Self {
        self.duration("retention", time)
    }

    /// Sets how long to wait for the lock of another process (`busy_timeout`); 30 s by default.
    #[must_use]
    pub fn busy_timeout(self, time: Duration) -> Self {
        self.duration("busy_timeout", time)
    }

    /// Publishes no duplicate of an event (`dedup=event`); by default duplicates are stored.
    #[must_use]
    pub fn dedup(mut self) -> Self {
        self.parts.set("dedup", "event");
        self
    }

    fn duration(mut self, name: &str, time: Duration) -> Self {
        let text = humantime::format_duration(time).to_string();
        self.parts.set(name, text);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Mode, Naming};

    #[test]
    fn every_option_is_a_parameter_that_is_read() {
        let url = SqliteOptions::new("/a/b?c#d%.db")
            .busy_timeout(Duration::from_millis(1500))
            .dedup()
            .mode(Mode::Binary)
            .naming(Naming::Protoflow)
            .url()
            .unwrap();
        assert_eq!(
            url.as_str(),
            "sqlite:/a/b%3Fc%23d%25.db?busy_timeout=1s+500ms&dedup=event&mode=binary&naming=protoflow"
        );
        for synchronous in [Synchronous::Full, Synchronous::Off] {
            let options = SqliteOptions::new("a.db").synchronous(synchronous);
            assert!(options.url().is_ok(), "{synchronous:?}");
        }
    }

    #[test]
    fn what_is_not_valid_is_refused() {
        let hexa = SqliteOptions::new("a.db").mode(Mode::Hexa).url();
        let error = hexa.unwrap_err().to_string();
        assert!(error.contains("`mode=hexa` is not a form"), "{error}");
        assert!(SqliteOptions::new("").url().is_err());
        assert!(SqliteOptions::new("folder/").url().is_err());
    }
}
