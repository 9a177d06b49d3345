//! What Kafka's own tools would ask of a broker and do to it.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, ResourceSpecifier},
    client::DefaultClientContext,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
};

use super::shop::Shop;

const TIMEOUT: Duration = Duration::from_secs(30);

fn config(shop: &Shop) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", shop.address());
    config
}

/// Returns a setting of a topic.
pub(crate) fn setting(shop: &Shop, topic: &str, name: &str) -> String {
    let client: AdminClient<DefaultClientContext> = config(shop).create().unwrap();
    let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
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

/// What an ACL is about, how it names that, and what it allows.
pub(crate) const TOPIC: u8 = 2;
pub(crate) const GROUP: u8 = 3;
pub(crate) const CLUSTER: u8 = 4;
pub(crate) const LITERAL: u8 = 3;
pub(crate) const PREFIXED: u8 = 4;
pub(crate) const ALL: u8 = 2;
pub(crate) const READ: u8 = 3;
pub(crate) const CREATE: u8 = 5;
pub(crate) const DESCRIBE: u8 = 8;

/// Lets a user do something, and nobody else: `CreateAcls`, for which the client has no call.
pub(crate) fn allow_only(
    address: &str,
    (resource, name, pattern): (u8, &str, u8),
    (user, operation): (&str, u8),
) {
    let text = |text: &str| {
        let length = i16::try_from(text.len()).unwrap();
        [&length.to_be_bytes()[..], text.as_bytes()].concat()
    };
    let allow = 3;
    let mut request = vec![0, 30, 0, 1, 0, 0, 0, 7];
    request.extend(text("test"));
    request.extend(1_i32.to_be_bytes());
    request.push(resource);
    request.extend(text(name));
    request.push(pattern);
    request.extend(text(user));
    request.extend(text("*"));
    request.extend([operation, allow]);
    let mut connection = TcpStream::connect(address).unwrap();
    let length = i32::try_from(request.len()).unwrap();
    connection.write_all(&length.to_be_bytes()).unwrap();
    connection.write_all(&request).unwrap();
    let mut answer = [0; 18];
    connection.read_exact(&mut answer).unwrap();
    assert_eq!(answer[16..], [0, 0], "{answer:?}");
}
