//! What runs in a process of its own.

use super::setup::{OURS, RAW, open, subject};
use crate::{
    handler::{Idle, consume},
    program::block_on,
    raw::nats::Raw,
};

/// Plays a role on a server.
pub fn play(mut arguments: impl Iterator<Item = String>) {
    let role = arguments.next().unwrap();
    let server = arguments.next().unwrap();
    match role.as_str() {
        "tail" => block_on(async {
            let raw = Raw::connect(&server).await;
            raw.tail(OURS, &subject(OURS)).await;
        }),
        "publish" => publish(&server, &arguments.next().unwrap()),
        "consume-messages" => work(&server, &role, Idle::MESSAGES),
        "consume-events" => work(&server, &role, Idle::EVENTS),
        "consume-mixed" => work(&server, &role, Idle::MIXED),
        "bury" => work(&server, &role, Idle::DEADLY),
        other => panic!("there is no role `{other}`"),
    }
}

/// Consumes everything in a group that has the name of the role.
fn work(server: &str, role: &str, handler: Idle) {
    block_on(async {
        let transport = open(&format!("{server}/{OURS}")).await;
        consume(transport.clone(), role, handler).await;
        transport.close().await.unwrap();
    });
}

/// Publishes one event with as little as the client needs.
fn publish(server: &str, data: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let raw = Raw::connect(server).await;
        raw.publish(&subject(RAW), &[data.as_bytes().to_vec()])
            .await;
    });
}
