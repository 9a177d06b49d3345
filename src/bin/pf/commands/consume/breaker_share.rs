//! `--breaker-share 50%/100`: the share of recent events whose failure opens the breaker. Pure.

use std::str::FromStr;

/// More than this share of the last `window` events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerShare {
    pub share: f64,
    pub window: u32,
}

impl FromStr for BreakerShare {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "write a share and a number of events, as in `50%/100`".to_owned();
        let (percent, window) = text.split_once("%/").ok_or_else(form)?;
        let percent: f64 = percent.trim().parse().map_err(|_| form())?;
        let window: u32 = window.trim().parse().map_err(|_| form())?;
        if !(0.0..100.0).contains(&percent) {
            return Err("the share must be at least 0% and less than 100%".to_owned());
        }
        if !(1..=MOST).contains(&window) {
            return Err(format!("the number of events must be from 1 to {MOST}"));
        }
        Ok(Self {
            share: percent / 100.0,
            window,
        })
    }
}

/// The largest number of events whose outcome the consumer remembers.
const MOST: u32 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_a_number_of_events_is_read() {
        let read = |text: &str| {
            text.parse::<BreakerShare>()
                .map(|read| (read.share, read.window))
        };
        assert_eq!(read("50%/100"), Ok((0.5, 100)));
        assert_eq!(read("12.5%/8"), Ok((0.125, 8)));
        for wrong in [
            "50",
            "50%",
            "50/100",
            "100%/10",
            "-1%/10",
            "nan%/10",
            "5%/0",
            "5%/1000000",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
