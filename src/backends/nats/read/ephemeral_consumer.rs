//! Ephemeral consumers of readers: each belongs to one reader and is deleted with it, or by the server when it is idle.

use std::time::Duration;

use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::{
    backends::nats::{
        codec::timestamp::{nanos, rfc3339},
        connection::{
            consumer::PullLimits,
            handle::Connection,
            names::reader_consumer,
            retry::{self, Attempt, RIDE_OUT},
        },
        error::{ApiError, error},
        read::scope::{ReadScope, StartAt},
    },
    transport::{ErrorKind, Result, TransportError},
};

/// How long a consumer outlives a reader that crashed.
const INACTIVE_THRESHOLD: Duration = Duration::from_mins(1);

/// An ephemeral consumer.
#[derive(Debug)]
pub(crate) struct EphemeralConsumer {
    pub(crate) name: String,
    pub(crate) pending: u64,
    /// The sequence before the first that it delivers.
    pub(crate) before: u64,
    pub(crate) limits: PullLimits,
}

/// Creates a consumer as soon as there is a server.
pub(crate) async fn create_patiently(
    connection: &Connection,
    scope: &ReadScope,
    start: StartAt,
) -> Result<EphemeralConsumer> {
    retry::forever(|| create(connection, scope, start)).await
}

/// Creates a consumer unless the server stays away. A server that is there may wait for a leader.
pub(crate) async fn create_soon(
    connection: &Connection,
    scope: &ReadScope,
    start: StartAt,
) -> Result<EphemeralConsumer> {
    let patience = connection.timeout;
    retry::attempts(Instant::now() + RIDE_OUT, |_| async move {
        match timeout(patience, create_patiently(connection, scope, start)).await {
            Ok(created) => Attempt::Final(created),
            Err(_) if connection.is_connected() => Attempt::Again(server_gone(patience)),
            Err(_) => Attempt::Final(Err(server_gone(patience))),
        }
    })
    .await
}

fn server_gone(patience: Duration) -> TransportError {
    let patience = humantime::format_duration(patience);
    let message = format!("the server went away and did not come back within {patience}");
    error(ErrorKind::Unavailable, message)
}

/// Creates a consumer, with another name at each attempt: a cluster may have placed one on a server that just went down.
pub(crate) async fn create(
    connection: &Connection,
    scope: &ReadScope,
    start: StartAt,
) -> Result<EphemeralConsumer> {
    let created = connection
        .ride_out(|| create_once(connection, scope, start))
        .await;
    created.map_err(TransportError::from)
}

async fn create_once(
    connection: &Connection,
    scope: &ReadScope,
    start: StartAt,
) -> Result<EphemeralConsumer, ApiError> {
    let name = reader_consumer();
    let mut config = json!({
        "name": name,
        "ack_policy": "none",
        "replay_policy": "instant",
        "filter_subjects": scope.filters,
        "inactive_threshold": nanos(INACTIVE_THRESHOLD),
        "num_replicas": 1,
        // A reader that lost its connection creates another consumer, so that none has to outlive its server.
        "mem_storage": true,
    });
    match start {
        StartAt::Sequence(0 | 1) => config["deliver_policy"] = "all".into(),
        StartAt::Sequence(sequence) => {
            config["deliver_policy"] = "by_start_sequence".into();
            config["opt_start_seq"] = sequence.into();
        }
        StartAt::Time(time) => {
            config["deliver_policy"] = "by_start_time".into();
            config["opt_start_time"] = rfc3339(time).into();
        }
    }
    let body = json!({"stream_name": scope.stream, "config": config, "action": "create"});
    let verb = format!("CONSUMER.CREATE.{}.{name}", scope.stream);
    let answer = connection.api_once(&verb, &body).await?;
    let pending = answer.get("num_pending").and_then(Value::as_u64);
    let unexpected = || error(ErrorKind::Other, "unexpected CONSUMER.CREATE response");
    let pending = pending.ok_or_else(|| ApiError::Unanswered(unexpected()))?;
    let before = answer.pointer("/delivered/stream_seq");
    let before = before.and_then(Value::as_u64).unwrap_or(0);
    let limits = answer.get("config").map(PullLimits::deserialize);
    Ok(EphemeralConsumer {
        name,
        pending,
        before,
        limits: limits.and_then(std::result::Result::ok).unwrap_or_default(),
    })
}

/// Counts the messages of a scope from a sequence on.
pub(crate) async fn count(connection: &Connection, scope: &ReadScope, from: u64) -> Result<u64> {
    let consumer = create(connection, scope, StartAt::Sequence(from)).await?;
    let verb = format!("CONSUMER.DELETE.{}.{}", scope.stream, consumer.name);
    connection.api(verb, &json!({})).await?;
    Ok(consumer.pending)
}
