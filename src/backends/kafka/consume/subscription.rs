//! A subscription: joining the group, delivering, settling, and leaving.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use rdkafka::ClientConfig;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::{
    assignment::rebalance::{GroupCallbacks, GroupConsumer},
    marks::store::MarkStore,
    membership::{join_errors, static_member, topic_discovery},
    offsets::{backlog, held_elsewhere, new_group::GroupHistory, start_offset::OffsetPlan},
    open_transactions,
    poll_loop::PollLoop,
    provision,
    retry_topics::{legacy_topic, support_topics},
    session::{Poll, Session, WaiterGuard},
    settle,
    state::lifecycle::Phase,
};
use crate::{
    backends::{
        delivery_buffer::wait::wait_until,
        kafka::{
            codec::topic_partition::TopicPartition,
            connection::{
                client::{self, context::Context, errors::ClientErrors, settings},
                handle::Connection,
                threads,
            },
            error::SCHEME,
            read::offset_fetcher::OffsetFetcher,
        },
    },
    event::Pattern,
    lock::Mutex,
    transport::{
        Backlog, Delivery, Handling, HeldElsewhere, Mark, Marks, Result, Settlement,
        SubscribeRequest, Subscription, Ticket,
    },
};

/// A subscription. Dropped without [`Subscription::close`], it leaves as a crashed process would, but at once.
#[derive(Debug)]
struct KafkaSubscription {
    session: Arc<Session>,
    /// The partitions of a bounded subscription, and where each ends.
    ends: Vec<(TopicPartition, i64)>,
    patterns: Vec<Pattern>,
    /// Reads the oldest records of the backlog.
    oldest: Arc<OffsetFetcher>,
    tasks: Vec<AbortOnDropHandle<()>>,
    remarks: Mutex<Vec<String>>,
}

/// Joins the group. Returns once the group has assigned partitions and where they start is fixed, or after a while.
pub(crate) async fn join(
    connection: &Arc<Connection>,
    request: SubscribeRequest,
) -> Result<Arc<dyn Subscription>> {
    request.refuse_ordered(SCHEME)?;
    let group = &request.group;
    let mut remarks = provision::create_missing_topics(connection, &request.patterns).await?;
    let topics = connection.topics.matching(&request.patterns).await?;
    let history = GroupHistory::read(connection, group, &topics, request.from).await?;
    let (sources, created) = support_topics::create(connection, group, &topics).await?;
    remarks.extend(created);
    let errors = ClientErrors::default();
    let marks = MarkStore::open(connection, &request, &errors.topics, &mut remarks).await?;
    let mut tasks = vec![task(provision::dispatch(Arc::clone(connection)))];
    if request.until_end {
        remarks.extend(provision::wait_for_overdue(connection, &request.patterns).await?);
    }
    remarks.extend(history.remark(group, request.from));
    let from = history.start(request.from);
    let plan = OffsetPlan::read(connection, &topics, from, request.until_end).await?;
    let session = session_of(connection, &request).await?;
    let session = Arc::new(session.marking(marks));
    let legacy = legacy_topic::find(connection, group).await?;
    {
        let mut state = session.state();
        state.sources.change(sources, &[]);
        state.sources.set_legacy(legacy.clone());
        state.lifecycle.awaits_legacy_retries = request.until_end && legacy.is_some();
    }
    let (joined, ends) = (plan.joined, plan.ends());
    let settings = client_settings(&session, &request);
    tasks.extend(static_member::start(&session, &request));
    start(&session, plan, &settings, errors)?;
    let patterns = request.patterns;
    let discovery = topic_discovery::run(Arc::clone(&session), patterns.clone());
    tasks.extend([
        task(discovery),
        task(open_transactions::watch(Arc::clone(&session))),
    ]);
    let mut subscription = KafkaSubscription {
        tasks,
        ends,
        patterns,
        oldest: Arc::new(OffsetFetcher::new(&connection.config)),
        session,
        remarks: Mutex::new(remarks),
    };
    // A group may keep its members waiting for minutes: then the reason is reported, and `next` waits.
    if let Ok(assigned) = timeout(join_errors::REPORT_AFTER, subscription.assigned()).await {
        assigned?;
    } else {
        let warning = join_errors::waits(connection, &subscription.session.group).await;
        subscription.session.fail(warning);
    }
    if let Some(legacy) = legacy.filter(|_| request.until_end) {
        let session = Arc::clone(&subscription.session);
        let moved = legacy_topic::wait_until_moved(session, legacy, joined);
        subscription.tasks.push(task(moved));
    }
    Ok(Arc::new(subscription))
}

async fn session_of(connection: &Arc<Connection>, request: &SubscribeRequest) -> Result<Session> {
    Ok(Session::new(
        Arc::clone(connection),
        request.group.clone(),
        connection.store().await?,
        request.lease,
        request.max_in_flight,
    ))
}

fn client_settings(session: &Session, request: &SubscribeRequest) -> ClientConfig {
    let queues = 1 + session.state().sources.retry_partitions();
    let config = &session.connection.config;
    let mut settings = settings::consumer(config, request.group.as_str(), queues);
    if let Some(instance) = request.instance.as_deref() {
        settings.set("group.instance.id", instance);
    }
    settings
}

/// Starts a task that ends with the subscription.
fn task(work: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(work))
}

/// Starts the polling thread.
fn start(
    session: &Arc<Session>,
    plan: OffsetPlan,
    settings: &ClientConfig,
    errors: ClientErrors,
) -> Result<()> {
    let callbacks = GroupCallbacks {
        topics: Arc::clone(&errors.topics),
        session: Arc::clone(session),
        plan,
    };
    let client: GroupConsumer = client::create(settings, Context { errors, callbacks })?;
    let poll_loop = PollLoop::new(client);
    let leaving = session.connection.members.token();
    let thread = threads::spawn("pf-kafka-member", move || {
        poll_loop.run();
        drop(leaving);
    })?;
    session.set_polling_thread(thread.thread().clone());
    Ok(())
}

impl KafkaSubscription {
    /// Waits for the first assignment.
    async fn assigned(&self) -> Result<()> {
        wait_until(&self.session.delivered, || {
            let mut state = self.session.state();
            if let Some(failed) = state.errors.take_permanent_failure() {
                return Some(Err(failed));
            }
            state.lifecycle.has_joined().then_some(Ok(()))
        })
        .await
    }
}

#[async_trait]
impl Subscription for KafkaSubscription {
    async fn next(&self, max: usize) -> Result<Vec<Delivery>> {
        let max = max.max(1);
        let _waiter = WaiterGuard::new(&self.session);
        wait_until(&self.session.delivered, || match self.session.poll(max) {
            Poll::Ready(deliveries) => Some(Ok(deliveries)),
            Poll::Failed(failed) => Some(Err(failed)),
            Poll::End => Some(Ok(Vec::new())),
            Poll::Pending => None,
        })
        .await
    }

    async fn settle(&self, batch: Vec<Settlement>) -> Vec<Result<()>> {
        settle::settle_all(&self.session, batch).await
    }

    async fn extend(&self, tickets: &[Ticket]) -> Result<Vec<Ticket>> {
        let lease_until = Instant::now() + self.session.lease;
        let mut state = self.session.state();
        state.lifecycle.seen();
        Ok(state
            .deliveries
            .in_flight_mut()
            .extend_all(tickets, lease_until))
    }

    /// With marks, a batch mostly waits for them to be stored.
    fn settles_at_once(&self) -> usize {
        if self.session.marks.is_some() { 4 } else { 1 }
    }

    fn marks(&self) -> Option<&dyn Marks> {
        self.session.marks.is_some().then_some(self as &dyn Marks)
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.lock().clone()
    }

    async fn held_elsewhere(&self) -> Result<Option<HeldElsewhere>> {
        let others = {
            let state = self.session.state();
            let is_other = |(at, _): &&(TopicPartition, i64)| state.assignment.id(at).is_none();
            self.ends.iter().filter(is_other).cloned().collect()
        };
        held_elsewhere::find(&self.session.connection, &self.session.group, others).await
    }

    async fn backlog(&self) -> Result<Vec<Backlog>> {
        let session = &self.session;
        backlog::find(
            &session.connection,
            &session.group,
            &self.patterns,
            &self.oldest,
        )
        .await
    }

    async fn close(&self) -> Result<()> {
        for task in &self.tasks {
            task.abort();
        }
        let has_joined = {
            let mut state = self.session.state();
            drop(state.errors.take_failure());
            state.lifecycle.has_joined()
        };
        self.session.enter(Phase::Closing);
        if !has_joined {
            // There is nothing to commit, and a group that admits nobody may keep the thread for long.
            return Ok(());
        }
        wait_until(&self.session.delivered, || {
            let mut state = self.session.state();
            (state.lifecycle.phase == Phase::Closed).then(|| {
                let failure = state.errors.take_failure();
                let unreported = failure.or_else(|| state.errors.take_notice());
                unreported.map_or(Ok(()), Err)
            })
        })
        .await
    }
}

#[async_trait]
impl Marks for KafkaSubscription {
    async fn look_up(&self, handlings: &[Handling]) -> Result<Vec<Option<Mark>>> {
        match &self.session.marks {
            Some(marks) => {
                let handlings = handlings.iter();
                let marked = handlings.map(|handling| self.session.marked(marks, handling));
                marks.look_up(&marked.collect::<Vec<_>>()).await
            }
            None => Ok(vec![None; handlings.len()]),
        }
    }

    async fn begin(&self, handling: &Handling) -> Result<Option<Mark>> {
        match &self.session.marks {
            Some(marks) => marks.begin(&self.session.marked(marks, handling)).await,
            None => Ok(None),
        }
    }

    fn forgotten(&self) -> u64 {
        let marks = self.session.marks.as_ref();
        marks.map_or(0, MarkStore::forgotten)
    }
}

impl Drop for KafkaSubscription {
    fn drop(&mut self) {
        if self.session.state().lifecycle.phase != Phase::Closed {
            self.session.enter(Phase::Abandoned);
        }
    }
}
