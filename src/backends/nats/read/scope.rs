//! What a reader reads, and where it starts.

use std::time::SystemTime;

use crate::backends::nats::connection::stream::info::StreamInfo;

/// Where to start.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StartAt {
    /// With this sequence or the next one that exists.
    Sequence(u64),
    /// With the first message stored at or after this time.
    Time(SystemTime),
}

impl StartAt {
    /// Reports whether a message that was stored at a time is not before the start because of that.
    pub(crate) fn admits(self, time: SystemTime) -> bool {
        match self {
            Self::Sequence(_) => true,
            Self::Time(start) => time >= start,
        }
    }
}

/// What to read.
#[derive(Debug, Clone)]
pub(crate) struct ReadScope {
    pub(crate) stream: String,
    pub(crate) filters: Vec<String>,
    pub(crate) start: StartAt,
    /// End after the messages that exist now.
    pub(crate) until_end: bool,
    /// Wait for a server that went away, however long that takes.
    pub(crate) patient: bool,
    /// Report what the stream loses, compared with this.
    pub(crate) watched: Option<StreamInfo>,
}

impl ReadScope {
    /// Reads the messages that exist now, for a command that waits for them.
    pub(crate) fn once(stream: String, filters: Vec<String>, start: StartAt) -> Self {
        Self {
            stream,
            filters,
            start,
            until_end: true,
            patient: false,
            watched: None,
        }
    }
}
