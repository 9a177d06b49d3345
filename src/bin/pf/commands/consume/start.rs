//! `--from earliest|new|TIME`: the start of a new group.

use std::str::FromStr;

use protoflow::transport::StartFrom;

use crate::values::times;

/// The start of a new group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start(pub StartFrom);

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "earliest" => Ok(Self(StartFrom::Earliest)),
            "new" => Ok(Self(StartFrom::New)),
            _ => Ok(Self(StartFrom::Time(times::past(text)?))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn read(text: &str) -> Result<StartFrom, String> {
        text.parse::<Start>().map(|start| start.0)
    }

    #[test]
    fn words_times_and_ages_are_read() {
        assert_eq!(read("earliest"), Ok(StartFrom::Earliest));
        assert_eq!(read("new"), Ok(StartFrom::New));
        let time = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
        assert_eq!(read("1970-01-01T02:00:00+01:00"), Ok(StartFrom::Time(time)));
        assert!(matches!(read("2h"), Ok(StartFrom::Time(time)) if time < SystemTime::now()));
        assert!(read("yesterday").is_err());
    }
}
