//! Times, durations and rates as users write them.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Days, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Timelike};

/// One in eleven days: the lowest rate that makes sense.
const SLOWEST: f64 = 0.000_001;

/// A past time, or the earliest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// The oldest event that is stored.
    Earliest,
    /// This time.
    Time(SystemTime),
}

/// Parses `5s`, `2h 30m`, `500ms`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|_| "not a valid duration; use for example `90s` or `2h 30m`".to_owned())?;
    match SystemTime::now().checked_add(duration) {
        Some(_) => Ok(duration),
        None => Err("is too long".to_owned()),
    }
}

/// Parses a duration that is not zero.
pub fn some_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("must be more than zero".to_owned()),
        duration => Ok(duration),
    }
}

/// Waits for this long; indefinitely without a limit.
pub async fn sleep(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// Parses a number per second: `50` or `50/s`.
pub fn rate(text: &str) -> Result<f64, String> {
    match text.strip_suffix("/s").unwrap_or(text).parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= SLOWEST => Ok(rate),
        _ => Err(format!(
            "not a valid number per second of at least {SLOWEST}"
        )),
    }
}

/// Parses `earliest`, an age, or a time.
pub fn since(text: &str) -> Result<Since, String> {
    if matches!(text, "earliest" | "0") {
        return Ok(Since::Earliest);
    }
    Ok(Since::Time(past(text)?))
}

/// Parses an age or a time.
pub fn past(text: &str) -> Result<SystemTime, String> {
    match humantime::parse_duration(text) {
        Ok(ago) => SystemTime::now()
            .checked_sub(ago)
            .ok_or_else(|| "is too far in the past".to_owned()),
        Err(_) => moment(text),
    }
}

/// Parses a time: RFC 3339, or local as `2026-03-01`, `2026-03-01 09:00`, `09:00`, `today 09:00`, `tomorrow 09:00`.
pub fn moment(text: &str) -> Result<SystemTime, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text)
        && text.is_ascii()
    {
        return if is_leap_second(&time) {
            Err("has a second 60, which no SDK reads".to_owned())
        } else {
            Ok(time.into())
        };
    }
    let naive = local(text, Local::now().date_naive()).ok_or_else(|| {
        "not a valid time; use for example `2026-03-01T09:00:00Z`, `2026-03-01 09:00`, `09:00` or `tomorrow 09:00`"
            .to_owned()
    })?;
    match Local.from_local_datetime(&naive).earliest() {
        Some(time) => Ok(time.into()),
        None => Err("does not exist: the clocks go forward then".to_owned()),
    }
}

fn local(text: &str, today: NaiveDate) -> Option<NaiveDateTime> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Some(day.and_time(NaiveTime::MIN));
    }
    let (day, time) = text.split_once([' ', 'T']).unwrap_or(("today", text));
    let day = match day {
        "today" => today,
        "tomorrow" => today.checked_add_days(Days::new(1))?,
        day => day.parse().ok()?,
    };
    let time = NaiveTime::parse_from_str(time, "%H:%M")
        .or_else(|_| NaiveTime::parse_from_str(time, "%H:%M:%S"))
        .ok()
        .filter(|time| !is_leap_second(time))?;
    Some(day.and_time(time))
}

fn is_leap_second(time: &impl Timelike) -> bool {
    time.nanosecond() >= 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let today = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        local(text, today).map(|time| time.to_string())
    }

    #[test]
    fn local_times_are_on_a_day() {
        assert_eq!(read("09:30").unwrap(), "2026-03-01 09:30:00");
        assert_eq!(read("tomorrow 09:30:15").unwrap(), "2026-03-02 09:30:15");
        assert_eq!(read("2026-05-07 23:00").unwrap(), "2026-05-07 23:00:00");
        assert_eq!(read("2026-05-07").unwrap(), "2026-05-07 00:00:00");
        assert_eq!(read("25:00"), None);
        assert_eq!(read("09:30:60"), None);
        assert_eq!(read("soon"), None);
    }

    #[test]
    fn absolute_times_need_a_zone() {
        let time = moment("1970-01-01T00:00:01Z").unwrap();
        assert_eq!(time, SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        assert_eq!(since("earliest"), Ok(Since::Earliest));
        assert!(since("yesterday-ish").is_err());
        assert!(duration("9999999999999999999s").is_err());
        assert_eq!(rate("50/s"), Ok(50.0));
        for wrong in ["0", "-1", "nan", "inf", "1e-300"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
