//! Times as RFC 3339 text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};

const LATEST: u64 = 253_402_300_799;

/// Appends a time in UTC to the millisecond, `2026-11-22T01:57:54.107Z`.
pub fn write_time(out: &mut Vec<u8>, time: SystemTime) {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs().min(LATEST);
    let (year, month, day) = date(seconds / 86_400);
    let clock = seconds % 86_400;
    push(out, year, 4);
    out.push(b'-');
    push(out, month, 2);
    out.push(b'-');
    push(out, day, 2);
    out.push(b'T');
    push(out, clock / 3_600, 2);
    out.push(b':');
    push(out, clock / 60 % 60, 2);
    out.push(b':');
    push(out, clock % 60, 2);
    out.push(b'.');
    push(out, u64::from(since.subsec_millis()), 3);
    out.push(b'Z');
}

/// Returns a time in UTC to the millisecond.
#[must_use]
pub fn format_time(time: SystemTime) -> String {
    let mut out = Vec::with_capacity(24);
    write_time(&mut out, time);
    String::from_utf8(out).unwrap_or_default()
}

/// Reads RFC 3339 text.
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

/// Reads RFC 3339 text as the SDK has times.
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

fn push(out: &mut Vec<u8>, number: u64, digits: u32) {
    for place in (0..digits).rev() {
        let digit = number / 10_u64.pow(place) % 10;
        out.push(b"0123456789"[usize::try_from(digit).unwrap_or(0)]);
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
