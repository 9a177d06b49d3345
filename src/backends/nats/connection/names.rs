//! Names in JetStream: subjects of topics, and internal streams, subjects and consumers.

use std::fmt::Write as _;

use ulid::Ulid;

use crate::{
    backends::{fnv::fnv1a, nats::error::error},
    event::{Action, Group, Pattern, Topic},
    transport::{DeadLetterId, ErrorKind, Result},
};

/// The prefix of the name of a reader's consumer; a ULID follows.
const READER: &str = "pf-";

/// The names that belong to one stream.
///
/// Internal messages that have to be in the user's stream (schedules, the journal of a replay) have subjects under
/// `_pf.in.`, outside of the prefix of topics, so that no consumer of topics receives them.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) stream: String,
    pub(crate) prefix: String,
    /// Topics that hold dead letters of other programs, as the URL says.
    pub(crate) dead_letters: Vec<Topic>,
}

impl Names {
    /// Returns the subject of a topic.
    pub(crate) fn subject(&self, topic: &Topic) -> Result<String> {
        let subject = format!("{}{topic}", self.prefix);
        if subject.starts_with("_pf.") || subject.starts_with('$') || subject.starts_with("_INBOX.")
        {
            let message = format!("topic `{topic}` maps to an internal subject");
            return Err(error(ErrorKind::Invalid, message));
        }
        if self.dead_letters.contains(topic) {
            let message = format!("topic `{topic}` holds dead letters, as `dead-letters` says");
            return Err(error(ErrorKind::Invalid, message));
        }
        Ok(subject)
    }

    /// Returns the subjects that hold dead letters of other programs, as the URL says.
    pub(crate) fn dead_letter_subjects(&self) -> impl Iterator<Item = String> {
        let topics = self.dead_letters.iter();
        topics.map(|topic| format!("{}{topic}", self.prefix))
    }

    /// Returns the topic of a subject, if it is one.
    pub(crate) fn topic(&self, subject: &str) -> Option<Topic> {
        if subject.starts_with("_pf.") {
            return None;
        }
        subject.strip_prefix(&self.prefix)?.parse().ok()
    }

    /// Returns the command that creates a consumer of a subject.
    pub(crate) fn consume_command(&self, subject: &str) -> String {
        let topic = subject.strip_prefix(&self.prefix).unwrap_or(subject);
        let topic = match topic.strip_suffix('>') {
            Some(start) => format!("'{start}**'"),
            None if topic.contains('*') => format!("'{topic}'"),
            None => topic.to_owned(),
        };
        format!("pf consume {topic} --group GROUP -- COMMAND")
    }

    /// Returns the subject that covers every topic.
    pub(crate) fn all_topics(&self) -> String {
        format!("{}>", self.prefix)
    }

    /// Returns the subject filters for patterns, none of which covers another.
    pub(crate) fn filters(&self, patterns: &[Pattern]) -> Result<Vec<String>> {
        let mut filters: Vec<String> = Vec::new();
        for pattern in patterns {
            let text = pattern.as_str();
            if self.prefix.is_empty() && text.starts_with(['*', '>']) {
                let message = format!("`{pattern}` would match internal subjects too");
                return Err(error(ErrorKind::Unsupported, message)
                    .hint("begin the pattern with a name, or give the URL a `prefix`"));
            }
            let text = text
                .strip_suffix("**")
                .map_or_else(|| text.to_owned(), |start| format!("{start}>"));
            let filter = format!("{}{text}", self.prefix);
            if !filters.iter().any(|known| covers(known, &filter)) {
                filters.retain(|known| !covers(&filter, known));
                filters.push(filter);
            }
        }
        filters.sort_unstable();
        Ok(filters)
    }

    /// Returns the name of a group's durable consumer.
    pub(crate) fn consumer(group: &Group) -> String {
        token(group.as_str())
    }

    /// Returns the name of the consumer of a group for topics that its first consumer does not read.
    pub(crate) fn further_consumer(group: &Group, filters: &[String]) -> String {
        let hash = fnv1a(filters.join(" ").bytes());
        format!("{}={hash:016x}", token(group.as_str()))
    }

    /// Returns the group of a consumer.
    pub(crate) fn group(consumer: &str) -> Result<Group> {
        let is_hash = |tail: &str| {
            let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            tail.len() == 16 && tail.bytes().all(is_digit)
        };
        let name = match consumer.rsplit_once('=') {
            Some((name, tail)) if is_hash(tail) => name,
            _ => consumer,
        };
        untoken(name).parse().map_err(|source| {
            let message =
                format!("the name of the consumer `{consumer}` is not a valid group name");
            error(ErrorKind::Invalid, message).because(source)
        })
    }

    /// Returns the stream of advisories about messages that consumers gave up.
    pub(crate) fn advisory_stream(&self) -> String {
        format!("{}_ADVISORIES", self.stream)
    }

    /// Returns the subjects of those advisories.
    pub(crate) fn advisory_subjects(&self) -> [String; 2] {
        ["MAX_DELIVERIES", "MSG_TERMINATED"].map(|kind| {
            let stream = &self.stream;
            format!("$JS.EVENT.ADVISORY.CONSUMER.{kind}.{stream}.>")
        })
    }

    /// Returns the filter of internal messages in the user's stream.
    pub(crate) fn internal_wildcard(&self) -> String {
        format!("_pf.in.{}.>", self.stream)
    }

    /// Returns the subject of a schedule.
    pub(crate) fn schedule_subject(&self, id: &str) -> String {
        format!("_pf.in.{}.later.{id}", self.stream)
    }

    /// Returns the subject of the journal of jobs: in the user's stream, or in the state stream.
    pub(crate) fn journal_subject(&self, in_user_stream: bool) -> String {
        let place = if in_user_stream { "in" } else { "side" };
        format!("_pf.{place}.{}.journal", self.stream)
    }

    /// Returns the subject of the receipts of a name, in the user's stream.
    pub(crate) fn receipt_subject(&self, name: &str) -> String {
        format!("_pf.in.{}.receipt.{}", self.stream, token(name))
    }

    /// Returns the stream of dead letters.
    pub(crate) fn dead_letter_stream(&self) -> String {
        format!("{}_DLQ", self.stream)
    }

    /// Returns the filter of dead letters, of one group or of all.
    pub(crate) fn dead_letter_filter(&self, group: Option<&Group>) -> String {
        match group {
            Some(group) => format!("_pf.dlq.{}.{}.>", self.stream, token(group.as_str())),
            None => format!("_pf.dlq.{}.>", self.stream),
        }
    }

    /// Returns the subject of a dead letter.
    pub(crate) fn dead_letter_subject(&self, group: &Group, id: &DeadLetterId) -> String {
        let (group, id) = (token(group.as_str()), token(id.as_str()));
        format!("_pf.dlq.{}.{group}.{id}", self.stream)
    }

    /// Returns the state stream, which holds failed runs and jobs.
    pub(crate) fn state_stream(&self) -> String {
        format!("{}_PF", self.stream)
    }

    /// Returns what the subjects begin with of what an action has handled.
    pub(crate) fn marks_subject(&self, action: &Action) -> String {
        self.state_subject(&format!("marks.{}", token(action.as_str())))
    }

    /// Returns a subject of the state stream.
    pub(crate) fn state_subject(&self, rest: &str) -> String {
        format!("_pf.side.{}.{rest}", self.stream)
    }
}

/// Returns a name for the consumer of a reader without a group.
pub(crate) fn reader_consumer() -> String {
    format!("{READER}{}", Ulid::generate())
}

/// Reports whether a consumer belongs to a reader without a group.
pub(crate) fn is_reader_consumer(consumer: &str) -> bool {
    let id = consumer.strip_prefix(READER);
    id.is_some_and(|id| Ulid::from_string(id).is_ok())
}

/// Reports whether a subject filter covers another one.
pub(crate) fn covers(wide: &str, narrow: &str) -> bool {
    let mut narrow = narrow.split('.');
    for token in wide.split('.') {
        match (token, narrow.next()) {
            (">", Some(_)) => return true,
            ("*", Some(other)) if other != ">" => {}
            (token, Some(other)) if token == other => {}
            _ => return false,
        }
    }
    narrow.next().is_none()
}

/// Reports whether a subject exists that both filters match.
pub(crate) fn overlap(left: &str, right: &str) -> bool {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        match (left.next(), right.next()) {
            (None, None) | (Some(">"), Some(_)) | (Some(_), Some(">")) => return true,
            (Some(l), Some(r)) if l == r || l == "*" || r == "*" => {}
            _ => return false,
        }
    }
}

/// Writes a name so that it can be a token of a subject and a consumer's name; different names stay different.
pub(crate) fn token(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "={byte:02X}");
        }
    }
    out
}

/// Reads a name that was written as a token; a token that [`token`] cannot have written is returned as it is.
fn untoken(token: &str) -> String {
    let mut bytes = Vec::with_capacity(token.len());
    let mut rest = token;
    while let Some((before, behind)) = rest.split_once('=') {
        bytes.extend_from_slice(before.as_bytes());
        let byte = behind.get(..2).map(|hex| u8::from_str_radix(hex, 16));
        let Some(Ok(byte)) = byte else {
            return token.to_owned();
        };
        bytes.push(byte);
        rest = &behind[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).unwrap_or_else(|_| token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names {
            stream: "S".to_owned(),
            prefix: "S.".to_owned(),
            dead_letters: Vec::new(),
        }
    }

    fn filters(patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<_> = patterns.iter().map(|text| text.parse().unwrap()).collect();
        names().filters(&patterns).unwrap()
    }

    #[test]
    fn what_is_covered_needs_no_filter() {
        assert_eq!(filters(&["order.*", "order.created"]), ["S.order.*"]);
        assert_eq!(filters(&["order.created", "order.**"]), ["S.order.>"]);
        assert_eq!(filters(&["b", "a"]), ["S.a", "S.b"]);
        assert_eq!(filters(&["**", "a.*"]), ["S.>"]);
    }

    #[test]
    fn filters_overlap_if_a_subject_matches_both() {
        assert!(overlap("a.*", "*.b"));
        assert!(overlap("a.>", "a.b.c"));
        assert!(!overlap("a.>", "a"));
        assert!(!overlap("a.*", "b.*"));
        assert!(!covers("a.*", "a.>"));
    }

    #[test]
    fn topics_and_subjects_match() {
        let topic: Topic = "order.created".parse().unwrap();
        let subject = names().subject(&topic).unwrap();
        assert_eq!(subject, "S.order.created");
        assert_eq!(names().topic(&subject), Some(topic));
        assert_eq!(names().topic("_pf.in.S.later.x"), None);
        assert_eq!(names().topic("other"), None);
    }

    #[test]
    fn internal_subjects_are_no_topics() {
        let bare = Names {
            stream: "S".to_owned(),
            prefix: String::new(),
            dead_letters: Vec::new(),
        };
        for topic in ["$JS.API.INFO", "_pf.in.S.journal", "_INBOX.x"] {
            assert!(bare.subject(&topic.parse().unwrap()).is_err(), "{topic}");
        }
        assert!(bare.filters(&[Pattern::all()]).is_err());
    }

    #[test]
    fn tokens_stay_apart() {
        assert_eq!(token("order.workers"), "order=2Eworkers");
        assert_ne!(token("a=b"), token("a.b"));
    }

    #[test]
    fn a_consumer_tells_its_group() {
        for name in ["billing", "order.workers", "a=b", "größe"] {
            let group: Group = name.parse().unwrap();
            assert_eq!(Names::group(&Names::consumer(&group)).unwrap(), group);
            let further = Names::further_consumer(&group, &["S.a".to_owned()]);
            assert_eq!(Names::group(&further).unwrap(), group);
        }
        assert_eq!(Names::group("x=zz").unwrap().as_str(), "x=zz");
    }
}
