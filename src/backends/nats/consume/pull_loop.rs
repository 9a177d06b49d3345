//! The task of a subscription that requests messages, buffers them and keeps their leases.
//!
//! Messages are requested as callers wait for them, at most as many as may be in flight: whatever a client has fetched
//! counts against the ack wait, and nobody else can work on it. Everything that can happen between two requests (limits
//! remove messages, a consumer is deleted and created again, a retry is lost) is found by checking the stream and the
//! consumer, because JetStream reports none of it to a pull consumer.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    backends::nats::{
        connection::ack::IN_PROGRESS,
        consume::{
            consumer::{
                lost_retries,
                recreated::{self, Recreated},
                watch::{GroupWatch, Seen},
            },
            lease_keeper::LeaseKeeper,
            receive::{self, ack_handle},
            session::Session,
            state::AckHandle,
            until_end::{MAX_LATE, UntilEnd},
        },
        error::error,
        read::pull::{Pull, PullEvent, Received},
    },
    transport::{ErrorKind, Result},
};

/// The most messages buffered in one step.
const CHUNK: usize = 256;
/// The pause after a failed step.
const PAUSE: Duration = Duration::from_millis(250);
/// A request that ends sooner without a message is followed by a pause as long.
const MIN_REQUEST: Duration = Duration::from_millis(100);
/// The pause after a refused request, which doubles with each one in a row.
const REFUSED_PAUSE: Duration = Duration::from_millis(250);
const MAX_REFUSED_PAUSE: Duration = Duration::from_secs(5);

/// The pulling task.
#[derive(Debug)]
pub(crate) struct PullLoop {
    session: Arc<Session>,
    pull: Pull,
    until_end: Option<UntilEnd>,
    watch: GroupWatch,
    keeper: LeaseKeeper,
    /// No request is sent before.
    not_before: Instant,
    /// How many requests in a row were refused.
    refused: u32,
}

/// Why the loop goes on.
enum Wake {
    Pulled(PullEvent),
    Woken,
    Keep,
    Check,
}

impl PullLoop {
    /// Prepares the task.
    pub(crate) fn new(
        session: Arc<Session>,
        pull: Pull,
        watch: GroupWatch,
        until_end: Option<UntilEnd>,
    ) -> Self {
        let now = Instant::now();
        Self {
            keeper: LeaseKeeper::new(&session),
            session,
            pull,
            until_end,
            watch,
            not_before: now,
            refused: 0,
        }
    }

    /// Runs until the subscription is closed or fails. Returns the watch of the group, and how many messages were
    /// returned.
    pub(crate) async fn run(mut self) -> (GroupWatch, u64) {
        loop {
            let step = self.step().await;
            self.report_notices();
            match step {
                Ok(true) => {}
                Ok(false) => break,
                Err(failed) if failed.is_transient() => sleep(PAUSE).await,
                Err(failed) => {
                    self.session.fail(failed);
                    break;
                }
            }
        }
        let (session, rest) = (self.session, self.pull.stop().await);
        let acks: Vec<AckHandle> = rest.iter().map(ack_handle).collect();
        let count = acks.len() as u64;
        if let Err(failed) = session.return_all(acks).await {
            tracing::debug!(%failed, "messages on their way are delivered again after the ack wait");
        }
        (self.watch, count)
    }

    async fn step(&mut self) -> Result<bool> {
        if self.session.state().closed {
            return Ok(false);
        }
        let stale = std::mem::take(&mut self.session.state().stale);
        self.session.send_acks(stale, &IN_PROGRESS).await?;
        self.request().await?;
        if self.pull.outstanding() == 0 {
            self.watch.stop_waiting();
        }
        let check = self.next_check();
        let session = Arc::clone(&self.session);
        let wake = tokio::select! {
            biased;
            event = self.pull.next() => Wake::Pulled(event),
            () = session.wake_pull.notified() => Wake::Woken,
            () = sleep_until(self.keeper.next) => Wake::Keep,
            () = sleep_until(check.unwrap_or_else(Instant::now)), if check.is_some() => Wake::Check,
        };
        match wake {
            Wake::Pulled(event) => self.on_event(event).await?,
            Wake::Woken => {
                if let Some(until_end) = &mut self.until_end {
                    until_end.recheck();
                }
            }
            Wake::Keep => {
                self.keeper.keep(&self.session).await?;
                self.check_retries().await?;
            }
            Wake::Check => {}
        }
        Ok(true)
    }

    /// Returns when to send a request, if none is open.
    fn next_check(&self) -> Option<Instant> {
        if self.pull.outstanding() > 0 {
            return None;
        }
        match &self.until_end {
            Some(until_end) => {
                let check = until_end.next_check(&self.session.state())?;
                Some(check.max(self.not_before))
            }
            None => (self.not_before > Instant::now()).then_some(self.not_before),
        }
    }

    async fn request(&mut self) -> Result<()> {
        if self.not_before > Instant::now() || !self.pull.may_request() {
            return Ok(());
        }
        if self.batch() == 0 {
            return Ok(());
        }
        // While no request was open, limits may have removed messages before the group read them.
        if self.pull.outstanding() == 0 && self.watch.was_away() {
            self.check().await?;
        }
        match self.batch() {
            0 => Ok(()),
            batch => self.pull.request(batch, self.until_end.is_none()).await,
        }
    }

    /// Returns how many messages to request now.
    fn batch(&self) -> usize {
        let outstanding = self.pull.outstanding();
        let mut state = self.session.state();
        state.expire();
        let room = state.deliveries.room(self.session.max_in_flight);
        match &self.until_end {
            None => {
                let wanted = state.missing(room);
                if outstanding > 0 && outstanding >= wanted / 2 {
                    0
                } else {
                    wanted.saturating_sub(outstanding)
                }
            }
            Some(until_end) => match until_end.next_check(&state) {
                Some(check) if outstanding == 0 && check <= Instant::now() => {
                    until_end.batch(&state, room)
                }
                _ => until_end.fresh_batch(&state, room, outstanding),
            },
        }
    }

    async fn on_event(&mut self, event: PullEvent) -> Result<()> {
        let PullEvent::Message(first) = event else {
            return self.on_status(event).await;
        };
        self.refused = 0;
        let mut received = Vec::with_capacity(CHUNK);
        received.push(first);
        while received.len() < CHUNK {
            match self.pull.next().now_or_never() {
                Some(PullEvent::Message(more)) => received.push(more),
                Some(other) => {
                    self.receive(received).await?;
                    return self.on_status(other).await;
                }
                None => break,
            }
        }
        self.receive(received).await?;
        if self.pull.outstanding() == 0 {
            self.check_end().await?;
        }
        Ok(())
    }

    async fn on_status(&mut self, event: PullEvent) -> Result<()> {
        match event {
            PullEvent::Message(received) => self.receive(vec![received]).await,
            PullEvent::Ended(count) => {
                let is_short = self.pull.since_request() < MIN_REQUEST;
                if count == 0 && self.until_end.is_none() && is_short {
                    self.not_before = Instant::now() + MIN_REQUEST;
                }
                if self.pull.outstanding() == 0 {
                    self.check_end().await?;
                }
                Ok(())
            }
            PullEvent::Idle if self.watch.is_idle() => self.check().await.map(drop),
            PullEvent::Idle => Ok(()),
            PullEvent::Refused(text) => self.on_refused(&text).await,
            PullEvent::Lost => {
                if let Some(until_end) = &mut self.until_end {
                    until_end.on_disconnect(self.session.ack_wait);
                }
                sleep(PAUSE).await;
                self.watch.stop_waiting();
                self.check().await?;
                self.pull.reset().await
            }
            PullEvent::Deleted => {
                self.check().await?;
                self.pull.reset().await
            }
            PullEvent::Denied(denied) => Err(denied),
        }
    }

    /// Checks why a request was refused, and requests less and less often.
    async fn on_refused(&mut self, text: &str) -> Result<()> {
        self.watch.stop_waiting();
        self.refused = self.refused.saturating_add(1);
        self.check().await?;
        if self.refused == 2 {
            let message = format!(
                "the server refuses requests of the consumer `{}`: {text}",
                self.watch.consumer
            );
            self.session.report([error(ErrorKind::Warning, message)]);
        }
        let pause = REFUSED_PAUSE
            .saturating_mul(1 << self.refused.min(8))
            .min(MAX_REFUSED_PAUSE);
        self.not_before = Instant::now() + pause;
        if let Some(until_end) = &mut self.until_end {
            until_end.pause(pause);
        }
        Ok(())
    }

    /// Ends a bounded subscription if nothing is left for it.
    async fn check_end(&mut self) -> Result<()> {
        if self.until_end.is_none() {
            return Ok(());
        }
        self.check_retries().await?;
        let Some(until_end) = &mut self.until_end else {
            return Ok(());
        };
        if !until_end.on_request_ended(&mut self.session.state()) {
            self.session.delivered.notify_waiters();
            return Ok(());
        }
        // A request that brought nothing does not prove that nothing is left.
        let Some(Seen::Same(consumer)) = self.check().await? else {
            return Ok(());
        };
        let Some(until_end) = &mut self.until_end else {
            return Ok(());
        };
        let is_left = until_end
            .is_left(&self.session.connection, &consumer)
            .await?;
        if until_end.expects_redelivery() && consumer.num_ack_pending == 0 {
            until_end.on_settled();
        }
        if until_end.is_over(&consumer, is_left) {
            self.session.state().ended = true;
        }
        self.session.delivered.notify_waiters();
        Ok(())
    }

    /// Checks the stream and the consumer; none if they do not answer, or were replaced.
    async fn check(&mut self) -> Result<Option<Seen>> {
        let seen = match self.watch.check(&self.session.connection).await {
            Ok(seen) => seen,
            Err(failed) if failed.is_transient() => {
                tracing::debug!(%failed, "the check of the group failed");
                return Ok(None);
            }
            Err(failed) => return Err(failed),
        };
        self.report_notices();
        if let Seen::Same(consumer) = &seen {
            self.pull.limits = consumer.config.limits;
            self.check_retries().await?;
            return Ok(Some(seen));
        }
        if let Some(recreated) = recreated::resume(&self.session, &self.watch, seen).await? {
            self.switch(recreated).await?;
        }
        Ok(None)
    }

    /// Goes on with a consumer, and maybe a stream, that has the name of the one before.
    async fn switch(&mut self, recreated: Recreated) -> Result<()> {
        let Recreated {
            stream,
            consumer,
            watch,
            is_other_stream,
        } = recreated;
        self.watch = watch;
        if is_other_stream && self.until_end.is_some() {
            self.until_end = Some(self.session.begin_until_end(&consumer, &stream));
        }
        self.pull.limits = consumer.config.limits;
        self.pull.reset().await
    }

    /// Reports retries that cannot be delivered again because their messages are gone.
    async fn check_retries(&mut self) -> Result<()> {
        let late = self.session.state().late_retries(MAX_LATE);
        if late.is_empty() {
            return Ok(());
        }
        let (connection, consumer) = (&self.session.connection, &self.session.consumer);
        let lost = lost_retries::find(connection, consumer, &late);
        let lost = lost.await?;
        self.session.state().give_up_retries(&late);
        self.session.report(lost);
        Ok(())
    }

    /// Reports the notices of the watch.
    fn report_notices(&mut self) {
        let notices = self.watch.take_notices();
        if !notices.is_empty() {
            self.session.report(notices);
        }
    }

    /// Buffers messages with the records of their failed runs, and holds back those that are not due.
    async fn receive(&mut self, mut received: Vec<Received>) -> Result<()> {
        if self.watch.note(&received) {
            // They belong to a consumer or a stream that only has the name of the one before.
            self.check().await?;
        }
        let without_payload = received.extract_if(.., |one| receive::is_without_payload(one));
        let mut returned: Vec<AckHandle> = without_payload.map(|one| ack_handle(&one)).collect();
        let has_headers_only = !returned.is_empty();
        if let Some(until_end) = &mut self.until_end {
            let is_beyond =
                |one: &mut Received| !until_end.admits(one.stream_sequence, one.delivered);
            let (beyond, before) = (received.extract_if(.., is_beyond), returned.len());
            returned.extend(beyond.map(|one| ack_handle(&one)));
            self.session.state().returned += (returned.len() - before) as u64;
        }
        if !returned.is_empty() {
            self.session.return_all(returned).await?;
        }
        if has_headers_only {
            self.on_refused("it delivers messages without their payload")
                .await?;
        }
        let records = receive::attempt_records(&self.session, &received).await;
        receive::buffer(&self.session, received, records).await
    }
}
