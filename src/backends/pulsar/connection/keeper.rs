//! Subscriptions that keep the messages of internal topics: a topic without one is emptied, then deleted.

use super::{
    consumer::{Consumer, ConsumerSpec, Start},
    handle::Connection,
    names::KEEPER,
    topic_directory::TopicInfo,
    topics,
};
use crate::{
    backends::pulsar::{codec::protocol::SubType, error::is_in_use},
    event::Group,
    transport::{ErrorKind, Result},
};

/// A subscription that keeps what is stored in a topic.
#[derive(Debug, Clone)]
pub(crate) struct Keeper {
    subscription: String,
    sub_type: SubType,
}

impl Keeper {
    /// Returns that of internal topics. Only one consumer opens it at a time.
    pub(crate) fn internal() -> Self {
        Self {
            subscription: KEEPER.to_owned(),
            sub_type: SubType::Exclusive,
        }
    }

    /// Returns that of a group's retries. Its type is that of their consumers, which it does not keep out then.
    pub(crate) fn of_retries(group: &Group, of_topic: SubType) -> Self {
        Self {
            subscription: group.as_str().to_owned(),
            sub_type: retry_type(of_topic),
        }
    }

    /// Creates the subscription of a log that exists, unless it is there.
    pub(crate) async fn ensure(&self, connection: &Connection, log: &str) -> Result<()> {
        let spec = ConsumerSpec {
            sub_type: self.sub_type,
            ..keeper(log.to_owned(), &self.subscription)
        };
        match Consumer::subscribe(connection, &spec).await {
            Ok(consumer) => consumer.handle.close().await,
            Err(refused) if is_in_use(&refused) => Ok(()),
            Err(failed) => Err(failed),
        }
    }

    async fn ensure_all(&self, connection: &Connection, info: TopicInfo) -> Result<()> {
        for (log, _) in info.logs() {
            self.ensure(connection, &log).await?;
        }
        Ok(())
    }
}

/// Creates a topic with the subscription that keeps its messages. Reports whether the topic is new.
pub(crate) async fn keep(connection: &Connection, name: &str) -> Result<bool> {
    keep_for(connection, name, &Keeper::internal()).await
}

/// The same for another subscription.
pub(crate) async fn keep_for(connection: &Connection, name: &str, keeper: &Keeper) -> Result<bool> {
    let known = topics::find_name(connection, name).await?;
    if let Some(info) = known {
        match keeper.ensure_all(connection, info).await {
            // It was known, and deleted since.
            Err(gone) if gone.kind() == ErrorKind::NotFound => connection.topics.forget(name),
            kept => return kept.map(|()| false),
        }
    }
    topics::create_name(connection, name).await?;
    keeper.ensure(connection, name).await?;
    Ok(true)
}

/// Returns the type of subscriptions of retries, which wait for their time in the broker: only shared ones do.
pub(crate) fn retry_type(of_topic: SubType) -> SubType {
    match of_topic {
        SubType::Exclusive | SubType::Failover => SubType::Shared,
        shared => shared,
    }
}

/// Returns the consumer that alone holds the subscription of a log.
pub(crate) fn keeper(log: String, subscription: &str) -> ConsumerSpec {
    ConsumerSpec {
        log,
        subscription: subscription.to_owned(),
        sub_type: SubType::Exclusive,
        is_durable: true,
        start: Start::Earliest,
        create: false,
        properties: Vec::new(),
    }
}
