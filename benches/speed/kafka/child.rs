//! What runs in a process of its own.

use super::setup::{RAW, open, prefix};
use crate::{
    handler::{Idle, consume},
    program::block_on,
    raw::kafka::Raw,
};

/// Plays a role on a broker.
pub fn play(mut arguments: impl Iterator<Item = String>) {
    let role = arguments.next().unwrap();
    let server = arguments.next().unwrap();
    match role.as_str() {
        "publish" => Raw::new(&server).publish_once(RAW, &arguments.next().unwrap()),
        "consume-messages" => work(&server, &role, Idle::MESSAGES),
        "consume-events" => work(&server, &role, Idle::EVENTS),
        "consume-mixed" => work(&server, &role, Idle::MIXED),
        other => panic!("there is no role `{other}`"),
    }
}

/// Consumes everything in a group that has the name of the role.
fn work(server: &str, role: &str, handler: Idle) {
    block_on(async {
        let url = format!("kafka://{server}/?partitions=6&prefix={}", prefix(0));
        let transport = open(&url).await;
        consume(transport.clone(), role, handler).await;
        transport.close().await.unwrap();
    });
}
