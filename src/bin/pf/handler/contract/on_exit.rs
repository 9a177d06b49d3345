//! Exit statuses with an action of their own, as in `--on-exit 3=dlq,4=retry:30s`. Pure.

use std::{collections::BTreeMap, str::FromStr};

use super::reply::{Action, parse_pause};

/// Exit statuses and their actions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnExit(BTreeMap<u8, Action>);

impl OnExit {
    /// Returns the action for a status, if it is mapped.
    pub fn get(&self, status: i32) -> Option<Action> {
        self.0.get(&u8::try_from(status).ok()?).copied()
    }
}

impl FromStr for OnExit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut map = BTreeMap::new();
        for part in text.split(',').map(str::trim) {
            let (status, word) = part
                .split_once('=')
                .ok_or_else(|| format!("`{part}` is not STATUS=ACTION"))?;
            let status = status
                .trim()
                .parse()
                .map_err(|_| format!("`{status}` is not a valid exit status (0 to 255)"))?;
            if map.insert(status, action(word.trim())?).is_some() {
                return Err(format!("exit status {status} is given twice"));
            }
        }
        Ok(Self(map))
    }
}

fn action(word: &str) -> Result<Action, String> {
    match word.split_once(':') {
        Some(("retry", after)) => Ok(Action::Retry(Some(parse_pause(after)?))),
        None if word == "ack" => Ok(Action::Ack),
        None if word == "skip" => Ok(Action::Skip),
        None if word == "retry" => Ok(Action::Retry(None)),
        None if word == "dlq" => Ok(Action::DeadLetter),
        None if word == "stop" => Ok(Action::Stop),
        _ => Err(format!(
            "unknown action `{word}`: use ack, skip, retry, retry:30s, dlq or stop"
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_map_is_read() {
        let map: OnExit = "3=dlq, 4=retry:30s,5=ack,6=skip,7=stop,8=retry"
            .parse()
            .unwrap();
        assert_eq!(map.get(3), Some(Action::DeadLetter));
        assert_eq!(
            map.get(4),
            Some(Action::Retry(Some(Duration::from_secs(30))))
        );
        assert_eq!(map.get(6), Some(Action::Skip));
        assert_eq!(map.get(8), Some(Action::Retry(None)));
        assert_eq!(map.get(9), None);
        assert_eq!(map.get(259), None);
    }

    #[test]
    fn a_bad_map_says_what_is_wrong() {
        let error = |text: &str| text.parse::<OnExit>().unwrap_err();
        assert_eq!(error("3"), "`3` is not STATUS=ACTION");
        assert_eq!(
            error("300=ack"),
            "`300` is not a valid exit status (0 to 255)"
        );
        assert_eq!(error("3=ack,3=dlq"), "exit status 3 is given twice");
        assert!(error("3=drop").starts_with("unknown action `drop`"));
        assert!(error("3=retry:x").starts_with("`x` is not a valid duration"));
    }
}
