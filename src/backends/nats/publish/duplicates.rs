//! Duplicates: messages that the server did not store because it knows their id.
//!
//! A message that is sent again after a lost confirmation may meet its own first attempt, which makes it no duplicate. So a
//! message whose id may be known from an earlier publish carries a mark of its own, by which the stored one is recognised.

use async_nats::jetstream::publish::PublishAck;

use crate::{
    backends::nats::{
        codec::headers::PUBLISH,
        connection::{
            direct_get::{self, Query},
            handle::Connection,
        },
    },
    transport::Receipt,
};

/// The mark of a message whose id may be known from an earlier publish.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    /// The value of the header.
    pub(crate) value: String,
    /// Whether an earlier attempt of this publish may have been stored.
    pub(crate) is_repeat: bool,
}

/// Reports whether a confirmation is that of an earlier publish.
pub(crate) async fn is_duplicate(connection: &Connection, ack: &PublishAck, mark: &Mark) -> bool {
    ack.duplicate && (!mark.is_repeat || !stored_by(connection, ack, mark).await)
}

/// Returns the receipt of a duplicate. The server names the message that it knows by the id, which may be a schedule or gone
/// by now, so there is no position.
pub(crate) fn receipt() -> Receipt {
    Receipt {
        position: None,
        schedule: None,
        duplicate: true,
    }
}

/// Reports whether the stored message has this mark. One that cannot be read counts as stored by an earlier publish, so that
/// a duplicate is never reported as published.
async fn stored_by(connection: &Connection, ack: &PublishAck, mark: &Mark) -> bool {
    let query = Query::Sequence(ack.sequence);
    let stored = direct_get::from_leader(connection, &connection.names.stream, query).await;
    let stored = stored.ok().flatten();
    stored.is_some_and(|stored| {
        let header = stored.headers.get(PUBLISH);
        header.is_some_and(|header| header.as_str() == mark.value)
    })
}
