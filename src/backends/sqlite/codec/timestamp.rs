//! Timestamps and durations as the store keeps them: nanoseconds, since 1970.

use std::time::{Duration, SystemTime};

use crate::event::{from_unix_nanos, unix_nanos};

/// Returns the current time.
pub(crate) fn now() -> i64 {
    nanos(SystemTime::now())
}

/// Converts a time; one before 1970 or after 2262 becomes the nearest that fits.
pub(crate) fn nanos(time: SystemTime) -> i64 {
    i64::try_from(unix_nanos(time)).unwrap_or(i64::MAX)
}

/// Converts a duration.
pub(crate) fn nanos_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// Converts a stored timestamp.
pub(crate) fn time(nanos: i64) -> SystemTime {
    from_unix_nanos(nanos.unsigned_abs())
}

/// Returns the time left until then.
pub(crate) fn time_until(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos.saturating_sub(now())).unwrap_or(0))
}
