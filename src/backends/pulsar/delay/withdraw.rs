//! Acknowledging a message for all subscriptions, without being sent it.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    backends::pulsar::{
        codec::{message_id::MessageId, protocol::SubType},
        connection::{
            admin,
            consumer::{Consumer, ConsumerSpec, Start},
            handle::Connection,
        },
    },
    transport::{ErrorKind, Result},
};

/// Returns the durable subscriptions of a log, each with the type under which it can be joined. One that delivers in its order
/// alone is left out while it has consumers: it delivers delayed messages at once.
async fn subscriptions(connection: &Connection, log: &str) -> Result<Vec<(String, SubType)>> {
    let path = format!("{}/stats", admin::path_of(log));
    let stats = admin::get(connection, &path).await?.unwrap_or_default();
    let all = stats["subscriptions"].as_object();
    let joined = all
        .into_iter()
        .flatten()
        .filter_map(|(name, subscription)| {
            let sub_type = type_of(subscription)?;
            Some((name.clone(), sub_type))
        });
    Ok(joined.collect())
}

fn type_of(subscription: &Value) -> Option<SubType> {
    let is_durable = subscription["durable"].as_bool().unwrap_or(true);
    let consumers = subscription["consumers"].as_array();
    let is_used = consumers.is_some_and(|consumers| !consumers.is_empty());
    let sub_type = match subscription["type"].as_str().unwrap_or_default() {
        "Shared" => SubType::Shared,
        "Exclusive" | "Failover" if is_used => return None,
        _ => SubType::KeyShared,
    };
    is_durable.then_some(sub_type)
}

/// Acknowledges a message for each subscription of its log.
pub(super) async fn withdraw(connection: &Arc<Connection>, log: &str, id: MessageId) -> Result<()> {
    for (subscription, sub_type) in subscriptions(connection, log).await? {
        let spec = ConsumerSpec {
            log: log.to_owned(),
            subscription,
            sub_type,
            is_durable: true,
            start: Start::Latest,
            create: false,
            properties: Vec::new(),
        };
        let consumer = match Consumer::subscribe(connection, &spec).await {
            // It was removed meanwhile.
            Err(gone) if gone.kind() == ErrorKind::NotFound => continue,
            consumer => consumer?,
        };
        consumer.handle.ack(vec![id]).await?;
        consumer.handle.close().await?;
    }
    Ok(())
}
