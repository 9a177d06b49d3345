//! Inserting events in the user's own transaction.

use tokio_postgres::{
    Client, Error, Statement, Transaction,
    types::{ToSql, Type},
};

use crate::outbox::Entry;

const ONE: &str = "INSERT INTO pf_outbox(topic, key, event, due) VALUES ($1, $2, $3, $4)";
const ALL: &str = "INSERT INTO pf_outbox(topic, key, event, due) \
     SELECT topic, key, event, due FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS rows(topic, key, event, due, n) ORDER BY n";

/// Inserts an event. Take the lock of its key first: update the row that the event reports, then call this.
///
/// The table is found by the `search_path` of the connection. The statement is not prepared, so that it works through a
/// pooler in transaction mode.
///
/// # Errors
/// If the database refuses; the transaction can then only be rolled back.
pub async fn enqueue(transaction: &Transaction<'_>, entry: &Entry) -> Result<(), Error> {
    let topic = entry.topic.as_str();
    let values: [(&(dyn ToSql + Sync), Type); 4] = [
        (&topic, Type::TEXT),
        (&entry.key, Type::TEXT),
        (&entry.event, Type::TEXT),
        (&entry.due, Type::TIMESTAMPTZ),
    ];
    transaction.execute_typed(ONE, &values).await.map(drop)
}

/// Prepares the statement of [`enqueue_prepared`] on a connection.
///
/// # Errors
/// If the database refuses, or has no outbox in the `search_path` of the connection.
pub async fn prepare(client: &Client) -> Result<Statement, Error> {
    let types = [Type::TEXT, Type::TEXT, Type::TEXT, Type::TIMESTAMPTZ];
    client.prepare_typed(ONE, &types).await
}

/// Inserts an event as [`enqueue`] does, with a statement that was prepared on this connection: quicker, and not for
/// connections through a pooler in transaction mode that does not keep prepared statements.
///
/// # Errors
/// If the database refuses; the transaction can then only be rolled back.
pub async fn enqueue_prepared(
    transaction: &Transaction<'_>,
    statement: &Statement,
    entry: &Entry,
) -> Result<(), Error> {
    let topic = entry.topic.as_str();
    let values: [&(dyn ToSql + Sync); 4] = [&topic, &entry.key, &entry.event, &entry.due];
    transaction.execute(statement, &values).await.map(drop)
}

/// Inserts many events with one statement, in their order.
///
/// # Errors
/// If the database refuses; the transaction can then only be rolled back.
pub async fn enqueue_all(transaction: &Transaction<'_>, entries: &[Entry]) -> Result<(), Error> {
    let topics: Vec<_> = entries.iter().map(|entry| entry.topic.as_str()).collect();
    let keys: Vec<_> = entries.iter().map(|entry| entry.key.as_deref()).collect();
    let events: Vec<_> = entries.iter().map(|entry| entry.event.as_str()).collect();
    let due: Vec<_> = entries.iter().map(|entry| entry.due).collect();
    let values: [(&(dyn ToSql + Sync), Type); 4] = [
        (&topics, Type::TEXT_ARRAY),
        (&keys, Type::TEXT_ARRAY),
        (&events, Type::TEXT_ARRAY),
        (&due, Type::TIMESTAMPTZ_ARRAY),
    ];
    transaction.execute_typed(ALL, &values).await.map(drop)
}
