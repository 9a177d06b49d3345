//! Which stream covers a subject, asked where a message found none, or another one than the URL names.
//!
//! A stream without a leader and a stream that is not there look the same to who publishes: nobody takes the message.
//! The cluster knows its streams all the same, and while it has no leader itself it says so.

use serde_json::{Value, json};

use crate::{
    backends::nats::{
        connection::{handle::Link, names::overlap, stream::info::Facts},
        error::{self as errors, Refusal, error},
    },
    transport::{ErrorKind, Result, TransportError},
};

/// What `prefix` is for.
const PREFIX: &str = "`prefix` in the URL changes what stands before topics";

impl Link {
    /// Says why no stream took a message that is meant for one: none covers its subject, another one does, or the one
    /// that does has no leader at the moment.
    pub(crate) async fn untaken(&self, subject: &str, expected: Option<&str>) -> TransportError {
        match self.covering(subject).await {
            Ok(Some(stream)) => match expected {
                Some(expected) if stream != expected => {
                    self.elsewhere(subject, &stream, expected).await
                }
                _ => {
                    let message = format!("the stream `{stream}` has no leader at the moment");
                    error(ErrorKind::Unavailable, message)
                }
            },
            Ok(None) => self.uncovered(subject).await,
            Err(refusal) if refusal.may_pass() => error(
                ErrorKind::Unavailable,
                "JetStream has no leader at the moment",
            ),
            // Who may only publish is not told.
            Err(_) => errors::uncovered(subject),
        }
    }

    /// Asks for the stream that covers a subject.
    async fn covering(&self, subject: &str) -> Result<Option<String>, Refusal> {
        let answer = self
            .ask("STREAM.NAMES", &json!({"subject": subject}))
            .await?;
        let first = answer.pointer("/streams/0").and_then(Value::as_str);
        Ok(first.map(str::to_owned))
    }

    /// Says that a message belongs to another stream than the one that it is meant for.
    pub(crate) async fn elsewhere(
        &self,
        subject: &str,
        stream: &str,
        expected: &str,
    ) -> TransportError {
        if let Some(mirror) = self.mirror(expected).await {
            return mirror;
        }
        let message = format!(
            "`{subject}` belongs to the stream `{stream}`, not to `{expected}`, which the URL names"
        );
        let hint = format!("name `{stream}` in the path of the URL; {PREFIX}");
        error(ErrorKind::Configuration, message).hint(hint)
    }

    /// Refuses a stream that only copies another one; none if it takes messages.
    async fn mirror(&self, stream: &str) -> Option<TransportError> {
        let facts = self.look_at(stream).await?;
        facts.no_messages()
    }

    /// Looks at a stream once; none if there is none, or nobody says so.
    async fn look_at(&self, stream: &str) -> Option<Facts> {
        let answer = self.ask(&format!("STREAM.INFO.{stream}"), &json!({})).await;
        crate::backends::nats::connection::stream::info::parse(answer.ok()?).ok()
    }

    /// Says that no stream covers a subject, and what mends that.
    pub(crate) async fn uncovered(&self, subject: &str) -> TransportError {
        let missing = errors::uncovered(subject);
        if missing.kind() != ErrorKind::NotFound {
            return missing;
        }
        match self.look_at(&self.names.stream).await {
            None => missing,
            Some(facts) => facts.no_messages().unwrap_or_else(|| {
                let hint = format!("`{}` adds it; {PREFIX}", facts.edit_to_cover(subject));
                missing.hint(hint)
            }),
        }
    }

    /// Refuses a topic that no message of a stream can have.
    pub(crate) async fn check_covered(&self, facts: &Facts, filters: &[String]) -> Result<()> {
        if facts.copied().next().is_some() {
            return self.check_prefix(facts).await;
        }
        let subjects = &facts.config.subjects;
        let reachable = |filter: &String| subjects.iter().any(|subject| overlap(subject, filter));
        match filters.iter().find(|filter| !reachable(filter)) {
            Some(filter) => {
                let hint = format!("`nats stream edit` adds a subject; {PREFIX}");
                Err(errors::uncovered(filter).hint(hint))
            }
            None => Ok(()),
        }
    }

    /// Refuses a prefix that no message has in a stream that copies others: theirs stand before its topics.
    async fn check_prefix(&self, facts: &Facts) -> Result<()> {
        let (stream, topics) = (&facts.config.name, self.names.all_topics());
        if facts.state.messages == 0 || facts.covers(&topics) {
            return Ok(());
        }
        let question = json!({"subjects_filter": topics});
        let answer = self.api(format!("STREAM.INFO.{stream}"), &question).await?;
        let subjects = answer.pointer("/state/subjects").and_then(Value::as_object);
        if subjects.is_some_and(|subjects| !subjects.is_empty()) {
            return Ok(());
        }
        let message =
            format!("the stream `{stream}` copies others and holds nothing under `{topics}`");
        let first = json!({"seq": facts.state.first_seq});
        let hint = match self.get(stream, &first).await? {
            Some(first) => format!(
                "{PREFIX}: its first message stands under `{}`",
                first.subject
            ),
            None => PREFIX.to_owned(),
        };
        Err(error(ErrorKind::NotFound, message).hint(hint))
    }
}
