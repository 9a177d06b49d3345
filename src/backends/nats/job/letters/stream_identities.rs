//! Which streams the sequences of a journal belong to: one that is deleted and created again has other messages there.

use serde::{Deserialize, Serialize};

use crate::{
    backends::nats::connection::{handle::Connection, stream::info},
    transport::Result,
};

/// When the streams of dead letters were created, by which one that was deleted and created again is recognised; none of a
/// stream that was not there, and of a journal that does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamIdentities {
    user: Option<String>,
    letters: Option<String>,
}

impl StreamIdentities {
    /// Returns them as they are now.
    pub(crate) async fn now(connection: &Connection) -> Result<Self> {
        let letters = connection.names.dead_letter_stream();
        let user = info::find(connection, &connection.names.stream).await?;
        let letters = info::find(connection, &letters).await?;
        Ok(Self {
            user: user.map(|info| info.created),
            letters: letters.map(|info| info.created),
        })
    }

    /// Reports whether the user's stream is still the same.
    pub(crate) async fn is_same_user_stream(&self, connection: &Connection) -> Result<bool> {
        is_same(connection, &connection.names.stream, self.user.as_deref()).await
    }

    /// Reports whether the dead-letter stream is still the same.
    pub(crate) async fn is_same_dead_letter_stream(&self, connection: &Connection) -> Result<bool> {
        let stream = connection.names.dead_letter_stream();
        is_same(connection, &stream, self.letters.as_deref()).await
    }
}

async fn is_same(connection: &Connection, stream: &str, created: Option<&str>) -> Result<bool> {
    let Some(created) = created else {
        return Ok(true);
    };
    let info = info::find(connection, stream).await?;
    Ok(info.is_some_and(|info| info.created == created))
}
