//! Membership in a group.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use rdkafka::{ClientConfig, consumer::BaseConsumer};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::{
    assignment::rebalance::Watch,
    membership::{join_errors, static_member, topic_discovery},
    offsets::{new_group::Standing, start_offset::Course},
    poll_loop::Pump,
    retry_topics::{legacy_topic, support_topics},
    session::{Offer, Present, Shared},
    settle,
    state::End,
};
use crate::{
    backends::kafka::{
        codec::record,
        connection::{
            admin,
            client::{self, errors::ClientErrors, settings},
            handle::Connection,
        },
        delay::{dispatcher, scan},
        error::{SCHEME, error},
        read::open_transactions,
    },
    event::Pattern,
    lock::Mutex,
    transport::{Delivery, ErrorKind, Result, Settlement, SubscribeRequest, Subscription, Ticket},
};

/// How often to look whether what is overdue was fired, and for how long: who fired before may have been killed, and is
/// missed after some seconds.
const GLANCE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(20);

/// A membership in a group. Dropped without [`Subscription::close`], it leaves as a crashed process would, but at once.
#[derive(Debug)]
struct Member {
    shared: Arc<Shared>,
    tasks: Vec<AbortOnDropHandle<()>>,
    remarks: Mutex<Vec<String>>,
}

/// Joins the group; returns once the group has told what is ours and where it begins is settled, or has taken too long.
pub(crate) async fn join(
    connection: &Arc<Connection>,
    request: SubscribeRequest,
) -> Result<Arc<dyn Subscription>> {
    request.refuse_ordered(SCHEME)?;
    let mut remarks = make_missing(connection, &request.patterns).await?;
    let topics = connection.matching(&request.patterns).await?;
    let standing = Standing::look(connection, &request.group, &topics, request.from).await?;
    let (sources, made) = support_topics::create(connection, &request.group, &topics).await?;
    remarks.extend(made);
    let mut tasks = vec![fire(connection)];
    if request.until_end {
        remarks.extend(wait_for_overdue(connection, &request.patterns).await?);
    }
    remarks.extend(standing.remark(&request.group, request.from));
    let from = standing.start(request.from);
    let course = Course::plan(connection, &topics, from, request.until_end).await?;
    let shared = Arc::new(Shared::new(
        Arc::clone(connection),
        request.group.clone(),
        connection.store().await?,
        (request.lease, request.max_in_flight),
    ));
    let legacy = legacy_topic::find(connection, &request.group).await?;
    {
        let mut desk = shared.desk();
        desk.sources.change(sources, &[]);
        desk.sources.set_legacy(legacy.clone());
        desk.awaits_legacy = request.until_end && legacy.is_some();
    }
    let joined = course.joined;
    let queues = 1 + shared.desk().sources.retry_partitions();
    let mut settings = settings::consumer(&connection.config, request.group.as_str(), queues);
    if let Some(instance) = request.instance.as_deref() {
        settings.set("group.instance.id", instance);
    }
    tasks.extend(static_member::start(&shared, &request));
    start(&shared, course, &settings)?;
    tasks.push(task(topic_discovery::run(
        Arc::clone(&shared),
        request.patterns,
    )));
    tasks.push(task(open_transactions::watch(Arc::clone(&shared))));
    let mut member = Member {
        tasks,
        shared,
        remarks: Mutex::new(remarks),
    };
    // A group may keep its members waiting for minutes; then it is said what for, and whoever asks for messages waits.
    if let Ok(assigned) = timeout(join_errors::PATIENCE, member.assigned()).await {
        assigned?;
    } else {
        let warning = join_errors::waits(connection, &request.group).await;
        member.shared.fail(warning);
    }
    if let Some(legacy) = legacy.filter(|_| request.until_end) {
        let waiting = legacy_topic::wait_until_moved(Arc::clone(&member.shared), legacy, joined);
        member.tasks.push(task(waiting));
    }
    Ok(Arc::new(member))
}

/// Starts what goes on for as long as the membership lasts.
fn task(work: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(work))
}

/// Makes sure that every topic that was named exists.
async fn make_missing(connection: &Arc<Connection>, patterns: &[Pattern]) -> Result<Vec<String>> {
    let mut remarks = Vec::new();
    for topic in patterns.iter().filter_map(Pattern::literal) {
        let name = connection.names().topic_name(&topic)?;
        if connection.partitions(&name).await?.is_some() {
            continue;
        }
        if !connection.create {
            return Err(admin::unknown(&name));
        }
        let made = connection.make_topic(&name).await?;
        remarks.extend(made.iter().map(|name| format!("made topic {name}")));
    }
    Ok(remarks)
}

/// Starts the thread of a membership.
fn start(shared: &Arc<Shared>, course: Course, settings: &ClientConfig) -> Result<()> {
    let watch = Watch {
        errors: ClientErrors::default(),
        shared: Arc::clone(shared),
        course,
    };
    let client: BaseConsumer<Watch> = client::create(settings, watch)?;
    let pump = Pump::new(client);
    let leaving = shared.connection.leaving.enter();
    let thread = thread::Builder::new()
        .name("pf-kafka-member".to_owned())
        .spawn(move || {
            pump.run();
            drop(leaving);
        })
        .map_err(|source| error(ErrorKind::Other, "no thread can be started").because(source))?;
    shared.is_served_by(thread.thread().clone());
    Ok(())
}

/// Fires what is for later, as long as there is somebody who consumes.
fn fire(connection: &Arc<Connection>) -> AbortOnDropHandle<()> {
    let connection = Arc::clone(connection);
    AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(failed) = dispatcher::dispatch_until_dropped(connection).await {
            tracing::warn!(%failed, "nothing for later is fired from here any more");
        }
    }))
}

/// Waits until what should have come by now is there: fired by us, or by whoever owns it.
async fn wait_for_overdue(
    connection: &Arc<Connection>,
    patterns: &[Pattern],
) -> Result<Option<String>> {
    let by = record::millis(SystemTime::now());
    let until = Instant::now() + PATIENCE;
    while scan::is_overdue(connection, patterns, by).await? {
        if Instant::now() >= until {
            let remark = "events that are due were not fired yet: `pf schedule list` shows them";
            return Ok(Some(remark.to_owned()));
        }
        tokio::time::sleep(GLANCE).await;
    }
    Ok(None)
}

impl Member {
    /// Waits until the group has told what is ours.
    async fn assigned(&self) -> Result<()> {
        loop {
            let came = self.shared.came.notified();
            tokio::pin!(came);
            came.as_mut().enable();
            {
                let mut desk = self.shared.desk();
                if let Some(failed) = desk.take_refusal() {
                    return Err(failed);
                }
                if desk.assigned {
                    return Ok(());
                }
            }
            came.await;
        }
    }
}

#[async_trait]
impl Subscription for Member {
    async fn next(&self, max: usize) -> Result<Vec<Delivery>> {
        let max = max.max(1);
        let _present = Present::new(&self.shared);
        loop {
            let came = self.shared.came.notified();
            tokio::pin!(came);
            came.as_mut().enable();
            match self.shared.offer(max) {
                Offer::Taken(deliveries) => return Ok(deliveries),
                Offer::Failed(failed) => return Err(failed),
                Offer::End => return Ok(Vec::new()),
                Offer::Wait => {}
            }
            came.await;
        }
    }

    async fn settle(&self, batch: Vec<Settlement>) -> Vec<Result<()>> {
        settle::settle_all(&self.shared, batch).await
    }

    async fn extend(&self, tickets: &[Ticket]) -> Result<Vec<Ticket>> {
        let until = Instant::now() + self.shared.lease;
        let mut desk = self.shared.desk();
        desk.is_seen();
        let mut lost = Vec::new();
        for ticket in tickets {
            match desk.held.get_mut(ticket) {
                Some(held) => held.until = until,
                None => lost.push(*ticket),
            }
        }
        Ok(lost)
    }

    fn remarks(&self) -> Vec<String> {
        let remarks = self.remarks.lock();
        remarks.clone()
    }

    async fn close(&self) -> Result<()> {
        for task in &self.tasks {
            task.abort();
        }
        let has_joined = {
            let mut desk = self.shared.desk();
            desk.keep_gaps();
            desk.assigned
        };
        self.shared.end(End::Closing);
        if !has_joined {
            // There is nothing to commit, and a group that let nobody in may keep the thread for long.
            return Ok(());
        }
        loop {
            let came = self.shared.came.notified();
            tokio::pin!(came);
            came.as_mut().enable();
            {
                let mut desk = self.shared.desk();
                if desk.end == End::Closed {
                    return desk.failed.pop_back().map_or(Ok(()), Err);
                }
            }
            came.await;
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if self.shared.desk().end != End::Closed {
            self.shared.end(End::Abandoned);
        }
    }
}
