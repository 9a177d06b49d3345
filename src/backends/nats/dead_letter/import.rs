//! Importing dead letters from elsewhere.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};

use crate::{
    backends::nats::{
        connection::{handle::Connection, stream::setup},
        dead_letter::store::{self, OriginalRef},
    },
    transport::{DeadLetter, Result},
};

/// How many dead letters are stored at the same time.
const CONCURRENCY: usize = 256;

/// Stores dead letters, and reports of each whether it was new.
pub(crate) async fn import(
    connection: &Arc<Connection>,
    letters: Vec<DeadLetter>,
) -> Vec<Result<bool>> {
    if let Err(failed) = setup::create_support_streams_alike(connection).await {
        return failed.for_each(letters.len());
    }
    stream::iter(letters)
        .map(|letter| async move {
            store::store_riding_out(connection, &letter, OriginalRef::default()).await
        })
        .buffered(CONCURRENCY)
        .collect()
        .await
}

/// Checks that a dead letter can be stored, and replayed to its topic.
pub(crate) fn check(connection: &Connection, letter: &DeadLetter) -> Result<()> {
    connection.names.subject(&letter.message.topic)?;
    store::check(connection, letter)
}
