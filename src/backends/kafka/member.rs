//! Membership in a group.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use rdkafka::{ClientConfig, consumer::BaseConsumer};
use tokio_util::task::AbortOnDropHandle;

use super::{
    admin::{self, COMPACTED, Wanted},
    calendar,
    clients::{self, Ears},
    connection::Link,
    desk::End,
    error, letter,
    pump::Pump,
    rebalance::Watch,
    record, schedules, settle,
    shared::{Offer, Present, Shared},
    start::Course,
};
use crate::{
    event::{Pattern, Topic},
    transport::{Delivery, ErrorKind, Result, Settlement, SubscribeRequest, Subscription, Ticket},
};

/// How often new topics are looked for.
const LOOK: Duration = Duration::from_secs(1);
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

/// Joins the group; returns once the group has told what is ours, and where it begins is settled.
pub(super) async fn join(
    link: &Arc<Link>,
    request: SubscribeRequest,
) -> Result<Arc<dyn Subscription>> {
    if request.ordered {
        let message = "Kafka cannot hold the key of a retry";
        return Err(error(ErrorKind::Unsupported, message)
            .hint("leave `--ordered` out; `pf caps` says where order holds"));
    }
    let mut remarks = make_missing(link, &request.patterns).await?;
    let topics = link.matching(&request.patterns).await?;
    let retries = link.names().retries(&request.group)?;
    remarks.extend(make_side_places(link, &topics, &retries).await?);
    let retry_partitions = link.partitions(&retries).await?.unwrap_or(1);
    let mut tasks = vec![fire(link)];
    if request.until_end {
        remarks.extend(wait_for_overdue(link, &request.patterns).await?);
    }
    let course = Course::plan(link, &topics, request.from, request.until_end).await?;
    let shared = Arc::new(Shared::new(
        Arc::clone(link),
        request.group.clone(),
        (retries, retry_partitions),
        link.store().await?,
        (request.lease, request.max_in_flight),
    ));
    shared.desk().topics = named(topics);
    let queues = usize::try_from(retry_partitions + 1).unwrap_or(1);
    let mut settings = clients::member(&link.config, request.group.as_str(), queues);
    if let Some(instance) = request.instance.as_deref() {
        settings.set("group.instance.id", instance);
    }
    start(&shared, course, &settings)?;
    if request
        .patterns
        .iter()
        .any(|pattern| pattern.literal().is_none())
    {
        let looking = look_for_topics(Arc::clone(&shared), request.patterns);
        tasks.push(AbortOnDropHandle::new(tokio::spawn(looking)));
    }
    let member = Member {
        tasks,
        shared,
        remarks: Mutex::new(remarks),
    };
    member.assigned().await?;
    Ok(Arc::new(member))
}

fn named(topics: Vec<(Topic, String, i32)>) -> HashMap<String, Topic> {
    topics
        .into_iter()
        .map(|(topic, name, _)| (name, topic))
        .collect()
}

/// Makes sure that every topic that was named exists.
async fn make_missing(link: &Arc<Link>, patterns: &[Pattern]) -> Result<Vec<String>> {
    let mut remarks = Vec::new();
    for topic in patterns.iter().filter_map(Pattern::literal) {
        let name = link.names().of(&topic)?;
        if link.partitions(&name).await?.is_some() {
            continue;
        }
        if !link.create {
            return Err(admin::unknown(&name));
        }
        let made = link.make_topic(&name).await?;
        remarks.extend(made.iter().map(|name| format!("made topic {name}")));
    }
    Ok(remarks)
}

/// Makes what a group needs beside its topics, before the first message is taken.
async fn make_side_places(
    link: &Arc<Link>,
    topics: &[(Topic, String, i32)],
    retries: &str,
) -> Result<Vec<String>> {
    let wanted = Wanted {
        name: retries.to_owned(),
        partitions: link.own_partitions(),
        settings: COMPACTED.to_vec(),
    };
    let made = link.make(&[wanted, schedules::wanted(link)]).await?;
    let mut remarks: Vec<String> = made
        .iter()
        .map(|name| {
            let purpose = if name == retries {
                "tried again"
            } else {
                "for later"
            };
            format!("made topic {name} for what is {purpose}")
        })
        .collect();
    let letters: Vec<(String, Topic, i32)> = topics
        .iter()
        .map(|(topic, name, partitions)| (name.clone(), topic.clone(), *partitions))
        .collect();
    remarks.extend(letter::make_topics(link, &letters).await?);
    Ok(remarks)
}

/// Starts the thread of a membership.
fn start(shared: &Arc<Shared>, course: Course, settings: &ClientConfig) -> Result<()> {
    let watch = Watch {
        ears: Ears::default(),
        shared: Arc::clone(shared),
        course,
    };
    let client: BaseConsumer<Watch> = clients::make(settings, watch)?;
    let pump = Pump::new(client);
    let thread = thread::Builder::new()
        .name("pf-kafka-member".to_owned())
        .spawn(move || pump.run())
        .map_err(|source| error(ErrorKind::Other, "no thread can be started").because(source))?;
    shared.is_served_by(thread.thread().clone());
    Ok(())
}

/// Fires what is for later, as long as there is somebody who consumes.
fn fire(link: &Arc<Link>) -> AbortOnDropHandle<()> {
    let link = Arc::clone(link);
    AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(failed) = schedules::fire_for_ever(link).await {
            tracing::warn!(%failed, "nothing for later is fired from here any more");
        }
    }))
}

/// Waits until what should have come by now is there: fired by us, or by whoever owns it.
async fn wait_for_overdue(link: &Arc<Link>, patterns: &[Pattern]) -> Result<Option<String>> {
    let by = record::millis(SystemTime::now());
    let until = Instant::now() + PATIENCE;
    while calendar::is_overdue(link, patterns, by).await? {
        if Instant::now() >= until {
            let remark = "events that are due were not fired yet: `pf schedule list` shows them";
            return Ok(Some(remark.to_owned()));
        }
        tokio::time::sleep(GLANCE).await;
    }
    Ok(None)
}

async fn look_for_topics(shared: Arc<Shared>, patterns: Vec<Pattern>) {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Err(failed) = find_topics(&shared, &patterns).await {
            tracing::debug!(%failed, "new topics are looked for again");
        }
    }
}

async fn find_topics(shared: &Arc<Shared>, patterns: &[Pattern]) -> Result<()> {
    let found = shared.link.matching(patterns).await?;
    let is_new = |name: &String| !shared.desk().topics.contains_key(name);
    let new: Vec<_> = found
        .into_iter()
        .filter(|(_, name, _)| is_new(name))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    make_side_places(&shared.link, &new, &shared.retries).await?;
    shared.desk().topics.extend(named(new));
    shared.wake();
    Ok(())
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
        let remarks = self.remarks.lock().unwrap_or_else(PoisonError::into_inner);
        remarks.clone()
    }

    async fn close(&self) -> Result<()> {
        for task in &self.tasks {
            task.abort();
        }
        self.shared.desk().keep_gaps();
        self.shared.end(End::Closing);
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
