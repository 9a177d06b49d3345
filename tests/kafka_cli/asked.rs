//! What Kafka's own tools would ask of a broker and do to it.

use std::time::Duration;

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, ResourceSpecifier},
    client::DefaultClientContext,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
};

use crate::shop::Shop;

const PATIENCE: Duration = Duration::from_secs(30);

fn config(shop: &Shop) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", shop.address());
    config
}

/// Returns a setting of a topic.
pub(crate) fn setting(shop: &Shop, topic: &str, name: &str) -> String {
    let client: AdminClient<DefaultClientContext> = config(shop).create().unwrap();
    let options = AdminOptions::new().request_timeout(Some(PATIENCE));
    let which = ResourceSpecifier::Topic(topic);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let answers = runtime.block_on(client.describe_configs([&which], &options));
    let resource = answers.unwrap().remove(0).unwrap();
    resource.get(name).unwrap().value.clone().unwrap()
}

/// Commits that a group has read the first partition of a topic up to an offset.
pub(crate) fn commit(shop: &Shop, group: &str, topic: &str, offset: i64) {
    let client: BaseConsumer = config(shop).set("group.id", group).create().unwrap();
    let mut place = TopicPartitionList::new();
    let offset = Offset::Offset(offset);
    place.add_partition_offset(topic, 0, offset).unwrap();
    client.commit(&place, CommitMode::Sync).unwrap();
}
