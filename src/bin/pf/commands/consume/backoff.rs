//! `--backoff 1s..5m*2`: pauses between attempts. Pure.

use std::{str::FromStr, time::Duration};

use protoflow::RetryPolicy;

/// Pauses between attempts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    factor: f64,
    jitter: bool,
}

impl Backoff {
    /// Returns the policy with these pauses.
    pub fn applied_to(self, policy: RetryPolicy) -> RetryPolicy {
        RetryPolicy {
            base: self.base,
            cap: self.cap,
            factor: self.factor,
            jitter: self.jitter,
            ..policy
        }
    }
}

impl FromStr for Backoff {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((base, rest)) = text.split_once("..") else {
            let pause = duration(text)?;
            return Ok(Self {
                base: pause,
                cap: pause,
                factor: 1.0,
                jitter: false,
            });
        };
        let (cap, factor) = match rest.split_once('*') {
            Some((cap, factor)) => (cap, factor_of(factor)?),
            None => (rest, 2.0),
        };
        let (base, cap) = (duration(base)?, duration(cap)?);
        if cap < base {
            return Err("the longest pause is shorter than the first".to_owned());
        }
        Ok(Self {
            base,
            cap,
            factor,
            jitter: true,
        })
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text.trim())
        .map_err(|error| format!("`{text}` is not a valid duration: {error}"))
}

fn factor_of(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(factor) if (1.0..=100.0).contains(&factor) => Ok(factor),
        _ => Err(format!("`{text}` is not a valid factor (1 to 100)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(base: u64, cap: u64, factor: f64, jitter: bool) -> Backoff {
        Backoff {
            base: Duration::from_secs(base),
            cap: Duration::from_secs(cap),
            factor,
            jitter,
        }
    }

    #[test]
    fn a_backoff_is_read() {
        let read = |text: &str| text.parse::<Backoff>().unwrap();
        assert_eq!(read("1s..5m*2"), seconds(1, 300, 2.0, true));
        assert_eq!(read("1s..1m"), seconds(1, 60, 2.0, true));
        assert_eq!(read("2s..1h*1.5"), seconds(2, 3600, 1.5, true));
        assert_eq!(read("10s"), seconds(10, 10, 1.0, false));
        assert_eq!(read("0s"), seconds(0, 0, 1.0, false));
    }

    #[test]
    fn a_bad_backoff_says_what_is_wrong() {
        let error = |text: &str| text.parse::<Backoff>().unwrap_err();
        assert!(error("soon").starts_with("`soon` is not a valid duration"));
        assert!(error("1s..").starts_with("`` is not a valid duration"));
        assert_eq!(error("1s..2s*x"), "`x` is not a valid factor (1 to 100)");
        assert_eq!(
            error("1s..2s*0.5"),
            "`0.5` is not a valid factor (1 to 100)"
        );
        assert_eq!(
            error("2s..1s"),
            "the longest pause is shorter than the first"
        );
    }
}
