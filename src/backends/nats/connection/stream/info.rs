//! Streams as the server describes them, and what their settings allow.

use std::time::Duration;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value, json};

use tokio::time::{Instant, sleep};

use crate::{
    backends::nats::{
        connection::{
            handle::{Connection, UPDATE_HINT},
            names::covers,
        },
        error::{ApiError, NO_STREAM, error},
    },
    transport::{ErrorKind, Result, TransportError},
};

/// The first version with schedules and atomic batches.
pub(crate) const SCHEDULES: (i64, i64) = (2, 12);
/// The first version in which a message can expire before its stream's others.
pub(crate) const EXPIRY: (i64, i64) = (2, 11);

/// How long a stream that was deleted may take to be created again.
const RECREATION: Duration = Duration::from_secs(30);
/// The pause between two looks for it.
const PAUSE: Duration = Duration::from_millis(250);

/// A stream as the server describes it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct StreamInfo {
    pub(crate) config: StreamConfig,
    pub(crate) state: StreamState,
    /// When the stream was created: the same seen from any host, and another one once it is deleted and created again.
    pub(crate) created: String,
    /// Why the server is too old for schedules and atomic batches, if it is.
    #[serde(skip)]
    pub(crate) too_old: Option<String>,
}

/// The settings of a stream.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are settings of the server"
)]
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
    pub(crate) mirror: Option<Source>,
    pub(crate) sources: Option<Vec<Source>>,
    pub(crate) subject_transform: Option<IgnoredAny>,
}

/// A stream that another one mirrors or sources.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Source {
    pub(crate) name: String,
}

/// The messages of a stream.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StreamState {
    pub(crate) messages: u64,
    pub(crate) first_seq: u64,
    /// When the first message was stored.
    pub(crate) first_ts: String,
    pub(crate) last_seq: u64,
    pub(crate) consumer_count: u64,
    /// How many messages are missing between the first and the last.
    pub(crate) num_deleted: u64,
}

impl StreamInfo {
    /// Returns the name from which the ids of dead letters are derived.
    pub(crate) fn store(&self) -> String {
        format!("{}@{}", self.config.name, self.created)
    }

    /// Reports whether the stream is a work queue: each message belongs to one consumer, and is deleted when that
    /// acknowledges it.
    pub(crate) fn is_work_queue(&self) -> bool {
        self.config.retention == "workqueue"
    }

    /// Reports whether the stream has replicas, which may lag behind its leader.
    pub(crate) fn is_replicated(&self) -> bool {
        self.config.num_replicas > 1
    }

    /// Reports whether the stream stores a subject, or every subject that a filter matches.
    pub(crate) fn covers(&self, subject: &str) -> bool {
        let mut subjects = self.config.subjects.iter();
        subjects.any(|known| covers(known, subject))
    }

    /// Refuses a stream that was created by others under the name of an internal one and does not keep what it confirms.
    pub(crate) fn require_internal(&self, subject: &str) -> Result<()> {
        if self.covers(subject) {
            return self.require_confirmation();
        }
        let name = &self.config.name;
        let message = format!("the stream `{name}` exists and does not cover `{subject}`");
        let hint = format!("`{}`", self.edit_to_cover(subject));
        Err(error(ErrorKind::Configuration, message).hint(hint))
    }

    /// Refuses a stream that does not keep what it confirms.
    pub(crate) fn require_confirmation(&self) -> Result<()> {
        let (name, config) = (&self.config.name, &self.config);
        let (message, hint) = if config.retention == "interest" {
            let message = format!("the stream `{name}` drops messages that no consumer covers");
            (
                message,
                format!("`nats stream edit {name} --retention=limits`"),
            )
        } else if config.no_ack {
            let message = format!("the stream `{name}` does not confirm messages");
            (message, format!("`nats stream edit {name} --ack`"))
        } else {
            return Ok(());
        };
        Err(error(ErrorKind::Configuration, message).hint(hint))
    }

    /// Returns the command that adds a subject to the stream.
    pub(crate) fn edit_to_cover(&self, subject: &str) -> String {
        let subjects = [&self.config.subjects[..], &[subject.to_owned()]].concat();
        let (name, subjects) = (&self.config.name, subjects.join(","));
        format!("nats stream edit {name} --subjects='{subjects}'")
    }

    /// Returns why the stream accepts no messages, if it only copies another one.
    pub(crate) fn read_only(&self) -> Option<TransportError> {
        let name = &self.config.name;
        let message = if let Some(mirror) = &self.config.mirror {
            let of = &mirror.name;
            format!("the stream `{name}` is a mirror of `{of}` and accepts no events")
        } else if self.config.subjects.is_empty() && self.sources().next().is_some() {
            let from: Vec<&str> = self.sources().collect();
            let from = from.join("`, `");
            format!("the stream `{name}` only copies `{from}` and accepts no events")
        } else {
            return None;
        };
        let hint = self.sources().next().map_or_else(String::new, |from| {
            format!("publish to `{from}` instead: name it in the path of the URL")
        });
        Some(error(ErrorKind::Configuration, message).hint(hint))
    }

    /// Returns the names of the streams that this one mirrors or sources.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &str> {
        let sources = self.config.sources.iter().flatten();
        let all = self.config.mirror.iter().chain(sources);
        all.map(|source| source.name.as_str())
    }

    /// Returns the longest delay that the stream keeps, if its messages expire.
    pub(crate) fn longest_delay(&self) -> Option<Duration> {
        let age = Duration::from_nanos(self.config.max_age);
        (!age.is_zero()).then(|| age.saturating_sub(Duration::from_secs(2)))
    }

    /// Returns the hint that fixes what the stream or its server does not allow.
    pub(crate) fn fix_hint(&self) -> &'static str {
        match self.too_old {
            Some(_) => UPDATE_HINT,
            None => "`pf doctor --fix` changes the stream",
        }
    }

    /// Returns why the stream cannot keep a delay, if so.
    pub(crate) fn delay_obstacle(&self, internal: &str) -> Option<&str> {
        if let Some(reason) = &self.too_old {
            Some(reason)
        } else if !self.config.allow_msg_schedules {
            Some("the stream does not allow schedules")
        } else if !self.covers(internal) {
            Some("the stream has no subjects for schedules")
        } else if self.config.retention == "interest" {
            Some("a stream with interest retention drops schedules")
        } else {
            None
        }
    }

    /// Returns why a replay and its journal cannot be committed in one batch, if so.
    pub(crate) fn atomic_replay_obstacle(&self, internal: &str) -> Option<&str> {
        if let Some(reason) = &self.too_old {
            Some(reason)
        } else if !self.config.allow_atomic {
            Some("the stream does not allow atomic batches")
        } else if !self.covers(internal) {
            Some("the stream has no subjects for the journal of a replay")
        } else if self.config.retention != "limits" {
            Some("the stream deletes messages that were read")
        } else {
            None
        }
    }
}

/// Asks for a stream.
pub(crate) async fn find(connection: &Connection, stream: &str) -> Result<Option<StreamInfo>> {
    let verb = format!("STREAM.INFO.{stream}");
    match connection.api(verb, &json!({})).await {
        Ok(answer) => {
            let mut info = parse(answer)?;
            info.too_old = connection.too_old("schedules and atomic batches need", SCHEDULES);
            Ok(Some(info))
        }
        Err(refused) if refused.has_code(NO_STREAM) => Ok(None),
        Err(failed) => Err(failed.into()),
    }
}

/// Asks for a stream once; none if it does not exist or there is no answer.
pub(crate) async fn find_once(connection: &Connection, stream: &str) -> Option<StreamInfo> {
    let verb = format!("STREAM.INFO.{stream}");
    let answer = connection.api_once(&verb, &json!({})).await;
    parse(answer.ok()?).ok()
}

/// Asks for the stream that the URL names, which has to exist.
pub(crate) async fn require(connection: &Connection) -> Result<StreamInfo> {
    let stream = &connection.names.stream;
    find(connection, stream).await?.ok_or_else(|| {
        error(
            ErrorKind::NotFound,
            format!("there is no stream `{stream}`"),
        )
        .hint("`--create` creates it; the path of the URL names another one (`nats://host/STREAM`)")
    })
}

/// Waits until a stream exists that was deleted, for as long as it is wanted and at most for [`RECREATION`].
pub(crate) async fn wait_for(
    connection: &Connection,
    stream: &str,
    is_wanted: impl Fn() -> bool,
) -> Result<StreamInfo> {
    let deadline = Instant::now() + RECREATION;
    loop {
        match find(connection, stream).await {
            Ok(Some(info)) => return Ok(info),
            Ok(None) if Instant::now() >= deadline || !is_wanted() => {
                let message = format!("the stream `{stream}` was deleted");
                return Err(error(ErrorKind::NotFound, message));
            }
            Err(failed) if !failed.is_transient() => return Err(failed),
            Ok(None) | Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Asks for the last sequence of a stream that has replicas, as its leader knows it: the replica that serves a consumer
/// may lack the last messages.
pub(crate) async fn replicated_end(connection: &Connection, stream: &str) -> Result<Option<u64>> {
    if connection.client.server_info().cluster.is_none() {
        return Ok(None);
    }
    let info = find(connection, stream).await?;
    let replicated = info.filter(StreamInfo::is_replicated);
    Ok(replicated.map(|info| info.state.last_seq))
}

/// Counts the messages of each subject that a filter matches, on the first page of subjects that the server returns.
pub(crate) async fn count_by_subject(
    connection: &Connection,
    stream: &str,
    filter: &str,
) -> Result<Map<String, Value>> {
    let page = subject_page(connection, stream, filter, 0).await?;
    Ok(page.subjects)
}

/// A page of the subjects of a stream.
#[derive(Debug, Default)]
pub(crate) struct SubjectPage {
    /// The number of messages of each subject.
    pub(crate) subjects: Map<String, Value>,
    /// How many subjects there are on all pages.
    pub(crate) total: u64,
}

/// Asks for a page of the subjects that a filter matches, from an offset on.
pub(crate) async fn subject_page(
    connection: &Connection,
    stream: &str,
    filter: &str,
    offset: usize,
) -> Result<SubjectPage, ApiError> {
    let body = json!({"subjects_filter": filter, "offset": offset});
    let answer = connection.api(format!("STREAM.INFO.{stream}"), &body);
    let mut answer = answer.await?;
    let subjects = answer.pointer_mut("/state/subjects").map(Value::take);
    Ok(SubjectPage {
        subjects: match subjects {
            Some(Value::Object(subjects)) => subjects,
            _ => Map::new(),
        },
        total: answer.get("total").and_then(Value::as_u64).unwrap_or(0),
    })
}

/// Changes the settings of the user's stream; those that the change leaves alone are sent back as they were read.
pub(crate) async fn update(connection: &Connection, change: impl FnOnce(&mut Value)) -> Result<()> {
    let stream = &connection.names.stream;
    let verb = format!("STREAM.INFO.{stream}");
    let answer = connection.api(verb, &json!({})).await?;
    let mut config = answer.get("config").cloned().unwrap_or_default();
    change(&mut config);
    let updated = connection.api(format!("STREAM.UPDATE.{stream}"), &config);
    updated.await?;
    Ok(())
}

fn parse(answer: Value) -> Result<StreamInfo> {
    serde_json::from_value(answer).map_err(|source| {
        error(ErrorKind::Other, "unexpected STREAM.INFO response").because(source)
    })
}
