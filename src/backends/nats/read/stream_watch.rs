//! Whether the stream of a tail is still the same one, and has lost nothing that the tail would have shown.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::{
    backends::nats::{
        connection::{
            consumer,
            handle::Connection,
            stream::info::{self, StreamInfo},
        },
        error::error,
        read::{
            gap::{self, Loss, OwnDeliveries, ReadMark, Snapshot},
            scope::{ReadScope, StartAt},
        },
    },
    transport::{ErrorKind, Result, TransportError},
};

/// A reader that did not read for this long checks the stream first.
const AWAY: Duration = Duration::from_secs(1);
/// How often the stream is checked while no message comes.
const IDLE: Duration = Duration::from_secs(4);

/// The reader, in messages.
const READER: &str = "this tail";

/// The position of a reader.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) consumer: String,
    /// The last sequences seen, in the stream and in the consumer.
    pub(crate) last: u64,
    pub(crate) last_delivered: u64,
    /// The number of messages until the end, as far as the server of the consumer knows.
    pub(crate) left: Option<u64>,
}

/// What is known of the stream, and notices that were not returned yet.
#[derive(Debug)]
pub(crate) struct StreamWatch {
    created: String,
    mark: ReadMark,
    was_waiting: bool,
    checked: Instant,
    left_at: Instant,
    notices: VecDeque<TransportError>,
}

impl StreamWatch {
    /// Starts with the stream as it was before the consumer was created.
    pub(crate) fn new(info: &StreamInfo, start: StartAt, pending: u64) -> Self {
        let first = match start {
            StartAt::Sequence(sequence) => sequence.max(info.state.first_seq),
            StartAt::Time(_) => info.state.first_seq,
        };
        Self {
            created: info.created.clone(),
            mark: ReadMark {
                read: first.saturating_sub(1),
                pending,
                ..ReadMark::default()
            },
            was_waiting: false,
            checked: Instant::now(),
            left_at: Instant::now(),
            notices: VecDeque::new(),
        }
    }

    /// Reports whether there is a notice.
    pub(crate) fn has_notice(&self) -> bool {
        !self.notices.is_empty()
    }

    /// Takes a notice, after a check if the reader was away.
    pub(crate) async fn notice(
        &mut self,
        connection: &Connection,
        scope: &ReadScope,
        cursor: &Cursor,
    ) -> Result<Option<TransportError>> {
        if self.left_at.elapsed() >= AWAY {
            self.was_waiting = false;
            self.check(connection, scope, cursor).await?;
        }
        Ok(self.notices.pop_front())
    }

    /// Notes that the reader leaves with the messages that came.
    pub(crate) fn leave(&mut self) {
        self.left_at = Instant::now();
    }

    /// Checks the stream from time to time while no message comes. Cancel safe.
    pub(crate) async fn check_idle(
        &mut self,
        connection: &Connection,
        scope: &ReadScope,
        cursor: &Cursor,
    ) -> Result<()> {
        if self.checked.elapsed() >= IDLE {
            self.check(connection, scope, cursor).await?;
        }
        Ok(())
    }

    async fn check(
        &mut self,
        connection: &Connection,
        scope: &ReadScope,
        cursor: &Cursor,
    ) -> Result<()> {
        self.checked = Instant::now();
        let Some(info) = info::find(connection, &connection.names.stream).await? else {
            // The next read reports it.
            return Ok(());
        };
        let Some(consumer) = consumer::find(connection, &cursor.consumer).await? else {
            return Ok(());
        };
        if info.created != self.created {
            return Ok(());
        }
        let snapshot = Snapshot::of(&info, &consumer);
        let own = OwnDeliveries {
            count: cursor.last_delivered.saturating_sub(self.mark.deliveries),
            last: cursor.last,
        };
        let lost = self.mark.lost(&snapshot, own, self.was_waiting);
        self.mark = self.mark.after(&snapshot, own);
        self.was_waiting = snapshot.pending == 0;
        // A reader with an end counts what is left until there.
        if cursor.left.is_none() {
            self.report(lost, &info, scope);
        }
        Ok(())
    }

    /// Returns where to start again, on the stream that exists now.
    pub(crate) async fn resume(
        &mut self,
        connection: &Connection,
        scope: &mut ReadScope,
        cursor: &mut Cursor,
    ) -> Result<StartAt> {
        let start = next_start(scope, cursor);
        let info = info::wait_for(connection, &scope.stream, || true).await?;
        if info.created != self.created {
            self.created.clone_from(&info.created);
            self.mark = ReadMark::default();
            let message = format!(
                "the stream `{}` was deleted and created again: it is read from the beginning",
                scope.stream
            );
            self.notices.push_back(error(ErrorKind::Warning, message));
            cursor.last = 0;
            scope.start = StartAt::Sequence(1);
            return Ok(scope.start);
        }
        let read = self.mark.read.max(cursor.last);
        let front = info.state.first_seq.saturating_sub(1);
        let lost = Loss {
            at_least: 0,
            at_most: front.saturating_sub(read),
        };
        if cursor.left.is_none() {
            self.report(lost, &info, scope);
        }
        // The next consumer counts from the beginning.
        self.mark = ReadMark {
            read: read.max(front),
            ..ReadMark::default()
        };
        self.was_waiting = false;
        Ok(start)
    }

    /// Reports messages before the end that were removed.
    pub(crate) fn report_removed(&mut self, count: u64, scope: &ReadScope) {
        let lost = Loss {
            at_least: count,
            at_most: count,
        };
        let notice = lost.into_error(&scope.stream, READER, true);
        self.notices.push_back(notice);
    }

    fn report(&mut self, lost: Loss, info: &StreamInfo, scope: &ReadScope) {
        if !lost.is_none() {
            let is_exact = gap::reads_all(info, &scope.filters);
            let notice = lost.into_error(&scope.stream, READER, is_exact);
            self.notices.push_back(notice);
        }
    }
}

/// Returns where a reader goes on behind the last message that it has seen.
pub(crate) fn next_start(scope: &ReadScope, cursor: &Cursor) -> StartAt {
    match cursor.last {
        0 => scope.start,
        last => StartAt::Sequence(last + 1),
    }
}
