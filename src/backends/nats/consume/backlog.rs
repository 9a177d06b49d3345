//! The backlog of a group: what its durable consumer has not delivered, and what it has delivered and nobody acknowledged.

use std::time::SystemTime;

use super::session::Session;
use crate::{
    backends::nats::connection::{
        consumer::{self, ConsumerInfo},
        direct_get::{self, Query},
    },
    transport::{Backlog, ErrorKind, Result},
};

/// Returns what the group has not finished: one number for all of its topics, which its consumer counts together. Retries
/// are among them.
pub(crate) async fn find(session: &Session) -> Result<Vec<Backlog>> {
    let Some(consumer) = consumer::find(&session.connection, &session.consumer).await? else {
        return Ok(Vec::new());
    };
    let messages = consumer.num_pending + consumer.num_ack_pending;
    let oldest = match messages {
        0 => None,
        _ => oldest(session, &consumer).await?,
    };
    Ok(vec![Backlog {
        topic: None,
        messages,
        oldest,
    }])
}

/// Returns when the first message behind the acknowledged ones was stored; `None` if the user may not read single messages.
async fn oldest(session: &Session, consumer: &ConsumerInfo) -> Result<Option<SystemTime>> {
    let (connection, from) = (&session.connection, consumer.ack_floor() + 1);
    let mut oldest: Option<SystemTime> = None;
    for filter in &consumer.filters() {
        let query = Query::Next { from, filter };
        match direct_get::from_leader(connection, &connection.names.stream, query).await {
            Ok(found) => {
                let time = found.map(|found| found.time);
                oldest = time.into_iter().chain(oldest).min();
            }
            Err(denied) if denied.kind() == ErrorKind::Denied => return Ok(None),
            Err(failed) => return Err(failed),
        }
    }
    Ok(oldest)
}
