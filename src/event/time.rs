//! Times as RFC 3339 text, and as numbers since 1970.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};

const LATEST: u64 = 253_402_300_799;

/// Returns the milliseconds since 1970: 0 for a time before, the largest number for one that does not fit.
#[must_use]
pub fn unix_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the nanoseconds since 1970: 0 for a time before, the largest number for one that does not fit.
#[must_use]
pub fn unix_nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Returns the time that is this many milliseconds after 1970.
#[must_use]
pub fn from_unix_millis(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

/// Returns the time that is this many nanoseconds after 1970.
#[must_use]
pub fn from_unix_nanos(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}

/// Appends a time in UTC to the millisecond, `2026-11-22T01:57:54.107Z`.
pub fn write_time(out: &mut Vec<u8>, time: SystemTime) {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut text = *b".000Z";
    put(&mut text[1..4], u64::from(since.subsec_millis()));
    out.extend_from_slice(&whole(since));
    out.extend_from_slice(&text);
}

/// Returns a time in UTC with as many fractional digits as it needs: 0, 3, 6 or 9.
pub(crate) fn exact_time(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut text = *b".000000000";
    put(&mut text[1..], u64::from(since.subsec_nanos()));
    let zeros = text.rchunks_exact(3).take_while(|three| *three == b"000");
    let digits = 9 - 3 * zeros.count();
    let mut out = Vec::with_capacity(30);
    out.extend_from_slice(&whole(since));
    out.extend_from_slice(&text[..if digits == 0 { 0 } else { 1 + digits }]);
    out.push(b'Z');
    String::from_utf8(out).unwrap_or_default()
}

fn whole(since: Duration) -> [u8; 19] {
    let seconds = since.as_secs().min(LATEST);
    let (year, month, day) = date(seconds / 86_400);
    let clock = seconds % 86_400;
    let mut text = *b"0000-00-00T00:00:00";
    put(&mut text[..4], year);
    put(&mut text[5..7], month);
    put(&mut text[8..10], day);
    put(&mut text[11..13], clock / 3_600);
    put(&mut text[14..16], clock / 60 % 60);
    put(&mut text[17..19], clock % 60);
    text
}

/// Returns a time in UTC to the millisecond.
#[must_use]
pub fn format_time(time: SystemTime) -> String {
    let mut out = Vec::with_capacity(24);
    write_time(&mut out, time);
    String::from_utf8(out).unwrap_or_default()
}

/// Parses RFC 3339 text.
#[must_use]
pub fn parse_time(text: &str) -> Option<SystemTime> {
    let time = utc(text)?;
    let seconds = time.timestamp();
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let start = if seconds < 0 {
        UNIX_EPOCH.checked_sub(whole)?
    } else {
        UNIX_EPOCH.checked_add(whole)?
    };
    start.checked_add(Duration::from_nanos(u64::from(
        time.timestamp_subsec_nanos(),
    )))
}

/// Parses RFC 3339 text into the type of the SDK.
pub(super) fn utc(text: &str) -> Option<DateTime<Utc>> {
    // The grammar wants a `T`; chrono takes a blank too.
    let separator = text.as_bytes().get(10)?;
    if !separator.eq_ignore_ascii_case(&b'T') {
        return None;
    }
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|time| time.to_utc())
}

fn put(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789"[usize::try_from(number % 10).unwrap_or(0)];
        number /= 10;
    }
}

/// Returns year, month and day of a day counted from 1970, after Howard Hinnant's `civil_from_days`.
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_humantime() {
        for step in 0..4_000_u64 {
            let time = UNIX_EPOCH + Duration::from_millis(step * 15_778_463_001);
            let text = format_time(time);
            assert_eq!(text, humantime::format_rfc3339_millis(time).to_string());
            assert_eq!(parse_time(&text), Some(time));
        }
    }

    #[test]
    fn numbers_and_times_convert_both_ways() {
        for nanos in [0, 1, 1_700_000_000_123_456_789, u64::MAX] {
            assert_eq!(unix_nanos(from_unix_nanos(nanos)), nanos);
        }
        for millis in [0, 1, 1_700_000_000_123, u64::MAX / 1_000] {
            assert_eq!(unix_millis(from_unix_millis(millis)), millis);
        }
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!((unix_millis(before), unix_nanos(before)), (0, 0));
        let far = UNIX_EPOCH + Duration::from_secs(u64::MAX / 4);
        assert_eq!((unix_nanos(far), unix_millis(far)), (u64::MAX, u64::MAX));
    }

    #[test]
    fn exact_times_have_the_digits_they_need() {
        for (nanos, end) in [
            (0, "20Z"),
            (120_000_000, "20.120Z"),
            (1_000, "20.000001Z"),
            (123_456_789, "20.123456789Z"),
        ] {
            let time = UNIX_EPOCH + Duration::new(1_700_000_000, nanos);
            assert_eq!(exact_time(time), format!("2023-11-14T22:13:{end}"));
        }
    }

    #[test]
    fn zones_are_understood_and_blanks_are_not() {
        assert_eq!(
            parse_time("1970-01-01T01:00:00.5+01:00"),
            Some(UNIX_EPOCH + Duration::from_millis(500))
        );
        assert_eq!(parse_time("1970-01-01 01:00:00Z"), None);
        assert_eq!(parse_time("yesterday"), None);
        assert!(parse_time("1969-12-31T23:59:59.5Z") < Some(UNIX_EPOCH));
    }
}
