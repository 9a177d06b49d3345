//! `Transport::tail`: reading topics without a group.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    backends::nats::{
        connection::{
            handle::Connection,
            stream::{
                coverage,
                info::{self, StreamInfo},
            },
        },
        read::{
            direct_reader::DirectReader,
            ephemeral_consumer::count,
            pull::Received,
            scope::{ReadScope, StartAt},
            stored,
            topic_reader::TopicReader,
        },
    },
    event::Stored,
    transport::{Result, Tail, TailFrom, TailRequest},
};

/// An open read of topics.
#[derive(Debug)]
pub(crate) struct NatsTail {
    connection: Arc<Connection>,
    reader: TopicReader,
    /// The last sequence when the read was opened, if it ends there.
    end: Option<u64>,
}

impl NatsTail {
    /// Finds the sequence at which to start, and starts to read.
    pub(crate) async fn open(connection: &Arc<Connection>, request: TailRequest) -> Result<Self> {
        let info = info::require(connection).await?;
        let filters = connection.names.filters(&request.patterns)?;
        coverage::check_covered(connection, &info, &filters).await?;
        let mut scope = ReadScope {
            stream: connection.names.stream.clone(),
            filters,
            start: StartAt::Sequence(1),
            until_end: request.until_end,
            patient: true,
            watched: None,
        };
        scope.start = match request.from {
            TailFrom::Now => StartAt::Sequence(info.state.last_seq + 1),
            TailFrom::Earliest => StartAt::Sequence(1),
            TailFrom::Time(time) => StartAt::Time(time),
            TailFrom::Last(count) => {
                StartAt::Sequence(start_of_last(connection, &scope, &info, count).await?)
            }
        };
        let end = request.until_end.then_some(info.state.last_seq);
        scope.watched = Some(info.clone());
        Ok(Self {
            connection: Arc::clone(connection),
            reader: TopicReader::open(connection, scope, &info).await?,
            end,
        })
    }

    fn decode(&self, received: Received) -> Option<Stored> {
        let is_inside = self.end.is_none_or(|end| received.stream_sequence <= end);
        is_inside
            .then(|| stored::decode(&self.connection, received))
            .flatten()
    }
}

/// Finds the sequence at which the last `number` messages start, by bisection: the server counts the messages behind a
/// sequence, and nothing else tells how many of them match.
async fn start_of_last(
    connection: &Arc<Connection>,
    scope: &ReadScope,
    info: &StreamInfo,
    number: u64,
) -> Result<u64> {
    if info.is_work_queue() {
        let scope = ReadScope {
            until_end: true,
            ..scope.clone()
        };
        let reader = DirectReader::open(connection, scope, info);
        return reader.start_of_last(number).await;
    }
    let (mut low, mut high) = (info.state.first_seq.max(1), info.state.last_seq + 1);
    if count(connection, scope, low).await? <= number {
        return Ok(low);
    }
    while low + 1 < high {
        let middle = low.midpoint(high);
        if count(connection, scope, middle).await? >= number {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(if number == 0 {
        info.state.last_seq + 1
    } else {
        low
    })
}

#[async_trait]
impl Tail for NatsTail {
    async fn next(&mut self, max: usize) -> Result<Vec<Stored>> {
        loop {
            let received = self.reader.take(max.max(1)).await?;
            let is_end = received.is_empty();
            let read = received.into_iter().filter_map(|one| self.decode(one));
            let read: Vec<Stored> = read.collect();
            if is_end || !read.is_empty() {
                return Ok(read);
            }
        }
    }

    async fn until_end(&mut self) -> Result<()> {
        self.reader.until_end().await
    }
}
