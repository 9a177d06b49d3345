//! A broker, the topics of a shop on it, and the programs that use them.

use std::{
    collections::{BTreeMap, HashSet},
    ops::Deref,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use test_support::{
    kafka::{Broker, Raw, records::Stored, settled::unsettled},
    programs::{Programs, Publishing},
};

/// Answers each event, after `$SLOW` seconds, and notes that it did. Two of ten bad ones die unless it is mended.
const WORKER: &str = r#"#!/bin/sh
while read -r line; do
    id=${line#*\"id\":\"}; id=${id%%\"*}
    [ -z "$SLOW" ] || sleep "$SLOW"
    echo "$id" >> "$HANDLED"
    answer='"action":"ack"'
    case "$id" in
        bad*[36]) [ -n "$MENDED" ] || answer='"action":"dead_letter","reason":"refused"' ;;
        held*) answer='"action":"retry","after":"1h"' ;;
    esac
    echo "{\"id\":\"$id\",$answer}"
done
"#;

/// A broker of one's own, or that of other tests too.
enum Server {
    Own(Broker),
    Shared(&'static Broker),
}

impl Deref for Server {
    type Target = Broker;

    fn deref(&self) -> &Broker {
        match self {
            Self::Own(broker) => broker,
            Self::Shared(broker) => broker,
        }
    }
}

pub(crate) struct World {
    server: Server,
    pub(crate) raw: Raw,
    pub(crate) programs: Programs,
    prefix: String,
    /// Parameters of the URL beside the prefix.
    parameters: String,
}

impl World {
    /// Starts a broker of its own, which may be killed, with a topic of orders.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// Starts a broker of its own with these settings.
    pub(crate) fn with(settings: &[&str]) -> Self {
        Self::on(Server::Own(Broker::start_with(settings)))
    }

    /// Takes a part of the broker that other tests use too.
    pub(crate) fn shared() -> Self {
        Self::on(Server::Shared(Broker::shared()))
    }

    fn on(server: Server) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let world = Self {
            raw: Raw::new(server.address()),
            server,
            programs: Programs::new(&[("worker", WORKER)]),
            prefix: format!("world{}.", NEXT.fetch_add(1, Ordering::Relaxed)),
            parameters: "partitions=3".to_owned(),
        };
        world.raw.make(&world.name("order"), 3, &[]);
        world
    }

    /// Adds a parameter to the URL, as in `max.poll.interval.ms=6000`.
    pub(crate) fn set(&mut self, parameter: &str) {
        self.parameters = format!("{}&{parameter}", self.parameters);
    }

    /// Returns Kafka's name of a topic.
    pub(crate) fn name(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// Returns the name of the group.
    pub(crate) fn group(&self) -> String {
        format!("billing-{}", self.prefix.trim_end_matches('.'))
    }

    /// Prepares `pf` on the topics of the shop.
    pub(crate) fn pf(&self, arguments: &[&str]) -> Command {
        self.programs.pf(&self.url(), arguments)
    }

    fn url(&self) -> String {
        let parameters = format!("prefix={}&{}", self.prefix, self.parameters);
        self.server.url(&parameters)
    }

    /// Prepares a consumer of orders that handles them by the worker.
    pub(crate) fn consumer(&self, arguments: &[&str]) -> Command {
        let group = self.group();
        let mut command = self.pf(&["consume", "order", "--group", &group, "--worker", "-q"]);
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

    /// Counts the orders that readers of what is committed see now.
    pub(crate) fn visible(&self) -> usize {
        let orders = self.raw.rest(&self.name("order"), &BTreeMap::new());
        orders.iter().map(Stored::id).collect::<HashSet<_>>().len()
    }

    /// Returns the ids of the orders that readers of what is committed see, once no transaction is open any more.
    pub(crate) fn orders(&self) -> Vec<String> {
        let orders = self.raw.topic(&self.name("order"));
        orders.iter().map(Stored::id).collect()
    }

    /// Returns the dead letters as they are stored.
    pub(crate) fn letters(&self) -> Vec<Stored> {
        self.raw.topic(&self.name("order.dlq"))
    }

    /// Counts the orders that the group has not settled.
    pub(crate) fn unsettled(&self) -> usize {
        unsettled(&self.raw, &self.group(), &self.name("order")).len()
    }

    /// Counts what the group has put off.
    pub(crate) fn put_off(&self) -> usize {
        let retries = self.retries();
        retries.map_or(0, |retries| self.raw.latest(&retries).len())
    }

    /// Returns Kafka's name of the topic of the group's retries of orders, if it is there.
    fn retries(&self) -> Option<String> {
        let start = self.name(&format!("pf.{}.order.", self.group()));
        self.raw.retries(&start)
    }

    /// Counts the letters that were replayed to the group.
    pub(crate) fn replayed(&self) -> usize {
        let Some(retries) = self.retries() else {
            return 0;
        };
        let records = self.raw.rest(&retries, &BTreeMap::new()).into_iter();
        let replays = records.filter(|record| record.key().starts_with("replay/"));
        replays
            .map(|record| record.key)
            .collect::<HashSet<_>>()
            .len()
    }

    /// Counts what waits for its time.
    pub(crate) fn scheduled(&self) -> usize {
        self.raw.latest(&self.name("pf.delay")).len()
    }

    /// Starts to publish events with ids of that beginning; notes the receipts. No key has always the same last digit:
    /// at the end events of a few keys may be left, and most of them are to live.
    pub(crate) fn publish(&self, start: &str, count: usize, more: &[&str]) -> Publishing {
        self.publish_keyed(start, count, more, |number| format!("k{}", number % 97))
    }

    /// Starts to publish events with keys; notes the receipts.
    pub(crate) fn publish_keyed(
        &self,
        start: &str,
        count: usize,
        more: &[&str],
        key: impl Fn(usize) -> String,
    ) -> Publishing {
        let key = |number| Some(key(number));
        self.programs.publish(&self.url(), start, count, more, key)
    }

    /// Publishes events and waits until all are stored.
    pub(crate) fn fill(&self, start: &str, count: usize) {
        self.publish(start, count, &[]).succeeded(count);
    }

    /// Kills the broker and starts it again.
    pub(crate) fn restart_server(&self) {
        self.server.kill();
        self.server.restart();
    }
}
