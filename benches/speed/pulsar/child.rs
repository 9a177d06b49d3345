//! What runs in a process of its own.

use crate::{
    handler::{self, Idle},
    program::block_on,
    raw::pulsar::Raw,
};

/// Plays a role on a broker.
pub fn play(mut arguments: impl Iterator<Item = String>) {
    let mut next = || arguments.next().unwrap();
    let (role, address, with) = (next(), next(), next());
    match role.as_str() {
        "tail" => block_on(async { Raw::connect(&address).await.tail(&with).await }),
        "publish" => publish(&address, &with, &next()),
        _ => handler::work(&with, &role, Idle::of_role(&role)),
    }
}

/// Publishes one event with as little as the client needs.
fn publish(address: &str, topic: &str, data: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let raw = Raw::connect(address).await;
        raw.publish(topic, &[data.as_bytes().to_vec()]).await;
    });
}
