//! Messages that a bounded consumer did not get because others of its group hold them.

use std::{fmt, time::SystemTime};

/// Messages of a group that other consumers hold: in flight, waiting for their retry, or in their partitions. The consumer
/// may be dead; its messages are redelivered when its leases end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldElsewhere {
    /// Number of messages; where messages are in partitions of others, at most this many.
    pub count: u64,
    /// When the last of them is redelivered unless it is settled or its lease is extended; `None` where leases have no end.
    pub until: Option<SystemTime>,
}

impl HeldElsewhere {
    /// Counts messages by the ends of their leases; `None` if there are none.
    pub(crate) fn of(ends: impl IntoIterator<Item = SystemTime>) -> Option<Self> {
        let counted = |held: Option<Self>, until: SystemTime| {
            let (count, last) = held.map_or((0, None), |held| (held.count, held.until));
            Some(Self {
                count: count + 1,
                until: Some(last.map_or(until, |last| last.max(until))),
            })
        };
        ends.into_iter().fold(None, counted)
    }
}

impl fmt::Display for HeldElsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (events, are) = match self.count {
            1 => ("event", "is"),
            _ => ("events", "are"),
        };
        write!(
            f,
            "{} {events} {are} held by other consumers of the group",
            self.count
        )?;
        if let Some(until) = self.until {
            let until = humantime::format_rfc3339_seconds(until);
            write!(f, " until {until} or longer")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_last_lease_counts() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(HeldElsewhere::of([]), None);
        let held = HeldElsewhere::of([at(3), at(9), at(5)]).unwrap();
        let text = "3 events are held by other consumers of the group until 1970-01-01T00:00:09Z or longer";
        assert_eq!(held.to_string(), text);
        let one = HeldElsewhere {
            count: 1,
            until: None,
        };
        assert_eq!(
            one.to_string(),
            "1 event is held by other consumers of the group"
        );
    }
}
