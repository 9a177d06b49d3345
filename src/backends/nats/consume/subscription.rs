//! `Transport::subscribe`: membership in a group.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use tokio::{task::JoinHandle, time::timeout};

use crate::{
    backends::{
        delivery_buffer::wait::wait_until,
        nats::{
            connection::{
                ack::IN_PROGRESS,
                consumer,
                handle::Connection,
                stream::{coverage, info, setup},
            },
            consume::{
                attempts, backlog, confirm,
                consumer::{durable, watch::GroupWatch},
                marks::{begun, store::MarkStore},
                pull_loop::PullLoop,
                session::Session,
                settle,
                state::AckHandle,
                until_end::UntilEnd,
            },
            error::SCHEME,
            read::pull::Pull,
        },
    },
    lock::Mutex,
    transport::{
        Backlog, Delivery, ErrorKind, Handling, HeldElsewhere, Mark, Marks, Result, Settlement,
        SubscribeRequest, Subscription, Ticket,
    },
};

/// How long the check of the group at the end may take.
const LAST_CHECK: Duration = Duration::from_secs(3);

/// A membership in a group. Dropped without [`Subscription::close`], it leaves as a crashed process would: messages in
/// flight are delivered again when their leases end.
#[derive(Debug)]
pub(crate) struct NatsSubscription {
    session: Arc<Session>,
    pull_loop: Mutex<Option<JoinHandle<(GroupWatch, u64)>>>,
    confirming: JoinHandle<()>,
    remarks: Vec<String>,
}

impl NatsSubscription {
    /// Joins the group, and creates its consumer if the group is new.
    pub(crate) async fn join(
        connection: &Arc<Connection>,
        request: SubscribeRequest,
    ) -> Result<Self> {
        request.refuse_ordered(SCHEME)?;
        let info = info::require(connection).await?;
        let filters = connection.names.filters(&request.patterns)?;
        coverage::check_covered(connection, &info, &filters).await?;
        let replicas = info.config.num_replicas;
        let mut remarks = setup::create_support_streams(connection, replicas).await?;
        let (consumer, created) = durable::join(connection, &info, &request, &filters).await?;
        if created.is_some() {
            attempts::delete_all(connection, &consumer.name).await?;
        }
        remarks.extend(created);
        let mut watch = GroupWatch::begin(connection, request.clone(), &info, &consumer).await?;
        let until_end = if request.until_end {
            Some(UntilEnd::new(&consumer, &info::require(connection).await?))
        } else {
            None
        };
        let (stream, limits) = (&connection.names.stream, consumer.config.limits);
        let pull = Pull::open(connection, stream, &consumer.name, limits).await?;
        let marks = MarkStore::open(connection, &request, replicas > 1).await?;
        let session = Session::new(connection, info.store(), request, &consumer).marking(marks);
        let session = Arc::new(session);
        session.report(watch.take_notices());
        if let Some(until_end) = &until_end {
            session.state().begin_until_end(until_end.end());
        }
        let pull_loop = PullLoop::new(Arc::clone(&session), pull, watch, until_end);
        let confirming = tokio::spawn(confirm::confirm_until_dropped(Arc::clone(&session)));
        Ok(Self {
            pull_loop: Mutex::new(Some(tokio::spawn(pull_loop.run()))),
            session,
            confirming,
            remarks,
        })
    }

    /// Checks the group a last time, and records its position.
    async fn leave(&self, mut watch: GroupWatch, returned: u64) -> Result<()> {
        let check = watch.leave(&self.session.connection, returned);
        match timeout(LAST_CHECK, check).await {
            Ok(Ok(())) => {}
            Ok(Err(failed)) => tracing::debug!(%failed, "the last check of the group failed"),
            Err(_) => tracing::debug!("the last check of the group took too long"),
        }
        let unreported = self.session.state().errors.take_notices();
        let mut notices = unreported.into_iter().chain(watch.take_notices());
        match notices.find(|notice| notice.kind() == ErrorKind::Gap) {
            Some(gap) => Err(gap),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Subscription for NatsSubscription {
    async fn next(&self, max: usize) -> Result<Vec<Delivery>> {
        let max = max.max(1);
        wait_until(&self.session.delivered, || self.session.poll(max)).await
    }

    async fn settle(&self, batch: Vec<Settlement>) -> Vec<Result<()>> {
        settle::settle_all(&self.session, batch).await
    }

    /// The server stores the dead letters of one batch while those of the next are encoded.
    fn settles_at_once(&self) -> usize {
        2
    }

    async fn extend(&self, tickets: &[Ticket]) -> Result<Vec<Ticket>> {
        let (mut lost, mut extended) = (Vec::new(), Vec::new());
        {
            let mut state = self.session.state();
            state.expire();
            let until = self.session.lease_end();
            for ticket in tickets {
                let in_flight = state.deliveries.in_flight_mut();
                if let Some(handle) = in_flight.extend(*ticket, until) {
                    extended.push(handle.ack.reply.clone());
                } else if !in_flight.is_settling(*ticket) {
                    lost.push(*ticket);
                }
            }
        }
        self.session.send_acks(extended, &IN_PROGRESS).await?;
        Ok(lost)
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }

    fn marks(&self) -> Option<&dyn Marks> {
        self.session.marks.is_some().then_some(self as &dyn Marks)
    }

    async fn held_elsewhere(&self) -> Result<Option<HeldElsewhere>> {
        let session = &self.session;
        confirm::confirm(session).await?;
        let Some(consumer) = consumer::find(&session.connection, &session.consumer).await? else {
            return Ok(None);
        };
        let (end, returned) = {
            let state = session.state();
            (state.end, state.returned)
        };
        // Returned messages are behind the end, and not acknowledged either.
        let count = consumer.num_ack_pending.saturating_sub(returned);
        let is_behind_end = end.is_none_or(|end| consumer.ack_floor() >= end);
        if count == 0 || is_behind_end {
            return Ok(None);
        }
        let until = Some(SystemTime::now() + consumer.ack_wait());
        Ok(Some(HeldElsewhere { count, until }))
    }

    async fn backlog(&self) -> Result<Vec<Backlog>> {
        backlog::find(&self.session).await
    }

    async fn close(&self) -> Result<()> {
        self.session.state().closed = true;
        self.session.wake_pull.notify_one();
        self.session.delivered.notify_waiters();
        let pull_loop = self.pull_loop.lock().take();
        // It returns the messages that were on their way.
        let left = match pull_loop {
            Some(pull_loop) => pull_loop.await.ok(),
            None => None,
        };
        let (mut acks, retries): (Vec<AckHandle>, usize) = {
            let mut state = self.session.state();
            state.expire();
            let handles = state.deliveries.drain().into_iter();
            let acks = handles.map(|handle| handle.ack).collect();
            (acks, state.retrying.len())
        };
        let count = (acks.len() + retries) as u64;
        // They are delivered again in the order in which they are returned.
        acks.sort_unstable_by_key(|handle| handle.sequence);
        let returned = self.session.return_all(acks).await;
        match confirm::confirm(&self.session).await {
            // The consumer is gone, so that nothing can be confirmed.
            Err(failed) if failed.kind() == ErrorKind::NotFound => {}
            confirmed => {
                confirmed?;
                returned?;
            }
        }
        match left {
            Some((watch, more)) => self.leave(watch, count + more).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Marks for NatsSubscription {
    async fn look_up(&self, handlings: &[Handling]) -> Result<Vec<Option<Mark>>> {
        match &self.session.marks {
            Some(marks) => begun::look_up(&self.session, marks, handlings).await,
            None => Ok(vec![None; handlings.len()]),
        }
    }

    async fn begin(&self, handling: &Handling) -> Result<Option<Mark>> {
        match &self.session.marks {
            Some(marks) => begun::begin(&self.session, marks, handling).await,
            None => Ok(None),
        }
    }

    fn forgotten(&self) -> u64 {
        let marks = self.session.marks.as_ref();
        marks.map_or(0, MarkStore::forgotten)
    }
}

impl Drop for NatsSubscription {
    fn drop(&mut self) {
        self.confirming.abort();
        if let Some(pull_loop) = self.pull_loop.lock().take() {
            pull_loop.abort();
        }
    }
}
