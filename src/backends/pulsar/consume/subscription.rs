//! `Transport::subscribe`: membership in a group.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio_util::task::AbortOnDropHandle;

use super::{logs, ranges, session::Session, settle, state::Kind, tasks::Tasks, watch};
use crate::{
    backends::{
        delivery_buffer::wait::wait_until_due,
        pulsar::{
            connection::{handle::Connection, names::check_group},
            error::connection_lost,
            read::backlog,
        },
    },
    event::Topic,
    transport::{
        Backlog, Delivery, HeldElsewhere, Result, Settlement, SubscribeRequest, Subscription,
        Ticket,
    },
};

/// A membership in a group. Dropped without [`Subscription::close`], it leaves as a crashed process would.
#[derive(Debug)]
pub(crate) struct PulsarSubscription {
    session: Arc<Session>,
    tasks: Arc<Tasks>,
    remarks: Vec<String>,
    _watches: Vec<AbortOnDropHandle<()>>,
}

impl PulsarSubscription {
    /// Joins the group, and creates its subscriptions where it is new.
    pub(crate) async fn join(
        connection: &Arc<Connection>,
        request: SubscribeRequest,
    ) -> Result<Self> {
        check_group(&request.group)?;
        let session = Arc::new(Session::new(connection, request));
        let (mut plans, mut remarks) = (Vec::new(), Vec::new());
        for (topic, info) in logs::requested(&session).await? {
            let made = logs::provision(&session, &info, &topic, false).await?;
            plans.extend(made.logs);
            remarks.extend(made.remarks);
        }
        let tasks = Arc::new(Tasks::default());
        tasks.add(&session, plans).await?;
        remarks.dedup();
        let mut watches = vec![AbortOnDropHandle::new(tokio::spawn(keep_leases(
            Arc::clone(&session),
        )))];
        let counting = ranges::run(Arc::clone(&session));
        watches.push(AbortOnDropHandle::new(tokio::spawn(counting)));
        let patterns = &session.request.patterns;
        let has_wildcard = patterns.iter().any(|pattern| pattern.literal().is_none());
        if has_wildcard && !session.request.until_end {
            let watching = watch::run(Arc::clone(&session), Arc::clone(&tasks));
            watches.push(AbortOnDropHandle::new(tokio::spawn(watching)));
        }
        Ok(Self {
            session,
            tasks,
            remarks,
            _watches: watches,
        })
    }
}

/// Ends leases in time even if the caller does nothing.
async fn keep_leases(session: Arc<Session>) {
    loop {
        let pause = {
            let mut state = session.state();
            if state.expire() {
                session.wake.notify_waiters();
            }
            let earliest = state.deliveries.in_flight().earliest();
            earliest.map_or(session.request.lease, |end| {
                end.saturating_duration_since(Instant::now())
            })
        };
        tokio::time::sleep(pause.max(Duration::from_millis(10))).await;
    }
}

#[async_trait]
impl Subscription for PulsarSubscription {
    async fn next(&self, max: usize) -> Result<Vec<Delivery>> {
        let max = max.max(1);
        wait_until_due(&self.session.delivered, || self.session.poll(max)).await
    }

    async fn settle(&self, batch: Vec<Settlement>) -> Vec<Result<()>> {
        settle::settle_all(&self.session, batch).await
    }

    fn settles_at_once(&self) -> usize {
        2
    }

    async fn extend(&self, tickets: &[Ticket]) -> Result<Vec<Ticket>> {
        let mut state = self.session.state();
        state.expire();
        let until = self.session.lease_end();
        Ok(state.deliveries.in_flight_mut().extend_all(tickets, until))
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }

    async fn held_elsewhere(&self) -> Result<Option<HeldElsewhere>> {
        let state = self.session.state();
        let of_topics = state.logs.iter().filter(|log| log.kind == Kind::Topic);
        let ends = of_topics.filter_map(|log| log.end.as_ref());
        let count = ends.map(|end| end.elsewhere).sum();
        Ok((count > 0).then_some(HeldElsewhere { count, until: None }))
    }

    async fn backlog(&self) -> Result<Vec<Backlog>> {
        let (connection, group) = (&self.session.connection, &self.session.request.group);
        let logs: Vec<_> = {
            let state = self.session.state();
            let logs = state.logs.iter();
            logs.map(|log| {
                (
                    log.topic.clone(),
                    log.consumer.clone(),
                    log.name(&connection.config.names),
                )
            })
            .collect()
        };
        let mut topics: BTreeMap<Topic, Backlog> = BTreeMap::new();
        for (topic, consumer, name) in logs {
            let found = backlog::of_group(connection, &name, group.as_str(), consumer).await?;
            let entry = topics.entry(topic.clone()).or_insert(Backlog {
                topic: Some(topic),
                messages: 0,
                oldest: None,
            });
            entry.messages += found.entries;
            entry.oldest = found.oldest.into_iter().chain(entry.oldest).min();
        }
        Ok(topics.into_values().collect())
    }

    async fn close(&self) -> Result<()> {
        {
            let mut state = self.session.state();
            state.closed = true;
            state.deliveries.drain();
        }
        self.session.wake.notify_waiters();
        self.session.delivered.notify_waiters();
        let tasks = self.tasks.take();
        let mut result = Ok(());
        for left in join_all(tasks).await {
            let left = left.unwrap_or_else(|_| Err(connection_lost("a task of the consumer died")));
            result = result.and(left);
        }
        result
    }
}
