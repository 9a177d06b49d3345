//! The stream that the URL names and the two beside it: what they are, and how they are made.

use std::time::Duration;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};

use crate::{
    backends::nats::{
        connection::{
            handle::{Link, UPDATE},
            names::covers,
        },
        error::{NO_STREAM, error},
    },
    failpoint,
    transport::{ErrorKind, Result, TransportError},
};

/// The first version with schedules and atomic batches.
pub(crate) const SCHEDULES: (i64, i64) = (2, 12);
/// The first version in which a message can expire before its stream's others.
pub(crate) const EXPIRY: (i64, i64) = (2, 11);
/// How long a stream of ours keeps events.
const KEEP: Duration = Duration::from_hours(30 * 24);
/// How long a stream of ours recognises a message that is sent again.
const WINDOW: Duration = Duration::from_mins(2);

/// What the server says of a stream.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Facts {
    pub(crate) config: StreamConfig,
    pub(crate) state: StreamState,
    /// When the stream was made: the same from any host, and another one if it is made again.
    pub(crate) created: String,
    /// That the server is too old for schedules and atomic batches, if it is.
    #[serde(skip)]
    pub(crate) too_old: Option<String>,
}

/// The settings that matter to us.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "the server has them so")]
pub(crate) struct StreamConfig {
    pub(crate) name: String,
    pub(crate) subjects: Vec<String>,
    pub(crate) retention: String,
    pub(crate) max_age: u64,
    pub(crate) max_msgs: i64,
    pub(crate) max_bytes: i64,
    pub(crate) max_msgs_per_subject: i64,
    pub(crate) discard: String,
    pub(crate) num_replicas: usize,
    pub(crate) duplicate_window: u64,
    pub(crate) allow_direct: bool,
    pub(crate) allow_atomic: bool,
    pub(crate) allow_msg_schedules: bool,
    pub(crate) deny_delete: bool,
    pub(crate) deny_purge: bool,
    pub(crate) no_ack: bool,
    pub(crate) mirror: Option<Copied>,
    pub(crate) sources: Option<Vec<Copied>>,
    pub(crate) subject_transform: Option<IgnoredAny>,
}

/// A stream that another one copies.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Copied {
    pub(crate) name: String,
}

/// What a stream holds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StreamState {
    pub(crate) messages: u64,
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    pub(crate) consumer_count: u64,
    /// How many are missing between the first and the last.
    pub(crate) num_deleted: u64,
}

impl Facts {
    /// Returns the name from which ids of dead letters are derived.
    pub(crate) fn store(&self) -> String {
        format!("{}@{}", self.config.name, self.created)
    }

    /// Reports whether several servers hold it, of which some may be behind.
    pub(crate) fn is_replicated(&self) -> bool {
        self.config.num_replicas > 1
    }

    /// Reports whether a subject, or all that a filter matches, is stored here.
    pub(crate) fn covers(&self, subject: &str) -> bool {
        let mut subjects = self.config.subjects.iter();
        subjects.any(|known| covers(known, subject))
    }

    /// Refuses a stream of somebody else in the place of one of ours: it has to keep what it confirms.
    fn must_keep(&self, subject: &str) -> Result<()> {
        if self.covers(subject) {
            return self.must_confirm();
        }
        let name = &self.config.name;
        let message = format!("the stream `{name}` is there and does not cover `{subject}`");
        let hint = format!("`{}`", self.edit_to_cover(subject));
        Err(error(ErrorKind::Configuration, message).hint(hint))
    }

    fn must_confirm(&self) -> Result<()> {
        let (name, config) = (&self.config.name, &self.config);
        let (message, hint) = if config.retention == "interest" {
            let message = format!("the stream `{name}` drops what no consumer covers");
            (
                message,
                format!("`nats stream edit {name} --retention=limits`"),
            )
        } else if config.no_ack {
            let message = format!("the stream `{name}` does not confirm what it stores");
            (message, format!("`nats stream edit {name} --ack`"))
        } else {
            return Ok(());
        };
        Err(error(ErrorKind::Configuration, message).hint(hint))
    }

    /// Returns the command that lets the stream cover a subject too.
    pub(crate) fn edit_to_cover(&self, subject: &str) -> String {
        let subjects = [&self.config.subjects[..], &[subject.to_owned()]].concat();
        let (name, subjects) = (&self.config.name, subjects.join(","));
        format!("nats stream edit {name} --subjects='{subjects}'")
    }

    /// Says why nothing can be published to this stream: it only copies another one.
    pub(crate) fn no_messages(&self) -> Option<TransportError> {
        let name = &self.config.name;
        let message = if let Some(mirror) = &self.config.mirror {
            let of = &mirror.name;
            format!("the stream `{name}` is a mirror of `{of}` and takes no events itself")
        } else if self.config.subjects.is_empty() && self.copied().next().is_some() {
            let from: Vec<&str> = self.copied().collect();
            let from = from.join("`, `");
            format!("the stream `{name}` only copies `{from}` and takes no events itself")
        } else {
            return None;
        };
        let hint = self.copied().next().map_or_else(String::new, |from| {
            format!("publish to it: name `{from}` in the path of the URL")
        });
        Some(error(ErrorKind::Configuration, message).hint(hint))
    }

    /// Returns the names of the streams that this one copies.
    pub(crate) fn copied(&self) -> impl Iterator<Item = &str> {
        let sources = self.config.sources.iter().flatten();
        let copied = self.config.mirror.iter().chain(sources);
        copied.map(|copied| copied.name.as_str())
    }

    /// Returns the longest delay that is kept, if there is a limit.
    pub(crate) fn longest_delay(&self) -> Option<Duration> {
        let age = Duration::from_nanos(self.config.max_age);
        (!age.is_zero()).then(|| age.saturating_sub(Duration::from_secs(2)))
    }

    /// Says what lets the stream do more.
    pub(crate) fn mend(&self) -> &'static str {
        match self.too_old {
            Some(_) => UPDATE,
            None => "`pf doctor --fix` changes the stream",
        }
    }

    /// Says why this stream cannot keep a delay.
    pub(crate) fn no_delay(&self, inner: &str) -> Option<&str> {
        if let Some(reason) = &self.too_old {
            Some(reason)
        } else if !self.config.allow_msg_schedules {
            Some("the stream does not allow schedules")
        } else if !self.covers(inner) {
            Some("the stream has no subjects for schedules")
        } else if self.config.retention == "interest" {
            Some("a stream that keeps only what somebody waits for drops schedules")
        } else {
            None
        }
    }

    /// Says why a replay cannot be one step with its journal.
    pub(crate) fn no_atomic_replay(&self, inner: &str) -> Option<&str> {
        if let Some(reason) = &self.too_old {
            Some(reason)
        } else if !self.config.allow_atomic {
            Some("the stream does not allow atomic batches")
        } else if !self.covers(inner) {
            Some("the stream has no subjects for the journal of a replay")
        } else if self.config.retention != "limits" {
            Some("the stream does not keep what was read")
        } else {
            None
        }
    }
}

impl Link {
    /// Asks for the stream that the URL names; none if there is no such stream.
    pub(crate) async fn find_stream(&self, stream: &str) -> Result<Option<Facts>> {
        match self.api(format!("STREAM.INFO.{stream}"), &json!({})).await {
            Ok(answer) => {
                let mut facts = parse(answer)?;
                facts.too_old = self.too_old("schedules and atomic batches need", SCHEDULES);
                Ok(Some(facts))
            }
            Err(refusal) if refusal.is(NO_STREAM) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Asks for the stream that the URL names.
    pub(crate) async fn facts(&self) -> Result<Facts> {
        let stream = &self.names.stream;
        self.find_stream(stream).await?.ok_or_else(|| {
            error(
                ErrorKind::NotFound,
                format!("there is no stream `{stream}`"),
            )
            .hint(
                "`--create` makes it; the path of the URL names another one (`nats://host/STREAM`)",
            )
        })
    }

    /// Makes the stream that the URL names unless it is there; says what was made.
    pub(crate) async fn make_stream(&self) -> Result<Vec<String>> {
        if self.find_stream(&self.names.stream).await?.is_some() {
            return Ok(Vec::new());
        }
        self.need(
            "a stream with schedules and atomic batches needs",
            SCHEDULES,
        )?;
        let topics = self.names.all_topics();
        if topics == ">" {
            let message = "a stream of all subjects would store what the server tells itself";
            return Err(error(ErrorKind::Configuration, message)
                .hint("give the URL a `prefix`, or make the stream with `nats stream add`"));
        }
        let config = json!({
            "name": self.names.stream,
            "description": "events of protoflow",
            "subjects": [topics, self.names.inner()],
            "retention": "limits",
            "storage": "file",
            "discard": "old",
            "num_replicas": 1,
            "max_age": nanos(KEEP),
            "duplicate_window": nanos(WINDOW),
            "allow_direct": true,
            "allow_atomic": true,
            "allow_msg_schedules": true,
        });
        self.make(&config).await?;
        Ok(vec![format!(
            "made stream {} for {topics}: events are kept for 30 days; schedules, atomic batches and \
             direct reads are allowed",
            self.names.stream
        )])
    }

    /// Makes the streams of dead letters, and of failed runs and jobs, unless they are there.
    pub(crate) async fn make_side_places(&self, replicas: usize) -> Result<Vec<String>> {
        self.need("groups and their dead letters need", EXPIRY)?;
        let (letters, side) = (self.names.letters(), self.names.side());
        let mut made = Vec::new();
        if let Some(facts) = self.find_stream(&letters).await? {
            facts.must_keep(&self.names.letters_of(None))?;
        } else {
            let config = json!({
                "name": letters,
                "description": "dead letters of protoflow",
                "subjects": [self.names.letters_of(None)],
                "retention": "limits",
                "storage": "file",
                "discard": "new",
                "num_replicas": replicas.max(1),
                "duplicate_window": nanos(WINDOW),
                "allow_direct": true,
            });
            self.make(&config).await?;
            failpoint::reach("nats.letters_made");
            made.push(format!("made stream {letters} for dead letters"));
        }
        if let Some(facts) = self.find_stream(&side).await? {
            facts.must_keep(&self.names.beside(">"))?;
        } else {
            let config = json!({
                "name": side,
                "description": "failed runs and jobs of protoflow",
                "subjects": [self.names.beside(">")],
                "retention": "limits",
                "storage": "file",
                "discard": "new",
                "num_replicas": replicas.max(1),
                "max_msgs_per_subject": 1,
                "duplicate_window": nanos(WINDOW),
                "allow_direct": true,
                "allow_msg_ttl": true,
            });
            self.make(&config).await?;
            made.push(format!("made stream {side} for failed runs and jobs"));
        }
        Ok(made)
    }

    /// Makes the stream that keeps what the server tells of consumers that give up, unless it is there.
    pub(crate) async fn make_advisories(&self, replicas: usize) -> Result<Option<String>> {
        let name = self.names.advisories();
        if let Some(facts) = self.find_stream(&name).await? {
            facts.must_confirm()?;
            return Ok(None);
        }
        let config = json!({
            "name": name,
            "description": "what other consumers gave up, until it is a dead letter of protoflow",
            "subjects": self.names.advised(),
            "retention": "workqueue",
            "storage": "file",
            "num_replicas": replicas.max(1),
        });
        self.make(&config).await?;
        Ok(Some(format!(
            "made stream {name} for what consumers give up"
        )))
    }

    /// Makes a stream; somebody else may make the same one at the same time.
    async fn make(&self, config: &Value) -> Result<()> {
        let name = config
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        match self.api(format!("STREAM.CREATE.{name}"), config).await {
            Ok(_) => Ok(()),
            Err(refusal) if refusal.is(10058) => Ok(()),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Changes one setting of the user's stream; everything else is sent back as it was read.
    pub(crate) async fn change_stream(&self, change: impl FnOnce(&mut Value)) -> Result<()> {
        let stream = &self.names.stream;
        let answer = self
            .api(format!("STREAM.INFO.{stream}"), &json!({}))
            .await?;
        let mut config = answer.get("config").cloned().unwrap_or_default();
        change(&mut config);
        self.api(format!("STREAM.UPDATE.{stream}"), &config).await?;
        Ok(())
    }
}

/// Reads what the server says of a stream.
pub(crate) fn parse(answer: Value) -> Result<Facts> {
    serde_json::from_value(answer).map_err(|source| {
        error(
            ErrorKind::Other,
            "the server tells of a stream in an unknown way",
        )
        .because(source)
    })
}

/// Writes a duration as the server wants it.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
