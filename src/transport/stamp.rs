//! Times in records: RFC 3339 to the nanosecond, and durations as seconds.

use std::time::{Duration, SystemTime};

use chrono::DateTime;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

use crate::event::exact_time;

fn read(text: &str) -> Result<SystemTime, String> {
    DateTime::parse_from_rfc3339(text)
        .map(SystemTime::from)
        .map_err(|error| format!("`{text}` is not a valid time: {error}"))
}

pub(crate) fn serialize<S: Serializer>(time: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&exact_time(*time))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SystemTime, D::Error> {
    read(&String::deserialize(from)?).map_err(D::Error::custom)
}

/// The same for times that may be missing.
pub(crate) mod optional {
    use super::{Deserialize, Deserializer, Error, Serializer, SystemTime, exact_time, read};

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(crate) fn serialize<S: Serializer>(
        time: &Option<SystemTime>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => to.serialize_str(&exact_time(*time)),
            None => to.serialize_none(),
        }
    }

    pub(in crate::transport) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        Option::<String>::deserialize(from)?
            .map(|text| read(&text))
            .transpose()
            .map_err(D::Error::custom)
    }
}

/// Durations that may be missing, as seconds.
pub(crate) mod seconds {
    use super::{Deserialize, Deserializer, Duration, Error, Serializer};

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(crate) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => to.serialize_f64(duration.as_secs_f64()),
            None => to.serialize_none(),
        }
    }

    pub(in crate::transport) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        Option::<f64>::deserialize(from)?
            .map(Duration::try_from_secs_f64)
            .transpose()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_to_the_nanosecond() {
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
        assert_eq!(exact_time(time), "2023-11-14T22:13:20.123456789Z");
        assert_eq!(read(&exact_time(time)), Ok(time));
        assert!(read("yesterday").is_err());
    }

    #[test]
    fn times_out_of_range_do_not_panic() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::MAX >> 2);
        assert!(exact_time(far).ends_with('Z'));
    }
}
