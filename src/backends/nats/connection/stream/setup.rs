//! Creating streams: the one that the URL names, and the internal ones that belong to it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    backends::nats::{
        codec::timestamp::nanos,
        connection::{
            handle::Connection,
            stream::info::{self, EXPIRY, SCHEDULES},
        },
        error::{STREAM_EXISTS, error},
    },
    failpoint,
    transport::{ErrorKind, Result},
};

/// How long a stream that we create keeps events.
const MAX_AGE: Duration = Duration::from_hours(30 * 24);
/// How long a stream that we create recognises a message that is sent again.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);

/// Creates the stream that the URL names unless it exists; returns a notice if it was created.
pub(crate) async fn create_stream(connection: &Connection) -> Result<Vec<String>> {
    if info::find(connection, &connection.names.stream)
        .await?
        .is_some()
    {
        return Ok(Vec::new());
    }
    connection.require_version(
        "a stream with schedules and atomic batches needs",
        SCHEDULES,
    )?;
    let topics = connection.names.all_topics();
    if topics == ">" {
        let message = "a stream of all subjects would store internal messages of the server too";
        return Err(error(ErrorKind::Configuration, message)
            .hint("give the URL a `prefix`, or create the stream with `nats stream add`"));
    }
    let config = json!({
        "name": connection.names.stream,
        "description": "events of protoflow",
        "subjects": [topics, connection.names.internal_wildcard()],
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "num_replicas": 1,
        "max_age": nanos(MAX_AGE),
        "duplicate_window": nanos(DUPLICATE_WINDOW),
        "allow_direct": true,
        "allow_atomic": true,
        "allow_msg_schedules": true,
    });
    create(connection, &config).await?;
    Ok(vec![format!(
        "created stream {} for {topics}: it keeps events for 30 days and allows schedules, atomic batches \
         and direct reads",
        connection.names.stream
    )])
}

/// Creates the dead-letter stream and the state stream unless they exist; returns a notice for each that was created.
pub(crate) async fn create_support_streams(
    connection: &Connection,
    replicas: usize,
) -> Result<Vec<String>> {
    connection.require_version("groups and their dead letters need", EXPIRY)?;
    let (letters, state) = (
        connection.names.dead_letter_stream(),
        connection.names.state_stream(),
    );
    let mut created = Vec::new();
    if let Some(info) = info::find(connection, &letters).await? {
        info.require_internal(&connection.names.dead_letter_filter(None))?;
    } else {
        let config = json!({
            "name": letters,
            "description": "dead letters of protoflow",
            "subjects": [connection.names.dead_letter_filter(None)],
            "retention": "limits",
            "storage": "file",
            "discard": "new",
            "num_replicas": replicas.max(1),
            "duplicate_window": nanos(DUPLICATE_WINDOW),
            "allow_direct": true,
        });
        create(connection, &config).await?;
        failpoint::reach("nats.letters_made");
        created.push(format!("created stream {letters} for dead letters"));
    }
    if let Some(info) = info::find(connection, &state).await? {
        info.require_internal(&connection.names.state_subject(">"))?;
    } else {
        let config = json!({
            "name": state,
            "description": "failed runs and jobs of protoflow",
            "subjects": [connection.names.state_subject(">")],
            "retention": "limits",
            "storage": "file",
            "discard": "new",
            "num_replicas": replicas.max(1),
            "max_msgs_per_subject": 1,
            "duplicate_window": nanos(DUPLICATE_WINDOW),
            "allow_direct": true,
            "allow_msg_ttl": true,
        });
        create(connection, &config).await?;
        created.push(format!("created stream {state} for failed runs and jobs"));
    }
    Ok(created)
}

/// Creates the stream of advisories about messages that consumers gave up, unless it exists.
pub(crate) async fn create_advisory_stream(
    connection: &Connection,
    replicas: usize,
) -> Result<Option<String>> {
    let name = connection.names.advisory_stream();
    if let Some(info) = info::find(connection, &name).await? {
        info.require_confirmation()?;
        return Ok(None);
    }
    let config = json!({
        "name": name,
        "description": "what other consumers gave up, until it is a dead letter of protoflow",
        "subjects": connection.names.advisory_subjects(),
        "retention": "workqueue",
        "storage": "file",
        "num_replicas": replicas.max(1),
    });
    create(connection, &config).await?;
    Ok(Some(format!(
        "created stream {name} for messages that consumers give up"
    )))
}

/// Creates a stream; another process may create the same one at the same time.
async fn create(connection: &Connection, config: &Value) -> Result<()> {
    let name = config
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match connection
        .api(format!("STREAM.CREATE.{name}"), config)
        .await
    {
        Ok(_) => Ok(()),
        Err(refused) if refused.has_code(STREAM_EXISTS) => Ok(()),
        Err(failed) => Err(failed.into()),
    }
}

/// Creates them with as many replicas as the user's stream has.
pub(crate) async fn create_support_streams_alike(connection: &Connection) -> Result<()> {
    let info = info::find(connection, &connection.names.stream).await?;
    let replicas = info.map_or(1, |info| info.config.num_replicas);
    create_support_streams(connection, replicas).await.map(drop)
}
