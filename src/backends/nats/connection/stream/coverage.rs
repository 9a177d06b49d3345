//! Which stream covers a subject: asked when no stream stored a message, or another one than the URL names.
//!
//! To a publisher, a stream without a leader and a stream that does not exist look the same: nothing answers. The cluster
//! knows its streams all the same, and while it has no leader itself it says so.

use serde_json::{Value, json};

use crate::{
    backends::nats::{
        connection::{
            direct_get::{self, Query},
            handle::Connection,
            names::overlap,
            retry::Transient as _,
            stream::info::{self, StreamInfo},
        },
        error::{self, ApiError, error},
    },
    transport::{ErrorKind, Result, TransportError},
};

/// A hint at the parameter that maps topics to subjects.
const PREFIX_HINT: &str = "`prefix` in the URL changes the prefix of topics";

/// Returns why no stream stored a message: none covers its subject, another one than expected does, or the one that does
/// has no leader at the moment.
pub(crate) async fn not_stored(
    connection: &Connection,
    subject: &str,
    expected: Option<&str>,
) -> TransportError {
    match covering(connection, subject).await {
        Ok(Some(stream)) => match expected {
            Some(expected) if stream != expected => {
                other_stream(connection, subject, &stream, expected).await
            }
            _ => {
                let message = format!("the stream `{stream}` has no leader at the moment");
                error(ErrorKind::Unavailable, message)
            }
        },
        Ok(None) => uncovered(connection, subject).await,
        Err(failed) if failed.is_transient() => error(
            ErrorKind::Unavailable,
            "JetStream has no leader at the moment",
        ),
        // A user who may only publish gets no answer.
        Err(_) => error::uncovered(subject),
    }
}

/// Asks for the stream that covers a subject.
async fn covering(connection: &Connection, subject: &str) -> Result<Option<String>, ApiError> {
    let answer = connection
        .api_once("STREAM.NAMES", &json!({"subject": subject}))
        .await?;
    let first = answer.pointer("/streams/0").and_then(Value::as_str);
    Ok(first.map(str::to_owned))
}

/// Returns that a message belongs to another stream than the one that it names.
pub(crate) async fn other_stream(
    connection: &Connection,
    subject: &str,
    stream: &str,
    expected: &str,
) -> TransportError {
    let info = info::find_once(connection, expected).await;
    if let Some(read_only) = info.and_then(|info| info.read_only()) {
        return read_only;
    }
    let message = format!(
        "`{subject}` belongs to the stream `{stream}`, not to `{expected}`, which the URL names"
    );
    let hint = format!("name `{stream}` in the path of the URL; {PREFIX_HINT}");
    error(ErrorKind::Configuration, message).hint(hint)
}

/// Returns that no stream covers a subject, with the command that adds it.
async fn uncovered(connection: &Connection, subject: &str) -> TransportError {
    let missing = error::uncovered(subject);
    if missing.kind() != ErrorKind::NotFound {
        return missing;
    }
    match info::find_once(connection, &connection.names.stream).await {
        None => missing,
        Some(info) => info.read_only().unwrap_or_else(|| {
            let hint = format!("`{}` adds it; {PREFIX_HINT}", info.edit_to_cover(subject));
            missing.hint(hint)
        }),
    }
}

/// Refuses to read topics that no message of a stream can have.
pub(crate) async fn check_covered(
    connection: &Connection,
    info: &StreamInfo,
    filters: &[String],
) -> Result<()> {
    if info.sources().next().is_some() {
        return check_prefix(connection, info).await;
    }
    let subjects = &info.config.subjects;
    let is_reachable = |filter: &String| subjects.iter().any(|subject| overlap(subject, filter));
    match filters.iter().find(|filter| !is_reachable(filter)) {
        Some(filter) => {
            let hint = format!("`nats stream edit` adds a subject; {PREFIX_HINT}");
            Err(error::uncovered(filter).hint(hint))
        }
        None => Ok(()),
    }
}

/// Refuses a prefix that no message has in a stream that copies others: there, the prefixes of the origins apply.
async fn check_prefix(connection: &Connection, info: &StreamInfo) -> Result<()> {
    let (stream, topics) = (&info.config.name, connection.names.all_topics());
    if info.state.messages == 0 || info.covers(&topics) {
        return Ok(());
    }
    let subjects = info::count_by_subject(connection, stream, &topics).await?;
    if !subjects.is_empty() {
        return Ok(());
    }
    let message = format!("the stream `{stream}` copies others and holds nothing under `{topics}`");
    let first = Query::Sequence(info.state.first_seq);
    let hint = match direct_get::from_leader(connection, stream, first).await? {
        Some(first) => {
            format!(
                "{PREFIX_HINT}: the subject of its first message is `{}`",
                first.subject
            )
        }
        None => PREFIX_HINT.to_owned(),
    };
    Err(error(ErrorKind::NotFound, message).hint(hint))
}
