//! The task of a log: keeps a consumer connected, permits messages, and acknowledges entries.

use std::{pin::pin, sync::Arc, task::Poll, time::Duration};

use futures_util::{
    future::{Either, select},
    poll,
};
use tokio::{
    sync::futures::Notified,
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    logs::LogPlan,
    session::Session,
    state::{Kind, State},
    until_end::{ASK_EVERY, LogEnd},
};
use crate::{
    backends::pulsar::{
        codec::{batch::Entry, message_id::MessageId},
        connection::{
            admin,
            consumer::{Consumer, ConsumerHandle, Start},
            keeper::keep_for,
            retry::{Backoff, RIDE_OUT},
            wire::ConsumerEvent,
        },
        error::{connection_lost, no_answer, unacknowledged},
    },
    failpoint,
    transport::{ErrorKind, Result, TransportError},
};

/// Entries that are acknowledged with one command.
const ACKS: usize = 1000;
/// Messages that a log may have here and on their way, ...
const PREFETCH: usize = 1000;
/// ... and their bytes, roughly.
const PREFETCH_BYTES: usize = 16 << 20;
/// The permits of a consumer of which no message has come: the sizes of its messages are not known yet.
const FIRST_PERMITS: usize = 100;
/// An outage that lasts this long is reported to the caller.
const REPORT: Duration = Duration::from_secs(5);
/// How long leaving may take.
const LEAVE: Duration = Duration::from_secs(10);

/// The task of one log.
pub(super) struct LogTask {
    session: Arc<Session>,
    log: usize,
    plan: LogPlan,
    /// When leaving ends, once the caller leaves.
    leave_until: Option<Instant>,
}

/// Why a consumer is not served any more.
enum End {
    /// The caller left, and everything settled is acknowledged.
    Closed(Result<()>),
    /// A lease ended.
    Stalled,
    Lost(TransportError),
}

impl LogTask {
    pub(super) fn new(session: &Arc<Session>, log: usize, mut plan: LogPlan) -> Self {
        // A subscription that exists continues.
        plan.spec.start = Start::Earliest;
        Self {
            session: Arc::clone(session),
            log,
            plan,
            leave_until: None,
        }
    }

    /// Serves the log with a consumer that is connected, and with new ones, until the caller leaves.
    pub(super) async fn run(mut self, consumer: Consumer) -> Result<()> {
        let mut consumer = Some(consumer);
        loop {
            let connected = match consumer.take() {
                Some(connected) => connected,
                None => match self.reconnect().await? {
                    Some(connected) => connected,
                    None => return Ok(()),
                },
            };
            let handle = connected.handle.clone();
            match self.serve(connected).await {
                End::Closed(result) => return result,
                End::Stalled => {
                    self.session.state().lose(self.log);
                    self.wait_until_wanted().await;
                }
                End::Lost(why) => {
                    tracing::debug!(%why, log = self.plan.spec.log, "consumer lost");
                    let mut state = self.session.state();
                    state.lose(self.log);
                    // A broker that only closed the consumer has stored what was acknowledged, or moved the subscription back.
                    if handle.is_cut_off() {
                        state.logs[self.log].entries.repeat_acks();
                    }
                }
            }
        }
    }

    /// Subscribes again until it succeeds; none if the caller leaves meanwhile and everything settled is acknowledged.
    async fn reconnect(&mut self) -> Result<Option<Consumer>> {
        let begun = Instant::now();
        let mut backoff = Backoff::default();
        let mut last = connection_lost("the broker did not come back");
        loop {
            let mut limit = begun + RIDE_OUT * 2;
            if self.session.state().closed {
                if !self.is_settling() {
                    return Ok(None);
                }
                limit = self.leave_until();
                if Instant::now() >= limit {
                    return Err(unacknowledged(last));
                }
            }
            let subscribing = self.session.subscribe_again(&self.plan.spec);
            let failed = match timeout_at(limit, subscribing).await {
                Ok(Ok(consumer)) => return Ok(Some(consumer)),
                Ok(Err(failed)) => failed,
                Err(_) => no_answer(),
            };
            last = failed.clone();
            if failed.kind() == ErrorKind::NotFound && self.plan.kind == Kind::Retries {
                // It was deleted, and the group needs it.
                let keeper = self.session.retry_keeper();
                let name = &self.plan.spec.log;
                if keep_for(&self.session.connection, name, &keeper)
                    .await
                    .is_ok()
                {
                    continue;
                }
            }
            // The broker may not have noticed yet that the former consumer is gone.
            let may_pass = failed.is_transient() || failed.kind() == ErrorKind::Held;
            let is_reported = begun.elapsed() >= REPORT && failed.is_transient();
            if !may_pass || is_reported || begun.elapsed() >= RIDE_OUT {
                self.session.fail(failed);
            }
            backoff.pause().await;
        }
    }

    async fn wait_until_wanted(&self) {
        loop {
            let mut woken = pin!(self.session.wake.notified());
            woken.as_mut().enable();
            {
                let state = self.session.state();
                if !state.stalled || state.closed {
                    return;
                }
            }
            woken.await;
        }
    }

    /// Returns when leaving ends, which begins now at the latest.
    fn leave_until(&mut self) -> Instant {
        *self
            .leave_until
            .get_or_insert_with(|| Instant::now() + LEAVE)
    }

    async fn serve(&mut self, mut consumer: Consumer) -> End {
        let handle = consumer.handle.clone();
        {
            let mut state = self.session.state();
            state.logs[self.log].consumer = Some(handle.clone());
        }
        self.session.delivered.notify_waiters();
        let session = Arc::clone(&self.session);
        loop {
            let mut woken = pin!(session.wake.notified());
            woken.as_mut().enable();
            let (acks, permits, stalled, closed) = {
                let mut state = self.session.state();
                let acks = state.logs[self.log].entries.take_acks(ACKS, Instant::now());
                let permits = if state.closed {
                    0
                } else {
                    self.permits(&mut state)
                };
                (acks, permits, state.stalled, state.closed)
            };
            handle.flow(u32::try_from(permits).unwrap_or(u32::MAX));
            if !acks.is_empty() {
                if let Err(lost) = self.acknowledge(&mut consumer, acks).await {
                    return End::Lost(lost);
                }
                continue;
            }
            if closed {
                let end = self.leave_until();
                if !self.is_settling() || Instant::now() >= end {
                    return self.leave(&handle).await;
                }
            }
            if stalled && !self.is_settling() {
                return match handle.close().await {
                    Ok(()) => End::Stalled,
                    Err(lost) => End::Lost(lost),
                };
            }
            if let Some(end) = self.wait(&mut consumer, woken).await {
                return end;
            }
        }
    }

    /// Leaves the subscription. If its broker went away meanwhile, that is done.
    async fn leave(&self, handle: &ConsumerHandle) -> End {
        let left = handle.close().await;
        if self.is_settling() {
            let why = left.err().unwrap_or_else(no_answer);
            return End::Closed(Err(unacknowledged(why)));
        }
        End::Closed(left.or_else(|failed| {
            if handle.is_cut_off() {
                Ok(())
            } else {
                Err(failed)
            }
        }))
    }

    /// Waits for an entry, a wake, or the time to acknowledge or to ask for the backlog.
    async fn wait(
        &self,
        consumer: &mut Consumer,
        woken: std::pin::Pin<&mut Notified<'_>>,
    ) -> Option<End> {
        let (is_bounded, held_until) = {
            let state = self.session.state();
            let place = &state.logs[self.log];
            let is_bounded = place.end.as_ref().is_some_and(|end| !end.is_done);
            (is_bounded, place.entries.held_until())
        };
        let held_until = held_until.unwrap_or_else(|| Instant::now() + LEAVE);
        let asks = sleep_until(Instant::now() + ASK_EVERY);
        tokio::select! {
            event = consumer.next() => {
                if let Err(lost) = self.take(event) {
                    return Some(End::Lost(lost));
                }
                while let Some(event) = consumer.try_next() {
                    if let Err(lost) = self.take(event) {
                        return Some(End::Lost(lost));
                    }
                }
                self.session.delivered.notify_waiters();
            }
            () = woken => {}
            () = sleep_until(held_until) => {}
            () = asks, if is_bounded => {
                match consumer.handle.backlog().await {
                    Ok(backlog) => {
                        self.note_backlog(backlog);
                        self.ask_who_has_it().await;
                    }
                    Err(lost) => return Some(End::Lost(lost)),
                }
            }
        }
        None
    }

    /// Asks the admin API, after a while in which nothing came, whether others have what is left.
    async fn ask_who_has_it(&self) {
        let is_quiet = {
            let state = self.session.state();
            let place = &state.logs[self.log];
            place.permitted > 0 && place.end.as_ref().is_some_and(LogEnd::is_quiet)
        };
        if !is_quiet {
            return;
        }
        let (log, group) = (&self.plan.spec.log, &self.plan.spec.subscription);
        let asked = admin::subscription(&self.session.connection, log, group).await;
        if let Ok(Some(subscription)) = asked {
            let mut state = self.session.state();
            let place = &mut state.logs[self.log];
            let here = place.entries.len();
            if let Some(end) = &mut place.end {
                end.note_statistics(&subscription, here);
            }
            drop(state);
            self.session.delivered.notify_waiters();
        }
    }

    fn note_backlog(&self, backlog: u64) {
        {
            let mut state = self.session.state();
            let place = &mut state.logs[self.log];
            let (here, may_send) = (place.entries.len(), place.permitted > 0);
            if let Some(end) = &mut place.end {
                end.note_backlog(backlog, here, may_send);
            }
        }
        self.session.delivered.notify_waiters();
    }

    /// Acknowledges entries and waits for the confirmation; entries that arrive meanwhile are taken.
    async fn acknowledge(&self, consumer: &mut Consumer, acks: Vec<MessageId>) -> Result<()> {
        let handle = consumer.handle.clone();
        let mut acknowledging = pin!(handle.ack(acks.clone()));
        let mut answer = poll!(acknowledging.as_mut());
        failpoint::reach("pulsar.ack_sent");
        let result = loop {
            if let Poll::Ready(result) = answer {
                break result;
            }
            let next = pin!(consumer.next());
            match select(acknowledging.as_mut(), next).await {
                Either::Left((result, _)) => answer = Poll::Ready(result),
                Either::Right((event, _)) => {
                    if let Err(lost) = self.take(event) {
                        break Err(lost);
                    }
                    self.session.delivered.notify_waiters();
                }
            }
        };
        let mut state = self.session.state();
        let place = &mut state.logs[self.log];
        match &result {
            Ok(()) => {
                place.acknowledged += acks.len();
                place.entries.confirmed(&acks);
            }
            Err(_) => place.entries.unconfirmed(acks),
        }
        drop(state);
        self.session.delivered.notify_waiters();
        result
    }

    fn take(&self, event: ConsumerEvent) -> Result<()> {
        match event {
            ConsumerEvent::Entry(command, payload) => {
                match Entry::read(&command, payload.metadata, payload.data) {
                    Ok(entry) => self.session.state().arrive(self.log, entry),
                    Err(damaged) => self.session.fail(damaged),
                }
                Ok(())
            }
            ConsumerEvent::Closed(why) => Err(why),
        }
    }

    /// Returns how many messages more the broker may send.
    fn permits(&self, state: &mut State) -> usize {
        let place = &mut state.logs[self.log];
        if place.is_held_back {
            return 0;
        }
        if place.end.as_ref().is_some_and(|end| end.is_done) && state.own_retries.is_empty() {
            return 0;
        }
        let by_bytes = match place.average {
            0 => FIRST_PERMITS,
            average => PREFETCH_BYTES / average,
        };
        let most = PREFETCH
            .min(self.session.request.max_in_flight)
            .min(by_bytes)
            .max(1);
        let taken = place.permitted + place.waiting;
        let permits = most.saturating_sub(taken);
        // Few at a time would cost a command each.
        if permits == 0 || permits < most / 2 && place.permitted > 0 {
            return 0;
        }
        if place.permitted == 0
            && let Some(end) = &mut place.end
        {
            end.permit();
        }
        place.permitted += permits;
        permits
    }

    /// Reports whether something is still to be acknowledged.
    fn is_settling(&self) -> bool {
        let state = self.session.state();
        let place = &state.logs[self.log];
        place.is_moving || place.entries.has_complete()
    }
}
