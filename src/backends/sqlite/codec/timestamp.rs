//! Times as the store keeps them: nanoseconds since 1970.

use std::time::{Duration, SystemTime};

use crate::event::{from_unix_nanos, unix_nanos};

/// Returns the present.
pub(crate) fn now() -> i64 {
    nanos(SystemTime::now())
}

/// Turns a time into a number; what does not fit (before 1970, after 2262) becomes the nearest that does.
pub(crate) fn nanos(time: SystemTime) -> i64 {
    i64::try_from(unix_nanos(time)).unwrap_or(i64::MAX)
}

/// Turns a length of time into a number.
pub(crate) fn span(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// Turns a number into a time.
pub(crate) fn time(nanos: i64) -> SystemTime {
    from_unix_nanos(nanos.unsigned_abs())
}

/// Returns how long it is until then.
pub(crate) fn until(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos.saturating_sub(now())).unwrap_or(0))
}
