//! Stores, events and the program, prepared outside what is measured.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use protoflow::{
    backends::{OpenOptions, Registry},
    event::Message,
    transport::{Outgoing, Transport},
};
use tempfile::TempDir;

use crate::{
    events::TOPIC,
    program::{self, block_on},
};

/// A folder for one benchmark.
pub struct Setup {
    folder: TempDir,
}

impl Setup {
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
pub fn settle(path: &Path) {
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

/// Returns the program, quiet, on a store.
pub fn pf(store: &Path, arguments: &[&str]) -> Command {
    program::pf(&url(store), store.parent().unwrap(), arguments)
}
