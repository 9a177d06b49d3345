//! What runs in a process of its own.

use super::setup::{OURS, RAW, subject};
use crate::{
    handler::{self, Idle},
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
        _ => handler::work(&format!("{server}/{OURS}"), &role, Idle::of_role(&role)),
    }
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
