//! The backlog of the group, read from the store now and then and shown as gauges. Scrapes show what was read last.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use metrics::{Gauge, Label};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{LAG, MOST_TOPICS, OLDEST, OTHER, labels, with_topic};
use crate::{
    event::{Group, Topic},
    runtime::{Notice, Observer},
    transport::{Backlog, ErrorKind, Result, Subscription, TransportError},
};

/// How long the store may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The most of the time that reading may take: where it is slow, it is done less often.
const SHARE: u32 = 50;

/// Reads the backlog until dropped.
pub(in crate::runtime::consume) struct BacklogReader {
    pub(in crate::runtime::consume) subscription: Arc<dyn Subscription>,
    pub(in crate::runtime::consume) observer: Arc<dyn Observer>,
    pub(in crate::runtime::consume) every: Duration,
    pub(in crate::runtime::consume) system: &'static str,
    pub(in crate::runtime::consume) group: Group,
}

impl BacklogReader {
    /// Starts as a task of its own.
    pub(in crate::runtime::consume) fn start(self) -> AbortOnDropHandle<()> {
        AbortOnDropHandle::new(tokio::spawn(self.run()))
    }

    async fn run(self) {
        let mut gauges = Gauges {
            labels: labels(self.system, &self.group),
            topics: HashMap::new(),
        };
        loop {
            let asked = Instant::now();
            let backlog = self.read().await;
            gauges.show(backlog.as_deref().ok());
            self.observer.notice(Notice::Backlog(backlog.as_deref()));
            sleep(self.every.max(asked.elapsed() * SHARE)).await;
        }
    }

    async fn read(&self) -> Result<Vec<Backlog>> {
        let read = timeout(TIMEOUT, self.subscription.backlog()).await;
        read.unwrap_or_else(|_| {
            let message = "the store does not tell its backlog in time";
            Err(TransportError::new(
                self.system,
                ErrorKind::Unavailable,
                message,
            ))
        })
    }
}

struct Gauges {
    labels: Vec<Label>,
    /// Lag and age of each topic; `None` where the store counts all topics together.
    topics: HashMap<Option<Topic>, (Gauge, Gauge)>,
}

impl Gauges {
    /// Shows what was read. What is unknown is not a number.
    fn show(&mut self, backlog: Option<&[Backlog]>) {
        let Some(backlog) = backlog else {
            for (lag, age) in self.topics.values() {
                lag.set(f64::NAN);
                age.set(f64::NAN);
            }
            return;
        };
        let now = SystemTime::now();
        let mut sums: HashMap<Option<Topic>, (u64, Duration)> = HashMap::new();
        for one in backlog {
            let topic = self.shown(one.topic.as_ref());
            let (lag, age) = sums.entry(topic).or_default();
            *lag += one.messages;
            let since = one
                .oldest
                .and_then(|oldest| now.duration_since(oldest).ok());
            *age = since.unwrap_or_default().max(*age);
        }
        // A topic that is gone has nothing left.
        for topic in self.topics.keys() {
            sums.entry(topic.clone()).or_default();
        }
        for (topic, (messages, oldest)) in sums {
            let (lag, age) = self.gauges(topic);
            lag.set(f64::from(u32::try_from(messages).unwrap_or(u32::MAX)));
            age.set(oldest.as_secs_f64());
        }
    }

    /// Returns the topic under which one is shown.
    fn shown(&self, topic: Option<&Topic>) -> Option<Topic> {
        let topic = topic.cloned();
        if self.topics.contains_key(&topic) || self.topics.len() < MOST_TOPICS {
            return topic;
        }
        Topic::try_from(OTHER.to_owned()).ok()
    }

    fn gauges(&mut self, topic: Option<Topic>) -> &(Gauge, Gauge) {
        let labels = match &topic {
            Some(topic) => with_topic(&self.labels, topic.as_str()),
            None => self.labels.clone(),
        };
        self.topics.entry(topic).or_insert_with(|| {
            let lag = metrics::gauge!(LAG, labels.clone());
            (lag, metrics::gauge!(OLDEST, labels.clone()))
        })
    }
}
