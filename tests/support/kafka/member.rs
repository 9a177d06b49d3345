//! A member of a group that another client would be.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rdkafka::{
    ClientConfig, ClientContext,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance},
};

use crate::wait::wait_while;

/// How long a poll waits when nothing comes.
const PAUSE: Duration = Duration::from_millis(20);

/// A member; dropped, it ends, and leaves its group unless it has a name there.
pub struct Member {
    client: Arc<BaseConsumer<Counter>>,
    rebalances: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Counter(Arc<AtomicUsize>);

impl ClientContext for Counter {}

impl ConsumerContext for Counter {
    fn post_rebalance(&self, _: &BaseConsumer<Self>, _: &Rebalance<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Member {
    /// Joins a group, and returns once it was assigned this many partitions. It does not poll afterwards, so its group
    /// waits for it at the next rebalance.
    pub fn join(
        address: &str,
        group: &str,
        settings: &[(&str, &str)],
        topics: &[&str],
        partitions: usize,
    ) -> Self {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", address)
            .set("group.id", group);
        for (name, value) in settings {
            config.set(*name, *value);
        }
        let rebalances = Arc::<AtomicUsize>::default();
        let counter = Counter(Arc::clone(&rebalances));
        let client: BaseConsumer<_> = config.create_with_context(counter).unwrap();
        client.subscribe(topics).unwrap();
        wait_while(|| {
            let _ = client.poll(PAUSE);
            client.assignment().unwrap().count() < partitions
        });
        Self {
            client: Arc::new(client),
            rebalances,
            is_over: Arc::default(),
            thread: None,
        }
    }

    /// Polls until it is dropped.
    #[must_use]
    pub fn polling(mut self) -> Self {
        let (client, is_over) = (Arc::clone(&self.client), Arc::clone(&self.is_over));
        self.thread = Some(thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                let _ = client.poll(PAUSE);
            }
        }));
        self
    }

    /// Returns how often the group shared out its partitions.
    pub fn rebalances(&self) -> usize {
        self.rebalances.load(Ordering::Relaxed)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
