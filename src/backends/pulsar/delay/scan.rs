//! Listing delayed events.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::SystemTime,
};

use async_trait::async_trait;

use super::{
    cancellations,
    pending::{Place, places},
};
use crate::{
    backends::pulsar::{
        codec::message_id::MessageId, connection::handle::Connection, read::backlog,
        read::reader::Reader,
    },
    event::Position,
    transport::{ErrorKind, Result, Schedule, ScheduleId, ScheduleScan},
};

/// An open read of the delayed events that were pending when it started, topic by topic.
#[derive(Debug)]
pub(crate) struct PulsarScheduleScan {
    connection: Arc<Connection>,
    places: VecDeque<Place>,
    open: Option<Open>,
    cancelled: HashSet<Position>,
    /// Where those are stored that were found.
    seen: HashSet<Position>,
    found: VecDeque<Schedule>,
}

/// The log that is read, up to its end.
#[derive(Debug)]
struct Open {
    place: Place,
    reader: Reader,
    end: MessageId,
}

impl PulsarScheduleScan {
    pub(crate) async fn open(connection: &Arc<Connection>) -> Result<Self> {
        Ok(Self {
            cancelled: cancellations::read(connection).await?,
            places: places(connection).await?.into(),
            connection: Arc::clone(connection),
            open: None,
            seen: HashSet::new(),
            found: VecDeque::new(),
        })
    }

    /// Opens the next log; reports whether there is one.
    async fn open_next(&mut self) -> Result<bool> {
        while let Some(place) = self.places.pop_front() {
            let connection = &self.connection;
            let start = backlog::start_of_unacknowledged(connection, &place.log).await;
            let opening = Reader::open(connection, place.log.clone(), place.partition, start);
            let mut reader = match opening.await {
                Err(gone) if gone.kind() == ErrorKind::NotFound => continue,
                reader => reader?,
            };
            if let Some(end) = reader.last_id().await? {
                self.open = Some(Open { place, reader, end });
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[async_trait]
impl ScheduleScan for PulsarScheduleScan {
    async fn next(&mut self, max: usize) -> Result<Vec<Schedule>> {
        while self.found.is_empty() {
            if self.open.is_none() && !self.open_next().await? {
                return Ok(Vec::new());
            }
            let Some(open) = &mut self.open else {
                continue;
            };
            let Some(messages) = open.reader.next_until(open.end).await? else {
                self.open = None;
                continue;
            };
            let now = SystemTime::now();
            let delayed = messages.iter().filter_map(|one| open.place.delayed(one));
            for one in delayed.filter(|one| one.due > now) {
                let position = one.stored.position;
                if !self.cancelled.contains(&position) && self.seen.insert(position.clone()) {
                    self.found.push_back(Schedule {
                        id: ScheduleId(position.as_str().to_owned()),
                        due: one.due,
                        message: one.stored.message,
                    });
                }
            }
        }
        let count = self.found.len().min(max.max(1));
        Ok(self.found.drain(..count).collect())
    }
}
