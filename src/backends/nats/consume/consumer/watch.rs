//! Checks of a group while it reads: whether its stream and its consumer are still the same ones, still fit, and have lost
//! nothing unread.
//!
//! JetStream reports none of this to a consumer, and it moves the position of a consumer itself when messages are purged.
//! The position is therefore recorded in the state stream too, and compared with what the stream still holds.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    backends::nats::{
        codec::headers,
        connection::{
            confirmed_publish,
            consumer::{self, ConsumerInfo},
            handle::Connection,
            kv::{self, Key},
            names::token,
            stream::info::{self, StreamInfo},
        },
        consume::{
            attempts,
            consumer::{durable, lost_retries},
        },
        error::error,
        read::{
            ephemeral_consumer,
            gap::{self, Loss, OwnDeliveries, ReadMark, Snapshot},
            pull::Received,
            scope::{ReadScope, StartAt},
        },
    },
    transport::{ErrorKind, Result, SubscribeRequest, TransportError},
};

/// How often the check is repeated while no message comes.
const IDLE: Duration = Duration::from_secs(4);
/// A member that sent no request for this long checks before the next one.
const AWAY: Duration = Duration::from_secs(1);
/// How often the position of the group is recorded.
const RECORD: Duration = Duration::from_secs(10);

/// The recorded position of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RecordedPosition {
    /// When the consumer was created.
    created: String,
    mark: ReadMark,
}

/// The result of a check.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Nothing was replaced.
    Same(Box<ConsumerInfo>),
    NoStream,
    NoConsumer,
    /// Another stream has the same name.
    OtherStream(Box<StreamInfo>),
    /// Another consumer has the same name.
    OtherConsumer(Box<ConsumerInfo>, Box<StreamInfo>),
}

/// What is known from the last check.
#[derive(Debug)]
pub(crate) struct GroupWatch {
    pub(crate) request: SubscribeRequest,
    pub(crate) consumer: String,
    pub(crate) filters: Vec<String>,
    stream_created: String,
    consumer_created: String,
    mark: ReadMark,
    recorded: Option<ReadMark>,
    recorded_at: Instant,
    own: OwnDeliveries,
    last_delivery: u64,
    /// Whether a request was open all the time, and nothing was pending.
    was_waiting: bool,
    is_paused: bool,
    checked: Instant,
    /// Notices that were not reported yet.
    notices: Vec<TransportError>,
}

impl GroupWatch {
    /// Starts with the state that a member finds, and reports what the group has lost since its last member left.
    pub(crate) async fn begin(
        connection: &Connection,
        request: SubscribeRequest,
        stream: &StreamInfo,
        consumer: &ConsumerInfo,
    ) -> Result<Self> {
        let now = Instant::now();
        let snapshot = Snapshot::of(stream, consumer);
        let mut watch = Self {
            consumer: consumer.name.clone(),
            filters: consumer.filters(),
            stream_created: stream.created.clone(),
            consumer_created: consumer.created.clone(),
            mark: ReadMark::of(&snapshot),
            recorded: None,
            recorded_at: now,
            own: OwnDeliveries::default(),
            last_delivery: consumer.deliveries(),
            was_waiting: false,
            is_paused: false,
            checked: now,
            notices: durable::warnings(consumer, &connection.names.stream, &request),
            request,
        };
        let recorded = watch.read_position(connection).await?;
        let known = recorded.filter(|recorded| recorded.created == watch.consumer_created);
        if let Some(recorded) = known {
            watch.mark = recorded.mark;
            watch.recorded = Some(recorded.mark);
        }
        watch.report_lost(connection, stream, &snapshot);
        watch
            .report_superseded(connection, stream, &snapshot)
            .await?;
        watch
            .report_unsettled(connection, stream, &snapshot)
            .await?;
        watch.report_pause(connection, consumer);
        watch.advance(&snapshot);
        watch.record(connection).await?;
        Ok(watch)
    }

    /// Returns how many messages were pending and were not delivered to this member, as far as it knows.
    pub(crate) fn unread(&self) -> u64 {
        self.mark.pending.saturating_sub(self.own.count)
    }

    /// Takes the notices.
    pub(crate) fn take_notices(&mut self) -> Vec<TransportError> {
        std::mem::take(&mut self.notices)
    }

    /// Notes deliveries; reports whether they are from another consumer than before.
    pub(crate) fn note(&mut self, received: &[Received]) -> bool {
        let (Some(first), Some(last)) = (received.first(), received.last()) else {
            return false;
        };
        let is_other = first.consumer_sequence <= self.last_delivery.min(self.mark.deliveries);
        self.last_delivery = last.consumer_sequence;
        self.own.count += received.len() as u64;
        let fresh = received.iter().rev().find(|one| one.delivered == 1);
        self.own.last = fresh.map_or(self.own.last, |one| one.stream_sequence);
        is_other
    }

    /// Notes that no request is open.
    pub(crate) fn stop_waiting(&mut self) {
        self.was_waiting = false;
    }

    /// Reports whether to check before the next request.
    pub(crate) fn was_away(&self) -> bool {
        self.checked.elapsed() >= AWAY
    }

    /// Reports whether to check while no message comes.
    pub(crate) fn is_idle(&self) -> bool {
        self.checked.elapsed() >= IDLE
    }

    /// Checks the stream first, so that messages stored meanwhile do not count as missing, and then the consumer.
    pub(crate) async fn check(&mut self, connection: &Connection) -> Result<Seen> {
        self.checked = Instant::now();
        let name = &connection.names.stream;
        let Some(stream) = info::find(connection, name).await? else {
            return Ok(Seen::NoStream);
        };
        if stream.created != self.stream_created {
            return Ok(Seen::OtherStream(Box::new(stream)));
        }
        let Some(consumer) = consumer::find(connection, &self.consumer).await? else {
            return Ok(Seen::NoConsumer);
        };
        if consumer.created != self.consumer_created {
            return Ok(Seen::OtherConsumer(Box::new(consumer), Box::new(stream)));
        }
        durable::check(&consumer, name, &self.request)?;
        if consumer.filters() != self.filters {
            return Err(durable::other_filters(&consumer, name, &self.filters));
        }
        let snapshot = Snapshot::of(&stream, &consumer);
        self.report_lost(connection, &stream, &snapshot);
        self.report_pause(connection, &consumer);
        self.advance(&snapshot);
        if self.recorded_at.elapsed() >= RECORD {
            self.record(connection).await?;
        }
        Ok(Seen::Same(Box::new(consumer)))
    }

    fn advance(&mut self, snapshot: &Snapshot) {
        self.mark = self.mark.after(snapshot, self.own);
        self.was_waiting = snapshot.pending == 0 && !self.is_paused;
        self.own = OwnDeliveries::default();
    }

    fn reader(&self) -> String {
        format!("group `{}`", self.request.group)
    }

    fn report_lost(&mut self, connection: &Connection, stream: &StreamInfo, snapshot: &Snapshot) {
        let mut lost = self.mark.lost(snapshot, self.own, self.was_waiting);
        if stream.config.retention != "limits" {
            // There, acknowledged messages are removed as well.
            lost.at_most = lost.at_least;
        }
        if !lost.is_none() {
            let is_exact = gap::reads_all(stream, &self.filters);
            let notice = lost.into_error(&connection.names.stream, &self.reader(), is_exact);
            self.notices.push(notice);
        }
    }

    /// Reports that the consumer is paused, or was resumed.
    fn report_pause(&mut self, connection: &Connection, consumer: &ConsumerInfo) {
        let (name, stream) = (&consumer.name, &connection.names.stream);
        let until = consumer.paused_until();
        let notice = match until {
            Some(until) if !self.is_paused => error(
                ErrorKind::Warning,
                format!(
                    "the consumer `{name}` is paused until {until}: no event is delivered before"
                ),
            )
            .hint(format!("`nats consumer resume {stream} {name}`")),
            None if self.is_paused => error(
                ErrorKind::Warning,
                format!("the consumer `{name}` was resumed"),
            ),
            _ => return,
        };
        self.is_paused = until.is_some();
        self.notices.push(notice);
    }

    /// Reports messages that may have been replaced unread by newer ones of the same subjects, between others that still
    /// exist.
    async fn report_superseded(
        &mut self,
        connection: &Connection,
        stream: &StreamInfo,
        snapshot: &Snapshot,
    ) -> Result<()> {
        let limit = u64::try_from(stream.config.max_msgs_per_subject).unwrap_or(0);
        if limit == 0 || stream.state.num_deleted == 0 || snapshot.pending == 0 {
            return Ok(());
        }
        let from = snapshot.first.max(self.mark.read + 1);
        let is_full = |count: &Value| count.as_u64() >= Some(limit);
        let mut any_full = false;
        for filter in &self.filters {
            let subjects =
                info::count_by_subject(connection, &connection.names.stream, filter).await?;
            any_full |= subjects.values().any(is_full);
        }
        if !any_full || snapshot.last < from {
            return Ok(());
        }
        let all = ReadScope::once(
            connection.names.stream.clone(),
            Vec::new(),
            StartAt::Sequence(from),
        );
        let exist = ephemeral_consumer::count(connection, &all, from).await?;
        let lost = Loss {
            at_least: 0,
            at_most: (snapshot.last + 1 - from).saturating_sub(exist),
        };
        if !lost.is_none() {
            let is_exact = gap::reads_all(stream, &self.filters);
            let notice = lost.into_error(&connection.names.stream, &self.reader(), is_exact);
            self.notices.push(notice);
        }
        Ok(())
    }

    /// Reports messages that were delivered and returned, and were removed before they could be delivered again.
    async fn report_unsettled(
        &mut self,
        connection: &Connection,
        stream: &StreamInfo,
        snapshot: &Snapshot,
    ) -> Result<()> {
        let waiting = attempts::recorded_sequences(connection, &self.consumer).await?;
        let gone = lost_retries::missing(connection, stream, waiting).await?;
        lost_retries::delete_records(connection, &self.consumer, &gone).await;
        self.notices.extend(lost_retries::notice(connection, &gone));
        // Otherwise another member may have settled them since.
        if self.mark.deliveries == snapshot.deliveries {
            let missing = self.mark.returned.saturating_sub(snapshot.unacked);
            let returned = missing.saturating_sub(gone.len() as u64);
            if returned > 0 {
                self.notices.push(gap::gap(format!(
                    "limits or a purge removed {} from the stream `{}` that {} had returned",
                    gap::counted(returned),
                    connection.names.stream,
                    self.reader()
                )));
            }
        }
        Ok(())
    }

    /// Records how many messages were returned, or wait for their retry, when the member leaves.
    pub(crate) async fn leave(&mut self, connection: &Connection, returned: u64) -> Result<()> {
        if let Seen::Same(consumer) = self.check(connection).await? {
            self.mark.returned = returned.min(consumer.num_ack_pending);
            self.record(connection).await?;
        }
        Ok(())
    }

    async fn read_position(&self, connection: &Connection) -> Result<Option<RecordedPosition>> {
        let read = kv::get(connection, &key(connection, &self.consumer)).await?;
        Ok(read.map(|read| read.value))
    }

    /// Records the position of the group, unless it is recorded already.
    async fn record(&mut self, connection: &Connection) -> Result<()> {
        if self.recorded == Some(self.mark) {
            return Ok(());
        }
        let position = RecordedPosition {
            created: self.consumer_created.clone(),
            mark: self.mark,
        };
        let payload = headers::json(&position)?;
        let subject = key(connection, &self.consumer).subject;
        confirmed_publish::publish_internal(connection, subject, payload.into()).await?;
        self.recorded = Some(self.mark);
        self.recorded_at = Instant::now();
        Ok(())
    }
}

fn key(connection: &Connection, consumer: &str) -> Key {
    Key::in_state_stream(connection, &format!("read.{}", token(consumer)))
}
