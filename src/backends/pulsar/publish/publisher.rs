//! Publishing without batches, each message with a result of its own: a producer per partition keeps a window in flight.

use std::{collections::HashMap, sync::Arc, time::SystemTime};

use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::sync::Mutex;

use super::partition::of_key;
use crate::{
    backends::pulsar::{
        codec::{message::Outbound, properties::Marks},
        connection::{
            handle::Connection, names, producer::Producer, topic_directory::TopicInfo, topics,
        },
        error::{SCHEME, error, exclusive_delay},
    },
    event::Topic,
    failpoint,
    transport::{ErrorKind, Outgoing, Receipt, Result, ScheduleId, TransportError},
};

/// Publishes messages.
#[derive(Debug)]
pub(crate) struct Publisher {
    connection: Arc<Connection>,
    /// Held while a batch is enqueued, so that batches keep the order of their calls.
    targets: Mutex<HashMap<Topic, Target>>,
}

/// A topic that messages go to.
#[derive(Debug)]
struct Target {
    info: TopicInfo,
    /// The producer of each partition that was used.
    producers: HashMap<u32, Producer>,
    /// Where the next message without a key goes.
    next: u32,
}

type Sending = BoxFuture<'static, Result<Receipt>>;

impl Publisher {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        Self {
            connection: Arc::clone(connection),
            targets: Mutex::default(),
        }
    }

    /// Stores a batch. The future must not be dropped by a caller that needs the results.
    pub(crate) async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        let mut sendings = Vec::with_capacity(batch.len());
        {
            let mut targets = self.targets.lock().await;
            if let Err(refused) = self.check_delays(&batch) {
                return refused.for_each(batch.len());
            }
            let limit = match self.connection.any().await {
                Ok(link) => link.max_message_size,
                Err(failed) => return failed.for_each(batch.len()),
            };
            for outgoing in batch {
                sendings.push(self.enqueue(&mut targets, outgoing, limit).await);
            }
        }
        failpoint::reach("pulsar.sent");
        let mut results = Vec::with_capacity(sendings.len());
        for sending in sendings {
            results.push(match sending {
                Ok(sending) => sending.await,
                Err(refused) => Err(refused),
            });
        }
        failpoint::reach("pulsar.confirmed");
        results
    }

    /// Refuses a delay before anything is stored, where consumers would get the message at once.
    fn check_delays(&self, batch: &[Outgoing]) -> Result<()> {
        let now = SystemTime::now();
        let is_delayed = batch.iter().any(|one| one.due.is_some_and(|due| due > now));
        if is_delayed && !self.connection.config.is_shared() {
            return Err(exclusive_delay());
        }
        Ok(())
    }

    async fn enqueue(
        &self,
        targets: &mut HashMap<Topic, Target>,
        outgoing: Outgoing,
        limit: usize,
    ) -> Result<Sending> {
        outgoing.refuse_dedup(SCHEME)?;
        let topic = outgoing.message.topic.clone();
        let mut outbound = Outbound::new(&outgoing.message, &Marks::default())?;
        let due = outgoing.due.filter(|due| *due > SystemTime::now());
        if let Some(due) = due {
            outbound.deliver_at(due);
        }
        check_size(&outbound, limit)?;
        if !targets.contains_key(&topic) {
            let target = Target {
                info: topics::find(&self.connection, &topic).await?,
                producers: HashMap::new(),
                next: fastrand::u32(..),
            };
            targets.insert(topic.clone(), target);
        }
        let Some(target) = targets.get_mut(&topic) else {
            return Err(TransportError::unanswered(SCHEME));
        };
        let (partition, sending) = target.send(&self.connection, outbound);
        Ok(async move {
            let id = sending.await?.map(|mut id| {
                id.partition = partition;
                id
            });
            let stored = id.map(|id| id.position(&topic));
            let (position, schedule) = match due {
                Some(_) => (None, stored.map(|id| ScheduleId(id.as_str().to_owned()))),
                None => (stored, None),
            };
            Ok(Receipt {
                position,
                schedule,
                duplicate: false,
            })
        }
        .boxed())
    }
}

impl Target {
    fn send(
        &mut self,
        connection: &Arc<Connection>,
        outbound: Outbound,
    ) -> (
        i32,
        impl Future<Output = crate::backends::pulsar::connection::producer_task::Sent> + use<>,
    ) {
        let number = self.info.partitions.map(|count| {
            if let Some(key) = outbound.routing_key() {
                return of_key(key, count);
            }
            self.next = self.next.wrapping_add(1);
            self.next % count.max(1)
        });
        let log = match number {
            Some(number) => names::partition(&self.info.name, number),
            None => self.info.name.clone(),
        };
        let producer = self.producers.entry(number.unwrap_or(0));
        let producer = producer.or_insert_with(|| Producer::new(connection, log));
        let partition = number.map_or(-1, u32::cast_signed);
        (partition, producer.send(outbound))
    }
}

/// Refuses a message that the broker would refuse by closing the connection.
fn check_size(outbound: &Outbound, limit: usize) -> Result<()> {
    let size = outbound.size();
    if size <= limit {
        return Ok(());
    }
    let message = format!("the message has {size} bytes; the broker accepts {limit}");
    Err(error(ErrorKind::TooLarge, message)
        .hint("`maxMessageSize` in the configuration of the brokers and bookies sets the limit"))
}
