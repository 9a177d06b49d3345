//! A server with streams and letters, prepared outside what is measured.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use test_support::nats::Broker;

use crate::{
    events::TOPIC,
    handler::{Fates, Idle, consume},
    program::{self, block_on, open},
    raw::nats::{Parcel, Raw, Shop, own_headers},
};

/// The streams of the two sides. Ours has two of its own beside it, which the raw side has too.
pub const OURS: &str = "OURS";
pub const RAW: &str = "RAW";
pub const OUR_LETTERS: &str = "OURS_DLQ";
/// The stream of the state of triage.
pub const OUR_STATE: &str = "OURS_PF";
pub const RAW_LETTERS: &str = "RAWDLQ";
pub const OUR_RUNS: &str = "OURS_PF";
pub const RAW_RUNS: &str = "RAWRUNS";

/// A server for one benchmark.
pub struct Setup {
    server: Broker,
    folder: TempDir,
}

impl Setup {
    /// Starts a server with two streams.
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let setup = Self {
            server: Broker::start(),
            folder,
        };
        setup.raw(async |raw| {
            raw.make_stream(OURS).await;
            raw.make_stream(RAW).await;
            raw.make_place(RAW_LETTERS, -1).await;
            raw.make_place(RAW_RUNS, 1).await;
        });
        setup
    }

    /// Starts a server whose streams hold these events.
    pub fn filled(payloads: &[Vec<u8>]) -> Self {
        let setup = Self::new();
        setup.fill(payloads);
        setup
    }

    /// Adds events to both streams.
    pub fn fill(&self, payloads: &[Vec<u8>]) {
        self.raw(async |raw| {
            raw.publish(&subject(OURS), payloads).await;
            raw.publish(&subject(RAW), payloads).await;
        });
    }

    /// Returns the path of a file here.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home().join(name)
    }

    fn home(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the URL of our stream.
    pub fn url(&self) -> String {
        self.server.url(OURS)
    }

    /// Returns the URL of the server.
    pub fn server(&self) -> String {
        format!("nats://{}", self.server.address())
    }

    /// Works with a connection that knows nothing of ours.
    pub fn raw<T>(&self, work: impl AsyncFnOnce(&Raw) -> T) -> T {
        block_on(async { work(&Raw::connect(&self.server()).await).await })
    }

    /// Returns the program, quiet, on our stream.
    pub fn pf(&self, arguments: &[&str]) -> Command {
        program::pf(&self.url(), self.home(), arguments)
    }

    /// Returns the benchmark itself as a child on this server.
    pub fn child(&self, role: &str) -> Command {
        program::child("--child", role, &self.server())
    }

    /// Lets all events of our stream die, and returns the letters so that they can be stored again.
    pub fn letters(&self, events: usize) -> Vec<Parcel> {
        let (_, summary) =
            block_on(async { consume(open(&self.url()).await, "bench", Idle::DEADLY).await });
        Idle::DEADLY.check(&summary, events as u64);
        let mut letters = Vec::with_capacity(events);
        self.raw(async |raw| {
            raw.scan(OUR_LETTERS, ">", async |message| {
                let headers = own_headers(&message);
                letters.push((
                    message.subject.to_string(),
                    headers,
                    message.payload.clone(),
                ));
            })
            .await;
        });
        assert_eq!(letters.len(), events);
        letters
    }
}

/// Returns the subject of the topic in a stream.
pub fn subject(stream: &str) -> String {
    format!("{stream}.{TOPIC}")
}

/// Returns where a group of the raw side works.
pub fn shop<'a>(group: &'a str, subject: &'a str, fates: Fates) -> Shop<'a> {
    Shop {
        name: RAW,
        group,
        subject,
        letters: RAW_LETTERS,
        runs: RAW_RUNS,
        fates,
    }
}
