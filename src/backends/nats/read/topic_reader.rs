//! Reading the user's stream without a group, however it can be read.

use std::sync::Arc;

use super::{
    direct_reader::DirectReader, pull::Received, scope::ReadScope, stream_reader::StreamReader,
};
use crate::{
    backends::nats::connection::{handle::Connection, stream::info::StreamInfo},
    transport::Result,
};

/// An open read of the user's stream.
#[derive(Debug)]
pub(crate) enum TopicReader {
    /// With an ephemeral consumer.
    Consumer(Box<StreamReader>),
    /// Message by message: a work queue has no room for a second consumer.
    Direct(Box<DirectReader>),
}

impl TopicReader {
    /// Starts to read.
    pub(crate) async fn open(
        connection: &Arc<Connection>,
        scope: ReadScope,
        info: &StreamInfo,
    ) -> Result<Self> {
        Ok(if info.is_work_queue() {
            Self::Direct(Box::new(DirectReader::open(connection, scope, info)))
        } else {
            Self::Consumer(Box::new(StreamReader::open(connection, scope).await?))
        })
    }

    /// Waits for messages and returns at most `max`; none means that the end was reached. Cancel safe.
    pub(crate) async fn take(&mut self, max: usize) -> Result<Vec<Received>> {
        match self {
            Self::Consumer(reader) => reader.take(max).await,
            Self::Direct(reader) => reader.take(max).await,
        }
    }

    /// Ends after the messages that exist now. Cancel safe.
    pub(crate) async fn until_end(&mut self) -> Result<()> {
        match self {
            Self::Consumer(reader) => reader.until_end().await,
            Self::Direct(reader) => reader.until_end().await,
        }
    }
}
