//! When a bounded subscription is done: after the messages that existed at its start, and their retries.
//!
//! A pull request that brings nothing proves nothing: the server of the consumer may lag behind the leader of the stream,
//! and messages that were on their way when the connection was lost are delivered again only after the ack wait.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    backends::nats::{
        connection::{
            consumer::ConsumerInfo, direct_get, handle::Connection, stream::info::StreamInfo,
        },
        consume::state::SessionState,
    },
    transport::Result,
};

/// How late a retry may be before it is assumed to be with another member.
pub(crate) const MAX_LATE: Duration = Duration::from_secs(2);
/// The pause between two checks.
const PAUSE: Duration = Duration::from_millis(50);
const LONG_PAUSE: Duration = Duration::from_secs(1);

/// The progress of a bounded subscription.
#[derive(Debug)]
pub(crate) struct UntilEnd {
    /// The last sequence at the start.
    end: u64,
    /// Whether the server of the consumer may lag behind the leader of the stream.
    is_replicated: bool,
    /// The number of messages that were never delivered, and of those that may be delivered again.
    fresh: u64,
    redeliveries: u64,
    /// The last message that came for the first time, and how many more came than expected.
    reached: u64,
    surplus: u64,
    /// The pause before the next check, while messages that exist do not come.
    pause: Duration,
    /// The number of messages of the current request that belong to this subscription.
    useful: u64,
    check_at: Instant,
    /// Until then, messages that were on their way when the connection was lost may be delivered again.
    redelivery_until: Option<Instant>,
}

impl UntilEnd {
    /// Starts with what the consumer has to deliver, and what the stream holds a moment later.
    pub(crate) fn new(consumer: &ConsumerInfo, stream: &StreamInfo) -> Self {
        Self {
            end: stream.state.last_seq,
            is_replicated: stream.is_replicated(),
            reached: 0,
            surplus: 0,
            fresh: consumer.num_pending,
            redeliveries: consumer.num_ack_pending,
            pause: PAUSE,
            useful: 0,
            check_at: Instant::now(),
            redelivery_until: None,
        }
    }

    /// Returns the last sequence at the start.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Notes that the connection was lost: what was on its way is delivered again after the ack wait.
    pub(crate) fn on_disconnect(&mut self, ack_wait: Duration) {
        self.redelivery_until = Some(Instant::now() + ack_wait + MAX_LATE);
    }

    /// Reports whether messages may be delivered again because the connection was lost.
    pub(crate) fn expects_redelivery(&self) -> bool {
        self.redelivery_until
            .is_some_and(|until| Instant::now() < until)
    }

    /// Notes that the server waits for no acknowledgement.
    pub(crate) fn on_settled(&mut self) {
        self.redelivery_until = None;
    }

    /// Reports whether a message existed at the start; otherwise it has to be returned.
    pub(crate) fn admits(&mut self, sequence: u64, delivered: u64) -> bool {
        let inside = sequence <= self.end;
        if inside {
            self.useful += 1;
            self.pause = PAUSE;
            if delivered == 1 {
                self.reached = self.reached.max(sequence);
                match self.fresh.checked_sub(1) {
                    Some(left) => self.fresh = left,
                    None => self.surplus += 1,
                }
            }
        }
        inside
    }

    /// Returns when to check again, if there is anything to wait for.
    pub(crate) fn next_check(&self, state: &SessionState) -> Option<Instant> {
        let idle = state.deliveries.buffered() == 0 && state.wanted > 0 && !state.ended;
        idle.then_some(self.check_at)
    }

    /// Returns how many messages to request.
    pub(crate) fn batch(&self, state: &SessionState, room: usize) -> usize {
        let expected = match self.fresh {
            0 => self.redeliveries + state.retrying.len() as u64,
            fresh => fresh,
        };
        let expected = usize::try_from(expected.max(1)).unwrap_or(usize::MAX);
        expected.min(state.wanted).min(room)
    }

    /// Returns how many messages that were never delivered to request while others are on their way.
    pub(crate) fn fresh_batch(
        &self,
        state: &SessionState,
        room: usize,
        outstanding: usize,
    ) -> usize {
        let wanted = state.missing(room);
        if outstanding == 0 || outstanding >= wanted / 2 {
            return 0;
        }
        let fresh = usize::try_from(self.fresh).unwrap_or(usize::MAX);
        (wanted - outstanding).min(fresh.saturating_sub(outstanding))
    }

    /// Notes a settlement, after which a check may find the end.
    pub(crate) fn recheck(&mut self) {
        self.check_at = self.check_at.min(Instant::now());
    }

    /// Notes that a request was refused.
    pub(crate) fn pause(&mut self, pause: Duration) {
        self.check_at = Instant::now() + pause;
    }

    /// Notes that a request ended; reports whether it may have been the last one, as it brought nothing and no message is
    /// in flight.
    pub(crate) fn on_request_ended(&mut self, state: &mut SessionState) -> bool {
        let now = Instant::now();
        self.check_at = now;
        if std::mem::take(&mut self.useful) > 0 {
            self.expect_more();
            return false;
        }
        self.fresh = 0;
        state.expire();
        if state.deliveries.buffered() > 0 {
            return false;
        }
        match state.retrying.values().min() {
            Some(due) => self.check_at = (*due).max(now + PAUSE),
            None if state.deliveries.in_flight().len() == 0 => return true,
            None => self.check_at = now + PAUSE,
        }
        false
    }

    /// Reports whether the consumer has more for this subscription, or will have it once its server has caught up.
    pub(crate) async fn is_left(
        &self,
        connection: &Connection,
        consumer: &ConsumerInfo,
    ) -> Result<bool> {
        let next = consumer.delivered() + 1;
        if next > self.end || consumer.num_pending > 0 {
            return Ok(next <= self.end);
        }
        if !self.is_replicated || consumer.skips_messages() {
            return Ok(false);
        }
        let (stream, filters) = (&connection.names.stream, consumer.filters());
        direct_get::leader_holds(connection, stream, &filters, next..=self.end, |_| true).await
    }

    /// Expects more and more while more comes than the consumer announced: its server lagged behind and catches up.
    fn expect_more(&mut self) {
        let surplus = 2 * std::mem::take(&mut self.surplus);
        let most = self.end.saturating_sub(self.reached);
        self.fresh = self.fresh.max(surplus.min(most));
    }

    /// Reports whether nothing more comes for this subscription. If something is left, the check is repeated, less and less
    /// often.
    pub(crate) fn is_over(&mut self, consumer: &ConsumerInfo, is_left: bool) -> bool {
        if !is_left && !self.expects_redelivery() {
            return true;
        }
        self.fresh = if is_left { consumer.num_pending } else { 0 };
        self.pause = (2 * self.pause).min(LONG_PAUSE);
        self.check_at = Instant::now() + self.pause;
        false
    }
}
