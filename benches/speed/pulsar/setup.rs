//! A broker with namespaces and dead letters, prepared outside what is measured.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use test_support::pulsar::Broker;

use crate::{
    events::TOPIC,
    handler::{Idle, consume},
    program::{self, block_on, open},
    raw::pulsar::Raw,
};

/// The group of the dead letters.
pub const GROUP: &str = "bench";

/// A broker for one benchmark, with a namespace for each round of ours and one for the raw side.
pub struct Setup {
    broker: Broker,
    raw: String,
    ours: Vec<String>,
    folder: TempDir,
}

impl Setup {
    /// Starts a broker with namespaces for so many rounds.
    pub fn new(rounds: usize) -> Self {
        let broker = Broker::start();
        let namespace = || {
            let name = broker.namespace();
            let path = format!("namespaces/{name}/retention");
            let all = r#"{"retentionTimeInMinutes":-1,"retentionSizeInMB":-1}"#;
            broker.admin().must("POST", &path, all);
            name
        };
        let setup = Self {
            raw: namespace(),
            ours: (0..rounds).map(|_| namespace()).collect(),
            folder: TempDir::new().unwrap(),
            broker,
        };
        for round in 0..rounds {
            setup.create(&setup.ours(round));
            setup.create(&setup.raw_topic(round));
        }
        setup
    }

    /// Starts a broker whose topics of the first round hold these events.
    pub fn filled(payloads: &[Vec<u8>]) -> Self {
        let setup = Self::new(1);
        setup.raw(async |raw| {
            raw.publish(&setup.ours(0), payloads).await;
            raw.publish(&setup.raw_topic(0), payloads).await;
        });
        setup
    }

    fn create(&self, topic: &str) {
        self.broker.admin().must("PUT", &path(topic), "");
    }

    /// Returns the path of a file here.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home().join(name)
    }

    fn home(&self) -> &Path {
        self.folder.path()
    }

    /// Returns our topic of a round.
    pub fn ours(&self, round: usize) -> String {
        self.in_round(round, TOPIC)
    }

    /// Returns the topic of our dead letters of a round.
    pub fn our_letters(&self, round: usize) -> String {
        self.in_round(round, &format!("{TOPIC}-{GROUP}-DLQ"))
    }

    /// Returns the topic to which our dead letters of a round are replayed.
    pub fn our_replays(&self, round: usize) -> String {
        self.in_round(round, &format!("{TOPIC}-{GROUP}-RETRY"))
    }

    /// Returns a topic of ours in a round.
    pub fn in_round(&self, round: usize, topic: &str) -> String {
        format!("persistent://{}/{topic}", self.ours[round])
    }

    /// Returns the raw side's topic of a round.
    pub fn raw_topic(&self, round: usize) -> String {
        format!("persistent://{}/raw{round}", self.raw)
    }

    /// Returns the URL of our topics of a round.
    pub fn url(&self, round: usize) -> String {
        self.broker.url(&self.ours[round])
    }

    /// Works with a client that knows nothing of ours.
    pub fn raw<T>(&self, work: impl AsyncFnOnce(&Raw) -> T) -> T {
        block_on(async { work(&Raw::connect(&self.broker.address()).await).await })
    }

    /// Returns the program, quiet, on our topics of a round.
    pub fn pf(&self, round: usize, arguments: &[&str]) -> Command {
        program::pf(&self.url(round), self.home(), arguments)
    }

    /// Returns the benchmark itself as a child, with what its role works on.
    pub fn child(&self, role: &str, with: &str) -> Command {
        let mut child = program::child("--pulsar-child", role, &self.broker.address());
        child.arg(with);
        child
    }

    /// Counts the messages that were stored in a topic, each an entry of its own.
    pub fn count(&self, topic: &str) -> usize {
        let stats = self.ask(topic, "internalStats");
        usize::try_from(stats["numberOfEntries"].as_u64().unwrap()).unwrap()
    }

    /// Returns how many messages of a topic a group has not acknowledged.
    pub fn backlog(&self, topic: &str, group: &str) -> u64 {
        let stats = self.ask(topic, "stats?getPreciseBacklog=true");
        stats["subscriptions"][group]["msgBacklog"]
            .as_u64()
            .unwrap()
    }

    fn ask(&self, topic: &str, what: &str) -> serde_json::Value {
        let path = format!("{}/{what}", path(topic));
        serde_json::from_str(&self.broker.admin().must("GET", &path, "")).unwrap()
    }

    /// Publishes events to our topic of a round and lets a group give all of them up.
    pub fn letters(&self, round: usize, payloads: &[Vec<u8>]) {
        self.raw(async |raw| raw.publish(&self.ours(round), payloads).await);
        let (_, summary) = block_on(async {
            let transport = open(&self.url(round)).await;
            let consumed = consume(transport.clone(), GROUP, Idle::DEADLY).await;
            transport.close().await.unwrap();
            consumed
        });
        Idle::DEADLY.check(&summary, payloads.len() as u64);
    }
}

/// Returns the path of a topic in the admin API.
fn path(topic: &str) -> String {
    topic.replacen("://", "/", 1)
}
