//! Stores, events and the program, prepared outside what is measured.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use protoflow::{
    backends::{OpenOptions, Registry},
    event::Message,
    transport::{Outgoing, Transport},
};
use tempfile::TempDir;

pub const TOPIC: &str = "order.created";

/// Returns a structured event of 280 bytes.
pub fn event(number: usize) -> Vec<u8> {
    let mut text = format!(
        r#"{{"specversion":"1.0","id":"01M80FJS9VRRG20{number:011}","source":"/shop/checkout","type":"{TOPIC}","time":"2026-11-22T01:57:54.107Z","datacontenttype":"application/json","data":{{"order":"{number:011}","total":129.5,"note":""#
    )
    .into_bytes();
    text.resize(280 - 3, b'x');
    text.extend_from_slice(br#""}}"#);
    text
}

/// Returns so many events.
pub fn events(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(event).collect()
}

/// A folder for one benchmark.
pub struct Stage {
    folder: TempDir,
}

impl Stage {
    pub fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    /// Returns the path of a file here.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a store without events.
    pub fn empty_store(&self, name: &str) -> PathBuf {
        self.store(name, &[])
    }

    /// Makes a store that holds these payloads.
    pub fn store(&self, name: &str, payloads: &[Vec<u8>]) -> PathBuf {
        let path = self.path(name);
        remove(&path);
        block_on(async {
            let transport = open(&path).await;
            transport.create(&TOPIC.parse().unwrap()).await.unwrap();
            for chunk in payloads.chunks(1000) {
                let batch = chunk.iter().map(|payload| outgoing(payload)).collect();
                for result in transport.publish(batch).await {
                    result.unwrap();
                }
            }
            transport.close().await.unwrap();
        });
        settle(&path);
        path
    }

    /// Copies a store, so that a round starts from the same bytes.
    pub fn copy(&self, from: &Path, name: &str) -> PathBuf {
        let path = self.path(name);
        remove(&path);
        fs::copy(from, &path).unwrap();
        path
    }
}

/// Returns the message that `pf publish` makes of an event.
fn outgoing(payload: &[u8]) -> Outgoing {
    let mut message = Message::new(TOPIC.parse().unwrap(), payload.to_vec());
    let content_type = Some("application/cloudevents+json".into());
    message.headers.push("content-type", content_type);
    message.into()
}

fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", path.display()));
    }
}

/// Moves the write-ahead log into the file, so that the file alone is the store.
fn settle(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
}

/// Opens a store with the library.
pub async fn open(path: &Path) -> Arc<dyn Transport> {
    let url = url(path).parse().unwrap();
    Registry::builtin()
        .open(
            &url,
            OpenOptions {
                create: true,
                ..OpenOptions::default()
            },
        )
        .await
        .unwrap()
}

/// Returns the URL of a store.
pub fn url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

/// Runs a future as a library user's program would.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Returns the program, quiet, on a store.
pub fn pf(store: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pf"));
    command
        .args(arguments)
        .args(["--quiet", "--url", &url(store)]);
    command.env("HOME", store.parent().unwrap());
    command.stderr(Stdio::inherit());
    command
}
