//! A producer of one log, whose task keeps a window of messages in flight.

use std::sync::Arc;

use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    handle::Connection,
    keeper::Keeper,
    producer_task::{Item, Opened, ProducerSpec, Sent, Session, Worker},
    retry::RIDE_OUT,
};
use crate::{
    backends::pulsar::{
        codec::message::Outbound,
        error::{error, outcome_unknown},
    },
    transport::{ErrorKind, Result},
};

/// A producer of a log.
#[derive(Debug)]
pub(crate) struct Producer {
    queue: mpsc::UnboundedSender<Item>,
    task: AbortOnDropHandle<()>,
}

impl Producer {
    /// Creates a producer under a name of its own, which connects with the first message.
    pub(crate) fn new(connection: &Arc<Connection>, log: String) -> Self {
        let (queue, items) = mpsc::unbounded_channel();
        let worker = Worker::new(connection, log, items, ProducerSpec::default());
        Self::start(queue, worker, None)
    }

    /// The same for an internal topic, whose messages a subscription keeps.
    pub(crate) fn kept(connection: &Arc<Connection>, log: String, keeper: Keeper) -> Self {
        let (queue, items) = mpsc::unbounded_channel();
        let spec = ProducerSpec {
            keeper: Some(keeper),
            ..ProducerSpec::default()
        };
        let worker = Worker::new(connection, log, items, spec);
        Self::start(queue, worker, None)
    }

    /// Connects a producer, and returns what the broker says of it.
    pub(crate) async fn open(
        connection: &Arc<Connection>,
        log: String,
        spec: ProducerSpec,
    ) -> Result<(Self, Opened)> {
        let (queue, items) = mpsc::unbounded_channel();
        let mut worker = Worker::new(connection, log, items, spec);
        let session = worker.open().await?;
        let opened = worker.opened;
        Ok((Self::start(queue, worker, Some(session)), opened))
    }

    fn start(queue: mpsc::UnboundedSender<Item>, worker: Worker, session: Option<Session>) -> Self {
        Self {
            queue,
            task: AbortOnDropHandle::new(tokio::spawn(worker.run(session))),
        }
    }

    /// Enqueues a message behind the earlier ones. The result arrives once it is known.
    pub(crate) fn send(&self, outbound: Outbound) -> impl Future<Output = Sent> + use<> {
        self.enqueue(outbound, None)
    }

    /// The same under a number, which must be higher than those of the messages before.
    pub(crate) fn send_numbered(
        &self,
        outbound: Outbound,
        sequence: u64,
    ) -> impl Future<Output = Sent> + use<> {
        self.enqueue(outbound, Some(sequence))
    }

    fn enqueue(
        &self,
        outbound: Outbound,
        sequence: Option<u64>,
    ) -> impl Future<Output = Sent> + use<> {
        let (done, result) = oneshot::channel();
        let item = Item {
            outbound,
            sequence,
            deadline: Instant::now() + RIDE_OUT,
            was_sent: false,
            entries: 0,
            done,
        };
        let is_queued = self.queue.send(item).is_ok();
        async move {
            match result.await {
                Ok(result) => result,
                Err(_) if is_queued => Err(outcome_unknown("the producer was closed")),
                Err(_) => Err(error(ErrorKind::Other, "the producer was closed")),
            }
        }
    }

    /// Closes it on the broker once everything has its result.
    pub(crate) async fn close(self) {
        let Self { queue, task } = self;
        drop(queue);
        // A worker that panicked has nothing to close.
        let _ = task.await;
    }
}
