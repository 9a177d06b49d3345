//! A broker of its own, a topic of orders on it, and the programs that use them.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use test_support::{
    programs::{Programs, Publishing},
    pulsar::Broker,
    wait::until,
};

use crate::raw::Raw;

/// Answers each event, after `$SLOW` seconds, and notes that it did.
const WORKER: &str = r#"#!/bin/sh
while read -r line; do
    id=${line#*\"id\":\"}; id=${id%%\"*}
    [ -z "$SLOW" ] || sleep "$SLOW"
    echo "$id" >> "$HANDLED"
    answer='"action":"ack"'
    case "$id" in
        held*) answer='"action":"retry","after":"1h"' ;;
    esac
    echo "{\"id\":\"$id\",$answer}"
done
"#;

pub(crate) struct World {
    pub(crate) broker: Broker,
    pub(crate) namespace: String,
    programs: Programs,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::on(Broker::start())
    }

    pub(crate) fn on(broker: Broker) -> Self {
        let world = Self {
            namespace: broker.namespace(),
            broker,
            programs: Programs::new(&[("worker", WORKER)]),
        };
        world.create_topic();
        world
    }

    /// Creates the topic with a subscription: without one it is emptied.
    fn create_topic(&self) {
        let topic = format!("persistent/{}/order", self.namespace);
        self.broker.admin().must("PUT", &topic, "");
        let keeper = format!("{topic}/subscription/keeper");
        self.broker.admin().must("PUT", &keeper, "");
    }

    /// Deletes the namespace with its topics, whoever uses them.
    pub(crate) fn delete_namespace(&self) {
        let path = format!("/admin/v2/namespaces/{}?force=true", self.namespace);
        until("the namespace is deleted", || {
            let asked = self.broker.admin().ask("DELETE", &path, "");
            asked.is_ok_and(|(status, _)| (200..300).contains(&status) || status == 404)
        });
    }

    /// Creates the namespace and its topic again.
    pub(crate) fn create_namespace(&self) {
        let name = self.namespace.rsplit('/').next().unwrap();
        self.broker.admin().create_namespace(name);
        self.create_topic();
    }

    pub(crate) fn pf(&self, arguments: &[&str]) -> Command {
        self.programs.pf(&self.url(), arguments)
    }

    fn url(&self) -> String {
        self.broker.url(&self.namespace)
    }

    /// Kills the broker and starts it again.
    pub(crate) fn restart_broker(&self) {
        self.broker.kill();
        self.broker.restart();
    }

    /// Takes the topic away from its broker, which gets it back at once.
    pub(crate) fn unload(&self) {
        let path = format!("persistent/{}/order/unload", self.namespace);
        self.broker.admin().must("PUT", &path, "");
    }

    /// Has each acknowledgement stored at once, rather than every second.
    pub(crate) fn store_each_acknowledgement(&self) {
        let path = format!("namespaces/{}/persistence", self.namespace);
        let policy = r#"{"bookkeeperEnsemble":1,"bookkeeperWriteQuorum":1,"bookkeeperAckQuorum":1,"managedLedgerMaxMarkDeleteRate":0}"#;
        self.broker.admin().must("POST", &path, policy);
        self.unload();
    }

    /// Publishes as other clients do, each event after a delay, if it has one.
    pub(crate) fn publish_delayed(&self, events: &[(String, Option<Duration>)]) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let raw = Raw::new(&self.broker.address(), &self.namespace).await;
            raw.delayed("order", events).await;
        });
    }

    /// Starts to publish events with ids of that beginning.
    pub(crate) fn publish(&self, start: &str, count: usize, more: &[&str]) -> Publishing {
        let key = |number: usize| Some(format!("k{}", number % 97));
        self.programs.publish(&self.url(), start, count, more, key)
    }

    /// Prepares a consumer of orders that handles them by the worker.
    pub(crate) fn consumer(&self, arguments: &[&str]) -> Command {
        let consume = ["consume", "order", "--group", "billing", "--worker", "-q"];
        let mut command = self.programs.pf(&self.url(), &consume);
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

    /// Returns the number of messages that were stored since the broker started last.
    pub(crate) fn stored(&self) -> u64 {
        self.stats("order")["subscriptions"]["keeper"]["msgBacklog"]
            .as_u64()
            .unwrap_or(0)
    }

    /// Returns how many entries the group has not acknowledged.
    pub(crate) fn backlog(&self, topic: &str) -> u64 {
        let stats = self.stats(topic);
        let backlog = &stats["subscriptions"]["billing"]["msgBacklog"];
        backlog.as_u64().unwrap_or(u64::MAX)
    }

    /// Cancels the delayed event of this id.
    pub(crate) fn cancel(&self, id: &str) {
        let output = |arguments: &[&str]| {
            let mut command = self.pf(arguments);
            command.stdout(Stdio::piped()).output().unwrap()
        };
        let listed = output(&["schedule", "list", "-o", "json"]);
        assert!(listed.status.success(), "{listed:?}");
        let listed = String::from_utf8(listed.stdout).unwrap();
        let lines = listed
            .lines()
            .map(serde_json::from_str::<serde_json::Value>);
        let found = lines
            .map(Result::unwrap)
            .find(|line| line["event"]["id"] == id);
        let found = found.unwrap_or_else(|| panic!("{id} is not listed"));
        let cancelled = output(&[
            "schedule",
            "cancel",
            found["schedule"]["id"].as_str().unwrap(),
        ]);
        assert!(cancelled.status.success(), "{cancelled:?}");
    }

    /// Returns how many consumers of the group are connected.
    pub(crate) fn members(&self, topic: &str) -> usize {
        let stats = self.stats(topic);
        let members = stats["subscriptions"]["billing"]["consumers"].as_array();
        members.map_or(0, Vec::len)
    }

    pub(crate) fn stats(&self, topic: &str) -> serde_json::Value {
        let path = format!(
            "/admin/v2/persistent/{}/{topic}/stats?getPreciseBacklog=true",
            self.namespace
        );
        let answer = self.broker.admin().ask("GET", &path, "");
        let body = answer.map(|(_, body)| body).unwrap_or_default();
        serde_json::from_str(&body).unwrap_or_default()
    }

    /// Returns the ids of the orders that another client reads.
    pub(crate) fn orders(&self) -> Vec<String> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let all = runtime.block_on(async {
            let raw = Raw::new(&self.broker.address(), &self.namespace).await;
            raw.read("order").await
        });
        let id = |payload: &Vec<u8>| {
            let event: serde_json::Value = serde_json::from_slice(payload).unwrap();
            event["id"].as_str().unwrap().to_owned()
        };
        all.iter().map(id).collect()
    }
}
