//! A broker with topics and letters, prepared outside what is measured.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use test_support::kafka::Broker;

use crate::{
    events::TOPIC,
    handler::{Idle, consume},
    program::{self, block_on, open},
    raw::kafka::{Raw, Shop},
};

/// The topic of the raw side, and what it keeps beside it.
pub const RAW: &str = "raw.order.created";
pub const RAW_LETTERS: &str = "raw.order.created.dlq";
pub const RAW_RETRIES: &str = "raw.retries";

/// A broker for one benchmark.
pub struct Setup {
    broker: Broker,
    folder: TempDir,
}

impl Setup {
    /// Starts a broker with a topic for each side.
    pub fn new() -> Self {
        let setup = Self {
            broker: Broker::start(),
            folder: TempDir::new().unwrap(),
        };
        let raw = setup.raw();
        for topic in [&*ours(0), RAW, RAW_LETTERS, RAW_RETRIES] {
            raw.make(topic, &[]);
        }
        setup
    }

    /// Starts a broker whose topics hold these events.
    pub fn filled(payloads: &[Vec<u8>]) -> Self {
        let setup = Self::new();
        setup.raw().publish(&ours(0), payloads);
        setup.raw().publish(RAW, payloads);
        setup
    }

    /// Returns the path of a file here.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home().join(name)
    }

    fn home(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the address of the broker.
    pub fn server(&self) -> String {
        self.broker.address()
    }

    /// Returns the URL of our topics of a round.
    pub fn url(&self, round: usize) -> String {
        self.broker.url(&parameters(round))
    }

    /// Returns a client that knows nothing of ours.
    pub fn raw(&self) -> Raw {
        Raw::new(&self.server())
    }

    /// Returns the program, quiet, on our topics of a round.
    pub fn pf(&self, round: usize, arguments: &[&str]) -> Command {
        program::pf(&self.url(round), self.home(), arguments)
    }

    /// Returns the benchmark itself as a child on this broker.
    pub fn child(&self, role: &str) -> Command {
        program::child("--kafka-child", role, &self.server())
    }

    /// Makes our topic of a round and lets these events die in it.
    pub fn letters(&self, round: usize, payloads: &[Vec<u8>]) {
        if round > 0 {
            self.raw().make(&ours(round), &[]);
        }
        self.raw().publish(&ours(round), payloads);
        let url = self.url(round);
        let (_, summary) = block_on(async {
            let transport = open(&url).await;
            let consumed = consume(transport.clone(), "bench", Idle::DEADLY).await;
            transport.close().await.unwrap();
            consumed
        });
        Idle::DEADLY.check(&summary, payloads.len() as u64);
    }
}

/// Returns what stands before our topics of a round.
pub fn prefix(round: usize) -> String {
    format!("r{round}.")
}

/// Returns our topic of a round.
pub fn ours(round: usize) -> String {
    format!("{}{TOPIC}", prefix(round))
}

/// Returns the topic of our letters of a round.
pub fn our_letters(round: usize) -> String {
    format!("{}.dlq", ours(round))
}

fn parameters(round: usize) -> String {
    format!("partitions=6&prefix={}", prefix(round))
}

/// Returns where a group of the raw side works.
pub fn shop(group: &str, handler: Idle) -> Shop<'_> {
    Shop {
        group,
        topic: RAW,
        letters: RAW_LETTERS,
        retries: RAW_RETRIES,
        fates: handler.fates,
    }
}
