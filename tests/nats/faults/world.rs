//! A server, a stream on it, and the programs that use it.

use std::{process::Command, time::Duration};

use test_support::{
    nats::{Broker, Raw},
    programs::{Programs, Publishing},
};

/// How long a delivery belongs to a consumer of which nothing is heard.
const ACK_WAIT: Duration = Duration::from_secs(5);

/// Answers each event with `$ANSWER` and notes that it did.
const WORKER: &str = r#"#!/bin/sh
while read -r line; do
    id=${line#*\"id\":\"}; id=${id%%\"*}
    echo "$id" >> "$HANDLED"
    case "$id" in
        held*) echo "{\"id\":\"$id\",\"action\":\"retry\",\"after\":\"1h\"}" ;;
        bad*[036]) echo "{\"id\":\"$id\",\"action\":\"dead_letter\",\"reason\":\"refused\"}" ;;
        *) echo "{\"id\":\"$id\",$ANSWER}" ;;
    esac
done
"#;

pub(crate) struct World {
    pub(crate) broker: Broker,
    pub(crate) raw: Raw,
    pub(crate) programs: Programs,
    url: String,
}

impl World {
    /// Starts a server with a stream as `--create` makes it, and a group that reads its orders.
    pub(crate) fn new() -> Self {
        let world = Self::without_stream(&[]);
        world.raw.make(world.raw.prepared());
        world.raw.make_group("billing", "order", ACK_WAIT);
        world
    }

    /// Starts a server without any stream.
    pub(crate) fn without_stream(options: &[&str]) -> Self {
        Self::on(Broker::start_with(options))
    }

    /// Uses a server that runs.
    pub(crate) fn on(broker: Broker) -> Self {
        let raw = Raw::new(&broker.url(""), "SHOP");
        Self {
            url: broker.url("SHOP"),
            broker,
            raw,
            programs: Programs::new(&[("worker", WORKER)]),
        }
    }

    /// Returns the server's address.
    pub(crate) fn address(&self) -> String {
        let url = self.broker.url("");
        let address = url.trim_start_matches("nats://").trim_end_matches('/');
        address.to_owned()
    }

    /// Lets programs from now on reach the server by another way.
    pub(crate) fn reach_by(&mut self, address: &str) {
        self.url = format!("nats://{address}/SHOP");
    }

    /// Prepares `pf` on the stream; its worker acknowledges each event.
    pub(crate) fn pf(&self, arguments: &[&str]) -> Command {
        let mut command = self.programs.pf(&self.url, arguments);
        command.env("ANSWER", r#""action":"ack""#);
        command
    }

    /// Prepares a consumer of orders that handles them by the worker.
    pub(crate) fn consumer(&self, arguments: &[&str]) -> Command {
        let mut command = self.pf(&["consume", "order", "--group", "billing", "--worker", "-q"]);
        command
            .args(arguments)
            .arg("--")
            .arg(self.programs.path("worker"));
        command
    }

    /// Returns the ids that the worker saw, in order.
    pub(crate) fn handled(&self) -> Vec<String> {
        self.programs.handled()
    }

    /// Starts to publish events with ids of that beginning; notes the receipts.
    pub(crate) fn publish(&self, start: &str, count: usize, more: &[&str]) -> Publishing {
        self.publish_by_key(start, count, 0, more)
    }

    /// Does the same with events of so many keys, if any.
    pub(crate) fn publish_by_key(
        &self,
        start: &str,
        count: usize,
        keys: usize,
        more: &[&str],
    ) -> Publishing {
        let key = |number: usize| Some(format!("k{}", number.checked_rem(keys)?));
        self.programs.publish(&self.url, start, count, more, key)
    }

    /// Publishes events and waits until all are stored.
    pub(crate) fn fill(&self, start: &str, count: usize) {
        self.publish(start, count, &[]).succeeded(count);
    }

    /// Kills the server, starts it again.
    pub(crate) fn restart_server(&self) {
        self.broker.kill();
        self.broker.restart();
    }
}
