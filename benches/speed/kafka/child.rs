//! What runs in a process of its own.

use super::setup::{RAW, prefix};
use crate::{
    handler::{self, Idle},
    raw::kafka::Raw,
};

/// Plays a role on a broker.
pub fn play(mut arguments: impl Iterator<Item = String>) {
    let role = arguments.next().unwrap();
    let server = arguments.next().unwrap();
    if role == "publish" {
        return Raw::new(&server).publish_once(RAW, &arguments.next().unwrap());
    }
    let url = format!("kafka://{server}/?partitions=6&prefix={}", prefix(0));
    handler::work(&url, &role, Idle::of_role(&role));
}
